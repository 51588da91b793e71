#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translate with random checkpoints, greedily, as transformers does.

    bench/setup.sh
    build/peers/bin/python utils/check_checkpoints.py FOLDER [--only opus bf16]

Writes checkpoints of several sizes and kinds to FOLDER, about 300 MB each, where
they are not there yet, and compares token ids: 20 sentences, 32 steps. Needs
NumPy, torch and transformers.
"""
import argparse
import pathlib
import subprocess
import sys

UTILS = pathlib.Path(__file__).resolve().parent
KINDS = {
    "opus": [],
    "deep": ["--layers", "24", "12"],
    "relu-f16": ["--activation", "relu", "--dtype", "f16"],
    "bf16": ["--dtype", "bf16"],
    # Whose output depends more on the input.
    "lively": ["--gain", "4"],
    "gelu": ["--activation", "gelu", "--d-model", "256", "--heads", "4"],
}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--attn", default="attn")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--steps", type=int, default=32)
    return parser.parse_args()


def check(arguments, kind):
    model = arguments.folder / kind
    if not (model / "model.safetensors").exists():
        command = [sys.executable, UTILS / "make_checkpoint.py", model]
        subprocess.run([*command, *KINDS[kind]], check=True)
    source, expected, actual, margins = (
        arguments.folder / f"{kind}.{name}"
        for name in ("source.ids", "expected.ids", "actual.ids", "margins")
    )
    length = str(arguments.steps + 1)  # The start token counts.
    if not expected.exists():
        subprocess.run(
            [
                sys.executable, UTILS / "reference_translate.py", "--model", model,
                "--random", str(arguments.sentences), "--max-length", length,
                "--write-input", source, "--output", expected, "--margins", margins,
            ],
            check=True,
        )  # fmt: skip
    subprocess.run(
        [
            arguments.attn, "translate", "--model", model, "--beam-size", "1",
            "--max-length", length, "--input-format", "ids", "--output-format", "ids",
            "--input", source, "--output", actual,
        ],
        check=True,
    )  # fmt: skip
    least = min(map(float, margins.read_text().split()))
    print(f"{kind}: least margin between two tokens {least:.1e}; ", end="", flush=True)
    command = [
        sys.executable, UTILS / "compare_translations.py", "--attn", arguments.attn,
        "--model", model, "--source", source, actual, expected,
        "--all-but", str(arguments.sentences),
    ]  # fmt: skip
    return subprocess.run(command).returncode == 0


def main():
    arguments = parse_arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sys.exit(not all([check(arguments, kind) for kind in arguments.only]))


if __name__ == "__main__":
    main()
