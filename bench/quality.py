#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the quality of translations in bf16 and int8 with that of f32.

    bench/setup.sh
    build/peers/bin/python bench/quality.py
    build/peers/bin/python bench/quality.py --target-cpu haswell --model DIR

Translates the English of test/reference/test with four beams, and prints BLEU
(sacreBLEU, case-sensitive, 13a) against the first French translation and against
all. Fails where BLEU is lower than that of f32 by more than the limit: 0.1 for
bf16, 0.3 for int8.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import sacrebleu

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMITS = {"f32": 0.0, "bf16": 0.1, "int8": 0.3}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/tatoeba-en-fr")
    parser.add_argument("--test", type=pathlib.Path, default=ROOT / "test/reference/test/test.tsv")
    parser.add_argument("--beam-size", type=int, default=4)
    parser.add_argument("--target-cpu", default="native")
    return parser.parse_args(arguments)


def translate(arguments, dtype, source):
    command = [
        arguments.attn, "translate", f"--model={arguments.model}", f"--dtype={dtype}",
        f"--beam-size={arguments.beam_size}", f"--target-cpu={arguments.target_cpu}",
        f"--input={source}",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout.split("\n")[:-1]


def measure(arguments):
    """By numbers: BLEU against the first translation and against all, and the share
    of outputs that are those of f32."""
    lines = arguments.test.read_text(encoding="utf-8").splitlines()
    sentences, references = zip(*(line.split("\t", 1) for line in lines))
    references = [line.split("\t") for line in references]
    # Sentences have one translation or more; those that others lack are None.
    width = max(map(len, references))
    all_references = [
        [texts[i] if i < len(texts) else None for texts in references] for i in range(width)
    ]
    scored, baseline = {}, None
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "source.txt"
        source.write_text("".join(f"{s}\n" for s in sentences), encoding="utf-8")
        for dtype in LIMITS:
            outputs = translate(arguments, dtype, source)
            baseline = baseline or outputs
            scored[dtype] = (
                sacrebleu.corpus_bleu(outputs, all_references[:1]).score,
                sacrebleu.corpus_bleu(outputs, all_references).score,
                sum(map(str.__eq__, outputs, baseline)) / len(outputs),
            )
    return scored


def table(scored):
    rows = ["| numbers | BLEU, first translation | all | outputs as with f32 |"]
    rows.append("| --- | --- | --- | --- |")
    for dtype, (first, every, same) in scored.items():
        rows.append(f"| {dtype} | {first:.2f} | {every:.2f} | {100 * same:.1f}% |")
    return "\n".join(rows)


def main():
    scored = measure(parse_arguments())
    print(table(scored))
    failures = []
    for dtype, limit in LIMITS.items():
        least = scored["f32"][0] - limit
        if scored[dtype][0] < least:
            failures.append(f"{dtype}: expected at least {least:.2f}")
    sys.exit("\n".join(failures) or 0)


if __name__ == "__main__":
    main()
