# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention as torch-mlir writes it for dynamic sizes, on random tensors: sizes that
could be negative or inferred, reshapes to lists of sizes, and elements that are
extracted, as keys might be those of one sequence for the whole batch."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

rng = np.random.default_rng(12)
HEADS, SIZE = 4, 16
WIDTH = HEADS * SIZE
X, SPLIT, APART = "tensor<?x?x64xf32>", "tensor<?x?x4x16xf32>", "tensor<?x4x?x16xf32>"
MERGED, SCORES = "tensor<?x?x16xf32>", "tensor<?x?x?xf32>"
PARALLEL = ", ".join(['"parallel"'] * 4)

BEGIN = """
%zero = arith.constant 0.0 : f32
%c0 = arith.constant 0 : index
%c1 = arith.constant 1 : index
%i0 = arith.constant 0 : i64
%i1 = arith.constant 1 : i64
%i4 = arith.constant 4 : i64
%i16 = arith.constant 16 : i64
%i64 = arith.constant 64 : i64
%batch = tensor.dim %q, %c0 : tensor<?x?x64xf32>
%b = arith.index_cast %batch : index to i64
%bh = arith.muli %b, %i4 : i64
%bhi = arith.index_cast %bh : i64 to index
"""


def heads(name):
    """An operand with a matrix for each head of the batch of queries."""
    return f"""
%{name}d0 = tensor.dim %{name}, %c0 : {X}
%{name}d1 = tensor.dim %{name}, %c1 : {X}
%{name}n0 = arith.index_cast %{name}d0 : index to i64
%{name}n1 = arith.index_cast %{name}d1 : index to i64
%{name}negative = arith.cmpi slt, %{name}n1, %i0 : i64
%{name}some = arith.extui %{name}negative : i1 to i64
%{name}one = arith.cmpi sle, %{name}some, %i1 : i64
cf.assert %{name}one, "must have at most one inferred (negative) dimension"
%{name}rows = arith.muli %{name}n0, %{name}n1 : i64
%{name}all = arith.muli %{name}rows, %i64 : i64
%{name}rest = arith.muli %{name}n0, %i64 : i64
%{name}inferred = arith.divsi %{name}all, %{name}rest : i64
%{name}length = arith.select %{name}negative, %{name}inferred, %{name}n1 : i64
%{name}list = tensor.from_elements %{name}n0, %{name}length, %i4, %i16 : tensor<4xi64>
%{name}split = tensor.reshape %{name}(%{name}list) : ({X}, tensor<4xi64>) -> {SPLIT}
%{name}size = arith.index_cast %{name}length : i64 to index
%{name}e = tensor.empty(%{name}d0, %{name}size) : {APART}
%{name}apart = linalg.transpose ins(%{name}split : {SPLIT}) outs(%{name}e : {APART}) permutation = [0, 2, 1, 3]
%{name}w = tensor.empty(%batch, %{name}d1) : {APART}
%{name}wide = linalg.generic {{indexing_maps = [affine_map<(a, h, t, e) -> (a, h, t, e)>], iterator_types = [{PARALLEL}]}} outs(%{name}w : {APART}) {{
^bb0(%out: f32):
  %a = linalg.index 0 : index
  %h = linalg.index 1 : index
  %t = linalg.index 2 : index
  %e = linalg.index 3 : index
  %isOne = arith.cmpi eq, %{name}d0, %c1 : index
  %row = arith.select %isOne, %c0, %a : index
  %isShort = arith.cmpi eq, %{name}size, %c1 : index
  %column = arith.select %isShort, %c0, %t : index
  %y = tensor.extract %{name}apart[%row, %h, %column, %e] : {APART}
  linalg.yield %y : f32
}} -> {APART}
%{name}merge = tensor.from_elements %bh, %{name}n1, %i16 : tensor<3xi64>
%{name}m = tensor.reshape %{name}wide(%{name}merge) : ({APART}, tensor<3xi64>) -> {MERGED}
"""


def attention(keys):
    """Of %q, and of %k and %v or %q again."""
    k, v = keys
    names = list(dict.fromkeys(["q", k, v]))
    return f"""{BEGIN}{''.join(heads(name) for name in names)}
%es = tensor.empty(%bhi, %qd1, %{k}d1) : {SCORES}
%s0 = linalg.fill ins(%zero : f32) outs(%es : {SCORES}) -> {SCORES}
%s = linalg.batch_matmul indexing_maps = [affine_map<(a, i, j, e) -> (a, i, e)>, affine_map<(a, i, j, e) -> (a, j, e)>, affine_map<(a, i, j, e) -> (a, i, j)>] ins(%qm, %{k}m : {MERGED}, {MERGED}) outs(%s0 : {SCORES}) -> {SCORES}
%p = linalg.softmax dimension(2) ins(%s : {SCORES}) outs(%es : {SCORES}) -> {SCORES}
%eo = tensor.empty(%bhi, %qd1) : {MERGED}
%o0 = linalg.fill ins(%zero : f32) outs(%eo : {MERGED}) -> {MERGED}
%om = linalg.batch_matmul ins(%p, %{v}m : {SCORES}, {MERGED}) outs(%o0 : {MERGED}) -> {MERGED}
%oapart = tensor.from_elements %b, %i4, %qn1, %i16 : tensor<4xi64>
%oh = tensor.reshape %om(%oapart) : ({MERGED}, tensor<4xi64>) -> {APART}
%et = tensor.empty(%batch, %qd1) : {SPLIT}
%ot = linalg.transpose ins(%oh : {APART}) outs(%et : {SPLIT}) permutation = [0, 2, 1, 3]
%olist = tensor.from_elements %b, %qn1, %i64 : tensor<3xi64>
%o = tensor.reshape %ot(%olist) : ({SPLIT}, tensor<3xi64>) -> {X}
"""


def draw(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


def case(batch, queries, key_batch, keys):
    q = draw(batch, queries, WIDTH)
    arguments = {"q": (tensor(q, [-1]), q)}
    names, k, v = "qq", q, q
    if keys:
        names, k, v = "kv", *(draw(key_batch, keys, WIDTH) for _ in "kv")
        arguments |= {"k": (tensor(k, [-1]), k), "v": (tensor(v, [-1]), v)}
    repeated = [np.broadcast_to(x, (batch, *x.shape[1:])) for x in (k, v)]
    wanted, _ = reference.sdpa(q, *repeated, heads=HEADS, scale=1.0)
    name = f"{batch}x{queries} queries, {key_batch}x{keys} keys"
    return Case(name, attention(names), arguments, {"o": (tensor(q, [-1]), wanted)})


CASES = [
    case(2, 5, 2, 0), case(1, 1, 1, 0), case(3, 37, 3, 0),
    case(2, 5, 2, 7), case(1, 9, 1, 1), case(3, 4, 1, 6),
]  # fmt: skip

if __name__ == "__main__":
    cases.check(CASES, cases.parse_arguments(__doc__))
