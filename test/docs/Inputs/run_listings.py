# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run the listings of a Markdown file and compare what they print.

    run_listings.py FILE.md --scratch DIR --build DIR --source DIR

In a ```console block a line `$ COMMAND` is followed by what COMMAND prints, on
standard output and standard error, and `\\` at its end continues it. Commands
run in DIR, which has links to the build, as `build`, and to `models` and
`examples` of the source; their exit status has to be 0. Any other block whose
preceding line ends in "`NAME`:" is first written to DIR/NAME. Blocks of other
kinds, ```sh among them, are only shown.

A line `...` stands for any lines, and `...` in a line for any text in it; all
else has to be the same.
"""
import argparse
import difflib
import pathlib
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(
    r"(?:`(?P<name>[^`\n]+)`:\n\n?)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


def commands(body):
    """Yields each command of a console block: its line, itself, what it prints."""
    command = None
    for number, line in enumerate(body.splitlines()):
        if line.startswith("$ "):
            if command is not None:
                yield start, command, printed
            start, command, printed = number, line[2:], []
        elif command is not None and not printed and command.endswith("\\"):
            command = command[:-1] + line
        elif command is not None:
            printed.append(line)
    if command is not None:
        yield start, command, printed


def same_line(expected, actual):
    pattern = ".*".join(map(re.escape, expected.split("...")))
    return re.fullmatch(pattern, actual) is not None


def equal_lines(expected, actual):
    return sum(map(same_line, expected, actual))


def difference(expected, actual):
    """Lines that say where `actual` is not as `expected`, none if it is.

    What stands between two lines `...` is looked for from where the last such
    piece ended; the first is at the beginning, the last at the end.
    """
    pieces = [[]]
    for line in expected:
        if line.strip() == "...":
            pieces.append([])
        else:
            pieces[-1].append(line)
    begin = 0
    for number, piece in enumerate(pieces):
        final = number == len(pieces) - 1
        last = len(actual) - len(piece)
        starts = range(begin, last + 1)
        if number == 0:
            # Without `...` nothing may follow.
            starts = starts if not final or last == 0 else range(0)
            starts = starts[:1]
        elif final:
            starts = starts[-1:]
        found = [s for s in starts if equal_lines(piece, actual[s:]) == len(piece)]
        if found:
            begin = found[0] + len(piece)
            continue
        # Next to what is most like it.
        likely = range(begin, max(last, begin) + 1) if number else [0]
        near = max(likely, key=lambda s: equal_lines(piece, actual[s:]))
        end = len(actual) if number == 0 and final else near + len(piece)
        got = actual[near:end]
        # A line with `...` inside is the line that it stands for.
        wanted = [next((a for a in got if same_line(w, a)), w) for w in piece]
        return list(difflib.unified_diff(wanted, got, "expected", "got", lineterm=""))
    return []


def run(path, scratch):
    """Runs the listings of `path`; returns how many commands ran and failed."""
    text = path.read_text(encoding="utf-8")
    ran = failed = 0
    for block in BLOCK.finditer(text):
        if block["kind"] != "console":
            if block["name"]:
                (scratch / block["name"]).write_text(block["body"], encoding="utf-8")
            continue
        line = text.count("\n", 0, block.start("body")) + 1
        for offset, command, expected in commands(block["body"]):
            result = subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            actual = result.stdout.decode(errors="backslashreplace").splitlines()
            problems = difference(expected, actual)
            if result.returncode:
                problems.append(f"expected exit status 0, got {result.returncode}")
            ran += 1
            if problems:
                failed += 1
                print(f"{path}:{line + offset}: $ {command}", *problems, sep="\n")
    return ran, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    for option in ["--scratch", "--build", "--source"]:
        parser.add_argument(option, type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    scratch = arguments.scratch
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / "build").symlink_to(arguments.build.resolve())
    for folder in ["models", "examples"]:
        (scratch / folder).symlink_to((arguments.source / folder).resolve())

    ran, failed = run(arguments.file, scratch)
    print(f"{ran} commands, {failed} differ")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
