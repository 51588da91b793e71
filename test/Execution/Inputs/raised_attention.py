# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention as other front ends and people write it, on random tensors."""
import cases
import numpy as np
import reference_ops as reference
from linalg_text import Text, finish, truncated

rng = np.random.default_rng(4)
FAR = {"f32": -1e9, "bf16": -1e9, "f16": -1e4}

# The letters: b batch, h heads, s queries, m keys, e and f the widths of a head.
LAYOUTS = {
    # layout: query, key, value, scores, out as computed, out as returned
    "2d": ("s e", "m e", "m f", "s m", "s f", "s f"),
    "3d": ("b s e", "b m e", "b m f", "b s m", "b s f", "b s f"),
    "4d": ("b h s e", "b h m e", "b h m f", "b h s m", "b h s f", "b h s f"),
    "keys transposed": ("b s e", "b e m", "b m f", "b s m", "b s f", "b s f"),
    "queries transposed": ("b e s", "b m e", "b f m", "b s m", "b s f", "b f s"),
    "heads third": ("b s h e", "b m h e", "b m h f", "b h s m", "b s h f", "b s h f"),
    "scores transposed": ("b s e", "b m e", "b m f", "b m s", "b s f", "b s f"),
    "merged": ("b s he", "b m he", "b m hf", "b h s m", "b h s f", "b s hf"),
    "folded": ("b h s e", "b h m e", "b h m f", "bh s m", "bh s f", "b h s f"),
    "merged and folded": ("b s he", "b m he", "b m hf", "bh s m", "bh s f", "b s hf"),
    "shared": ("b h s e", "b m e", "b m f", "b h s m", "b h s f", "b h s f"),
    "one sequence": ("o h s e", "o h m e", "o h m f", "o h s m", "o h s f", "o h s f"),
}
DEFAULTS = dict(
    layout="3d", product="generic", move="named", scale="after", mask="none", factor="none",
    softmax="op", element="f32", precision="f32", way="generic", static="ef",
)  # fmt: skip


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def array_of(dims, letters, array):
    """`array`, with a dimension for each of `letters`, laid out as `dims`."""
    order = "".join(dims).replace("o", "")
    shape = [int(np.prod([array.shape[letters.index(l)] for l in d if l != "o"])) for d in dims]
    return np.ascontiguousarray(
        array.transpose([letters.index(l) for l in order]).reshape(shape)
    )


class Attention:
    """One attention, written as the options say."""

    def __init__(self, sizes, **options):
        self.options = {**DEFAULTS, **options}
        for name, value in self.options.items():
            setattr(self, name, value)
        layout = LAYOUTS[self.layout]
        self.q, self.k, self.v, self.scores, self.computed, self.out = map(str.split, layout)
        self.letters = [l for l in "bh" if l in "".join(self.q)]
        # Of merged heads, only their number tells them apart.
        if "merged" in self.layout:
            self.static += "h"
        self.text = Text(sizes, self.static)
        self.sizes = sizes

    def array(self, letters):
        return normal(*(self.sizes[l] for l in letters))

    def scores_shape(self, letters):
        """Those of `letters` that scores have."""
        return [l for l in letters if l in "".join(self.scores)]

    # Moving tensors

    def rearrange(self, tensor, dims):
        """Through dimensions of one letter each, to `dims`."""
        text = self.text
        single = [l for d in tensor.dims for l in d]
        tensor = text.reshape(tensor, single)
        order = [l for d in dims for l in d]
        if missing := [l for l in order if l not in tensor.dims]:
            assert missing == ["h"]
            tensor = text.transpose(tensor, [l for l in order if l in tensor.dims])
            tensor = text.broadcast(tensor, order)
        tensor = text.transpose(tensor, order, self.move == "named")
        return text.reshape(tensor, dims)

    def operand(self, name, letters, dims, target):
        dims = [d for d in dims]
        present = [l for l in letters if l in "".join(dims)]
        array = self.array(present)
        if self.element == "bf16":
            array = truncated(array)
        laid = array_of(dims, present, array)
        argument = laid.astype(np.float16) if self.element == "f16" else laid
        tensor = self.text.argument(name, dims, argument)
        tensor = self.text.convert(tensor, self.element, self.move == "named")
        wide = tensor
        if self.precision == "all f32":
            wide = self.text.convert(tensor, "f32", self.move == "named")
        values = array_of(dims, present, array.astype(np.float16) if self.element == "f16" else array)
        full = self.undo(values, dims, letters)
        return self.rearrange(wide, target), full

    def undo(self, array, dims, letters):
        order = [l for d in dims for l in d if l != "o"]
        array = array.astype(np.float64).reshape([self.sizes[l] for l in order])
        for l in letters:
            if l not in order:
                array = np.broadcast_to(array, (self.sizes[l], *array.shape))
                order = [l, *order]
        return array.transpose([order.index(l) for l in letters])

    # Masks

    def with_mask(self, scores, products):
        """Text and reference of masked scores."""
        text, e = self.text, scores.element
        letters = [*self.letters, "s", "m"]
        # For masks, heads and batch are dimensions.
        dims = [l for d in scores.dims for l in d]
        if self.mask == "none" or self.mask == "initial":
            return scores, products
        flat = scores.dims
        scores = text.reshape(scores, dims)
        parts = self.mask.split(" and ")
        for part in parts:
            scores, products = self.mask_once(part, scores, products, letters)
        return text.reshape(scores, flat), products

    def mask_once(self, mask, scores, products, letters):
        text, e = self.text, scores.element
        s, m = self.sizes["s"], self.sizes["m"]
        at = [d for d in scores.dims]
        infinity, far = text.number(-np.inf, e), FAR[e]
        name = f"m{text.count}"
        for kind, which in {
            "added": "bhsm", "added to queries": "sm", "added to keys": "bm",
            "added to heads": "hsm",
        }.items():  # fmt: skip
            if mask == kind:
                present = [l for l in which if l in letters]
                array = self.array(present)
                array[rng.random(array.shape) < 0.2] = -np.inf
                array[..., 0] = 0
                added = text.argument(name, present, array)
                added = text.convert(added, e)
                full = self.undo(array, present, letters)
                return text.map(
                    lambda add, t, x, y: add(f"arith.addf {x}, {y} : {t}"), scores, added, way=self.way
                ), products + full
        if mask.startswith(("kept", "none left")):
            # true: may be attended. Some see nothing.
            present = [l for l in ("bm" if "keys" in mask else "bhsm") if l in letters]
            kept = rng.random([self.sizes[l] for l in present]) < 0.6
            if mask.startswith("none left"):
                kept[0] = False
            far = far if "far" in mask else -np.inf
            full = self.undo(kept, present, letters) != 0
            if "far" not in mask and self.softmax != "safe":
                # A row of nothing is not a number as it is written.
                kept[..., 0] = True
                full = self.undo(kept, present, letters) != 0
            inverse = "inverse" in mask
            tensor = text.argument(name, present, ~kept if inverse else kept)
            number = text.number(far, e)

            def select(add, t, x, c):
                a, b = (number, x) if inverse else (x, number)
                return add(f"arith.select {c}, {a}, {b} : {t}")

            return text.map(select, scores, tensor), np.where(full, products, far)
        if mask == "lengths":
            lengths = rng.integers(1, m + 1, self.sizes["b"]).astype(np.int32)
            tensor = text.argument(name, ["b"], lengths)
            j = at.index("m")

            def shorten(add, t, x, n):
                key = add(f"linalg.index {j} : index")
                key = add(f"arith.index_cast {key} : index to i32")
                kept = add(f"arith.cmpi slt, {key}, {n} : i32")
                return add(f"arith.select {kept}, {x}, {infinity} : {t}")

            full = self.undo((np.arange(m) < lengths[:, None]), ["b", "m"], letters) != 0
            return text.map(shorten, scores, tensor), np.where(full, products, -np.inf)
        if mask.startswith("by distance"):
            return self.by_distance(mask, scores, products, letters)
        offset = 0
        if mask == "causal from the end":
            offset = m - s
        kept = np.arange(m) <= np.arange(s)[:, None] + offset
        if mask == "causal constant":
            zeros = text.constant(np.where(kept, 0, -np.inf), ["s", "m"], e)
            return text.map(
                lambda add, t, x, y: add(f"arith.addf {x}, {y} : {t}"), scores, zeros
            ), np.where(kept, products, -np.inf)
        i, j = at.index("s"), at.index("m")
        if mask == "one less a number":
            # Parts that are large, and the whole is not.
            kept = rng.random([self.sizes["m"]]) < 0.6
            kept[0] = True
            number = text.argument(name, ["m"], kept.astype(np.float32))

            def lower(add, t, x, k):
                less = add(f"arith.subf {text.number(1, e)}, {k} : {t}")
                lowest = text.number(-3e38, e)
                return add(f"arith.addf {x}, {add(f'arith.mulf {less}, {lowest} : {t}')} : {t}")

            return text.map(lower, scores, number), products - np.where(kept, 0, 3e38)
        if mask == "causal from the end":
            after = text.op(f"arith.subi {text.index('m')}, {text.index('s')} : index")
        number = text.number(far if mask == "causal far" else -np.inf, e)

        def causal(add, t, x):
            query, key = add(f"linalg.index {i} : index"), add(f"linalg.index {j} : index")
            if mask == "causal from the end":
                query = add(f"arith.addi {query}, {after} : index")
            if mask == "causal inverse":
                excluded = add(f"arith.cmpi sgt, {key}, {query} : index")
                return add(f"arith.select {excluded}, {number}, {x} : {t}")
            query, key = (add(f"arith.index_cast {v} : index to i64") for v in (query, key))
            seen = add(f"arith.cmpi sge, {query}, {key} : i64")
            if mask == "causal added":
                zero = add(f"arith.constant 0.0 : {t}")
                zero = add(f"arith.select {seen}, {zero}, {number} : {t}")
                return add(f"arith.addf {x}, {zero} : {t}")
            return add(f"arith.select {seen}, {x}, {number} : {t}")

        if mask == "causal tensor":
            # A mask of its own, as a front end hoists it.
            def triangle(add):
                query, key = add("linalg.index 0 : index"), add("linalg.index 1 : index")
                return add(f"arith.cmpi ule, {key}, {query} : index")

            tensor = text.generic([], ["s", "m"], "i1", triangle)
            return text.map(
                lambda add, t, x, c: add(f"arith.select {c}, {x}, {infinity} : {t}"), scores, tensor
            ), np.where(kept, products, -np.inf)
        masked = text.generic([scores], scores.dims, e, lambda add, x: causal(add, e, x))
        return masked, np.where(kept, products, -np.inf)

    def by_distance(self, mask, scores, products, letters):
        """A slope for each head, or numbers for distances up to 2."""
        text, e = self.text, scores.element
        i, j = scores.dims.index("s"), scores.dims.index("m")
        distance = np.arange(self.sizes["m"]) - np.arange(self.sizes["s"])[:, None]
        present = [l for l in "h" if l in letters]
        size = [self.sizes[l] for l in present] or [1]
        present = present or ["o"]
        name = f"d{text.count}"

        def apart(add):
            query, key = add(f"linalg.index {i} : index"), add(f"linalg.index {j} : index")
            query, key = (add(f"arith.index_cast {v} : index to i64") for v in (query, key))
            return add(f"arith.subi {key}, {query} : i64")

        if mask == "by distance, a slope":
            slopes = rng.random(size).astype(np.float32)
            tensor = text.convert(text.argument(name, present, slopes), e)

            def incline(add, t, x, slope):
                far = add(f"arith.sitofp {add(f'math.absi {apart(add)} : i64')} : i64 to {t}")
                return add(f"arith.subf {x}, {add(f'arith.mulf {slope}, {far} : {t}')} : {t}")

            full = self.undo(slopes, present, letters)
            return text.map(incline, scores, tensor), products - full * np.abs(distance)
        # As many numbers as there are of "r".
        text.sizes["r"] = 5
        table = normal(5)
        tensor = text.argument(name, ["r"], table)

        def look_up(add, t, x):
            two, least = add("arith.constant 2 : i64"), add("arith.constant -2 : i64")
            near = add(f"arith.maxsi {add(f'arith.minsi {apart(add)}, {two} : i64')}, {least} : i64")
            place = add(f"arith.index_cast {add(f'arith.addi {near}, {two} : i64')} : i64 to index")
            bias = add(f"tensor.extract {tensor.name}[{place}] : {text.type_of(tensor)}")
            bias = bias if t == "f32" else add(f"arith.truncf {bias} : f32 to {t}")
            return add(f"arith.addf {x}, {bias} : {t}")

        return text.map(look_up, scores), products + table[np.clip(distance, -2, 2) + 2]

    # Softmax

    def probabilities(self, scores):
        """The probabilities, and with deferred division what to divide by."""
        text, e, way = self.text, scores.element, self.softmax
        key = next(d for d in scores.dims if "m" in d)
        if way == "op":
            t = text.type_of(scores)
            out = text.empty(scores.dims, e)
            at = scores.dims.index(key)
            name = text.op(
                f"linalg.softmax dimension({at}) ins({scores.name} : {t}) outs({out.name} : {t}) -> {t}"
            )
            return type(scores)(name, scores.dims, e), None
        reduction = {"reduce": "reduce", "kept": "kept", "safe": "kept"}.get(way, "generic")
        word = "arith.maxnumf" if way == "reduce" else "arith.maximumf"
        lowest = {"f32": -3.4e38, "f16": -65504.0, "bf16": -3.3e38}[e] if way == "reciprocal" else -np.inf
        if way == "safe":
            largest = text.largest_and_index(scores, key)
        else:
            largest = text.reduce(word, scores, key, lowest, reduction)
        if way == "separate":
            largest = text.generic([largest], scores.dims, e, lambda add, x: x)
            powers = text.map(
                lambda add, t, x, y: add(f"arith.subf {x}, {y} : {t}"), scores, largest, way="arith"
            )
            powers = text.map(lambda add, t, x: add(f"math.exp {x} : {t}"), powers, way="arith")
        else:

            def power(add, t, x, y):
                x = x if way == "unshifted" else add(f"arith.subf {x}, {y} : {t}")
                if way != "powers of two":
                    return add(f"math.exp {x} : {t}")
                by = add(f"arith.constant {np.log2(np.e):.8e} : {t}")
                return add(f"math.exp2 {add(f'arith.mulf {x}, {by} : {t}')} : {t}")

            powers = text.map(power, scores, largest)
        total = text.reduce("arith.addf", powers, key, 0.0, reduction)
        if way == "deferred":
            return powers, total
        if way == "logarithm":

            def shift(add, t, x, y):
                return add(f"arith.addf {add(f'math.log {x} : {t}')}, {y} : {t}")

            total = text.map(shift, total, largest)
            return text.map(power, scores, total), None
        if way == "reciprocal":

            def inverse(add, t, x):
                return add(f"arith.divf {add(f'arith.constant 1.0 : {t}')}, {x} : {t}")

            total = text.map(inverse, total)
            return text.map(lambda add, t, x, y: add(f"arith.mulf {x}, {y} : {t}"), powers, total), None
        p = text.map(lambda add, t, x, y: add(f"arith.divf {x}, {y} : {t}"), powers, total)
        return (self.zero_if_none(p, scores, key) if way == "safe" else p), None

    def zero_if_none(self, probabilities, scores, key):
        """Zero for queries whose scores all are -inf."""
        text, e = self.text, scores.element

        def is_left(add, x):
            excluded = add(f"arith.cmpf oeq, {x}, {text.number(-np.inf, e)} : {e}")
            return add(f"arith.xori {excluded}, {add('arith.constant true')} : i1")

        dims = ["z" if d == key else d for d in scores.dims]
        left = text.generic([scores], scores.dims, "i1", is_left)
        start = text.op("arith.constant false")
        some = text.empty(dims, "i1")
        t = text.type_of(some)
        start = text.op(f"linalg.fill ins({start} : i1) outs({some.name} : {t}) -> {t}")
        some = text.generic(
            [left], dims, "i1", lambda add, x, total: add(f"arith.ori {x}, {total} : i1"), [key],
            type(some)(start, dims, "i1"),
        )  # fmt: skip
        none = text.generic(
            [some], dims, "i1", lambda add, x: add(f"arith.xori {x}, {add('arith.constant true')} : i1")
        )
        zero = text.number(0.0, e)
        return text.map(
            lambda add, t, x, c: add(f"arith.select {c}, {zero}, {x} : {t}"), probabilities, none
        )

    # All of it

    def scaled(self, tensor, factor, inverse=False):
        e = tensor.element
        if self.way == "arith":
            number = self.text.splat(1 / factor if inverse else factor, tensor.dims, e)
            word = "arith.divf" if inverse else "arith.mulf"
            return self.text.map(lambda add, t, x, y: add(f"{word} {x}, {y} : {t}"), tensor, number, way="arith")
        word = "arith.divf" if inverse else "arith.mulf"
        number = self.text.number(1 / factor if inverse else factor, "f64" if self.way == "double" else e)

        def scale(add, t, x):
            by = add(f"arith.truncf {number} : f64 to {t}") if self.way == "double" else number
            return add(f"{word} {x}, {by} : {t}")

        return self.text.map(scale, tensor)

    def scaled_each(self, how, scores, products):
        """Times a number for each of some letters, or divided by it."""
        text, flat, letters = self.text, scores.dims, [*self.letters, "s", "m"]
        word, which = how.split(" by ")
        present = [l for l in which if l in letters]
        array = 0.5 + rng.random([self.sizes[l] for l in present] or [1]).astype(np.float32)
        tensor = text.convert(text.argument("factor", present or ["o"], array), scores.element)
        scores = text.reshape(scores, [l for d in flat for l in d])
        operation = {"times": "arith.mulf", "over": "arith.divf"}[word]
        scores = text.map(
            lambda add, t, x, y: add(f"{operation} {x}, {y} : {t}"), scores, tensor, way=self.way
        )
        full = self.undo(array, present, letters)
        return text.reshape(scores, flat), products * full if word == "times" else products / full

    def case(self, name):
        text, sizes = self.text, self.sizes
        factor = 1.0 if self.scale == "none" or " by " in self.scale else 0.5
        batch = [d for d in self.scores if "s" not in d and "m" not in d]
        # Named products have one batch dimension and the reduced one in place.
        in_order = self.product in ("matmul", "batch_matmul")
        k_dims = [*batch, "m", "e"]
        if self.layout == "heads third" and not in_order:
            q_dims, k_dims, v_dims = self.q, self.k, self.v
        elif self.layout in ("keys transposed", "queries transposed") and not in_order:
            q_dims, k_dims, v_dims = self.q, self.k, self.v
        else:
            q_dims, v_dims = [*batch, "s", "e"], [*batch, "m", "f"]
            if self.product in ("batch_matmul", "matmul"):
                k_dims = [*batch, "e", "m"]
        q, q_array = self.operand("q", [*self.letters, "s", "e"], self.q, q_dims)
        k, k_array = self.operand("k", [*self.letters, "m", "e"], self.k, k_dims)
        v, v_array = self.operand("v", [*self.letters, "m", "f"], self.v, v_dims)
        if self.scale == "before":
            q = self.scaled(q, factor)
        elif self.scale == "both":
            q, k = self.scaled(q, 0.25), self.scaled(k, 4 * factor, inverse=True)
        e = "f32" if self.precision != "narrow" else self.element
        products = np.einsum("...se,...me->...sm", q_array, k_array) * factor
        init = None
        if self.mask == "initial":
            assert self.scale in ("before", "none")
            array = self.array([*self.letters, "s", "m"])
            init = text.argument("initial", self.scores, array_of(self.scores, [*self.letters, "s", "m"], array))
            products = products + array
        scores = text.contract(q, k, self.scores, e, self.product, init)
        if self.scale == "after":
            scores = self.scaled(scores, factor)
        elif self.scale == "divided":
            scores = self.scaled(scores, factor, inverse=True)
        elif " by " in self.scale:
            scores, products = self.scaled_each(self.scale, scores, products)
        scores, products = self.with_mask(scores, products)
        p, total = self.probabilities(scores)
        p_array = reference.softmax(products)
        if self.factor != "none":
            p, p_array = self.scaled_each(self.factor, p, p_array)
        if self.precision == "rounded":
            p = text.convert(p, self.element, self.move == "named")
        if self.product in ("matmul", "batch_matmul"):
            p = text.transpose(p, [*batch, "s", "m"], self.move == "named")
        out = text.contract(p, v, self.computed, e, self.product)
        if total:
            out = text.map(lambda add, t, x, y: add(f"arith.divf {x}, {y} : {t}"), out, total)
        out = self.rearrange(out, self.out)
        last = "f32"
        if self.precision in ("rounded", "narrow") or self.element == "f16":
            last = "f16" if self.element == "f16" else self.element
        out = text.convert(out, last, self.move == "named")
        if last == "bf16":
            out = text.convert(out, "f32")
        wanted = np.einsum("...sm,...mf->...sf", p_array, v_array)
        wanted = array_of(self.out, [*self.letters, "s", "f"], wanted)
        # Of what is rounded on the way, a few units in the last place.
        tolerance = {"f32": 3e-6, "f16": 3e-3, "bf16": 2e-2}[
            "f32" if last == "f32" and self.precision != "rounded" else self.element
        ]
        if self.precision == "narrow":
            tolerance *= 4
        return finish(name, text, out, wanted, tolerance)


SIZES = dict(b=3, h=2, s=5, m=7, e=8, f=4)


def attention(name, sizes=None, **options):
    return Attention({**SIZES, **(sizes or {})}, **options).case(name)


def attentions():
    for layout in LAYOUTS:
        yield attention(layout, layout=layout)
        yield attention(f"{layout}, decomposed", layout=layout, softmax="fused")
    yield attention("merged, static", layout="merged", static="bhsmef")
    for product in ("generic", "contract", "batch_matmul"):
        for layout in ("3d", "folded", "merged and folded", "keys transposed"):
            yield attention(f"{product} on {layout}", product=product, layout=layout)
    yield attention("matmul", layout="2d", product="matmul")
    for scale in ("none", "before", "both", "after", "divided"):
        for way in ("generic", "arith", "double"):
            yield attention(f"scale {scale}, {way}", scale=scale, way=way)
    for scale in ("times by h", "times by bs", "over by b", "over by hs", "times by o"):
        for layout in ("2d", "4d", "merged", "folded", "shared"):
            yield attention(f"{scale} on {layout}", scale=scale, layout=layout, mask="causal")
    for factor in ("times by h", "times by bs", "over by b", "over by hs", "times by o"):
        for layout in ("2d", "4d", "merged", "folded", "shared"):
            for softmax in ("op", "reciprocal"):
                yield attention(
                    f"probabilities {factor} on {layout}, {softmax}", factor=factor, layout=layout,
                    mask="causal", softmax=softmax,
                )  # fmt: skip
    ways = [
        "op", "fused", "separate", "reduce", "reciprocal", "deferred", "kept", "safe",
        "unshifted", "powers of two", "logarithm",
    ]  # fmt: skip
    for softmax in ways:
        for layout in ("3d", "folded"):
            yield attention(f"softmax {softmax} on {layout}", softmax=softmax, layout=layout)
    masks = [
        "added", "added to queries", "added to keys", "added to heads", "kept", "kept keys",
        "kept inverse", "kept far", "kept keys far", "lengths", "causal", "causal inverse",
        "causal added", "causal tensor", "causal far", "causal from the end", "causal constant",
        "causal and added to keys", "kept keys and causal", "causal and kept far",
        "added to heads and kept keys", "lengths and causal", "by distance, a slope",
        "by distance, numbers", "by distance, a slope and causal and by distance, numbers",
        "by distance, numbers and causal from the end and added to keys",
        "one less a number and by distance, a slope", "by distance, numbers and one less a number",
    ]  # fmt: skip
    for mask in masks:
        for layout in ("4d", "folded", "merged"):
            static = "bhsmef" if mask == "causal constant" else "ef"
            yield attention(f"{mask} on {layout}", mask=mask, layout=layout, static=static)
    # Rows of nothing, which are 0 as written here.
    for mask in ("none left", "none left far"):
        yield attention(mask, mask=mask, softmax="safe", layout="4d")
    for layout in ("3d", "4d"):
        yield attention(f"initial on {layout}", mask="initial", scale="before", layout=layout)
    for element in ("f16", "bf16"):
        for precision in ("f32", "rounded", "narrow", "all f32"):
            for layout in ("4d", "merged"):
                yield attention(
                    f"{element}, {precision}, {layout}", element=element, precision=precision,
                    layout=layout, mask="causal",
                )  # fmt: skip
    for sizes in [
        dict(s=1), dict(m=1), dict(e=1), dict(f=1), dict(b=1), dict(h=1), dict(s=1, m=1),
        dict(b=1, h=1, s=1, m=1, e=1, f=1), dict(s=13, m=11, e=17, f=19),
    ]:  # fmt: skip
        for static in ("ef", "bhsmef"):
            for layout in ("4d", "merged", "3d"):
                yield attention(
                    f"{sizes}, static {static}, {layout}", sizes, static=static, layout=layout, mask="causal",
                )  # fmt: skip


def random_attentions(count):
    """Any layout with any mask, softmax, and so on."""
    choices = dict(
        layout=list(LAYOUTS), product=["generic", "contract"], move=["named", "generic"],
        scale=["none", "before", "both", "after", "divided"],
        mask=["none", "added to queries", "kept far", "causal", "causal far", "kept inverse"],
        softmax=["op", "fused", "separate", "reduce", "reciprocal", "deferred", "kept", "safe"],
        way=["generic", "arith", "double"], static=["ef", "bhsmef"],
        element=["f32", "f32", "f16", "bf16"], precision=["f32", "rounded", "all f32"],
    )  # fmt: skip
    for number in range(count):
        options = {k: v[rng.integers(len(v))] for k, v in choices.items()}
        sizes = {l: int(rng.choice([1, 2, 3, 5, 7])) for l in "bhsmef"}
        text = ", ".join(options.values())
        yield attention(f"random {number}: {text}, {sizes}", sizes, **options)


def main():
    arguments = cases.parse_arguments(__doc__)
    cases.check([*attentions(), *random_attentions(30)], arguments)


if __name__ == "__main__":
    main()
