# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run nodes through `attn import` and `attn run` that PyPI's package onnx has no node
tests of, and compare with its reference evaluator.

    reference_cases.py FOLDER OPERATOR... [--count N] [--threads N]

All sizes of inputs but 1 are known only when the program runs. Options that are not known
here are passed to `attn run`.
"""
import argparse
import math
import pathlib
import sys

import numpy as np
import onnx
from node_cases import attempt
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

CASES = {}


def case(name, operator, operands, constants=(), outputs=1, **attributes):
    """Operands are arrays, or shapes of floats; None is left out, as is an output that is
    not among those asked for. Constants are the numbers of operands that are part of the
    model."""
    random = np.random.default_rng(len(CASES))
    arrays = {
        f"x{number}": value
        if isinstance(value, np.ndarray)
        else random.standard_normal(value).astype(np.float32)
        for number, value in enumerate(operands)
        if value is not None
    }
    weights = {name: arrays.pop(name) for name in [f"x{number}" for number in constants]}
    present = range(outputs) if isinstance(outputs, int) else outputs
    domain, _, kind = operator.rpartition(".")
    node = helper.make_node(
        kind,
        ["" if value is None else f"x{number}" for number, value in enumerate(operands)],
        [f"y{number}" if number in present else "" for number in range(max(present) + 1)],
        domain=domain,
        **attributes,
    )

    def declare(name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        shape = [1 if size == 1 else None for size in array.shape]
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        [node],
        name,
        [declare(name, array) for name, array in arrays.items()],
        [helper.make_tensor_value_info(f"y{number}", 1, None) for number in present],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    CASES[name] = operator, helper.make_model(graph, opset_imports=versions), arrays


case("conv_1d", "Conv", [(2, 3, 7), (5, 3, 3), (5,)], [1, 2])
case(
    "conv_2d_groups", "Conv", [(2, 4, 7, 9), (6, 2, 3, 2), (6,)], [1, 2],
    group=2, strides=[2, 3], dilations=[2, 1], pads=[1, 2, 0, 3],
)  # fmt: skip
case("conv_depthwise", "Conv", [(1, 4, 9), (4, 1, 3)], [1], group=4, pads=[1, 1])
case("conv_3d", "Conv", [(2, 2, 5, 6, 4), (3, 2, 2, 3, 1)], [1], strides=[2, 1, 3])
case("conv_patches", "Conv", [(3, 3, 16, 18), (8, 3, 4, 4), (8,)], [1, 2], strides=[4, 4])
case("conv_one_place", "Conv", [(1, 2, 4), (3, 2, 2)], [1], strides=[5], auto_pad="VALID")


# ONNX Runtime's operators, as its ContribOperators.md says of them.


class RuntimeOperator(OpRun):
    op_domain = "com.microsoft"


def normalize(x, scale, bias, epsilon):
    mean = x.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + np.float32(epsilon))
    result = (x - mean) * inverse * scale
    return result if bias is None else result + bias, mean, inverse


class SkipLayerNormalization(RuntimeOperator):
    def _run(self, x, skip, scale, shift=None, bias=None, epsilon=1e-12):
        total = x + skip if bias is None else x + skip + bias
        return (*normalize(total, scale, shift, epsilon), total)


class SkipSimplifiedLayerNormalization(RuntimeOperator):
    def _run(self, x, skip, scale, bias=None, epsilon=1e-12):
        total = x + skip if bias is None else x + skip + bias
        inverse = 1 / np.sqrt((total**2).mean(-1, keepdims=True) + np.float32(epsilon))
        return total * inverse * scale, inverse, inverse, total


class EmbedLayerNormalization(RuntimeOperator):
    def _run(
        self, ids, segments, words, positions, kinds, scale, bias, mask=None, places=None,
        epsilon=1e-12,
    ):  # fmt: skip
        places = np.arange(ids.shape[1]) if places is None else places
        total = words[ids] + positions[places]
        if segments is not None:
            total += kinds[segments]
        count = np.zeros(len(ids)) if mask is None else (mask == 1).sum(1)
        return normalize(total, scale, bias, epsilon)[0], count.astype(np.int32), total


def gelu(x, by_tanh=False):
    if by_tanh:
        inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    else:
        inner = np.vectorize(math.erf)(x / np.sqrt(2))
    return (x * (1 + inner) / 2).astype(x.dtype)


class Gelu(RuntimeOperator):
    def _run(self, x, approximate=None):  # as ONNX's own, by whose schema it is called
        return (gelu(x),)


class BiasGelu(RuntimeOperator):
    def _run(self, x, bias):
        return (gelu(x + bias),)


class FastGelu(RuntimeOperator):
    def _run(self, x, bias=None):
        return (gelu(x if bias is None else x + bias, by_tanh=True),)


class QuickGelu(RuntimeOperator):
    def _run(self, x, alpha=1.702):
        return (x / (1 + np.exp(-np.float32(alpha) * x)),)


RUNTIME = [
    SkipLayerNormalization, SkipSimplifiedLayerNormalization, EmbedLayerNormalization,
    Gelu, BiasGelu, FastGelu, QuickGelu,
]  # fmt: skip


def runtime_case(name, operator, *arguments, **options):
    case(name, "com.microsoft." + operator, *arguments, **options)


NORM, ROWS = "SkipLayerNormalization", (2, 3, 5)
runtime_case("skip_norm", NORM, [ROWS, ROWS, (5,)], [2], epsilon=1e-3)
runtime_case("skip_norm_rows", NORM, [(3, 5), (3, 5), (5,), None, (5,)], outputs=[0, 3])
runtime_case("skip_norm_all", NORM, [ROWS, (3, 5), (5,), (5,), (5,)], [2, 3, 4], outputs=4)
NORM = "SkipSimplifiedLayerNormalization"
runtime_case("skip_rms", NORM, [ROWS, (1, 3, 5), (5,)], [2])
runtime_case("skip_rms_bias", NORM, [ROWS, ROWS, (5,), (5,)], [2, 3], outputs=[0, 3], epsilon=0.1)
NORM, IDS = "EmbedLayerNormalization", np.array([[4, 0, 2], [1, 3, 4]], np.int32)
runtime_case("embed", NORM, [IDS, None, (5, 4), (6, 4), None, (4,), (4,)], [2, 3, 5, 6], outputs=3)
runtime_case(
    "embed_all", NORM,
    [IDS, IDS % 2, (5, 4), (6, 4), (2, 4), (4,), (4,), IDS % 3, IDS[:1] + 1],
    outputs=3, epsilon=1e-3,
)  # fmt: skip
runtime_case("gelu", "Gelu", [ROWS])
runtime_case("bias_gelu", "BiasGelu", [ROWS, (5,)], [1])
runtime_case("fast_gelu", "FastGelu", [ROWS])
runtime_case("fast_gelu_bias", "FastGelu", [ROWS, (5,)])
runtime_case("quick_gelu", "QuickGelu", [ROWS])
runtime_case("quick_gelu_alpha", "QuickGelu", [ROWS], alpha=1.0)


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
    wanted = ReferenceEvaluator(model, new_ops=RUNTIME).run(None, given)
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
