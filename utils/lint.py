#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check rules of the project that no compiler checks.

    utils/lint.py [--clang-format PROGRAM] [ROOT]

Prints "FILE:LINE: what is wrong" for each finding; exit status 1 if any.
"""
import argparse
import pathlib
import re
import subprocess
import sys

MAX_LINES = 600
CODE_DIRS = ["include", "lib", "python", "tools", "unittests"]
SOURCE_DIRS = CODE_DIRS + ["bench", "docs", "examples", "test", "utils", ".ci"]
SOURCE_SUFFIXES = {".cpp", ".h", ".td", ".py", ".sh"}
SPDX = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"

COMMENT = r"^\s*(?://|#|;|<!--)\s*"
# lit's own keywords look like FileCheck directives.
LIT_KEYWORDS = {
    "RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "DEFINE", "REDEFINE", "END",
    "ALLOW_RETRIES", "NOTE", "TODO", "FIXME", "COM",
}  # fmt: skip
KIND = r"(?:-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+))?(?:\{LITERAL\})?"
DIRECTIVE = re.compile(COMMENT + r"([A-Z][A-Z0-9_-]*?)" + KIND + ":")
RUN_WITHOUT_COLON = re.compile(COMMENT + r"RUN\b(?!:)", re.IGNORECASE)
PREFIX_OPTION = re.compile(r"-check-prefix(?:es)?[= ]([\w,-]+)")


def files(root, directories, suffixes):
    for directory in directories:
        for path in sorted((root / directory).rglob("*")):
            if "Inputs" in path.relative_to(root).parts:
                continue
            if path.suffix in suffixes and path.is_file():
                yield path


def first_line(path):
    """The first line, or nothing of a file that is not text."""
    with open(path, "rb") as file:
        return file.readline().decode(errors="replace")


def check_test(path):
    """A test that cannot fail: no RUN line, or checks that nothing reads."""
    lines = path.read_text().splitlines()
    # Commands go over several lines.
    command, prefixes, own_prefixes, directives, runs = "", set(), set(), [], 0
    for number, line in enumerate(lines, 1):
        if RUN_WITHOUT_COLON.match(line):
            yield number, "RUN without its colon: lit ignores this line"
            continue
        run = re.match(COMMENT + r"RUN:(.*)", line)
        if run:
            runs += 1
            command += run[1].rstrip()
            if command.endswith("\\"):
                command = command[:-1]
                continue
            for use in re.split(r"[|;]|&&", command):
                if "FileCheck" not in use:
                    continue
                options = PREFIX_OPTION.findall(use)
                names = ",".join(options).split(",") if options else ["CHECK"]
                prefixes.update(names)
                # The checks may stand in another file, or be split off.
                if re.search(r"%s\b", use.partition("FileCheck")[2]):
                    own_prefixes.update(names)
            command = ""
            continue
        directive = DIRECTIVE.match(line)
        if directive and directive[1] not in LIT_KEYWORDS:
            directives.append((number, directive[1]))
    if not runs:
        yield 1, "no RUN line: this test runs nothing"
        return
    for number, name in directives:
        if name not in prefixes:
            yield number, f"no FileCheck of this file has the prefix {name}"
    for name in sorted(own_prefixes - {name for _, name in directives}):
        yield 1, f"FileCheck prefix {name} has no check in this file"
    for number, line in enumerate(lines, 1):
        bare = re.match(COMMENT + r"([A-Z][A-Z0-9_-]*?)" + KIND + r"\s+\S", line)
        if bare and bare[1] in prefixes and not DIRECTIVE.match(line):
            yield number, f"{bare[1]} without its colon: FileCheck ignores this line"


def check(root):
    """Yields (path, line, finding)."""
    for path in files(root, ["test"], {".mlir", ".test"}):
        yield from ((path, *finding) for finding in check_test(path))

    scripts = [
        path
        for directory in ("utils", "bench", ".ci")
        for path in sorted((root / directory).glob("*"))
        if path.is_file() and first_line(path).startswith("#!")
    ]
    for path in sorted({*files(root, SOURCE_DIRS, SOURCE_SUFFIXES), *scripts}):
        if SPDX not in "".join(path.read_text().splitlines(True)[:3]):
            yield path, 1, f'the first lines lack "{SPDX}"'

    for path in files(root, CODE_DIRS, {".cpp", ".h", ".td"}):
        lines = path.read_text().splitlines()
        if len(lines) > MAX_LINES:
            yield path, len(lines), f"{len(lines)} lines; split files over {MAX_LINES}"
        if (root / "tools") in path.parents:
            continue
        for number, line in enumerate(lines, 1):
            if re.search(r"\bcl::(opt|list|bits|alias)\b", line):
                yield path, number, "command-line options belong in tools/"


def check_format(root, clang_format):
    paths = list(files(root, CODE_DIRS, {".cpp", ".h"}))
    if not paths:
        return
    result = subprocess.run(
        [clang_format, "--dry-run", "-Werror", "--style=file", *map(str, paths)],
        capture_output=True,
        text=True,
    )
    for match in re.finditer(r"^(.*?):(\d+):\d+: error:", result.stderr, re.MULTILINE):
        yield pathlib.Path(match[1]), int(match[2]), (
            f"not formatted; hint: {pathlib.Path(clang_format).name} -i {match[1]}"
        )
    if result.returncode and "error:" not in result.stderr:
        yield paths[0], 1, f"{clang_format} failed: {result.stderr.strip()}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clang-format", help="check the format of C++ with it")
    parser.add_argument(
        "root",
        type=pathlib.Path,
        nargs="?",
        default=pathlib.Path(__file__).resolve().parent.parent,
    )
    arguments = parser.parse_args()
    findings = list(check(arguments.root))
    if arguments.clang_format:
        seen = set()
        for finding in check_format(arguments.root, arguments.clang_format):
            if finding[0] not in seen:  # One finding for each file is enough.
                findings.append(finding)
            seen.add(finding[0])
    for path, line, text in findings:
        name = path.relative_to(arguments.root) if path.is_absolute() else path
        print(f"{name}:{line}: {text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
