# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run a command that has to fail as the tools promise to.

    expect_error.py REGEX [--stdin FILE] [--output TEXT] [--absent PATH] -- COMMAND …

The exit status has to be 1, standard error one line "error: …" in which REGEX
is found, standard output empty or TEXT (with \\n for a line break), and PATH
must not exist afterwards.
"""
import argparse
import os
import re
import subprocess
import sys


def main():
    at = sys.argv.index("--")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regex")
    parser.add_argument("--stdin", default=os.devnull)
    parser.add_argument("--output", default="")
    parser.add_argument("--absent", action="append", default=[])
    arguments = parser.parse_args(sys.argv[1:at])

    with open(arguments.stdin, "rb") as stdin:
        result = subprocess.run(sys.argv[at + 1 :], stdin=stdin, capture_output=True)
    error = result.stderr.decode(errors="backslashreplace")
    output = result.stdout.decode(errors="backslashreplace")

    problems = []
    if result.returncode != 1:
        problems.append(f"expected exit status 1, got {result.returncode}")
    if len(error.splitlines()) != 1:
        problems.append(f"expected one line of error, got {len(error.splitlines())}")
    if not error.startswith("error: "):
        problems.append('expected the error to begin with "error: "')
    if not re.search(arguments.regex, error):
        problems.append(f"expected the error to match {arguments.regex!r}")
    expected = arguments.output.replace("\\n", "\n")
    if output != expected:
        problems.append(f"expected output {expected!r}, got {output[:500]!r}")
    problems += [f"{p} was left behind" for p in arguments.absent if os.path.exists(p)]
    for problem in problems:
        print(problem)
    if problems:
        print(f"standard error was: {error}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
