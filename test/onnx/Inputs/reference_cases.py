# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run nodes through `attn import` and `attn run` that PyPI's package onnx has no node
tests of, and compare with its reference evaluator.

    reference_cases.py FOLDER OPERATOR... [--count N] [--threads N]

All sizes of inputs are known only when the program runs. Options that are not known
here are passed to `attn run`.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
from node_cases import attempt
from onnx import helper
from onnx.reference import ReferenceEvaluator

CASES = {}


def case(name, operator, inputs, weights=(), outputs=1, domain="", **attributes):
    """Inputs and weights are arrays, or shapes of floats; None is left out."""
    random = np.random.default_rng(len(CASES))

    def fill(prefix, values):
        return {
            f"{prefix}{number}": value
            if isinstance(value, np.ndarray)
            else random.standard_normal(value).astype(np.float32)
            for number, value in enumerate(values)
            if value is not None
        }

    given, constants = fill("x", inputs), fill("w", weights)
    names = [
        name if name in given or name in constants else ""
        for name in [f"x{i}" for i in range(len(inputs))] + [f"w{i}" for i in range(len(weights))]
    ]
    results = [f"y{number}" for number in range(outputs)]
    node = helper.make_node(operator, names, results, domain=domain, **attributes)

    def declare(name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        return helper.make_tensor_value_info(name, kind, [None] * array.ndim)

    graph = helper.make_graph(
        [node],
        name,
        [declare(name, array) for name, array in given.items()],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in results],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    CASES[name] = operator, helper.make_model(graph, opset_imports=versions), given


case("conv_1d", "Conv", [(2, 3, 7)], [(5, 3, 3), (5,)])
case(
    "conv_2d_groups", "Conv", [(2, 4, 7, 9)], [(6, 2, 3, 2), (6,)],
    group=2, strides=[2, 3], dilations=[2, 1], pads=[1, 2, 0, 3],
)  # fmt: skip
case("conv_depthwise", "Conv", [(1, 4, 9)], [(4, 1, 3)], group=4, pads=[1, 1])
case("conv_3d", "Conv", [(2, 2, 5, 6, 4)], [(3, 2, 2, 3, 1)], strides=[2, 1, 3])
case("conv_patches", "Conv", [(3, 3, 16, 18)], [(8, 3, 4, 4), (8,)], strides=[4, 4])
case("conv_one_place", "Conv", [(1, 2, 4)], [(3, 2, 2)], strides=[5], auto_pad="VALID")


def check(name, folder, options):
    """Raises where a case does not pass."""
    _, model, given = CASES[name]
    folder.mkdir(parents=True, exist_ok=True)
    path, module = folder / "model.onnx", folder / "model.mlir"
    path.write_bytes(model.SerializeToString())
    attempt(["attn", "import", path, "-o", module])
    files = []
    for input, array in given.items():
        files += ["--input", folder / f"{input}.npy"]
        np.save(files[-1], array)
    attempt(["attn", "run", module, *files, "--output-dir", folder, *options])
    wanted = ReferenceEvaluator(model).run(None, given)
    for number, array in enumerate(wanted):
        result = np.load(folder / f"result{number}.npy")
        np.testing.assert_allclose(result, array, rtol=1e-4, atol=1e-5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("operator", nargs="+")
    parser.add_argument("--count", type=int, help="how many cases there have to be")
    arguments, options = parser.parse_known_args()
    names = [name for name, entry in CASES.items() if entry[0] in arguments.operator]
    failures = 0
    for name in names:
        try:
            check(name, arguments.folder / name, options)
        except AssertionError as error:
            failures += 1
            print(f"{name}: {error}", file=sys.stderr)
    print(f"{len(names) - failures} of {len(names)} cases pass")
    if arguments.count not in (None, len(names)):
        sys.exit(f"error: expected {arguments.count} cases, got {len(names)}")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
