# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The run of bench/decoding.py and bench/translate.py: engines take turns on each
case. What was found is kept as JSON, so that a run may go on where another ended."""

import contextlib
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile

import machine
import sections
import translation_engines
import translation_report
from kernels import enter_environment
from translation_cases import STARTS, choose
from translation_engines import NAMES, NEEDED, is_attn
from turns import Turns, add_options

ROOT = pathlib.Path(__file__).resolve().parent.parent


def make_parser(description):
    parser = machine.make_parser(description)
    parser.add_argument("--engines", nargs="+", choices=NAMES, default=[*NAMES])
    parser.add_argument(
        "--cases", nargs="+", default=["*"], help=f"names, also with *; {STARTS} are one"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--json", type=pathlib.Path, metavar="FILE",
        help="keep all figures there, and those of cases that are not measured now",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=pathlib.Path,
        help="the page to write a section of; by default docs/Performance.md, once "
        "there are figures of all cases and engines",
    )  # fmt: skip
    parser.add_argument("--log", default=os.devnull, help="what the engines say")
    add_options(parser)
    return parser


class Bench:
    def __init__(self, options, engines):
        self.options, self.engines = options, engines
        self.turns = Turns(options, [each for all in engines.values() for each in all])

    def choose(self, engine, case):
        """Returns the setting that translates fastest, and the seconds of all."""
        seconds, settings = {}, self.engines[engine]
        for setting in settings:
            # The first turn warms up files, allocators and caches of code.
            for _ in range(2):
                answer = self.turns.take(setting.translate, case)
            seconds[setting.name] = answer["seconds"]
        return min(settings, key=lambda setting: seconds[setting.name]), seconds

    def measure(self, case, tried):
        """Returns by engine its setting, seconds of each round, memory, and how many
        outputs are as expected, and where a share of it is asked for the bandwidth
        beside each round; the setting is that which is the fastest to translate
        `tried`."""
        chosen, found = {}, {}
        for name in self.engines:
            chosen[name], seconds = self.choose(name, tried)
            setting = chosen[name].name
            found[name] = {"setting": setting, "tried": seconds, "rounds": []}
        for _ in range(self.options.rounds):
            for name, setting in chosen.items():
                # The memory's bandwidth wavers: what counts is that beside the turn.
                is_bound = case.bandwidth_share and is_attn(name)
                before = self.bandwidth() if is_bound else None
                answer = self.turns.take(setting.translate, case)
                if is_bound:
                    beside = statistics.mean([before, self.bandwidth()])
                    found[name].setdefault("bandwidths", []).append(beside)
                found[name]["rounds"].append(answer["seconds"])
                kept = ("memory_mb", "same", "decoder_rows")
                found[name] |= {key: answer[key] for key in kept if key in answer}
        for result in found.values():
            result["seconds"] = statistics.median(result["rounds"])
        return found

    def bandwidth(self):
        """Of the memory, in GB/s."""
        return self.turns.peak(self.options.threads)["memory"]

    def measure_starts(self, case):
        """Returns by engine and way the seconds from its start to the first
        translation, of the setting named first."""
        found = {}
        for name, settings in self.engines.items():
            with self.turns.alone():
                ways = settings[0].start_ways(case)
            found[name] = {
                way: statistics.median(
                    self.turns.take(start) for _ in range(self.options.rounds)
                )
                for way, start in ways.items()
            }
        return found


def measure(options, chosen, start, figures, try_every):
    """Adds to the figures what is measured now."""
    # Processes that wait would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cases, with_starts = chosen
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(options.log, "w"))
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engines = translation_engines.start(options, folder, log, stack)
        bench = Bench(options, engines)
        peaks = [bench.turns.peak(options.threads)]
        for name, settings in engines.items():
            figures["versions"][name] = settings[0].version
        for case in cases:
            found = bench.measure(case, case.part(try_every))
            figures["cases"].setdefault(case.name, {}).update(found)
            print(translation_report.progress(case, figures), flush=True)
        if with_starts:
            figures["starts"].update(bench.measure_starts(start))
        peaks.append(bench.turns.peak(options.threads))
        figures["turns"] += len(bench.turns.shares)
        figures["busy_turns"] += bench.turns.disturbed
    figures["peak"] = machine.larger(*peaks, figures["peak"] or peaks[0])


def run(options, cases, start, template, try_every=1):
    """Measures what is asked for of `cases` and of translating `start` right after a
    start, prints tables, and writes a section of the page from `template`, a file
    in this folder. Settings are chosen by one in `try_every` of the sentences."""
    chosen = choose(cases, options.cases)
    setup = {
        "processor": machine.processor(), "threads": options.threads,
        "rounds": options.rounds, "tries": options.tries,
    }  # fmt: skip
    counts = {"turns": 0, "busy_turns": 0}
    figures = {**setup, **counts, "peak": {}, "versions": {}, "cases": {}, "starts": {}}
    if options.json and options.json.exists():
        figures = json.loads(options.json.read_text())
        if before := {key: figures[key] for key in setup if figures[key] != setup[key]}:
            sys.exit(f"error: {options.json} is of another run: {before}")
    measure(options, chosen, start, figures, try_every)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(translation_report.tables(cases, figures))
    measured = [figures["starts"], *(figures["cases"].get(c.name, {}) for c in cases)]
    if options.output is None and all(found.keys() == NAMES.keys() for found in measured):
        options.output = ROOT / "docs/Performance.md"
    if options.output:
        parts = translation_report.parts(cases, figures)
        sections.write(options.output, ROOT / "bench" / template, parts)


def enter(options):
    """Goes on in the virtual environment, with the engines installed."""
    enter_environment(options.peers, NEEDED)
