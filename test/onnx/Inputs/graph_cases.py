# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Graphs of several nodes, whose sizes are computed as exporters write it."""
import numpy as np
import onnx
from cases import CASES

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

# Groups of channels, of which each has a scale.
GROUPS = """
<ir_version: 10, opset_import: ["": 18]>
groups (float[n, 6, m] x0, float[3] x1, float[3] x2) => (float[n, 6, m] y0) {
  y0 = GroupNormalization <num_groups = 3, epsilon = 0.1> (x0, x1, x2)
}
"""
CASES["groups"] = (
    "GroupNormalization",
    onnx.parser.parse_model(GROUPS),
    {
        "x0": np.random.default_rng(0).standard_normal((2, 6, 5)).astype(np.float32),
        "x1": np.float32([1, -2, 3]),
        "x2": np.float32([4, 5, 6]),
    },
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
