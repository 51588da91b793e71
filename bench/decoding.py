#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of decoding with other engines on a model of OPUS-MT size.

    bench/decoding.py                                  # all, writes docs/Performance.md
    bench/decoding.py --cases one-greedy --engines attn ctranslate2

The weights are random: 6 + 6 layers, 512 wide, 58,101 words. Every sentence has
20 words and an end token, and every engine has to write 24 tokens. Installs the
engines into a virtual environment (bench/setup.sh) where they are missing. Each
engine first shows which of its settings is fastest for a case; then engines take
turns in one run, and are compared by the medians of their rounds. Neither
starting, loading nor compiling counts; starting is measured by itself.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from kernels import enter_environment

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
ENGINES = ["attn", "ctranslate2", "openvino", "transformers"]
# A turn during which others used more of the machine is taken again, after a while.
BUSY, TRIES, PAUSE_SECONDS = 0.05, 4, 1
NEEDED = ["torch", "transformers", "ctranslate2", "optimum.intel", "openvino"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument(
        "--peers", type=pathlib.Path, default=ROOT / "build/peers", metavar="DIR",
        help="the virtual environment, made where it is missing",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=pathlib.Path, default=ROOT / "build/opus-size", metavar="DIR",
        help="the random checkpoint, made where it is missing",
    )  # fmt: skip
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--cases", nargs="+", default=["*"], help="names, also with *")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="write all figures there")
    parser.add_argument(
        "--output", type=pathlib.Path,
        help="the page to write a section of; by default docs/Performance.md, if all "
        "cases and engines are measured",
    )  # fmt: skip
    parser.add_argument("--log", default=os.devnull, help="what the engines say")
    parser.add_argument(
        "--lock", default=os.devnull, metavar="FILE",
        help="hold this file locked during each turn, on a machine that is shared",
    )  # fmt: skip
    options = parser.parse_args()
    if options.output is None and (options.engines, options.cases) == (ENGINES, ["*"]):
        options.output = ROOT / "docs/Performance.md"
    return options


def make_checkpoint(directory):
    if not (directory / "model.safetensors").exists():
        script = ROOT / "utils/make_checkpoint.py"
        subprocess.run([sys.executable, script, directory], check=True)


class Bench:
    """Lets engines take turns, with the machine to themselves."""

    def __init__(self, options, engines):
        self.options, self.engines, self.busy = options, engines, []
        self.lock = open(options.lock, "w")
        import kernel_engines

        settings = [setting for each in engines.values() for setting in each]
        self.watch = kernel_engines.Watch(settings)

    @contextlib.contextmanager
    def alone(self):
        """Holds the file of --lock."""
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.lock, fcntl.LOCK_UN)

    def disturbed(self):
        return sum(share > BUSY for share in self.busy)

    def turn(self, function, *arguments):
        """Calls it until the machine was ours."""
        for number in range(TRIES):
            time.sleep(PAUSE_SECONDS if number else 0)
            with self.alone():
                value, others = self.watch.call(function, *arguments)
            if others <= BUSY:
                break
        self.busy.append(others)
        return value

    def measure(self, case):
        """Returns by engine its setting, seconds of each round and memory."""
        chosen, found = {}, {}
        for name, settings in self.engines.items():
            # The first turn warms up files, allocators and caches of code.
            tried = {}
            for setting in settings:
                self.turn(setting.translate, case)
                tried[setting.name] = self.turn(setting.translate, case)["seconds"]
            best = min(settings, key=lambda setting: tried[setting.name])
            chosen[name] = best
            found[name] = {"setting": best.name, "tried": tried, "rounds": []}
        for _ in range(self.options.rounds):
            for name, setting in chosen.items():
                answer = self.turn(setting.translate, case)
                found[name]["rounds"].append(answer["seconds"])
                found[name]["memory_mb"] = answer["memory_mb"]
        for result in found.values():
            result["seconds"] = statistics.median(result["rounds"])
        return found

    def measure_starts(self, case):
        """Returns by engine and way the seconds from its start to the first
        translation, of the setting named first."""
        found = {}
        for name, settings in self.engines.items():
            with self.alone():
                ways = settings[0].start_ways(case)
            found[name] = {way: [] for way in ways}
            for way, start in ways.items():
                for _ in range(self.options.rounds):
                    found[name][way].append(self.turn(start))
        return {
            name: {way: statistics.median(times) for way, times in ways.items()}
            for name, ways in found.items()
        }


def main():
    options = parse_arguments()
    enter_environment(options.peers, NEEDED)
    make_checkpoint(options.model)
    import decoding_cases
    import decoding_engines
    import decoding_report
    import kernel_bench
    import kernel_engines
    import sections

    # Processes that wait would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(options.log, "w"))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engines = decoding_engines.start(options, folder, log, stack)
        bench = Bench(options, engines)
        with bench.alone():
            peak = kernel_engines.measure_peak(options.threads)
        figures = {
            "processor": kernel_bench.processor(),
            "threads": options.threads,
            "rounds": options.rounds,
            "peak": peak,
            "versions": {n: settings[0].version for n, settings in engines.items()},
            "cases": {},
        }
        for case in decoding_cases.choose(options.cases):
            figures["cases"][case.name] = bench.measure(case)
            print(decoding_report.progress(case, figures), flush=True)
        figures["starts"] = bench.measure_starts(decoding_cases.START)
        with bench.alone():
            after = kernel_engines.measure_peak(options.threads)
        figures["turns"], figures["busy_turns"] = len(bench.busy), bench.disturbed()
        # The larger peak makes the smaller share.
        figures["peak"] = {name: max(peak[name], after[name]) for name in peak}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(decoding_report.tables(figures))
    if options.output:
        sections.write(options.output, decoding_report.section(figures))


if __name__ == "__main__":
    main()
