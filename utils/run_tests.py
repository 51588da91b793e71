#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Build everything, run check-attn and end with a line "N passed, N failed".

    utils/run_tests.py build

Counts every lit test and every GoogleTest case, from lit's own results file.
The exit status is that of check-attn.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

PASSED = {"PASS", "FLAKYPASS", "XFAIL"}
NOT_RUN = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=pathlib.Path, help="configured build tree")
    build = parser.parse_args().build.resolve()
    results = build / "test-results.json"
    results.unlink(missing_ok=True)

    build_status = subprocess.run(["ninja", "-C", str(build)]).returncode
    if build_status:
        print("error: the build failed; no test was run", file=sys.stderr)
        return build_status
    options = f"{os.environ.get('LIT_OPTS', '')} --output {results}"
    status = subprocess.run(
        ["ninja", "-C", str(build), "check-attn"],
        env={**os.environ, "LIT_OPTS": options},
    ).returncode
    if not results.exists():
        print("error: lit wrote no results; the tests did not run", file=sys.stderr)
        return status or 1

    codes = collections.Counter(
        test["code"] for test in json.loads(results.read_text())["tests"]
    )
    passed = sum(codes[code] for code in PASSED)
    not_run = sum(codes[code] for code in NOT_RUN)
    failed = sum(codes.values()) - passed - not_run
    if not_run:
        print(f"{not_run} not run on this machine")
    print(f"{passed} passed, {failed} failed", flush=True)
    return status or (1 if failed or not passed else 0)


if __name__ == "__main__":
    sys.exit(main())
