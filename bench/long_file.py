#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translate a long file, watch memory and output meanwhile, and interrupt it.

    bench/long_file.py                                # writes docs/Performance.md
    bench/long_file.py --lines 40000 --alone          # sooner, prints only
    bench/long_file.py --text FILE                    # other sentences, one a line

Without --text, lines are the sentences of test/reference/test, again and again in a
random order. `attn translate` and CTranslate2 translate all of them with the shipped
model, greedily, in f32. They take turns of some seconds, between which they are stopped,
so that a noisy machine is noisy for both. CTranslate2 gets sentences that are cut into
pieces already, and writes pieces. Fails where `attn`

- takes more memory than after a tenth of the lines, plus 8 MB;
- writes a line that is not the translation of its own, or at the end what could be
  written before: each tenth of the lines in a fifth of the time;
- draws a progress bar where there is no terminal, or none on a terminal;
- interrupted, leaves anything but whole lines, the first ones of the translation.
"""

import argparse
import contextlib
import itertools
import json
import math
import os
import pathlib
import pty
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import machine
import sections
import translation_bench
import translation_engines
from kernels import enter_environment
from translation_cases import REFERENCE, ROOT, SHIPPED, Case
from turns import Turns, add_options

BENCH = pathlib.Path(__file__).resolve().parent
TEMPLATE = BENCH / "long_file.md.in"
WORKER = BENCH / "peers/file_worker.py"
TURN_SECONDS, SAMPLE_SECONDS = 10, 0.1
# Memory is to be steady after this share of the lines.
WARM, MOST_GROWTH_MB = 0.1, 8
BAR = rb"lines [^\r]*/s [^\r]*% \[[^\r]*\] [^\r]* left"


def parse_arguments():
    parser = machine.make_parser(__doc__)
    parser.add_argument("--alone", action="store_true", help="without CTranslate2")
    parser.add_argument("--text", type=pathlib.Path, metavar="FILE")
    parser.add_argument(
        "--lines", type=int, default=100_000, help="with less than 40,000, bounds mean little"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--output", type=pathlib.Path,
        help="the page to write a section of; by default docs/Performance.md, if all is "
        "as by default",
    )  # fmt: skip
    add_options(parser)
    # What was translated in a turn cannot be translated again.
    parser.set_defaults(tries=1)
    options = parser.parse_args()
    usual = (options.alone, options.text, options.lines) == (False, None, 100_000)
    if options.output is None and usual:
        options.output = ROOT / "docs/Performance.md"
    return options


def make_lines(options):
    if options.text:
        sentences = options.text.read_text(encoding="utf-8").strip("\n").split("\n")
        return list(itertools.islice(itertools.cycle(sentences), options.lines))
    table = (REFERENCE / "test.tsv").read_text(encoding="utf-8").splitlines()
    sentences = [line.split("\t")[0] for line in table]
    return random.Random(0).choices(sentences, k=options.lines)


class Run:
    """A process that translates while it is its turn; what it wrote, and a sample of
    (own seconds, lines written, MB of resident memory) now and then."""

    def __init__(self, command, **options):
        self.command, self.options, self.process = command, options, None
        self.seconds, self.count, self.chunks, self.samples = 0.0, 0, [], []

    def start(self):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(self.command, **streams, **self.options)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            self.chunks.append(chunk)
            self.count += chunk.count(b"\n")

    @property
    def output(self):
        return b"".join(self.chunks)

    def sample(self, seconds):
        """Returns whether it goes on."""
        if self.process.poll() is not None:
            return False
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        _, resident, rest = status.partition("VmRSS:")
        if resident:  # else it is about to end
            self.samples.append((seconds, self.count, int(rest.split()[0]) / 1024))
        return True

    def turn(self, seconds=math.inf, lines=math.inf):
        """Lets it go on for so long, or until so many lines are there."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGCONT) if self.process else self.start()
        while self.sample(self.seconds + time.monotonic() - begin):
            if time.monotonic() - begin > seconds or self.count >= lines:
                self.process.send_signal(signal.SIGSTOP)
                break
            time.sleep(SAMPLE_SECONDS)
        self.seconds += time.monotonic() - begin

    def close(self):
        """Ends it, wherever it is."""
        if self.process and self.goes_on:
            self.process.kill()
            self.process.wait()

    @property
    def goes_on(self):
        return self.process is None or self.process.poll() is None

    def cpu_seconds(self):
        return machine.cpu_seconds_of(self.process) if self.process and self.goes_on else 0

    def memory_mb(self):
        """After the tenth of the lines, and the most."""
        warm = max(mb for _, lines, mb in self.samples if lines <= WARM * self.count)
        return warm, max(mb for _, _, mb in self.samples)


class Engines:
    """The runs of all engines, at their beginning."""

    def __init__(self, options, lines, folder):
        self.source, self.errors = folder / "source", folder / "errors"
        self.source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.names = {"attn": "attn"}
        errors = open(self.errors, "wb")
        self.runs = {"attn": Run(self.attn(options, self.source), stderr=errors)}
        if not options.alone:
            self.runs["ctranslate2"] = self.ctranslate2(options, lines, folder)

    @staticmethod
    def attn(options, source, *more):
        return [
            options.attn, "translate", f"--model={SHIPPED}", "--beam-size=1",
            f"--threads={options.threads}", f"--input={source}", *more,
        ]  # fmt: skip

    def ctranslate2(self, options, lines, folder):
        """In the setting that translates the first lines fastest."""
        import sentencepiece

        tokenizer = sentencepiece.SentencePieceProcessor(str(SHIPPED / "source.spm"))
        pieces = [[*tokenizer.encode(line, out_type=str), "</s>"] for line in lines]
        file = folder / "pieces"
        file.write_text("".join(f"{' '.join(p)}\n" for p in pieces), encoding="utf-8")
        ids = json.loads((SHIPPED / "vocab.json").read_text(encoding="utf-8"))
        sources = [[ids.get(piece, ids["<unk>"]) for piece in p] for p in pieces[:500]]
        with contextlib.ExitStack() as stack:
            chosen = argparse.Namespace(
                **vars(options) | {"engines": ["ctranslate2"], "model": SHIPPED}
            )
            engines = translation_engines.start(chosen, folder, None, stack)
            bench = translation_bench.Bench(chosen, engines)
            case = Case("", None, 1, 32, sources)
            name = bench.choose("ctranslate2", case)[0].name
        self.names["ctranslate2"] = f"CTranslate2, {name}"
        settings, environment = translation_engines.settings_of(
            "ctranslate2", options.threads, "f32"
        )[name]
        command = [sys.executable, WORKER, folder / "ctranslate2", file]
        command += [str(settings["workers"]), str(settings["threads"])]
        return Run(command, env=os.environ | environment)


class Checks:
    """What has to hold, with what was found."""

    def __init__(self):
        self.rows, self.failed = [], False

    def add(self, what, found, reached):
        self.rows.append([what, found, sections.mark(reached)])
        self.failed |= not reached

    def memory(self, run):
        warm, most = run.memory_mb()
        self.add(
            f"memory after a tenth of the lines, and at most {MOST_GROWTH_MB} MB more",
            f"{warm:.1f} MB, {most - warm:.1f} more", most - warm <= MOST_GROWTH_MB,
        )  # fmt: skip

    def flow(self, run):
        """Each tenth of the lines comes in about a tenth of the time."""
        marks = [0.0]
        for tenth in range(1, 10):
            at = tenth * run.count / 10
            marks.append(next((s for s, lines, _ in run.samples if lines >= at), run.seconds))
        marks.append(run.seconds)
        longest = max(b - a for a, b in itertools.pairwise(marks)) / run.seconds
        self.add("share of the time in which a tenth of the lines came, at most 20%",
                 f"{longest:.0%}", longest <= 0.2)  # fmt: skip

    def order(self, options, lines, output, folder):
        """Every hundredth line, translated by itself, comes out in its place."""
        places, source = range(0, len(lines), 100), folder / "some"
        source.write_text("".join(f"{lines[i]}\n" for i in places), encoding="utf-8")
        command = Engines.attn(options, source, "--batch-size=1")
        alone = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        expected, written = alone.split(b"\n")[:-1], output.split(b"\n")[:-1]
        same = sum(map(bytes.__eq__, written[::100], expected))
        self.add("lines written, and of each hundredth those that are its translation",
                 f"{len(written):,}, {same:,} of {len(places):,}",
                 (len(written), same) == (len(lines), len(places)))  # fmt: skip

    def silence(self, engines):
        said = engines.errors.read_bytes()
        self.add("bytes on standard error, where that is no terminal", str(len(said)), not said)

    def interrupt(self, options, turns, source, whole, stack):
        """Ends a second run, on a terminal, at a fifth of the lines."""
        reader, writer = pty.openpty()
        shown = bytearray()

        def heed():  # Those that run this may ignore it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        run = Run(Engines.attn(options, source), stderr=writer, preexec_fn=heed)
        stack.callback(run.close)

        def watch():
            with contextlib.suppress(OSError):  # how a terminal ends
                while data := os.read(reader, 1 << 16):
                    shown.extend(data)

        watcher = threading.Thread(target=watch)
        watcher.start()
        while run.goes_on and run.count < options.lines // 5:
            turns.take(run.turn, TURN_SECONDS, options.lines // 5)
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGCONT)
        os.close(writer)
        run.process.wait()
        run.reader.join()
        watcher.join()
        output = run.output
        good = output.endswith(b"\n") and whole.startswith(output) and output != whole
        self.add("lines that a SIGINT left: whole ones, the first of the translation",
                 f"{run.count:,}", good and run.process.returncode == -signal.SIGINT)  # fmt: skip
        bars = re.findall(BAR, bytes(shown))
        self.add("how often a terminal showed a bar, with rate and time left",
                 str(len(bars)), len(bars) > 0)  # fmt: skip


def describe(engines, lines, same):
    rows = []
    for name, run in engines.runs.items():
        warm, most = run.memory_mb()
        first = next((seconds for seconds, count, _ in run.samples if count), run.seconds)
        rows.append(
            [engines.names[name], f"{run.seconds:.1f}", f"{len(lines) / run.seconds:.0f}",
             f"{first:.1f}", f"{warm:.0f}", f"{most:.0f}", f"{same[name]:,}"]
        )  # fmt: skip
    return sections.table(
        ["engine", "s", "lines/s", "first line after s", "MB after a tenth", "MB at most",
         "lines as attn has them"],
        rows,
    )  # fmt: skip


def count_same(engines):
    """By engine, how many lines are as attn has them."""
    texts = {name: run.output.decode().split("\n")[:-1] for name, run in engines.runs.items()}
    if "ctranslate2" in texts:
        texts["ctranslate2"] = [
            line.replace(" ", "").replace("▁", " ").strip() for line in texts["ctranslate2"]
        ]
    return {name: sum(map(str.__eq__, text, texts["attn"])) for name, text in texts.items()}


def main():
    options = parse_arguments()
    if not options.alone:
        enter_environment(options.peers, translation_engines.NEEDED)
    # Processes that wait would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lines, checks = make_lines(options), Checks()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engines = Engines(options, lines, folder)
        for run in engines.runs.values():
            stack.callback(run.close)
        turns = Turns(options, engines.runs.values())
        while any(run.goes_on for run in engines.runs.values()):
            for run in engines.runs.values():
                if run.goes_on:
                    turns.take(run.turn, TURN_SECONDS)
        for name, run in engines.runs.items():
            run.reader.join()
            if run.process.returncode:
                sys.exit(f"error: {name} failed: {engines.errors.read_text()}")
        attn = engines.runs["attn"]
        checks.memory(attn)
        checks.flow(attn)
        checks.order(options, lines, attn.output, folder)
        checks.silence(engines)
        checks.interrupt(options, turns, engines.source, attn.output, stack)
    parts = {
        "processor": machine.processor(),
        "lines": f"{len(lines):,}",
        "threads": str(options.threads),
        "turn": str(TURN_SECONDS),
        "turns": str(len(turns.shares)),
        "busy_turns": str(turns.disturbed),
        "engines": describe(engines, lines, count_same(engines)),
        "checks": sections.table(["what", "found", "reached"], checks.rows),
    }
    print(parts["processor"], parts["engines"], parts["checks"], sep="\n\n")
    if options.output:
        sections.write(options.output, TEMPLATE, parts)
    sys.exit(checks.failed)


if __name__ == "__main__":
    main()
