# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention with sinks as other front ends write it, on random tensors: a column of
scores more, of which the probabilities are dropped, or a power that is added to
the sum of weights."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

rng = np.random.default_rng(11)
B, H, S, M, E = 2, 4, 20, 33, 16
Q, K, SCORES = f"tensor<{B}x{H}x{S}x{E}xf32>", f"tensor<{B}x{H}x{M}x{E}xf32>", f"tensor<{B}x{H}x{S}x{M}xf32>"
MORE, ROWS = f"tensor<{B}x{H}x{S}x{M + 1}xf32>", f"tensor<{B}x{H}x{S}xf32>"
COLUMN, OF_HEADS = f"tensor<{B}x{H}x{S}x1xf32>", f"tensor<{H}xf32>"
WHOLE = "affine_map<(b, h, i, j) -> (b, h, i, j)>"
ROW = "affine_map<(b, h, i, j) -> (b, h, i)>"
PARALLEL = ", ".join(['"parallel"'] * 4)
REDUCED = PARALLEL[: -len('"parallel"')] + '"reduction"'

BEGIN = f"""
%zero = arith.constant 0.0 : f32
%low = arith.constant 0xFF800000 : f32
%scale = arith.constant 0.25 : f32
%es = tensor.empty() : {SCORES}
%em = tensor.empty() : {MORE}
%er = tensor.empty() : {ROWS}
%eo = tensor.empty() : {Q}
%zs = linalg.fill ins(%zero : f32) outs(%es : {SCORES}) -> {SCORES}
%zr = linalg.fill ins(%zero : f32) outs(%er : {ROWS}) -> {ROWS}
%lr = linalg.fill ins(%low : f32) outs(%er : {ROWS}) -> {ROWS}
%zo = linalg.fill ins(%zero : f32) outs(%eo : {Q}) -> {Q}
%s0 = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, e)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>] ins(%q, %k : {Q}, {K}) outs(%zs : {SCORES}) -> {SCORES}
%s1 = linalg.generic {{indexing_maps = [{WHOLE}, {WHOLE}], iterator_types = [{PARALLEL}]}} ins(%s0 : {SCORES}) outs(%es : {SCORES}) {{
^bb0(%a: f32, %out: f32):
  %i = linalg.index 2 : index
  %j = linalg.index 3 : index
  %x = arith.mulf %a, %scale : f32
  %seen = arith.cmpi ule, %j, %i : index
  %y = arith.select %seen, %x, %low : f32
  linalg.yield %y : f32
}} -> {SCORES}
"""


def column():
    """The sinks, repeated for each query."""
    ones = f"tensor<{H}x1x1xf32>"
    return f"""%n0 = tensor.expand_shape %n [[0, 1, 2]] output_shape [{H}, 1, 1] : {OF_HEADS} into {ones}
%ec = tensor.empty() : {COLUMN}
%n1 = linalg.generic {{indexing_maps = [affine_map<(b, h, i, j) -> (h, 0, 0)>, {WHOLE}], iterator_types = [{PARALLEL}]}} ins(%n0 : {ones}) outs(%ec : {COLUMN}) {{
^bb0(%a: f32, %out: f32):
  linalg.yield %a : f32
}} -> {COLUMN}
"""


def reduce(result, word, x, x_type, init, maps=(WHOLE, ROW)):
    return f"""%{result} = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{REDUCED}]}} ins(%{x} : {x_type}) outs(%{init} : {ROWS}) {{
^bb0(%a: f32, %out: f32):
  %y = {word} %out, %a : f32
  linalg.yield %y : f32
}} -> {ROWS}
"""


def combine(result, x, row, x_type, init, *lines):
    """Of each score %a and its row's %b."""
    body = "\n".join(lines)
    return f"""%{result} = linalg.generic {{indexing_maps = [{WHOLE}, {ROW}, {WHOLE}], iterator_types = [{PARALLEL}]}} ins(%{x}, %{row} : {x_type}, {ROWS}) outs(%{init} : {x_type}) {{
^bb0(%a: f32, %b: f32, %out: f32):
{body}
  linalg.yield %y : f32
}} -> {x_type}
"""


def softmax_of_columns(is_last, way, is_shifted):
    """A softmax of scores and sinks, as gpt-oss has it."""
    scores, sink = (0, M) if is_last else (1, 0)
    pair = "%s1, %n1" if is_last else "%n1, %s1"
    types = f"{SCORES}, {COLUMN}" if is_last else f"{COLUMN}, {SCORES}"
    text = column()
    if way == "concat":
        text += f"%c = tensor.concat dim(3) {pair} : ({types}) -> {MORE}\n"
    else:
        text += f"""%c0 = tensor.insert_slice %s1 into %em[0, 0, 0, {scores}] [{B}, {H}, {S}, {M}] [1, 1, 1, 1] : {SCORES} into {MORE}
%c = tensor.insert_slice %n1 into %c0[0, 0, 0, {sink}] [{B}, {H}, {S}, 1] [1, 1, 1, 1] : {COLUMN} into {MORE}
"""
    text += reduce("max", "arith.maximumf", "c", MORE, "lr")
    shifted = "c"
    if is_shifted:
        shifted = "d"
        text += combine("d", "c", "max", MORE, "em", "%y = arith.subf %a, %b : f32")
    return (
        f"{text}%p0 = linalg.softmax dimension(3) ins(%{shifted} : {MORE}) outs(%em : {MORE}) -> {MORE}\n"
        f"%p = tensor.extract_slice %p0[0, 0, 0, {scores}] [{B}, {H}, {S}, {M}] [1, 1, 1, 1] : {MORE} to {SCORES}\n"
    )


def power_beside_sum(is_among_largest):
    """exp(sink - max) is added to the sum; the largest may be the sink's own."""
    text = reduce("max0", "arith.maximumf", "s1", SCORES, "lr")
    head, row = "affine_map<(b, h, i) -> (h)>", "affine_map<(b, h, i) -> (b, h, i)>"
    iterators = ", ".join(['"parallel"'] * 3)

    def beside(result, x, y, *lines):
        body = "\n".join(lines)
        inputs = f"%{x}, %{y}, %n : {ROWS}, {ROWS}, {OF_HEADS}"
        return f"""%{result} = linalg.generic {{indexing_maps = [{row}, {row}, {head}, {row}], iterator_types = [{iterators}]}} ins({inputs}) outs(%er : {ROWS}) {{
^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
{body}
  linalg.yield %y : f32
}} -> {ROWS}
"""

    largest = "max0"
    if is_among_largest:
        largest = "max"
        text += beside("max", "max0", "max0", "%y = arith.maximumf %a, %c : f32")
    text += combine(
        "w", "s1", largest, SCORES, "es", "%d = arith.subf %a, %b : f32", "%y = math.exp %d : f32"
    )
    text += reduce("sum0", "arith.addf", "w", SCORES, "zr")
    text += beside(
        "sum", "sum0", largest, "%d = arith.subf %c, %b : f32", "%e = math.exp %d : f32",
        "%y = arith.addf %a, %e : f32",
    )  # fmt: skip
    return text + combine("p", "w", "sum", SCORES, "es", "%y = arith.divf %a, %b : f32")


END = f"%o = linalg.contract indexing_maps = [affine_map<(b, h, i, e, j) -> (b, h, i, j)>, affine_map<(b, h, i, e, j) -> (b, h, j, e)>, affine_map<(b, h, i, e, j) -> (b, h, i, e)>] ins(%p, %v : {SCORES}, {K}) outs(%zo : {Q}) -> {Q}"

FORMS = {
    "a column": softmax_of_columns(True, "insert", True),
    "a column, not shifted": softmax_of_columns(True, "concat", False),
    "a column in front": softmax_of_columns(False, "insert", False),
    "a column in front, joined": softmax_of_columns(False, "concat", True),
    "a power": power_beside_sum(False),
    "a power, maybe the largest": power_beside_sum(True),
}


def sinks_cases():
    for name, middle in FORMS.items():
        q, k, v = (rng.standard_normal((B, H, n, E)).astype(np.float32) for n in (S, M, M))
        sinks = np.array([-50, 0.5, 2, 20], np.float32)
        out, _ = reference.sdpa(
            *(reference.merge(x) for x in (q, k, v)), H, 0.25, causal=True, sinks=sinks
        )
        arrays = {"q": q, "k": k, "v": v, "n": sinks}
        yield Case(
            name, BEGIN + middle + END, {n: (tensor(x, None), x) for n, x in arrays.items()},
            {"o": (Q, reference.split(out, H))},
        )  # fmt: skip


if __name__ == "__main__":
    cases.check(list(sinks_cases()), cases.parse_arguments(__doc__))
