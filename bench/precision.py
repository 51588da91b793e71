#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure what bf16 and int8 cost and bring, next to other engines with as few bits,
and write docs/Precision.md.

    bench/setup.sh
    build/peers/bin/python bench/precision.py
"""
import argparse
import contextlib
import functools
import os
import pathlib
import subprocess
import tempfile

import ctranslate2
import sacrebleu

import decoding
import machine
import quality
import translation_bench
import translation_engines
from sections import table
from translation_cases import REFERENCE, SHIPPED, Case, read_ids, read_sizes
from translation_engines import is_attn
from translation_report import at_least, bandwidth, tokens_per_second
from turns import add_options

ROOT = pathlib.Path(__file__).resolve().parent.parent
# By model, engines and the numbers that they compute in; f32 is in docs/Performance.md.
SHIPPED_ENGINES = ["attn", "attn-bf16", "attn-int8", "ctranslate2-int8"]
OPUS_ENGINES = ["attn-bf16", "attn-int8", "ctranslate2-int8", "openvino-bf16", "transformers-bf16"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument("--model", type=pathlib.Path, default=SHIPPED)
    parser.add_argument("--test", type=pathlib.Path, default=REFERENCE)
    parser.add_argument(
        "--random-model", type=pathlib.Path, default=ROOT / "build/opus-size", metavar="DIR",
        help="of OPUS-MT size, made where it is missing",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--single", type=int, default=200, help="sentences one at a time")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/Precision.md")
    add_options(parser)
    return parser.parse_args()


def shipped_cases(options):
    """With AMX, integers of 8 bits should gain more."""
    sources, sizes = read_ids(options.test / "test.src.ids"), read_sizes(options.model)
    batch = 2.5 if machine.has_amx() else 2
    return [
        Case("batch-greedy", sizes, 1, 32, sources, at_least=batch),
        Case("batch-beam-4", sizes, 4, 32, sources, at_least=batch),
        Case("one-greedy", sizes, 1, 1, sources[: options.single], at_least=2),
        Case("one-beam-4", sizes, 4, 1, sources[: options.single], at_least=2),
    ]


def opus_cases(options):
    sizes, speed = read_sizes(options.random_model), 3 if machine.has_amx() else 2
    case = functools.partial(decoding.make_case, sizes, at_least=speed)
    return [
        case("batch-greedy", 1, 32, 64),
        case("batch-beam-4", 4, 32, 64),
        case("one-greedy", 1, 1, 8, bandwidth_share=0.8),
    ]


def numbers_of(name):
    """What an engine computes in."""
    return name.partition("-")[2] or "f32"


def measure(options, model, names, cases, try_every, folder):
    """By case and engine, what Bench.measure() finds."""
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(os.devnull, "w"))
        engines = {}
        for name in names:
            engine = name.partition("-")[0]
            own = folder / name
            own.mkdir(parents=True)
            chosen = argparse.Namespace(**{**vars(options), "model": model, "engines": [engine]})
            started = translation_engines.start(chosen, own, log, stack, numbers_of(name))
            engines[name] = started[engine]
        bench = translation_bench.Bench(options, engines)
        return {case.name: bench.measure(case, case.part(try_every)) for case in cases}


def ratios(cases, found):
    """The fastest of attn to the fastest other; the last two columns say what is asked
    for."""
    rows = []
    for case in cases:
        seconds = {name: result["seconds"] for name, result in found[case.name].items()}
        ours = min(filter(is_attn, seconds), key=seconds.get)
        other = min((name for name in seconds if not is_attn(name)), key=seconds.get)
        ratio = seconds[other] / seconds[ours]
        asked = at_least(ratio, case.at_least, "{:.2f}")
        rows.append([case.name, ours, other, f"{ratio:.2f}", *asked])
    return table(["case", "fastest of attn", "fastest other", "ratio", "at least", "reached"], rows)


def by_engine(cases, found, cell, titles):
    rows = [
        [name, *(cell(case, found[case.name][name]) for case in cases)]
        for name in found[cases[0].name]
    ]
    return table(["engine", *titles], rows)


def seconds_table(cases, found):
    def cell(case, result):
        if case.batch_size > 1:
            return f"{result['seconds']:.2f}"
        return f"{1000 * result['seconds'] / len(case.sources):.2f}"

    titles = ["batches, greedy, s", "batches, 4 beams, s", "one, greedy, ms", "one, 4 beams, ms"]
    return by_engine(cases, found, cell, titles)


def tokens_table(cases, found):
    def cell(case, result):
        rounds = min(result["rounds"]), max(result["rounds"])
        return (
            f"{tokens_per_second(case, result):.0f} ({rounds[0]:.3f} to {rounds[1]:.3f} s; "
            f"{result['memory_mb']:.0f} MB)"
        )

    return by_engine(cases, found, cell, [f"{case.name}, tokens/s" for case in cases])


def bandwidth_table(cases, found):
    rows = []
    for case in filter(lambda case: case.bandwidth_share, cases):
        for name in filter(is_attn, found[case.name]):
            speed, share = bandwidth(case, found[case.name][name], numbers_of(name))
            asked = at_least(share, case.bandwidth_share, "{:.0%}")
            rows.append([name, f"{speed:.1f}", f"{share:.0%}", *asked])
    return table(["engine", "GB/s", "of the bandwidth", "at least", "reached"], rows)


def peak_table(cases, found, peak):
    rows = []
    for case in filter(lambda case: case.batch_size > 1, cases):
        for name in filter(is_attn, found[case.name]):
            result, dtype = found[case.name][name], numbers_of(name)
            speed = case.flops(result["decoder_rows"], dtype) / result["seconds"] * 1e-9
            rows.append([case.name, name, f"{speed:.0f}", f"{speed / peak[dtype]:.0%}"])
    return table(["case", "engine", "billions of operations/s", "of the peak"], rows)


def size_table(options, folder):
    command = [options.attn, "quantize", options.model, "-o", folder / "attn-quantized"]
    subprocess.run(command, check=True)
    files = {
        "the checkpoint": options.model / "model.safetensors",
        "`attn quantize`": folder / "attn-quantized/model.safetensors",
        "CTranslate2, int8": folder / "shipped/ctranslate2-int8/ctranslate2/model.bin",
    }
    rows = [[name, f"{path.stat().st_size:,}"] for name, path in files.items()]
    return table(["", "bytes of the weights' file"], rows)


def main():
    options = parse_arguments()
    decoding.make_checkpoint(options.random_model)
    scored = quality.measure(
        quality.parse_arguments(
            [f"--attn={options.attn}", f"--model={options.model}", f"--test={options.test}/test.tsv"]
        )
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shipped, opus = shipped_cases(options), opus_cases(options)
        peaks = [machine.measure_peak(options.threads)]
        own = measure(options, options.model, SHIPPED_ENGINES, shipped, 8, folder / "shipped")
        peaks.append(machine.measure_peak(options.threads))
        random = measure(options, options.random_model, OPUS_ENGINES, opus, 1, folder / "opus")
        peaks.append(machine.measure_peak(options.threads))
        peak = machine.larger(*peaks)
        text = (pathlib.Path(__file__).parent / "precision.md.in").read_text().format(
            processor=machine.processor(),
            ctranslate2=ctranslate2.__version__,
            sacrebleu=sacrebleu.__version__,
            threads=options.threads,
            rounds=options.rounds,
            single=options.single,
            quality=quality.table(scored),
            speed=seconds_table(shipped, own),
            ratios=ratios(shipped, own),
            shares=peak_table(shipped, own, peak),
            opus_speed=tokens_table(opus, random),
            opus_ratios=ratios(opus, random),
            opus_shares=peak_table(opus, random, peak),
            bandwidth=bandwidth_table(opus, random),
            size=size_table(options, folder),
        )
    options.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
