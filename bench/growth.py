#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure how the time of `attn translate` grows.

    bench/growth.py                                # writes docs/Performance.md
    bench/growth.py --axes beam vocabulary         # some, prints only
    bench/growth.py --axes beam --json FILE        # a part; the next run adds to it

With the length of sentences, the sentences of a batch, beams, and the words of the
vocabulary, each with one thread and all; the rest stays as it is. The model is the
shipped one, in f32, greedy; with other vocabularies a random one of that size
(utils/make_checkpoint.py). As many tokens are written as the source has. Counted is
translating; the median of the rounds, in which all points of an axis take turns.
Figures are kept by --json, so that rounds of several runs count.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import machine
import plot
import sections
import translation_engines
from kernels import enter_environment
from translation_cases import ROOT, SHIPPED, Case, random_sentences, read_sizes
from turns import Turns, add_options

BENCH = pathlib.Path(__file__).resolve().parent
TEMPLATE, PICTURE = BENCH / "growth.md.in", "images/growth.svg"
# Each axis: its values, and the value where another one is looked at.
AXES = {
    "length": ("tokens of a sentence", [8, 16, 32, 64, 128, 256], 16),
    "batch": ("sentences at a time", [1, 2, 4, 8, 16, 32, 64, 128, 256], 32),
    "beam": ("beams", [1, 2, 4, 8, 16], 1),
    "vocabulary": ("words", [8001, 16000, 32000, 64000, 128000], 8001),
}
COLORS = ["#c0392b", "#1f618d"]
# At least so many sentences and tokens are translated for one figure.
SENTENCES, TOKENS = 64, 2048


def parse_arguments():
    parser = machine.make_parser(__doc__)
    parser.add_argument(
        "--models", type=pathlib.Path, default=ROOT / "build/growth", metavar="DIR",
        help="the random checkpoints, made where they are missing",
    )  # fmt: skip
    parser.add_argument("--axes", nargs="+", choices=AXES, default=[*AXES])
    parser.add_argument("--threads", type=int, default=2, help="next to one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--json", type=pathlib.Path, metavar="FILE",
        help="add all figures to those that are there from other runs",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=pathlib.Path, default=ROOT / "docs/Performance.md",
        help="the page to write a section of, once there are figures of all axes",
    )  # fmt: skip
    add_options(parser)
    return parser.parse_args()


@dataclasses.dataclass(frozen=True)
class Point:
    """One value of an axis; the others are as usual."""

    length: int = AXES["length"][2]
    batch: int = AXES["batch"][2]
    beam: int = AXES["beam"][2]
    vocabulary: int = AXES["vocabulary"][2]

    def model(self, folder):
        if self.vocabulary == AXES["vocabulary"][2]:
            return SHIPPED
        return folder / str(self.vocabulary)

    @property
    def sizes(self):
        return dataclasses.replace(read_sizes(SHIPPED), words=self.vocabulary)

    def case(self, threads):
        # Each thread has batches of its own.
        count = max(SENTENCES, TOKENS // self.length, threads * self.batch)
        sources = random_sentences(count, AXES["vocabulary"][2] - 1, self.length)
        return Case("", self.sizes, self.beam, self.batch, sources, steps=self.length)

    @property
    def flops(self):
        """Multiplications and additions for a sentence; with those of attention."""
        case, sizes, length = self.case(1), self.sizes, self.length
        # Products of queries with keys, and with values.
        encoder = sizes.encoder_layers * length * length
        decoder = sizes.decoder_layers * (length * (length + 1) // 2 + length * length)
        attention = 2 * sizes.width * (encoder + self.beam * decoder)
        return case.flops(case.decoder_rows) / len(case.sources) + 2 * attention


def points(axis):
    return [Point(**{axis: value}) for value in AXES[axis][1]]


def make_checkpoint(point, folder):
    directory, sizes = point.model(folder), point.sizes
    if (directory / "model.safetensors").exists():
        return
    command = [
        sys.executable, ROOT / "utils/make_checkpoint.py", directory,
        f"--vocab={sizes.words}", f"--d-model={sizes.width}", f"--ffn={sizes.hidden}",
        "--heads=4", "--layers", str(sizes.encoder_layers), str(sizes.decoder_layers),
    ]  # fmt: skip
    subprocess.run(command, check=True)


def measure(options, axis, turns, figures, folder):
    """Adds to the figures the seconds a sentence of each point, by threads. Each turn
    is a process of its own: none warms up another one."""
    found = figures["axes"].setdefault(axis, {})
    for point in points(axis):
        make_checkpoint(point, options.models)
    for number in range(options.rounds):
        print(f"{axis}, round {number + 1} of {options.rounds}", file=sys.stderr)
        for threads in (1, options.threads):
            rounds = found.setdefault(str(threads), [[] for _ in points(axis)])
            for point, seconds in zip(points(axis), rounds, strict=True):
                chosen = argparse.Namespace(
                    attn=options.attn, model=point.model(options.models), threads=threads
                )
                engine, case = translation_engines.Attn(chosen, folder), point.case(threads)
                spent = turns.take(engine.translate, case)["seconds"]
                seconds.append(spent / len(case.sources))


def medians(axis, figures):
    """Seconds a sentence of each point, by threads: one first."""
    return {
        threads: [statistics.median(seconds) for seconds in rounds]
        for threads, rounds in figures["axes"][axis].items()
    }


def slope(xs, ys):
    """Of the straight line that is nearest to the logarithms."""
    xs, ys = [*map(math.log, xs)], [*map(math.log, ys)]
    return statistics.linear_regression(xs, ys).slope


def of_threads(threads):
    return f"{threads} thread{'s' * (threads != '1')}"


def table(axis, figures):
    label, values, _ = AXES[axis]
    found, flops = medians(axis, figures), [point.flops for point in points(axis)]
    one, many = found.values()
    rows = []
    for i, value in enumerate(values):
        slopes = ["", ""]
        if i:
            last_two = slice(i - 1, i + 1)
            slopes = [
                f"{slope(values[last_two], ys[last_two]):.2f}" for ys in (one, flops)
            ]
        share = flops[i] / one[i] * 1e-9 / figures["peaks"]["1"]
        rows.append(
            [f"{value:,}", f"{one[i] * 1e3:.2f}", f"{many[i] * 1e3:.2f}",
             f"{one[i] / many[i]:.2f}", f"{share:.0%}", *slopes]
        )  # fmt: skip
    times = [f"ms, {of_threads(threads)}" for threads in found]
    titles = [label, *times, "gain", "of the peak", "slope", "of the arithmetic"]
    return sections.table(titles, rows)


def panel(axis, figures):
    label, values, _ = AXES[axis]
    lines = []
    for (threads, seconds), color in zip(medians(axis, figures).items(), COLORS, strict=True):
        times = [(x, y * 1e3) for x, y in zip(values, seconds, strict=True)]
        lines.append(plot.Line(of_threads(threads), times, color))
    peak = figures["peaks"]["1"] * 1e9
    bound = [(x, p.flops / peak * 1e3) for x, p in zip(values, points(axis), strict=True)]
    lines.append(plot.Line("the arithmetic at the peak of one", bound, "#777", is_dashed=True))
    return plot.Panel(f"Time grows with {label}", label, "ms a sentence", lines)


def explain(figures):
    """What the text says in numbers, of one thread."""
    found = {axis: medians(axis, figures) for axis in AXES}
    peak, parts = figures["peaks"]["1"], {}
    for axis, (_, values, _) in AXES.items():
        seconds, flops = found[axis]["1"], [point.flops for point in points(axis)]
        parts[f"{axis}_slope"] = f"{slope(values, seconds):.2f}"
        # What each further one, or thousand of them, takes. One beam is another
        # search than several.
        first = 1 if axis == "beam" else 0
        spent, growth = seconds[-1] - seconds[first], flops[-1] - flops[first]
        each = spent / (values[-1] - values[first])
        parts[f"{axis}_each"] = f"{each * 1e3:.2g}"
        parts[f"{axis}_thousand"] = f"{each * 1e6:.2g}"
        parts[f"{axis}_rate"] = f"{growth / spent * 1e-9 / peak:.0%}"
        gains = [one / many for one, many in zip(*found[axis].values(), strict=True)]
        parts[f"{axis}_gain"] = f"{min(gains):.2f} to {max(gains):.2f}"
    # Reading keys and values, of all layers, of what was written and of the source.
    usual, last = AXES["length"][2], AXES["length"][1][-1]
    sizes = Point().sizes
    token_bytes = 2 * 4 * sizes.width * sizes.decoder_layers
    read = token_bytes * (last * (last + 1) // 2 + last * last)
    of_length = dict(zip(AXES["length"][1], found["length"]["1"], strict=True))
    more = of_length[last] - of_length[usual] * last / usual
    parts |= {
        "token_kb": f"{token_bytes / 1024:g}",
        "caches_mb": f"{AXES['batch'][2] * 2 * last * token_bytes / 2**20:.0f}",
        "more_ms": f"{more * 1e3:.0f}",
        "read_mb": f"{read / 2**20:.0f}",
        "read_speed": f"{read / more * 1e-9:.1f}",
    }
    # Reading weights, if there is one sentence.
    one = dataclasses.replace(Point(batch=1).case(1), sources=[[0] * usual])
    parts |= {
        "step_mb": f"{one.read_by_step() / 2**20:.0f}",
        "one_mb": f"{one.step_bytes() / 2**20:.0f}",
        "one_speed": f"{one.step_bytes() / found['batch']['1'][0] * 1e-9:.0f}",
    }
    return parts


def write(options, figures):
    count = min(len(s) for axis in figures["axes"].values() for t in axis.values() for s in t)
    parts = {name: str(figures[name]) for name in ("processor", "turns", "busy_turns")}
    parts |= {"picture": PICTURE, "tries": str(options.tries), "rounds": str(count)}
    parts |= {axis: table(axis, figures) for axis in AXES}
    sections.write(options.output, TEMPLATE, parts | explain(figures))
    picture = options.output.parent / PICTURE
    picture.parent.mkdir(exist_ok=True)
    picture.write_text(plot.draw([panel(axis, figures) for axis in AXES]))


def main():
    options = parse_arguments()
    enter_environment(options.peers, ["numpy"])
    figures = {"processor": machine.processor(), "turns": 0, "busy_turns": 0,
               "peaks": {}, "axes": {}}  # fmt: skip
    if options.json and options.json.exists():
        figures = json.loads(options.json.read_text())
        if figures["processor"] != machine.processor():
            sys.exit(f"error: {options.json} is of another machine: {figures['processor']}")
    turns = Turns(options, [])
    for threads in (1, options.threads):
        peak, before = turns.peak(threads)["f32"], figures["peaks"].get(str(threads), 0)
        figures["peaks"][str(threads)] = max(peak, before)
    with tempfile.TemporaryDirectory() as folder:
        for axis in options.axes:
            measure(options, axis, turns, figures, pathlib.Path(folder))
            print(table(axis, figures), flush=True)
    figures["turns"] += len(turns.shares)
    figures["busy_turns"] += turns.disturbed
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if figures["axes"].keys() == AXES.keys():
        write(options, figures)


if __name__ == "__main__":
    main()
