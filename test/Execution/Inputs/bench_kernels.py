# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run each function of bench/kernels on a small problem, and compare.

    bench_kernels.py BENCH FOLDER [OPTION of attn run ...]
"""
import dataclasses
import pathlib
import subprocess
import sys

import numpy as np

bench, folder = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(bench))
from kernel_cases import CASES, write_weights

# No size divides a vector; the widths of the feed-forward are in its types.
SMALL = {
    "matmul": {"m": 37, "k": 53, "n": 19},
    "linear": {"m": 37, "k": 53, "n": 19},
    "attention": {"queries": 37, "keys": 53},
    "feed-forward": {"m": 3},
}
TOLERANCE = {"f32": 2e-6, "bf16": 2.0**-7, "int8": 2.0**-5}


def small(case):
    sizes = dict(SMALL[case.kind])
    if case.kind == "attention":
        sizes["batch"] = (3, 2)[: len(case.batch)]
        if case.queries == 1:
            sizes["queries"] = 1
    return dataclasses.replace(case, **sizes)


def check(case):
    """What is wrong, or nothing."""
    entry = case.program[1]
    if case.dtype == "bf16":
        entry += "_of_f32"
    inputs = case.inputs()
    for name, array in inputs.items():
        np.save(folder / f"{name}.npy", array)
    command = ["attn", "run", case.write_program(folder), "--entry", entry]
    passed = [name for name in case.arguments if name not in case.constants]
    command += [f"--input={folder / name}.npy" for name in passed]
    if case.constants:
        weights = {name: inputs[name] for name in case.constants}
        write_weights(folder / "weights.safetensors", weights, case.dtype)
        command.append(f"--weights={folder / 'weights.safetensors'}")
    command += ["--output-dir", folder / "out", *sys.argv[3:]]
    subprocess.run(command, check=True)
    result = np.load(folder / "out/result0.npy")[..., case.rows, :].astype(np.float64)
    error = case.error(result, case.reference(inputs))
    # Written so that NaN fails.
    if not error <= TOLERANCE[case.dtype]:
        return f"{entry}: expected an error of {TOLERANCE[case.dtype]}, got {error}"
    return ""


folder.mkdir(parents=True, exist_ok=True)
# A file may serve several cases: with one query and with many.
cases = {(case.program, case.queries == 1): small(case) for case in CASES.values()}
failures = list(filter(None, map(check, cases.values())))
print(f"{len(cases)} functions")
sys.exit("\n".join(failures) or 0)
