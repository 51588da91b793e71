# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run nodes through `attn import` and `attn run` that PyPI's package onnx has no node
tests of, and compare with its reference evaluator.

    reference_cases.py FOLDER OPERATOR... [--count N] [--threads N]

Options that are not known here are passed to `attn run`.
"""
import argparse
import pathlib
import sys

import numpy as np
import graph_cases  # noqa: F401, for its cases
import runtime_cases  # noqa: F401
from cases import CASES, RANDOM, byte, case, integers
from node_cases import attempt
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from runtime_operators import RUNTIME

case("conv_1d", "Conv", [(2, 3, 7), (5, 3, 3), (5,)], [1, 2])
case(
    "conv_2d_groups", "Conv", [(2, 4, 7, 9), (6, 2, 3, 2), (6,)], [1, 2],
    group=2, strides=[2, 3], dilations=[2, 1], pads=[1, 2, 0, 3],
)  # fmt: skip
case("conv_depthwise", "Conv", [(1, 4, 9), (4, 1, 3)], [1], group=4, pads=[1, 1])
case("conv_3d", "Conv", [(2, 2, 5, 6, 4), (3, 2, 2, 3, 1)], [1], strides=[2, 1, 3])
case("conv_patches", "Conv", [(3, 3, 16, 18), (8, 3, 4, 4), (8,)], [1, 2], strides=[4, 4])
case("conv_one_place", "Conv", [(1, 2, 4), (3, 2, 2)], [1], strides=[5], auto_pad="VALID")

case("conv_same", "Conv", [(2, 3, 7), (5, 3, 4)], [1], auto_pad="SAME_UPPER")
case("conv_same_dilated", "Conv", [(2, 3, 7), (5, 3, 4)], [1], auto_pad="SAME_LOWER", dilations=[3])

POOL = dict(kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 1, 1])
for rounded in (0, 1):
    case(f"max_pool_{rounded}", "MaxPool", [(2, 3, 8, 9)], ceil_mode=rounded, **POOL)
    case(f"average_pool_{rounded}", "AveragePool", [(2, 3, 8, 9)], ceil_mode=rounded, **POOL)
case("max_pool_dilated", "MaxPool", [(1, 2, 9)], kernel_shape=[3], dilations=[2])
case(
    "average_pool_whole", "AveragePool", [(2, 3, 8, 9)], count_include_pad=1, **POOL
)  # fmt: skip

IMAGE, LARGER = (2, 3, 5, 4), np.array([2, 3, 7, 9])
case("resize_linear", "Resize", [IMAGE, None, None, LARGER], [3], mode="linear")
case("resize_cubic", "Resize", [IMAGE, None, np.float32([1, 1, 0.7, 1.9])], [2], mode="cubic")
case(
    "resize_scales", "Resize", [IMAGE, None, np.float32([1.7, 0.8])],
    sizes="known", mode="linear", axes=[3, 2],
)  # fmt: skip
case(
    "resize_corners", "Resize", [IMAGE, None, None, LARGER], [3],
    mode="linear", coordinate_transformation_mode="align_corners",
)  # fmt: skip
case(
    "resize_nearest", "Resize", [IMAGE, None, np.float32([1, 1, 2, 3])], sizes="known",
    coordinate_transformation_mode="asymmetric", nearest_mode="floor",
)  # fmt: skip

for mode in ("DCR", "CRD"):
    case(f"depth_{mode}", "DepthToSpace", [(2, 12, 3, 5)], sizes="named", blocksize=2, mode=mode)
case("space", "SpaceToDepth", [(2, 3, 4, 6)], sizes="named", blocksize=2)

case("einsum_scores", "Einsum", [(2, 3, 4, 5), (2, 6, 4, 5)], equation="bqhe,bkhe->bhqk")
case("einsum_values", "Einsum", [(2, 4, 3, 6), (2, 6, 4, 5)], equation="bhqk, bkhe -> bqhe")
case("einsum_heads", "Einsum", [(2, 3, 6), (6, 4, 5)], [1], equation="bsd,dhe->bhse")
case("einsum_merged", "Einsum", [(2, 3, 4, 5), (4, 5, 6)], [1], equation="bshe,hed->bsd")
case("einsum_others", "Einsum", [(2, 3, 4), (5, 1, 4, 3)], equation="...ij,...jk")
case("einsum_sums", "Einsum", [(2, 3, 4), (4, 2), (3,)], equation="aij,jb,i->b")

IDS = np.array([[1, -1, 0], [5, 3, -4]])
ONE_HOT = [IDS, np.array(4), np.array([0.5, 2], np.float32)]
case("one_hot", "OneHot", ONE_HOT, [1, 2])
case("one_hot_axis", "OneHot", [IDS, np.array(4), np.array([7, 1])], [1], axis=0)

TIED = np.random.default_rng(5).integers(-2, 3, (3, 6, 4)).astype(np.float32)
case("greatest", "TopK", [TIED, np.array([3])], [1], outputs=2)
case("least", "TopK", [TIED, np.array([6])], [1], outputs=2, axis=1, largest=0)
case("not_zero", "NonZero", [TIED])
case("all_zero", "NonZero", [np.zeros((2, 3), np.float32)])



class LogSoftmax(OpRun):
    """The package's own takes the logarithm of probabilities, which may be 0."""

    def _run(self, x, axis=-1):
        x = x - x.max(axis, keepdims=True)
        return (x - np.log(np.exp(x).sum(axis, keepdims=True)),)


class ReduceLogSumExp(OpRun):
    """The package's own overflows."""

    def _run(self, x, axes=None, keepdims=1, noop_with_empty_axes=0):
        largest = x.max(tuple(axes), keepdims=True)
        total = np.exp(x - largest).sum(tuple(axes), keepdims=True)
        return (np.log(total) + largest,)


case("sum_of_large", "ReduceLogSumExp", [np.float32([[-300, 2], [500, 499]]), np.array([1])], [1])
case("logarithms", "LogSoftmax", [np.float32([[-300, 2, -90], [0, 500, 499]])])

case("split_unknown", "Split", [(2, 7)], outputs=3, axis=1, num_outputs=3)
case("split_sizes", "Split", [(2, 7), np.array([4, 0, 3])], [1], outputs=3, axis=1)
case("reshape_nothing", "Reshape", [(0, 7), np.array([3, 0])], [1], allowzero=1)
DOWN = [np.array(places) for places in ([-1, 4], [-(2**63), 0], [0, 1], [-1, -3])]
case("slice_down", "Slice", [(3, 7), *DOWN], [1, 2, 3, 4])

STEP, ROWS, COLUMNS = np.array(0.25, np.float32), (3, 5, 8), np.float32([0.5, 2, 0.1, 3, 7])
TO_NUMBERS, TO_STEPS = "DequantizeLinear", "QuantizeLinear"
case("numbers", TO_NUMBERS, [integers("uint8", *ROWS), STEP, byte(130)], [0, 1, 2])
case("numbers_signed", TO_NUMBERS, [integers("int8", *ROWS), STEP], [0, 1])
case(
    "numbers_axis", TO_NUMBERS, [integers("uint8", *ROWS), COLUMNS, integers("uint8", 5)],
    [1, 2], axis=-2, sizes="known",
)  # fmt: skip
case(
    "numbers_blocks", TO_NUMBERS, [integers("int8", 4, 6), (2, 6), integers("int8", 2, 6)],
    [0, 1], axis=0, block_size=2, sizes="known",
)  # fmt: skip
WIDE = integers("uint16", *ROWS), np.array(40000, np.uint16)
case("numbers_wide", TO_NUMBERS, [WIDE[0], STEP, WIDE[1]], [0, 1, 2])
case("numbers_wide_signed", TO_NUMBERS, [integers("int16", *ROWS), STEP], [0, 1])
SUMS = [np.array([1 << 20, -7], np.int32), STEP.reshape(1), np.array(0, np.int32)]
case("numbers_sums", TO_NUMBERS, SUMS, [1, 2])
TIES = (np.arange(-1100, 1100, 7) / 8).astype(np.float32).reshape(1, -1)
case("steps", TO_STEPS, [TIES, STEP, byte(100)], [1, 2], inner=[0])
case("steps_signed", TO_STEPS, [TIES, STEP, np.array(-7, np.int8)], [1, 2])
case("steps_none", TO_STEPS, [TIES, STEP], [1], inner=[0])
case("steps_axis", TO_STEPS, [ROWS, COLUMNS, integers("int8", 5)], [1, 2], sizes="known")
FINE = np.array(1 / 512, np.float32)
case("steps_wide", TO_STEPS, [TIES, FINE, WIDE[1]], [1, 2], inner=[0])
case("steps_wide_signed", TO_STEPS, [TIES, FINE, np.array(-7, np.int16)], [1, 2], inner=[0])
for name, numbers in (("dynamic", (4, 9)), ("dynamic_above", TIES[:, 200:])):
    case(name, "DynamicQuantizeLinear", [numbers], outputs=3, inner=[0, 2])

# Sums that f32 has, those that it has of digits, and those that only integers have.
for depth in (40, 1500, 9000):
    most = [np.full((3, depth), 255, np.uint8), np.full((depth, 50), -128, np.int8)]
    case(f"integers_{depth}", "MatMulInteger", most, [1])
PRODUCT = "MatMulInteger"
BYTES = [integers("uint8", 2, 5, 70), integers("int8", 70, 9)]
case("integers_points", PRODUCT, [*BYTES, byte(120), np.array(3, np.int8)], [1, 2, 3])
case("integers_columns", PRODUCT, [*BYTES, byte(120), integers("int8", 9)], [1, 2, 3])
FILTERS = [integers("uint8", 2, 3, 32, 32), integers("uint8", 4, 3, 16, 16)]
case(
    "integers_filters", "ConvInteger", [*FILTERS, byte(120), byte(3)], [1, 2, 3],
    strides=[16, 16], sizes="known",
)  # fmt: skip

# Quantised numbers on both sides: of one scale, and of one for each column or row.
MICROSOFT = "com.microsoft."
LEFT = BYTES[0], np.array(0.02, np.float32), byte(120)
RIGHT = BYTES[1], np.linspace(0.01, 0.03, 9, dtype=np.float32), integers("int8", 9)
RESULT = np.array(1.5, np.float32), byte(100)
case("steps_product", "QLinearMatMul", [*LEFT, *RIGHT, *RESULT], range(1, 8), inner=[0])
EACH = integers("uint8", 5, 70), np.linspace(0.01, 0.03, 5, dtype=np.float32)
case(
    "floats_product", f"{MICROSOFT}MatMulIntegerToFloat",
    [LEFT[0], RIGHT[0], LEFT[1], RIGHT[1], LEFT[2], RIGHT[2], (9,)], range(1, 7),
)  # fmt: skip
case(
    "floats_rows", f"{MICROSOFT}MatMulIntegerToFloat",
    [EACH[0], RIGHT[0], EACH[1], STEP], range(1, 4),
)  # fmt: skip
case(
    "dynamic_product", f"{MICROSOFT}DynamicQuantizeMatMul",
    [(2, 5, 70), *RIGHT, (9,)], range(1, 5),
)  # fmt: skip
OTHER = integers("uint8", 1, 5, 1), STEP, byte(7)
for operation in ("Add", "Mul"):
    case(
        f"steps_{operation}", f"{MICROSOFT}QLinear{operation}", [*LEFT, *OTHER, *RESULT],
        [1, 2, 4, 5, 6, 7], inner=[0],
    )  # fmt: skip
CHOSEN = RANDOM.integers(0, 2, (5, 70)).astype(bool)
case(
    "steps_where", f"{MICROSOFT}QLinearWhere", [CHOSEN, *LEFT, *OTHER, *RESULT],
    [2, 3, 5, 6, 7, 8], inner=[0],
)  # fmt: skip
MORE = integers("uint8", 2, 3, 70), STEP.reshape(1), byte(7)
case(
    "steps_joined", f"{MICROSOFT}QLinearConcat", [*RESULT, *LEFT, *MORE],
    [0, 1, 3, 4, 6, 7], inner=[0], axis=-2,
)  # fmt: skip
SHARES = np.array(1 / 256, np.float32), byte(0)
case(
    "steps_Sigmoid", f"{MICROSOFT}QLinearSigmoid", [*LEFT, *SHARES], [1, 2, 3, 4], inner=[0]
)  # fmt: skip
for axis, opset in ((-1, 11), (1, 13)):
    case(
        f"steps_softmax_{opset}", f"{MICROSOFT}QLinearSoftmax", [*LEFT, *SHARES],
        [1, 2, 3, 4], inner=[0], axis=axis, opset=opset,
    )  # fmt: skip
TURNED = integers("uint8", 70, 5), *LEFT[1:], RIGHT[0].T.copy(), *RIGHT[1:]
SUM = np.arange(-4000, 5000, 1000, dtype=np.int32)
case(
    "steps_turned", f"{MICROSOFT}QGemm", [*TURNED, SUM, *RESULT], range(1, 9), inner=[0],
    alpha=0.5, transA=1, transB=1,
)  # fmt: skip
case("floats_turned", f"{MICROSOFT}QGemm", TURNED, range(1, 6), transA=1, transB=1)

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
    wanted = ReferenceEvaluator(model, new_ops=[*RUNTIME, LogSoftmax, ReduceLogSumExp]).run(None, given)
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
