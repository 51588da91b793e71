# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run the node tests of PyPI's package onnx through `attn import` and `attn run`.

    node_cases.py FOLDER OPERATOR... [--expanded] [--raised N] [--threads N]

With --imported, cases that `attn import` refuses are left out, if it says in one line
which node it was. Results are compared by the rule of onnx.backend.test, with each case's
tolerance. Options that are not known here are passed to `attn run`.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import warnings

import ml_dtypes
import numpy as np

with warnings.catch_warnings():
    # Cases of all operators are made up, with overflows on purpose.
    warnings.simplefilter("ignore")
    import onnx
    from onnx.backend.test.case.node import collect_testcases
    from onnx.backend.test.runner import Runner


HANDLED = [np.dtype(name) for name in (
    "float64", "float32", "float16", "int64", "int32", "int8", "bool", ml_dtypes.bfloat16
)]  # fmt: skip


class OneOf(frozenset):
    """What collect_testcases compares a node's operator with, once for each process."""

    def __ne__(self, operator):
        return operator not in self


def read(path, like):
    array = np.load(path)
    # The file format has no name for it.
    return array.view(ml_dtypes.bfloat16) if like.dtype == ml_dtypes.bfloat16 else array


def attempt(command):
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode != 0:
        raise AssertionError(process.stderr.strip() or f"status {process.returncode}")
    return process.stdout


def is_raised(module):
    """Whether raising leaves one attention and no softmax."""
    text = attempt(["attn-opt", "--attn-raise-attention", module])
    return text.count("attn.sdpa") == 1 and "softmax" not in text and "math.exp" not in text


def as_arrays(values):
    """Cases of Cast have the file format's tensors."""
    return [
        onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
        for value in values
    ]


def is_handled(case):
    """Whether attn has the element types of a case."""
    return all(
        isinstance(array, (np.ndarray, np.generic)) and array.dtype in HANDLED
        for inputs, outputs in case.data_sets
        for array in [*inputs, *outputs]
    )


def make_constants(case):
    """The case with small integer inputs as constants, all but what is computed with,
    as exporters write shapes and axes: attn has to know them before."""
    graph = case.model.graph
    [(inputs, outputs)] = case.data_sets
    is_constant = [
        (number > 0 or len(inputs) == 1)
        and array.dtype in (np.int64, np.int32)
        and array.ndim <= 1
        for number, array in enumerate(inputs)
    ]
    for value, array, constant in zip(list(graph.input), inputs, is_constant):
        if constant:
            graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
            graph.input.remove(value)
    rest = [array for array, constant in zip(inputs, is_constant) if not constant]
    case.data_sets[:] = [(rest, outputs)]


class RefusedError(AssertionError):
    """An operator, or a form of one, that attn does not import."""


def import_model(model, module):
    try:
        attempt(["attn", "import", model, "-o", module])
    except AssertionError as error:
        is_clear = re.fullmatch(r"error: \S+: node \d+ \(\w+\): expected .*", str(error))
        raise (RefusedError if is_clear else AssertionError)(*error.args) from None


def check(case, folder, options):
    """Raises where the case does not pass."""
    folder.mkdir(parents=True, exist_ok=True)
    model, module = folder / "model.onnx", folder / "model.mlir"
    model.write_bytes(case.model.SerializeToString())
    import_model(model, module)
    for inputs, outputs in case.data_sets:
        files = []
        for number, array in enumerate(inputs):
            files += ["--input", folder / f"input{number}.npy"]
            np.save(files[-1], array)
        attempt(["attn", "run", module, *files, "--output-dir", folder, *options])
        results = [
            read(folder / f"result{number}.npy", wanted)
            for number, wanted in enumerate(outputs)
        ]
        Runner.assert_similar_outputs(outputs, results, case.rtol, case.atol)
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("operator", nargs="+")
    parser.add_argument("--expanded", action="store_true", help="graphs of primitives")
    parser.add_argument("--only", default="", help="cases whose names have this part")
    parser.add_argument("--count", type=int, help="how many cases there have to be")
    parser.add_argument("--raised", type=int, help="how many have to become one attn.sdpa")
    parser.add_argument("--imported", action="store_true", help="leave out what is refused")
    parser.add_argument("--constants", action="store_true", help="integers are constants")
    parser.add_argument("--skip", nargs="*", default=[], help="cases to leave out")
    arguments, options = parser.parse_known_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [
            case
            for case in collect_testcases(OneOf(arguments.operator))
            if case.name.endswith("_expanded") == arguments.expanded
            and arguments.only in case.name
            and case.name not in arguments.skip
        ]
    for case in cases:
        case.data_sets[:] = [tuple(map(as_arrays, sets)) for sets in case.data_sets]
    cases = list(filter(is_handled, cases))
    if arguments.constants:
        for case in cases:
            make_constants(case)
    failures = refused = raised = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [
            pool.submit(check, case, arguments.folder / case.name, options)
            for case in cases
        ]
        for case, future in zip(cases, futures):
            try:
                module = future.result()
                raised += arguments.raised is not None and is_raised(module)
            except AssertionError as error:
                if arguments.imported and isinstance(error, RefusedError):
                    refused += 1
                    continue
                failures += 1
                print(f"{case.name}: {error}", file=sys.stderr)
    count = len(cases) - refused
    print(f"onnx {onnx.__version__}: {count - failures} of {count} cases pass")
    if arguments.count not in (None, count):
        sys.exit(f"error: expected {arguments.count} cases, got {count}")
    if arguments.raised is not None and raised < arguments.raised:
        sys.exit(f"error: expected {arguments.raised} cases to be raised, got {raised}")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
