# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare encoder output, logits and attention with dumped ones.

    activations.py MODULE.mlir REFERENCE/activations FOLDER

MODULE's encode returns self-attention too, its decode cross-attention.
"""
import pathlib
import subprocess
import sys

import numpy as np

TOLERANCE = 1e-4
SENTENCES = 3
PAD = 8000

module, reference, folder = map(pathlib.Path, sys.argv[1:])
folder.mkdir(parents=True, exist_ok=True)


def expected(sentence, name):
    return np.load(reference / f"{sentence}.{name}.npy")


def run(entry, *arguments):
    """Calls the function: its first result, and the others side by side."""
    command = ["attn", "run", str(module), f"--entry={entry}", f"--output-dir={folder}"]
    for number, argument in enumerate(arguments):
        path = folder / f"input{number}.npy"
        np.save(path, argument)
        command.append(f"--input={path}")
    for old in folder.glob("result*.npy"):
        old.unlink()
    subprocess.run(command, check=True)
    count = len(list(folder.glob("result*.npy")))
    results = [np.load(folder / f"result{i}.npy") for i in range(count)]
    return results[0], np.stack(results[1:], axis=1)


def check(what, actual, wanted):
    if actual.shape != wanted.shape:
        sys.exit(f"{what}: expected shape {wanted.shape}, got {actual.shape}")
    difference = np.abs(actual - wanted).max()
    print(f"{what}: largest difference {difference:.1e}")
    if not difference <= TOLERANCE:
        sys.exit(f"{what}: expected at most {TOLERANCE}, got {difference}")


def padded(name):
    """The sentences' ids in one batch, and their lengths."""
    rows = [expected(i, name)[0] for i in range(SENTENCES)]
    lengths = np.array([len(row) for row in rows], np.int32)
    ids = np.full((SENTENCES, lengths.max()), PAD, np.int32)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    return ids, lengths


def check_sentence(i, where, sources, targets, encoded, attended, logits, crossed):
    here = f"{where}, sentence {i}"
    check(f"{here}, encoder output", encoded[:sources], expected(i, "encoder_output")[0])
    check(
        f"{here}, self-attention",
        attended[..., :sources, :sources],
        expected(i, "encoder_self_attention")[0],
    )
    check(f"{here}, logits", logits[:targets], expected(i, "logits")[0])
    check(
        f"{here}, cross-attention",
        crossed[..., :targets, :sources],
        expected(i, "cross_attention")[0],
    )


source, source_lengths = padded("source_ids")
target, target_lengths = padded("decoder_ids")
for i in range(SENTENCES):
    m, n = source_lengths[i], target_lengths[i]
    encoded, attended = run("encode", source[i : i + 1, :m], source_lengths[i : i + 1])
    logits, crossed = run(
        "decode", target[i : i + 1, :n], encoded, source_lengths[i : i + 1]
    )
    check_sentence(i, "alone", m, n, encoded[0], attended[0], logits[0], crossed[0])

# All in one batch give the same. What is past a sentence's end reaches nothing.
encoded, attended = run("encode", source, source_lengths)
for i, length in enumerate(source_lengths):
    encoded[i, length:] = np.nan
logits, crossed = run("decode", target, encoded, source_lengths)
for i in range(SENTENCES):
    check_sentence(
        i, "batch", source_lengths[i], target_lengths[i],
        encoded[i], attended[i], logits[i], crossed[i],
    )  # fmt: skip
    if crossed[i][..., source_lengths[i] :].any():
        sys.exit(f"sentence {i}: expected no attention to padding")
