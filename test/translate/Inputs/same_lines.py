# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare two files line by line: same_lines.py ACTUAL EXPECTED --all-but N"""
import argparse
import pathlib
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("actual", type=pathlib.Path)
parser.add_argument("expected", type=pathlib.Path)
parser.add_argument("--all-but", type=int, default=0)
arguments = parser.parse_args()
actual = arguments.actual.read_text(encoding="utf-8").splitlines()
expected = arguments.expected.read_text(encoding="utf-8").splitlines()
if len(actual) != len(expected):
    sys.exit(f"expected {len(expected)} lines, got {len(actual)}")
different = [i for i, (a, e) in enumerate(zip(actual, expected)) if a != e]
for i in different:
    print(f"line {i + 1}: expected {expected[i]}\n{'got':>15} {actual[i]}")
if len(different) > arguments.all_but:
    sys.exit(f"{len(different)} lines differ, expected at most {arguments.all_but}")
