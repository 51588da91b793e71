#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measure what attention costs for each score that counts, next to causal attention.

    bench/attention_scores.py [--attn build/bin/attn] [--length 4096] [--rounds 5]

All are `attn.sdpa` of f32 with 8 heads of 64 and dynamic lengths. They take turns,
and the least time of each counts. Windows skip keys, so that the time falls with
them, while what is spent for one score that counts should stay nearly the same; the
last lines have causality, lengths, a window and ALiBi, or biases by distance, in one
call.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADS, SIZE = 8, 64
TENSOR = f"tensor<1x{HEADS}x?x{SIZE}xf32>"


def module(attributes, operands):
    """Words and types of optional operands are in the order of the operation."""
    types = {"lengths": "tensor<1xi32>", "slopes": f"tensor<{HEADS}xf32>",
             "biases": f"tensor<{HEADS}x257xf32>"}  # fmt: skip
    slopes = ", ".join(str(2.0**-n) for n in range(1, HEADS + 1))
    return f"""
func.func @attention(%q: {TENSOR}, %k: {TENSOR}, %v: {TENSOR}, %o: {TENSOR}) -> {TENSOR} {{
  %two = arith.constant 2 : index
  %keys = tensor.dim %k, %two : {TENSOR}
  %keys32 = arith.index_cast %keys : index to i32
  %lengths = tensor.from_elements %keys32 : {types["lengths"]}
  %slopes = arith.constant dense<[{slopes}]> : {types["slopes"]}
  %biases = arith.constant dense<0.125> : {types["biases"]}
  %r = attn.sdpa %q, %k, %v {" ".join(f"{n}(%{n})" for n in operands)} outs(%o)
    {{{attributes}scale = 0.125 : f64}}
    : ({", ".join([TENSOR] * 3 + [types[n] for n in operands] + [TENSOR])}) -> {TENSOR}
  return %r : {TENSOR}
}}
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument("--length", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    length = arguments.length

    # Keys that are seen before each query, and itself.
    cases = {"causal": (length, "causal, ", ())}
    for window in (128, 256, 512, 1024, 2048):
        if window < length:
            bound = f"causal, window_before = {window - 1} : i64, "
            cases[f"causal, window of {window}"] = (window, bound, ())
    window = min(length, 1024)
    for name, operand in (("ALiBi", "slopes"), ("biases by distance", "biases")):
        cases[f"causal, lengths, window of {window}, {name}"] = (
            window, f"causal, window_before = {window - 1} : i64, ", ("lengths", operand),
        )  # fmt: skip

    times = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for number, (name, (_, attributes, operands)) in enumerate(cases.items()):
                path = pathlib.Path(folder) / f"{number}.mlir"
                path.write_text(module(attributes, operands), encoding="utf-8")
                shape = f"1x{HEADS}x{length}x{SIZE}"
                command = [
                    arguments.attn, "run", path, "--entry=attention", "--random-inputs=1",
                    f"--shapes={','.join([shape] * 4)}", "--bench=5",
                    f"--threads={arguments.threads}",
                ]  # fmt: skip
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                times[name].append(json.loads(result.stdout.splitlines()[-1])["min_ms"])

    print(f"{'':54}{'ms':>8}{'ns a score':>12}{'to causal':>11}")
    first = None
    for name, (window, _, _) in cases.items():
        least = min(times[name])
        scores = HEADS * sum(min(i + 1, window) for i in range(length))
        each = 1e6 * least / scores
        first = first or each
        print(f"{name:54}{least:8.2f}{each:12.3f}{each / first:10.2f}x")


if __name__ == "__main__":
    main()
