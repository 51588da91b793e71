#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of decoding with other engines on a model of OPUS-MT size.

    bench/decoding.py                                  # all, writes docs/Performance.md
    bench/decoding.py --cases one-greedy --engines attn ctranslate2
    bench/decoding.py --cases one-greedy --json FILE   # a part of it; the next run goes on

The weights are random: 6 + 6 layers, 512 wide, 58,101 words. Every sentence has
20 words and an end token, and every engine has to write 24 tokens. Installs the
engines into a virtual environment (bench/setup.sh) where they are missing. Each
engine first shows which of its settings is fastest for a case; then engines take
turns in one run, and are compared by the medians of their rounds. Neither
starting, loading nor compiling counts; starting is measured by itself.
"""

import functools
import pathlib
import subprocess
import sys

import translation_bench
from translation_cases import ROOT, Case, random_sentences, read_sizes

# Tokens of a sentence with its end token, and tokens that are written.
SOURCE, STEPS = 21, 24


def parse_arguments():
    parser = translation_bench.make_parser(__doc__)
    parser.add_argument(
        "--model", type=pathlib.Path, default=ROOT / "build/opus-size", metavar="DIR",
        help="the random checkpoint, made where it is missing",
    )  # fmt: skip
    return parser.parse_args()


def make_case(sizes, name, beam_size, batch_size, sentences, **asked):
    """Of so many sentences, the same at each call."""
    sources = random_sentences(sentences, 58000, SOURCE)
    return Case(name, sizes, beam_size, batch_size, sources, steps=STEPS, **asked)


def make_checkpoint(directory):
    if not (directory / "model.safetensors").exists():
        script = ROOT / "utils/make_checkpoint.py"
        subprocess.run([sys.executable, script, directory], check=True)


def main():
    options = parse_arguments()
    translation_bench.enter(options)
    make_checkpoint(options.model)
    case = functools.partial(make_case, read_sizes(options.model))
    cases = [
        case("batch-greedy", 1, 32, 64, at_least=1.8),
        case("batch-beam-4", 4, 32, 64, at_least=1.4),
        case("one-greedy", 1, 1, 8, at_least=1.3, bandwidth_share=0.85),
    ]
    translation_bench.run(options, cases, case("start", 1, 1, 1), "decoding.md.in")


if __name__ == "__main__":
    main()
