#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translate the test sentences in many ways; all must give the reference's ids.

    utils/check_reference.py --attn build/bin/attn
    utils/check_reference.py --attn build/bin/attn --limit 100 --target-cpus haswell

Runs every combination of beam size, batch size, threads and target. Outputs
must be the same for all of one beam size, and as test/reference gives them but
for ties; see compare_translations.py.
"""
import argparse
import itertools
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "test/reference/test"
MODEL = ROOT / "models/tatoeba-en-fr"
# Beam size -> (reference, sentences that may be ties).
EXPECTED = {1: ("test.greedy.ids", 2), 4: ("test.beam4.ids", 5)}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default="attn")
    parser.add_argument("--limit", type=int, help="only the first N sentences")
    parser.add_argument("--beam-sizes", type=int, nargs="+", default=[1, 4], choices=EXPECTED)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 7, 64])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--target-cpus", nargs="+", default=["native"])
    return parser.parse_args()


def write_head(source, target, limit):
    lines = source.read_text().splitlines(keepends=True)[:limit]
    target.write_text("".join(lines))


def check(arguments, folder, beam_size):
    """Returns how many combinations went wrong."""
    reference, ties = EXPECTED[beam_size]
    source, expected = folder / "source.ids", folder / "expected.ids"
    write_head(REFERENCE / "test.src.ids", source, arguments.limit)
    write_head(REFERENCE / reference, expected, arguments.limit)
    first, failures = None, 0
    for target, batch_size, threads in itertools.product(
        arguments.target_cpus, arguments.batch_sizes, arguments.threads
    ):
        output = folder / "actual.ids"
        subprocess.run(
            [
                arguments.attn, "translate", "--model", MODEL,
                "--input-format", "ids", "--output-format", "ids",
                "--input", source, "--output", output,
                "--beam-size", str(beam_size), "--batch-size", str(batch_size),
                "--threads", str(threads), "--target-cpu", target,
            ],
            check=True,
        )  # fmt: skip
        text = output.read_text()
        print(f"{target}, beam {beam_size}, batch {batch_size}, {threads} threads: ", end="", flush=True)
        if first is None:
            first = text
            command = [
                sys.executable, ROOT / "utils/compare_translations.py",
                "--attn", arguments.attn, "--model", MODEL, "--source", source,
                "--all-but", str(ties), output, expected,
            ]  # fmt: skip
            command += ["--beam"] if beam_size > 1 else []
            failures += subprocess.run(command).returncode != 0
        else:
            print("the same" if text == first else "not the same", flush=True)
            failures += text != first
    return failures


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        failures = sum(
            check(arguments, pathlib.Path(folder), beam_size)
            for beam_size in arguments.beam_sizes
        )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
