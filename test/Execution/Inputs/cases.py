# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run many small pieces of IR in one call of `attn run`, and compare.

Each case is IR that computes named values from named arguments, with what
NumPy makes of it. All cases of a list become one function, so that hundreds of
them take one start and one compilation.
"""
import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

import numpy as np

ELEMENTS = {
    "float64": "f64",
    "float32": "f32",
    "float16": "f16",
    "int64": "i64",
    "int32": "i32",
    "int8": "i8",
    "bool": "i1",
}


@dataclasses.dataclass
class Case:
    name: str
    body: str
    # Name of a value in the body -> (tensor type, array).
    arguments: dict
    # Name of a value in the body -> (tensor type, what it should be).
    results: dict
    # Largest difference allowed, relative to the largest of the result.
    tolerance: float = 2e-6


def tensor(array, static=()):
    """The tensor type of an array, in which only dimensions `static` are known;
    None: all of them."""
    rank = array.ndim
    known = range(rank) if static is None else {d % rank for d in static}
    sizes = "".join(f"{array.shape[d] if d in known else '?'}x" for d in range(rank))
    return f"tensor<{sizes}{ELEMENTS[str(array.dtype)]}>"


def round_to_bf16(array):
    """The nearest numbers that bf16 has, ties to even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    odd = bits >> 16 & 1
    rounded = (bits + 0x7FFF + odd & 0xFFFF0000).view(np.float32)
    return np.where(np.isnan(array), np.float32(np.nan), rounded)


def store_as_bf16(case, tolerance):
    """The case with all f32 of its body in bf16. Arguments have to be numbers that
    bf16 has; results are within a larger tolerance."""

    before, body, after = [], case.body.replace("f32>", "bf16>"), []
    for name, (type, _) in {**case.arguments, **case.results}.items():
        low = type.replace("f32>", "bf16>")
        if low == type:
            continue
        body = re.sub(rf"%{name}\b", f"%{name}_low", body)
        if name in case.arguments:
            before.append(f"%{name}_low = arith.truncf %{name} : {type} to {low}")
        else:
            after.append(f"%{name} = arith.extf %{name}_low : {low} to {type}")
    text = "\n".join([*before, body, *after])
    return dataclasses.replace(case, body=text, tolerance=tolerance)


def module_text(cases, globals_text="", attributes=""):
    arguments, results, body = [], [], []
    for number, case in enumerate(cases):

        def rename(text):
            return re.sub(r"%([A-Za-z_]\w*|\d+)", rf"%\1_c{number}", text)

        arguments += [rename(f"%{n}: {t}") for n, (t, _) in case.arguments.items()]
        results += [(rename(f"%{n}"), t) for n, (t, _) in case.results.items()]
        body.append(rename(case.body))
    types = ", ".join(t for _, t in results)
    lines = "\n".join(body)
    return (
        f"module {attributes} {{\n{globals_text}\n"
        f"func.func @main({', '.join(arguments)}) -> ({types}) {{\n{lines}\n"
        f"return {', '.join(v for v, _ in results)} : {types}\n}}\n}}\n"
    )


def difference(actual, wanted, element, tolerance):
    """What is wrong with a result, or nothing."""
    got = ELEMENTS[str(actual.dtype)]
    if actual.shape != wanted.shape or got != element:
        return (
            f"expected {element}{list(wanted.shape)}, got {got}{list(actual.shape)}"
        )
    if not np.issubdtype(actual.dtype, np.floating):
        return "" if np.array_equal(actual, wanted) else "expected equal integers"
    finite = np.isfinite(wanted)
    if not np.array_equal(actual[~finite], wanted[~finite], equal_nan=True):
        return "expected NaN and infinity in the same places"
    if not finite.any():
        return ""
    error = np.abs(actual[finite].astype(np.float64) - wanted[finite])
    largest = np.abs(wanted[finite]).max()
    if (error <= tolerance * largest).all():
        return ""
    return (
        f"differs by {error.max() / (largest or 1):.1e} of the largest, "
        f"{largest:.3g}; expected at most {tolerance:.1e}"
    )


def execute(cases, folder, options, globals_text="", attributes=""):
    """Returns the results of all cases, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / "module.mlir"
    module.write_text(module_text(cases, globals_text, attributes), encoding="utf-8")
    command = ["attn", "run", str(module), f"--output-dir={folder}", *options]
    arrays = [array for case in cases for _, array in case.arguments.values()]
    for number, array in enumerate(arrays):
        np.save(folder / f"input{number}.npy", array)
        command.append(f"--input={folder}/input{number}.npy")
    for old in folder.glob("result*.npy"):
        old.unlink()
    if subprocess.run(command).returncode:
        sys.exit(f"{module}: attn run failed")
    count = sum(len(case.results) for case in cases)
    return [np.load(folder / f"result{i}.npy") for i in range(count)]


def check(cases, arguments, at_once=40, **module):
    """Exits after printing the names of the cases that fail. `at_once` cases
    become one function: what it takes to compile grows faster than that."""
    cases = [case for case in cases if arguments.filter in case.name]
    name = arguments.target_cpu
    folder = arguments.folder / name
    actual = iter(
        array
        for start in range(0, len(cases), at_once)
        for array in execute(
            cases[start : start + at_once], folder, arguments.options, **module
        )
    )
    failures = 0
    for case in cases:
        for value, (type, wanted) in case.results.items():
            element = re.search(r"(\w+)>$", type)[1].rpartition("x")[2]
            text = difference(
                next(actual), np.asarray(wanted), element, case.tolerance
            )
            if text:
                print(f"{case.name}, %{value}: {text}")
                failures += 1
    print(f"{name}: {len(cases)} cases, {failures} failures")
    if failures:
        sys.exit(1)


def parser(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=pathlib.Path, help="for modules and tensors")
    parser.add_argument("--target-cpu", default="native")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--filter", default="", help="only cases with this in the name")
    return parser


def parse_arguments(description):
    options = parser(description)
    elements = ("f32", "bf16", "bf16-keys")
    options.add_argument("--element", default="f32", choices=elements)
    return complete(options.parse_args())


def complete(arguments):
    """Adds the options of `attn run`."""
    arguments.options = [
        f"--target-cpu={arguments.target_cpu}",
        f"--threads={arguments.threads}",
    ]
    return arguments
