# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lines of several sentences, and whether their translations are right.

    split_text.py LINES SENTENCES COUNTS < TSV
    split_text.py --check TRANSLATED_LINES TRANSLATED_SENTENCES COUNTS

The sentences are those of the first column that nobody can take for two, or
for the beginning of the next. COUNTS has how many of them are in each line.
"""
import itertools
import pathlib
import re
import sys

if sys.argv[1] == "--check":
    lines, sentences, counts = (pathlib.Path(path).read_text() for path in sys.argv[2:])
    rest = iter(sentences.splitlines())
    expected = [" ".join(itertools.islice(rest, int(count))) for count in counts.split()]
    if lines.splitlines() != expected:
        for line, wanted in zip(lines.splitlines(), expected):
            if line != wanted:
                print(f"expected {wanted!r}\n     got {line!r}")
        sys.exit("the lines are not their sentences' translations")
else:
    lines, sentences, counts = map(pathlib.Path, sys.argv[1:])
    simple = [
        sentence
        for line in sys.stdin
        if re.fullmatch(r"[A-Z][^.?!]*[a-z]{3}[.?!]", sentence := line.split("\t")[0])
    ]
    sentences.write_text("".join(f"{sentence}\n" for sentence in simple))
    rest, numbers = iter(simple), itertools.cycle([1, 3, 0, 8, 2])
    groups = []
    while sum(map(len, groups)) < len(simple):
        groups.append(list(itertools.islice(rest, next(numbers))))
    lines.write_text("".join(" ".join(group) + "\n" for group in groups))
    counts.write_text("".join(f"{len(group)}\n" for group in groups))
