# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Masks of decoders as exporters write them, on random tensors: bounds and padding
with finite scores in place of excluded keys. Of a query that is left without a key
all keys count alike, whichever mask excludes them."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case

rng = np.random.default_rng(19)
B, H, E = 4, 2, 16
FAR = float(np.finfo(np.float32).min)
HEADS, SCORES, PLANE = f"tensor<?x{H}x?x{E}xf32>", f"tensor<?x{H}x?x?xf32>", "tensor<?x?x?xf32>"
OPERANDS = "affine_map<(b, h, i, j, e) -> (b, h, i, e)>", "affine_map<(b, h, i, j, e) -> (b, h, j, e)>"
PRODUCT = "affine_map<(b, h, i, j, e) -> (b, h, i, j)>"
EACH = "affine_map<(b, h, i, j) -> (b, h, i, j)>"
OF_PLANE = "affine_map<(b, h, i, j) -> (b, i, j)>"
IN_PLANE = "affine_map<(b, i, j) -> (b, i, j)>"
OF_KEYS = "affine_map<(b, i, j) -> (b, j)>"

# What keeps a key %j of the query at %place, and the same in NumPy.
BANDS = {
    "causal": (
        "%seen = arith.cmpi sle, %j, %place : index",
        lambda place, j: j <= place,
    ),
    "window": (
        """%early = arith.cmpi sle, %j, %place : index
%first = arith.subi %place, %three : index
%late = arith.cmpi sgt, %j, %first : index
%seen = arith.andi %early, %late : i1""",
        lambda place, j: (j <= place) & (j > place - 3),
    ),
    "before itself": (
        "%seen = arith.cmpi slt, %j, %place : index",
        lambda place, j: j < place,
    ),
    "near": (
        """%apart = arith.subi %place, %j : index
%apart_i64 = arith.index_cast %apart : index to i64
%distance = math.absi %apart_i64 : i64
%seen = arith.cmpi sle, %distance, %two : i64""",
        lambda place, j: abs(j - place) <= 2,
    ),
    "between": (
        """%ahead = arith.subi %j, %place : index
%one_less = arith.subi %j, %c1 : index
%behind_by = arith.subi %place, %one_less : index
%least_of = arith.minsi %ahead, %behind_by : index
%minus = arith.subi %c0, %three : index
%not_near = arith.cmpi sle, %least_of, %minus : index
%yes = arith.constant true
%seen = arith.xori %not_near, %yes : i1""",
        lambda place, j: (j > place - 3) & (j - 1 < place + 3),
    ),
    "far": (
        """%apart = arith.subi %place, %j : index
%minus_apart = arith.subi %j, %place : index
%distance = arith.maxsi %apart, %minus_apart : index
%seen = arith.cmpi sge, %distance, %three : index""",
        lambda place, j: abs(j - place) >= 3,
    ),
}
# Numbers to add, of %seen and %counts, an i64.
WAYS = {
    "and": """%true = arith.cmpi ne, %counts, %none : i64
%kept = arith.andi %seen, %true : i1
%number = arith.select %kept, %zero, %far : f32""",
    "biases of keys": """%true = arith.cmpi ne, %counts, %none : i64
%kept = arith.andi %seen, %true : i1
%place_of_key = arith.index_cast %j : index to i64
%far_off = arith.sitofp %place_of_key : i64 to f32
%bias = arith.mulf %far_off, %slope : f32
%number = arith.select %kept, %bias, %far : f32""",
    "biases that exclude": """%true = arith.cmpi ne, %counts, %none : i64
%kept = arith.andi %seen, %true : i1
%place_of_key = arith.index_cast %j : index to i64
%far_off = arith.sitofp %place_of_key : i64 to f32
%incline = arith.mulf %far_off, %slope : f32
%last = arith.cmpi eq, %counts, %two : i64
%bias = arith.select %last, %lowest, %incline : f32
%number = arith.select %kept, %bias, %far : f32""",
    "numbers": """%one = arith.select %seen, %ones, %zero : f32
%is = arith.cmpf une, %one, %zero : f32
%bound = arith.select %is, %zero, %far : f32
%count = arith.sitofp %counts : i64 to f32
%sum = arith.addf %bound, %count : f32
%both = arith.cmpf oeq, %sum, %zero : f32
%number = arith.select %both, %far, %bound : f32""",
    "numbers filled": """%count = arith.sitofp %counts : i64 to f32
%less = arith.subf %ones, %count : f32
%low = arith.mulf %less, %far : f32
%number = arith.select %seen, %low, %far : f32""",
    "sums": """%bound = arith.select %seen, %zero, %far : f32
%true = arith.cmpi ne, %counts, %none : i64
%padding = arith.select %true, %zero, %far : f32
%number = arith.addf %bound, %padding : f32""",
    "products": """%all = arith.constant true
%not = arith.xori %seen, %all : i1
%factor = arith.uitofp %not : i1 to f32
%behind = arith.cmpi sgt, %j, %i : index
%upper = arith.select %behind, %far, %zero : f32
%bound = arith.mulf %upper, %factor : f32
%true = arith.cmpi eq, %counts, %none : i64
%number = arith.select %true, %far, %bound : f32""",
}
PADDINGS = {
    "none": lambda m: np.ones((B, m)),
    "right": lambda m: np.arange(m) < np.array([[m], [m - 2], [m - 7], [1]]),
    "left": lambda m: np.arange(m) >= np.array([[0], [2], [m - 1], [m]]),
    "holes": lambda m: (np.arange(m) + np.arange(B)[:, None]) % 5 < 2,
}


def attention(band, way, padding, queries, past, far, twice=False):
    keys = queries + past
    # Some say how low masked scores may be, so that of sums none is -inf.
    least = FAR if way == "sums" else -np.inf
    q, k, v = (rng.standard_normal((B, H, n, E)).astype(np.float32) for n in (queries, keys, keys))
    counts = PADDINGS[padding](keys).astype(np.int64)
    if way == "biases that exclude":
        counts[:, ::2] *= 2
    # A mask for more keys than there are, as for a cache.
    more = 3 if past > queries else 0
    given = np.pad(counts, ((0, 0), (0, more)))
    before = np.zeros(past, np.float32)
    condition, keeps = BANDS[band]
    i, j = np.arange(queries)[:, None], np.arange(keys)
    kept = keeps(i + past, j)
    if way == "products":
        kept |= j <= i
    padding = np.where((counts != 0)[:, None, None, :], 0, np.float32(far))
    bound = np.where(kept, 0, np.float32(far))
    kept = kept & (padding == 0)
    bias = 0.125 * j if way.startswith("biases") else np.zeros(keys)
    if way == "biases that exclude":
        bias = np.where((counts == 2)[:, None, None, :], -np.inf, bias)
    # In f32 the lowest numbers leave nothing of the scores that they are added to.
    with np.errstate(over="ignore"):
        added = bound + padding if way == "sums" else np.where(kept, bias, far)
    wanted = q
    for _ in range(2 if twice else 1):
        scores = np.einsum("bhie,bhje->bhij", wanted.astype(np.float32), k)
        scores = np.maximum(scores + added.astype(np.float32), least)
        weights = reference.softmax(scores.astype(np.float64))
        wanted = np.einsum("bhij,bhje->bhie", weights, v)
    constants = "\n".join(
        f"%{name} = arith.constant {value}"
        for name, value in {
            "zero": "0.0 : f32", "ones": "1.0 : f32", "slope": "0.125 : f32",
            "lowest": "0xFF800000 : f32", "two": "2 : i64", "far": f"{far:.8e} : f32",
            "least": f"{FAR:.8e} : f32",
            "none": "0 : i64", "three": "3 : index",
            "c0": "0 : index", "c1": "1 : index", "c2": "2 : index",
        }.items()
    )  # fmt: skip
    sum = "%y = arith.addf %a, %m : f32"
    if way == "sums":
        sum = f"""{sum.replace("%y", "%sum")}
%y = arith.maximumf %sum, %least : f32"""

    def layer(query, name):
        return f"""
%s{name} = linalg.contract indexing_maps = [{OPERANDS[0]}, {OPERANDS[1]}, {PRODUCT}] ins(%{query}, %k : {HEADS}, {HEADS}) outs(%zs : {SCORES}) -> {SCORES}
%x{name} = linalg.generic {{indexing_maps = [{EACH}, {OF_PLANE}, {EACH}], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}} ins(%s{name}, %mask : {SCORES}, {PLANE}) outs(%es : {SCORES}) {{
^bb0(%a: f32, %m: f32, %u: f32):
{sum}
linalg.yield %y : f32
}} -> {SCORES}
%p{name} = linalg.softmax dimension(3) ins(%x{name} : {SCORES}) outs(%es : {SCORES}) -> {SCORES}
%r{name} = linalg.contract indexing_maps = [{PRODUCT}, {OPERANDS[1]}, {OPERANDS[0]}] ins(%p{name}, %v : {SCORES}, {HEADS}) outs(%zo : {HEADS}) -> {HEADS}"""

    body = f"""{constants}
%past = tensor.dim %before, %c0 : tensor<?xf32>
%nb = tensor.dim %q, %c0 : {HEADS}
%nq = tensor.dim %q, %c2 : {HEADS}
%nk = tensor.dim %k, %c2 : {HEADS}
%more = arith.constant {more} : index
%nm = arith.addi %nk, %more : index
%em = tensor.empty(%nb, %nq, %nm) : {PLANE}
%es = tensor.empty(%nb, %nq, %nk) : {SCORES}
%eo = tensor.empty(%nb, %nq) : {HEADS}
%zs = linalg.fill ins(%zero : f32) outs(%es : {SCORES}) -> {SCORES}
%zo = linalg.fill ins(%zero : f32) outs(%eo : {HEADS}) -> {HEADS}
%whole = linalg.generic {{indexing_maps = [{OF_KEYS}, {IN_PLANE}], iterator_types = ["parallel", "parallel", "parallel"]}} ins(%given : tensor<?x?xi64>) outs(%em : {PLANE}) {{
^bb0(%counts: i64, %u: f32):
%i = linalg.index 1 : index
%j = linalg.index 2 : index
%place = arith.addi %i, %past : index
{condition}
{WAYS[way]}
linalg.yield %number : f32
}} -> {PLANE}
%mask = tensor.extract_slice %whole[0, 0, 0] [%nb, %nq, %nk] [1, 1, 1] : {PLANE} to {PLANE}
"""
    body += layer("q", "")
    if twice:
        body += layer("r", "2")
    tolerance = 2e-6 if far == FAR else 1e-2
    return Case(
        f"{band} by {way} of {far:g}, padding {padding}, {queries} queries after {past}"
        + (", twice" if twice else ""),
        body,
        {
            "q": (HEADS, q), "k": (HEADS, k), "v": (HEADS, v),
            "given": ("tensor<?x?xi64>", given), "before": ("tensor<?xf32>", before),
        },  # fmt: skip
        {"r2" if twice else "r": (HEADS, wanted)},
        tolerance,
    )


def all_cases():
    for band in BANDS:
        for way in WAYS:
            for padding in PADDINGS:
                for queries, past in ((21, 0), (9, 24), (1, 12))[: 3 if way == "and" else 1]:
                    yield attention(band, way, padding, queries, past, FAR)
                if way == "and":
                    yield attention(band, way, padding, 21, 0, FAR, twice=True)
            for far in (-1e9, -1e5):
                yield attention(band, way, "holes", 21, 0, far)


if __name__ == "__main__":
    cases.check(list(all_cases()), cases.parse_arguments(__doc__))
