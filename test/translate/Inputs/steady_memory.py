# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that memory does not grow with the number of lines.

Translates many lines and compares the memory after a fifth of them with that
before the end.
"""
import argparse
import itertools
import pathlib
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model")
parser.add_argument("ids", type=pathlib.Path, help="sentences to make the input of")
parser.add_argument("input", type=pathlib.Path, help="where the input is written")
parser.add_argument("--lines", type=int, required=True)
parser.add_argument("--most-growth-mb", type=float, required=True)
options = parser.parse_args()

sentences = itertools.cycle(options.ids.read_text().splitlines(keepends=True))
options.input.write_text("".join(itertools.islice(sentences, options.lines)))
process = subprocess.Popen(
    [
        "attn", "translate", f"--model={options.model}", "--input-format=ids",
        "--output-format=ids", "--beam-size=2", "--max-length=8", "--threads=2",
        f"--input={options.input}",
    ],
    stdout=subprocess.PIPE, text=True,
)  # fmt: skip


def memory():
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


# Before the end there is more than one window of sentences to come.
places = {options.lines // 5: None, options.lines - 10000: None}
count = 0
for count, _ in enumerate(process.stdout, 1):
    if count in places:
        places[count] = memory()
if process.wait() or count != options.lines:
    sys.exit(f"expected {options.lines} lines, got {count}")
first, last = places.values()
if last - first > options.most_growth_mb:
    sys.exit(f"memory grew from {first:.1f} to {last:.1f} MB")
