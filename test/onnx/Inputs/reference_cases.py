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
import onnx
from node_cases import attempt
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from runtime_operators import RUNTIME

CASES = {}


def case(
    name, operator, operands, constants=(), outputs=1, sizes="unknown", inner=(), **attributes
):  # fmt: skip
    """Operands are arrays, or shapes of floats; None is left out, as is an output that is
    not among those asked for. Constants are the numbers of operands that are part of the
    model. Sizes are unknown, but for 1, or have names, equal ones the same, or are known.
    Operands of UINT8, and outputs that `inner` names, are INT32 outside."""
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
    inputs = ["" if value is None else f"x{number}" for number, value in enumerate(operands)]
    results = [f"y{number}" if number in present else "" for number in range(max(present) + 1)]
    before, after = [], []
    for number, value in enumerate(operands):
        if f"x{number}" in arrays and arrays[f"x{number}"].dtype == np.uint8:
            arrays[f"x{number}"] = value.astype(np.int32)
            inputs[number] = f"bytes{number}"
            before.append(helper.make_node("Cast", [f"x{number}"], [inputs[number]], to=2))
    for number in inner:
        results[number] = f"result{number}"
        after.append(helper.make_node("Cast", [results[number]], [f"y{number}"], to=6))
    node = helper.make_node(kind, inputs, results, domain=domain, **attributes)

    def declare(name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        shape = [
            size if size == 1 else {"unknown": None, "named": f"n{size}", "known": size}[sizes]
            for size in array.shape
        ]
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        [*before, node, *after],
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


case("logarithms", "LogSoftmax", [np.float32([[-300, 2, -90], [0, 500, 499]])])

case("split_unknown", "Split", [(2, 7)], outputs=3, axis=1, num_outputs=3)
case("split_sizes", "Split", [(2, 7), np.array([4, 0, 3])], [1], outputs=3, axis=1)
case("reshape_nothing", "Reshape", [(0, 7), np.array([3, 0])], [1], allowzero=1)
DOWN = [np.array(places) for places in ([-1, 4], [-(2**63), 0], [0, 1], [-1, -3])]
case("slice_down", "Slice", [(3, 7), *DOWN], [1, 2, 3, 4])

RANDOM = np.random.default_rng(0)


def integers(kind, *shape):
    bounds = np.iinfo(kind)
    return RANDOM.integers(bounds.min, bounds.max + 1, shape).astype(kind)


def byte(value):
    return np.array(value, np.uint8)


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

# What writes a slice of a tensor, as TorchScript's exporter writes it.
ASSIGNED = """
<ir_version: 10, opset_import: ["": 17]>
assigned (float[n, 1, m] x0, float[n, 1, k] x1) => (float[n, 1, k] y0) <
  int64[1] minus_one = {-1}, int64[1] one = {1}, int64 zero = {0}, int64 step = {1},
  int64[2] columns = {1, 2}
> {
  size = Shape (x0)
  n = Gather <axis = 0> (size, zero)
  last = Shape <start = 2, end = 3> (x0)
  m = Squeeze (last)
  range0 = Range (zero, n, step)
  range1 = Range (zero, step, step)
  range2 = Range (zero, m, step)
  column = Unsqueeze (range0, columns)
  i0 = Expand (column, size)
  single = Unsqueeze (range1, one)
  i1 = Expand (single, size)
  i2 = Expand (range2, size)
  j0 = Unsqueeze (i0, minus_one)
  j1 = Unsqueeze (i1, minus_one)
  j2 = Unsqueeze (i2, minus_one)
  places = Concat <axis = -1> (j0, j1, j2)
  y0 = ScatterND (x1, places, x0)
}
"""
CASES["assigned"] = (
    "ScatterND",
    onnx.parser.parse_model(ASSIGNED),
    {"x0": np.ones((2, 1, 3), np.float32), "x1": np.zeros((2, 1, 5), np.float32)},
)

# Sizes to pad with, as PyTorch's exporter writes them: pairs of the last dimension first,
# which are filled up, turned round and put in ONNX's order.
PADDED = """
<ir_version: 10, opset_import: ["": 21]>
padded (float[n, m, k] x0) => (float[n, p, q] y0) <
  int64[1] four = {4}, int64[1] zero = {0}, int64[1] one = {1}, int64 six = {6},
  int64[1] last = {-1}, int64[1] first = {-9223372036854775807}, int64[2] pairs = {-1, 2}
> {
  rows = Shape <start = 1, end = 2> (x0)
  over = Sub (four, rows)
  more = Mod (over, four)
  given = Concat <axis = 0> (one, zero, zero, more)
  size = Shape (given)
  count = Squeeze (size)
  left = Sub (six, count)
  lefts = Unsqueeze (left, zero)
  zeros = ConstantOfShape <value = int64[1] {0}> (lefts)
  none = ConstantOfShape <value = int64[1] {0}> (zero)
  whole = Concat <axis = 0> (given, zeros, none)
  table = Reshape (whole, pairs)
  turned = Slice (table, last, first, zero, last)
  columns = Transpose <perm = [1, 0]> (turned)
  flat = Reshape (columns, last)
  pads = Cast <to = 7> (flat)
  y0 = Pad (x0, pads)
}
"""
CASES["padded"] = "Pad", onnx.parser.parse_model(PADDED), {"x0": np.ones((2, 6, 3), np.float32)}

# What is left of one row is repeated as one is, although only the sizes tell that it is.
REPEATED = """
<ir_version: 10, opset_import: ["": 21]>
repeated (float[n, 1, k] x0, float[n, m, k] x1) => (float[n, m, k] y0, float[m, n, n] y1) <
  int64[1] zero = {0}, int64[1] one = {1}, int64[1] last = {9223372036854775807}
> {
  rows = Shape <start = 1, end = 2> (x1)
  over = Sub (one, rows)
  first = Max (over, zero)
  part = Slice (x0, first, last, one)
  y0 = Add (part, x1)
  batches = Transpose <perm = [1, 0, 2]> (part)
  columns = Transpose <perm = [1, 2, 0]> (x1)
  y1 = MatMul (batches, columns)
}
"""
CASES["repeated"] = (
    "Slice",
    onnx.parser.parse_model(REPEATED),
    {"x0": np.ones((2, 1, 3), np.float32), "x1": np.arange(24, dtype=np.float32).reshape(2, 4, 3)},
)

# Any number of entries and positions, of which there may be none.
RECURRENT = """
<ir_version: 10, opset_import: ["": 27]>
recurrent (float[b, t, 24] x0, float[b, t, 12] x1, float[b, t, 10] x2, float[b, 2, 6, 5] x3,
           float[b, t, 12] x4, float[b, t, 2] x5)
    => (float[b, t, 20] y0, float[b, 2, 6, 5] y1, float[b, t, 20] y2, float[b, 2, 6, 5] y3) {
  y0, y1 = LinearAttention <q_num_heads = 4, kv_num_heads = 2> (x0, x1, x2, x3, x4, x5)
  y2, y3 = LinearAttention
    <q_num_heads = 4, kv_num_heads = 2, update_rule = "linear", scale = 0.5> (x0, x1, x2)
}
"""
for steps in (7, 0):
    SHAPES = [(3, steps, 24), (3, steps, 12), (3, steps, 10), (3, 2, 6, 5), (3, steps, 12), (3, steps, 2)]
    CASES[f"recurrent_{steps}"] = (
        "LinearAttention",
        onnx.parser.parse_model(RECURRENT),
        {
            f"x{number}": 0.5 * np.random.default_rng(number).standard_normal(shape).astype(np.float32)
            for number, shape in enumerate(SHAPES)
        },
    )

# The sizes of a tensor are known to be equal to themselves: then, else, and one in another.
# Names in branches are those of other branches too.
BRANCHES = """
<ir_version: 10, opset_import: ["": 21]>
branches (float[n, m] x0) => (float[n, m] y0, float[k] y1) {
  size = Shape (x0)
  rows = Shape <start = 0, end = 1> (x0)
  others = Shape <start = 0, end = 1> (x0)
  isSame = Equal (rows, others)
  isOther = Not (isSame)
  y0 = If (isSame) <
    then_branch = inner () => (float[n, m] z) {
      t = Neg (x0)
      z = If (isOther) <
        then_branch = never () => (float[n, m] w) { w = Relu (t) },
        else_branch = always () => (float[n, m] w) { w = Add (t, x0) }
      >
    },
    else_branch = unknown () => (float[n, m] z) { z = NonMaxSuppression (x0) }
  >
  y1 = If (isOther) <
    then_branch = none () => (float[k] z) { z = Relu (x0) },
    else_branch = one () => (float[k] z)
      <float[2] w = {1.5, -2}> { t = Cast <to = 1> (size) z = Mul (t, w) }
  >
}
"""
CASES["branches"] = "If", onnx.parser.parse_model(BRANCHES), {"x0": np.ones((2, 3), np.float32)}

# An element of an input tells. Branches agree in no size, in one, and in a few integers that
# sizes are computed with; they compute the same sums of sizes, and what is after them does.
CHOICES = """
<ir_version: 10, opset_import: ["": 21]>
choices (bool[1] x0, float[n, m] x1, float[k, m] x2)
    => (float[p, q] y0, float[q, p] y1, float[r, s] y2) {
  last = Shape <start = 1, end = 2> (x1)
  y0, y1, shape = If (x0) <
    then_branch = some () => (float[p, q] z, float[q, p] t, int64[2] s) {
      z = Concat <axis = 0> (x1, x2)
      rows = Shape <start = 0, end = 1> (z)
      rows_last = Concat <axis = 0> (rows, last)
      wide = Reshape (z, rows_last)
      t = Transpose (wide)
      s = Concat <axis = 0> (last, rows)
    },
    else_branch = others () => (float[p, q] z, float[q, p] t, int64[2] s) {
      z = Concat <axis = 0> (x1, x2, x2)
      rows = Shape <start = 0, end = 1> (z)
      t = Transpose (x2)
      s = Concat <axis = 0> (rows, last)
    }
  >
  doubled = Concat <axis = 0> (x1, x2)
  y2 = If (x0) <
    then_branch = same () => (float[r, s] z) { z = Reshape (y0, shape) },
    else_branch = sum () => (float[r, s] z) { z = Relu (doubled) }
  >
}
"""
for value in (False, True):
    CASES[f"choices_{value}"] = (
        "If",
        onnx.parser.parse_model(CHOICES),
        {
            "x0": np.array([value]),
            "x1": np.arange(6, dtype=np.float32).reshape(2, 3) - 2,
            "x2": np.arange(12, dtype=np.float32).reshape(4, 3) - 5,
        },
    )


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
runtime_case("fused", "FusedMatMul", [(2, 5, 3), (2, 4, 5)], transA=1, transB=1, alpha=0.25)
runtime_case("fused_vector", "FusedMatMul", [(5,), (2, 4, 5)], transA=1, transB=1)
runtime_case("gemm_tanh", "FusedGemm", [(5, 3), (4, 3), (4,)], [1, 2], transB=1, activation="Tanh")
runtime_case("gemm_relu", "FusedGemm", [(3, 5), (3, 4)], transA=1, alpha=0.5, activation="Relu")
runtime_case(
    "gemm_leaky", "FusedGemm", [(5, 3), (3, 4), (4,)], [1, 2], beta=2.0,
    activation="LeakyRelu", activation_alpha=0.3,
)  # fmt: skip
ANGLES, PLACES = [(9, 3), (9, 3)], np.array([[1, 2, 3], [0, 1, 8]])
TURN = "RotaryEmbedding"
runtime_case("turn", TURN, [(2, 3, 12), PLACES, *ANGLES], [2, 3], sizes="known")
runtime_case("turn_heads", TURN, [(2, 4, 3, 6), PLACES, *ANGLES], sizes="known", interleaved=1)
runtime_case(
    "turn_part", TURN, [(2, 3, 16), np.array([4]), *ANGLES], [2, 3], sizes="known",
    num_heads=2, rotary_embedding_dim=6,
)  # fmt: skip

X, WEIGHT, LOWEST = (2, 5, 6), (6, 24), float(np.finfo(np.float32).min)
MASK, PADDED = np.ones((2, 5), np.int32), np.ones((2, 5), np.int32)
MASK[0, 3:], PADDED[1, :2] = 0, 0
BLOCKS = np.tile(MASK[:, None], (1, 5, 1)) | np.eye(5, dtype=np.int32)
LENGTHS = np.array([2, 5], np.int32)


def attention_case(name, *operands, **options):
    constants = [1] if operands[2] is None else [1, 2]
    runtime_case(name, "Attention", operands, constants, num_heads=2, **options)


attention_case("attention", X, WEIGHT, (24,))
attention_case("attention_mask", X, WEIGHT, (24,), MASK, mask_filter_value=LOWEST)
attention_case("attention_blocks", X, WEIGHT, None, BLOCKS, None, (1, 2, 5, 5), scale=0.7)
attention_case("attention_widths", X, (6, 20), (20,), qkv_hidden_sizes=[8, 8, 4])
attention_case("attention_causal", X, WEIGHT, (24,), unidirectional=1)
attention_case(
    "attention_padded", X, WEIGHT, (24,), PADDED, unidirectional=1, mask_filter_value=-100.0
)
attention_case(
    "attention_all_padded", X, WEIGHT, (24,), PADDED, unidirectional=1, mask_filter_value=LOWEST
)
attention_case("attention_lengths", X, WEIGHT, (24,), LENGTHS, sizes="named")
attention_case(
    "attention_past", X, WEIGHT, (24,), np.tile(PADDED, 2)[:, :8], (2, 2, 2, 3, 4),
    outputs=2, unidirectional=1, sizes="known",
)  # fmt: skip

STEPS = integers("uint8", *X), integers("int8", *WEIGHT), (24,), np.array(0.002, np.float32)
STEP, EACH_STEP = np.array(0.01, np.float32), np.linspace(0.005, 0.015, 24, dtype=np.float32)


def steps_case(name, *operands, **options):
    operands = STEPS + operands
    constants = [i for i in range(1, len(operands)) if i != 5 and operands[i] is not None]
    runtime_case(name, "QAttention", operands, constants, num_heads=2, **options)


steps_case("steps_attention", STEP)
steps_case("steps_attention_mask", STEP, MASK, byte(120), np.array(3, np.int8))
steps_case("steps_attention_columns", EACH_STEP, None, byte(120), integers("int8", 24))
runtime_case(
    "steps_attention_past", "QAttention",
    [*STEPS, STEP, np.tile(PADDED, 2)[:, :8], byte(120), None, (2, 2, 2, 3, 4)], [1, 2, 3, 4, 6],
    num_heads=2, outputs=2, unidirectional=1, sizes="known",
)  # fmt: skip

TABLES = [integers("int8", rows, 4) for rows in (5, 6, 2)]
NORMS, POINT = [integers("int8", 4), integers("int8", 4)], np.array(3, np.int8)
runtime_case(
    "steps_embed", "QEmbedLayerNormalization",
    [
        IDS, None, *TABLES[:2], None, *NORMS, None, STEP, EACH_STEP[:1], None, STEP, STEP,
        POINT, POINT, None, POINT, POINT,
    ],
    [2, 3, 5, 6, 8, 9, 11, 12, 13, 14, 16, 17], outputs=2,
)  # fmt: skip
runtime_case(
    "steps_embed_all", "QEmbedLayerNormalization",
    [IDS, IDS % 2, *TABLES, *NORMS, IDS % 3, *[STEP] * 5, *[POINT] * 5],
    [*range(2, 7), *range(8, 18)], outputs=2, epsilon=1e-3,
)  # fmt: skip


def heads_case(name, *operands, **options):
    runtime_case(name, "MultiHeadAttention", operands, num_heads=2, **options)


QUERIES, HEADS, PAST = (2, 3, 8), (2, 2, 5, 4), (2, 2, 2, 4)
heads_case("heads", QUERIES, (2, 5, 8), (2, 5, 8), None, MASK)
heads_case("heads_bias", QUERIES, (2, 5, 8), (2, 5, 12), (28,), MASK, sizes="known")
heads_case("heads_kept", QUERIES, HEADS, HEADS, None, None, (1, 2, 3, 5), scale=0.7)
heads_case("heads_past", QUERIES, QUERIES, QUERIES, None, None, None, PAST, PAST, outputs=3)
heads_case(
    "heads_past_causal", QUERIES, QUERIES, QUERIES, None, PADDED, None, PAST, PAST,
    outputs=3, unidirectional=1,
)  # fmt: skip
heads_case("heads_packed", (2, 3, 2, 3, 4), None, None, (24,), sizes="known")
heads_case("heads_packed_keys", QUERIES, (2, 5, 2, 2, 4), sizes="known")


def grouped_case(name, *operands, total, last, rest=(), **options):
    """Up to the past; the lengths, and what is after them."""
    operands += (None,) * (5 - len(operands))
    operands += (np.array(last, np.int32), np.array([total], np.int32), *rest)
    options = {"sizes": "known", "outputs": 3, **options}
    runtime_case(
        name, "GroupQueryAttention", operands, [6], num_heads=4, kv_num_heads=2, **options
    )


BEGIN, NEXT = [(2, 5, 16), (2, 5, 8), (2, 5, 8)], [(2, 1, 16), (2, 1, 8), (2, 1, 8)]
CACHE, ANGLES = [(2, 2, 6, 4)] * 2, [(9, 2), (9, 2)]
grouped_case("grouped", *BEGIN, total=5, last=[4, 4])
grouped_case("grouped_packed", (2, 5, 32), total=5, last=[4, 4], rest=ANGLES, do_rotary=1)
grouped_case(
    "grouped_begin", *BEGIN, *CACHE, total=5, last=[4, 4], rest=[(9, 1), (9, 1)],
    do_rotary=1, softcap=2.0,
)  # fmt: skip
grouped_case("grouped_window", *BEGIN, total=5, last=[4, 4], local_window_size=2, scale=0.7)
grouped_case("grouped_next", *NEXT, *CACHE, total=7, last=[6, 6])
grouped_case("grouped_ragged", *NEXT, *CACHE, total=6, last=[5, 2], rest=ANGLES, do_rotary=1)
grouped_case(
    "grouped_places", *NEXT, *CACHE, total=7, last=[6, 3], do_rotary=1, rotary_interleaved=1,
    rest=[*ANGLES, np.array([[3], [8]])],
)  # fmt: skip
grouped_case(
    "grouped_bias", *NEXT, *CACHE, total=5, last=[4, 2], local_window_size=3,
    rest=[None, None, None, (2, 1, 1, 5)],
)  # fmt: skip
grouped_case(
    "grouped_sinks", *NEXT, *CACHE, total=6, last=[5, 2], rest=[None] * 4 + [(4,)],
)  # fmt: skip
grouped_case("grouped_smooth", *BEGIN, total=5, last=[4, 4], smooth_softmax=1)

# Lengths as a mask of the tokens says them.
GROUPED = """
<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]>
grouped_mask (
  float[b, s, 16] x0, float[b, s, 8] x1, float[b, s, 8] x2,
  float[b, 2, p, 4] x3, float[b, 2, p, 4] x4, int64[b, t] x5
) => (float[b, s, 16] y0, float[b, 2, u, 4] y1, float[b, 2, u, 4] y2)
<int64[1] one = {1}> {
  sum = ReduceSum <keepdims = 0> (x5, one)
  last = Sub (sum, one)
  last32 = Cast <to = 6> (last)
  size = Shape <start = 1, end = 2> (x5)
  total = Cast <to = 6> (size)
  y0, y1, y2 = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2>
    (x0, x1, x2, x3, x4, last32, total)
}
"""
CASES["grouped_mask"] = (
    "com.microsoft.GroupQueryAttention",
    onnx.parser.parse_model(GROUPED),
    {
        **{
            f"x{number}": np.random.default_rng(number).standard_normal(shape).astype(np.float32)
            for number, shape in enumerate([*NEXT, *CACHE])
        },
        "x5": (np.arange(7) < np.array([[7], [4]])).astype(np.int64),
    },
)


def blocks_case(name, depth, *points, size=16, bits=4, bias=None):
    rows, blocks = 6, -(-depth // size)
    operands = [(2, 3, depth), integers("uint8", rows, blocks, size * bits // 8), (rows, blocks)]
    operands += [*points, None, bias] if bias else points
    constants = [place for place, value in enumerate(operands) if place and value is not None]
    runtime_case(
        name, "MatMulNBits", operands, constants, K=depth, N=rows, bits=bits, block_size=size
    )


blocks_case("blocks", 64)
blocks_case("blocks_points", 48, integers("uint8", 6, 2))
blocks_case("blocks_part", 40, integers("uint8", 12), bias=(6,))
blocks_case("blocks_floats", 64, (6, 2), size=32, bits=8)
blocks_case("blocks_two", 64, size=32, bits=2)


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
    wanted = ReferenceEvaluator(model, new_ops=[*RUNTIME, LogSoftmax]).run(None, given)
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
