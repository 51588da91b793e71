#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure what bf16 and int8 cost and bring, next to CTranslate2 in int8, and write
docs/Precision.md.

    bench/setup.sh
    build/peers/bin/python bench/precision.py
"""
import argparse
import pathlib
import platform
import statistics
import subprocess
import tempfile

import ctranslate2
import sacrebleu

import quality
import translate

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
    return parser.parse_args()


def measure_speed(options, folder):
    """Medians of seconds of each engine, by case."""
    lines = (options.test / "test.src.ids").read_text().splitlines()
    engines = {}
    for beams, batch in CASES:
        chosen = lines if batch > 1 else lines[: options.single]
        case = argparse.Namespace(
            **vars(options),
            sentences=[list(map(int, line.split())) for line in chosen],
            beam_size=beams,
            batch_size=batch,
        )
        for name in ENGINES:
            own = folder / f"{name}-{beams}-{batch}"
            own.mkdir()
            engines[name, beams, batch] = translate.ENGINES[name](case, own)
    seconds = {key: [] for key in engines}
    # The first round warms up files, allocators and the code cache.
    for number in range(options.rounds + 1):
        for key, engine in engines.items():
            spent, _ = engine.translate()
            if number:
                seconds[key].append(spent)
    return {key: statistics.median(times) for key, times in seconds.items()}


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
        "CTranslate2, int8": next(folder.glob("ctranslate2-int8-*/*/model.bin")),
    }
    return "\n".join(f"| {name} | {path.stat().st_size:,} |" for name, path in files.items())


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


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
            processor=processor(),
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
