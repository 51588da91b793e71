# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that a sentence gives the same bits alone and padded in a batch.

    alone_or_not.py MODULE.mlir FOLDER
"""
import pathlib
import subprocess
import sys

import numpy as np

LENGTHS = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33]
PAD = 8000

module, folder = map(pathlib.Path, sys.argv[1:])
folder.mkdir(parents=True, exist_ok=True)


def run(entry, *arguments, threads=1):
    command = ["attn", "run", module, "--entry", entry, "--output-dir", folder]
    command += ["--threads", str(threads)]
    for number, argument in enumerate(arguments):
        np.save(folder / f"input{number}.npy", argument)
        command += ["--input", folder / f"input{number}.npy"]
    subprocess.run(command, check=True)
    return np.load(folder / "result0.npy")


def check(what, length, one, many):
    if not np.array_equal(one, many):
        most = np.abs(one - many).max()
        sys.exit(f"{what}, {length} tokens: expected the same bits, got {most} apart")


rng = np.random.default_rng(0)
lengths = np.array(LENGTHS, np.int32)
ids = np.full((len(LENGTHS), max(LENGTHS)), PAD, np.int32)
for row, length in zip(ids, LENGTHS):
    row[:length] = rng.integers(1, PAD, length)

memory = run("encode", ids, lengths, threads=2)
logits = run("decode", ids, memory, lengths, threads=2)
for i, length in enumerate(LENGTHS):
    one = (ids[i : i + 1, :length], lengths[i : i + 1])
    alone = run("encode", *one)
    check("encode", length, alone[0], memory[i, :length])
    alone = run("decode", one[0], alone, one[1])
    check("decode", length, alone[0], logits[i, :length])
