#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure what bf16 and int8 cost and bring, next to CTranslate2 in int8, and write
docs/Precision.md.

    bench/setup.sh
    build/peers/bin/python bench/precision.py
"""
import argparse
import contextlib
import os
import pathlib
import subprocess
import tempfile

import ctranslate2
import sacrebleu

import machine
import quality
import translation_bench
import translation_cases
import translation_engines
from turns import add_options

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENGINES = ["attn", "attn-bf16", "attn-int8", "ctranslate2-int8"]
# Beams and sentences at a time.
CASES = [(1, 32), (4, 32), (1, 1), (4, 1)]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/tatoeba-en-fr")
    parser.add_argument("--test", type=pathlib.Path, default=ROOT / "test/reference/test")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--single", type=int, default=200, help="sentences one at a time")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/Precision.md")
    add_options(parser)
    return parser.parse_args()


def measure_speed(options, folder):
    """Medians of seconds of each engine, by case."""
    sources = translation_cases.read_ids(options.test / "test.src.ids")
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(os.devnull, "w"))
        engines = {}
        for name in ENGINES:
            engine, _, dtype = name.partition("-")
            own = folder / name
            own.mkdir()
            chosen = argparse.Namespace(**vars(options), engines=[engine])
            started = translation_engines.start(chosen, own, log, stack, dtype or "f32")
            engines[name] = started[engine]
        bench = translation_bench.Bench(options, engines)
        medians = {}
        for beams, batch in CASES:
            chosen = sources if batch > 1 else sources[: options.single]
            case = translation_cases.Case("", None, beams, batch, chosen)
            for name, found in bench.measure(case, case.part(8)).items():
                medians[name, beams, batch] = found["seconds"]
    return medians


def speed_table(medians, single):
    rows = [
        "| engine | batches, greedy, s | batches, 4 beams, s | one, greedy, ms | one, 4 beams, ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in ENGINES:
        cells = [
            f"{medians[name, beams, batch]:.2f}"
            if batch > 1
            else f"{1000 * medians[name, beams, batch] / single:.2f}"
            for beams, batch in CASES
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    ratios = [
        f"{medians['ctranslate2-int8', *case] / medians['attn-int8', *case]:.2f}" for case in CASES
    ]
    return "\n".join([*rows, f"| ratio | {' | '.join(ratios)} |"])


def size_table(options, folder):
    command = [options.attn, "quantize", options.model, "-o", folder / "attn"]
    subprocess.run(command, check=True)
    files = {
        "the checkpoint": options.model / "model.safetensors",
        "`attn quantize`": folder / "attn/model.safetensors",
        "CTranslate2, int8": folder / "ctranslate2-int8/ctranslate2/model.bin",
    }
    return "\n".join(f"| {name} | {path.stat().st_size:,} |" for name, path in files.items())


def main():
    options = parse_arguments()
    scored = quality.measure(
        quality.parse_arguments(
            [f"--attn={options.attn}", f"--model={options.model}", f"--test={options.test}/test.tsv"]
        )
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        medians = measure_speed(options, folder)
        text = (pathlib.Path(__file__).parent / "precision.md.in").read_text().format(
            processor=machine.processor(),
            ctranslate2=ctranslate2.__version__,
            sacrebleu=sacrebleu.__version__,
            threads=options.threads,
            rounds=options.rounds,
            single=options.single,
            quality=quality.table(scored),
            speed=speed_table(medians, options.single),
            size=size_table(options, folder),
        )
    options.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
