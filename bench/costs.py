#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure what starting, depth, long outputs and memory cost.

    bench/costs.py FOLDER [--attn build/bin/attn]

Writes random checkpoints to FOLDER where they are not there yet (OPUS-MT size,
and the same 24 + 12 layers deep; needs NumPy). Runs that are compared take
turns, and medians count. Prints a table with the limits; the exit status is 1
if one is passed. A busy machine gives wrong numbers: its load is in the table.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "models/tatoeba-en-fr"
CHECKPOINTS = {"opus": [], "deep": ["--layers", "24", "12"]}
MEGABYTE = 2**20


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


class Bench:
    def __init__(self, arguments):
        self.arguments, self.failed = arguments, False

    def checkpoint(self, kind):
        folder = self.arguments.folder / kind
        if not (folder / "model.safetensors").exists():
            command = [sys.executable, ROOT / "utils/make_checkpoint.py", folder]
            subprocess.run([*command, *CHECKPOINTS[kind]], check=True)
        return folder

    def run(self, model, *options, sentences=("5 9 0",)):
        """Translates lines of ids; returns --stats and the output."""
        result = subprocess.run(
            [
                self.arguments.attn, "translate", f"--model={model}", "--stats",
                "--input-format=ids", "--output-format=ids",
                f"--threads={self.arguments.threads}", *options,
            ],
            input="\n".join(sentences), capture_output=True, text=True,
        )  # fmt: skip
        if result.returncode:
            sys.exit(f"attn translate failed: {result.stderr.strip()}")
        return json.loads(result.stderr.splitlines()[-1]), result.stdout.splitlines()

    def report(self, what, value, limit, unit=""):
        passed = value <= limit
        self.failed |= not passed
        load = os.getloadavg()[0]
        print(
            f"| {what} | {value:.2f}{unit} | {limit}{unit} | "
            f"{'yes' if passed else 'NO'} | {load:.1f} |",
            flush=True,
        )

    def take_turns(self, runs):
        """Runs each by turns, once to warm up; medians of what they give."""
        values = {name: [] for name in runs}
        for number in range(self.arguments.rounds + 1):
            for name, run in runs.items():
                value = run()
                if number:
                    values[name].append(value)
        return {name: statistics.median(list) for name, list in values.items()}

    def measure_compiling(self):
        models = {"shipped": SHIPPED, **{k: self.checkpoint(k) for k in CHECKPOINTS}}

        def cold(model):
            return lambda: self.run(model, "--no-cache")[0]["compile_s"]

        seconds = self.take_turns({name: cold(model) for name, model in models.items()})
        self.report("cold compile time, shipped model", seconds["shipped"], 2, " s")
        self.report("cold compile time, OPUS-MT size", seconds["opus"], 2, " s")
        self.report(
            "cold compile time, 24+12 layers to 6+6", seconds["deep"] / seconds["opus"], 1.3
        )
        with tempfile.TemporaryDirectory() as cache:
            self.run(SHIPPED, f"--cache-dir={cache}")
            stats, _ = self.run(SHIPPED, f"--cache-dir={cache}")
            self.report("second start compiles (1) or not (0)", not stats["cached"], 0)
            self.report("second start, code from the cache", stats["compile_s"], 0.2, " s")

    def measure_starts(self):
        """From the start of the process to its end, with one sentence between."""

        def start(cache):
            begin = time.perf_counter()
            result = subprocess.run(
                [
                    self.arguments.attn, "translate", f"--model={SHIPPED}",
                    f"--cache-dir={cache}", f"--threads={self.arguments.threads}",
                    "Hello, how are you?",
                ],
                capture_output=True, text=True,
            )  # fmt: skip
            if result.returncode:
                sys.exit(f"attn translate failed: {result.stderr.strip()}")
            return (time.perf_counter() - begin) * 1000

        def cold():
            with tempfile.TemporaryDirectory() as cache:
                return start(cache)

        with tempfile.TemporaryDirectory() as cache:
            times = self.take_turns({"cold": cold, "warm": lambda: start(cache)})
        self.report("start to translation, empty cache", times["cold"], 1500, " ms")
        self.report("start to translation, code in the cache", times["warm"], 150, " ms")

    def measure_steps(self, beam_size):
        model = self.checkpoint("opus")
        generator = random.Random(0)
        sentences = [
            " ".join(str(generator.randrange(1, 58000)) for _ in range(20)) + " 0"
            for _ in range(32 // beam_size)
        ]

        def decode(steps):
            stats, lines = self.run(
                model, f"--beam-size={beam_size}", f"--max-length={steps + 1}",
                "--batch-size=32", sentences=sentences,
            )  # fmt: skip
            # The last token is the end, which is not written.
            if any(len(line.split()) != steps - 1 for line in lines):
                sys.exit("a sentence ended by itself; steps cannot be compared")
            return stats["translate_s"]

        seconds = self.take_turns({n: lambda n=n: decode(n) for n in (100, 200)})
        print(f"| 100 steps, beam {beam_size} | {seconds[100]:.2f} s | | | |")
        self.report(
            f"200 steps to 100, beam {beam_size}", seconds[200] / seconds[100], 2.6
        )

    def measure_memory(self):
        model = self.checkpoint("opus")
        weights = (model / "model.safetensors").stat().st_size / MEGABYTE
        lines = (ROOT / "test/reference/test/test.src.ids").read_text().splitlines()
        for name, options in {
            "greedy": ["--beam-size=1"],
            "beam 4": ["--beam-size=4"],
            "beam 4, compiled anew": ["--beam-size=4", "--no-cache"],
        }.items():
            stats, _ = self.run(model, "--max-length=33", *options, sentences=lines[:192])
            self.report(
                f"memory besides {weights:.0f} MB of weights, OPUS-MT size, {name}",
                stats["peak_rss_mb"] - weights, 150, " MB",
            )  # fmt: skip


def main():
    arguments = parse_arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(arguments)
    print("| what | measured | limit | within | load |\n| --- | --- | --- | --- | --- |")
    bench.measure_starts()
    bench.measure_compiling()
    bench.measure_memory()
    bench.measure_steps(1)
    bench.measure_steps(4)
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
