# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.sdpa, attn.linear and attn.mlp of random shapes against NumPy.

A kernel is compiled for what is static in its operands: their types, widths,
masks and attributes. So a few kernels are drawn, and for each many sizes of the
other dimensions, with all that may go wrong at their edges: 0, 1, primes, and
one less and one more than the sizes of tiles and blocks. A failure names the
seed that draws it again.

The bounds, for each element of a result, where u is half the distance of 1 to
the next number (bf16: 2^-8, f16: 2^-11):
- Sums are in f32, and their products of bf16 or f16 exact. An error of 2e-6 of
  the largest of the result, or, where all sums happen to cancel, of the root of
  the sum of the squares of the terms.
  That is for sums of up to 509 terms, as drawn here: rounding each partial sum
  makes an error that grows with the root of how many there are.
- What is stored in bf16 or f16 is rounded once: u of the element.
- A score is rounded, the more the larger its linear bias is: 2^-24 of it, four
  times, in a weight and in the sum of the weights.
- A product of what is rounded itself, probabilities or a hidden matrix, adds u of
  each term, which is u of the sum of their magnitudes.
"""
import dataclasses
import sys

import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor
from core_cases import Weights
from sdpa_case import OPERANDS

UNITS = {"f32": 0.0, "bf16": 2.0**-8, "f16": 2.0**-11}
EDGES = (14, 16, 32, 64, 256)
SIZES = [
    *(0, 1, 1, 2, 3, 5, 7, 11, 13, 37, 61, 97, 131, 251, 509),
    *(edge + by for edge in EDGES for by in (-1, 0, 1)),
]


@dataclasses.dataclass
class Problem:
    """A call of a kernel: its operands, and for each result what it should be
    and how far from it each element may be."""

    operands: dict
    results: dict
    bounds: dict
    about: str


class Draw:
    """Random choices, and random arrays of the numbers that a type has."""

    def __init__(self, seed, element):
        self.rng = np.random.default_rng(seed)
        self.element = element
        # How a weight may be stored.
        self.forms = ["rows", "transposed", "packed"]

    def chance(self, probability=0.5):
        return bool(self.rng.random() < probability)

    def one_of(self, *values):
        return values[self.rng.integers(len(values))]

    def size(self, largest=10**9):
        return int(self.rng.choice([s for s in SIZES if s <= largest]))

    def integers(self, low, high, *shape):
        return self.rng.integers(low, high, shape, endpoint=True).astype(np.int32)

    def store(self, array, element=None):
        """As arrays hold it: bf16 as f32, rounded."""
        element = element or self.element
        if element == "f16":
            return array.astype(np.float16)
        array = array.astype(np.float32)
        return cases.round_to_bf16(array) if element == "bf16" else array

    def offsets(self, count, longest):
        lengths = [0, *(self.size(longest) for _ in range(count))]
        return np.cumsum(lengths).astype(np.int32)

    def normal(self, *shape, scale=1.0, element=None):
        return self.store(self.rng.standard_normal(shape) * scale, element)


def wide(array):
    return array.astype(np.float64)


def bound(wanted, size_of_terms, element, rounded_terms=0.0, source=None):
    """The largest error of each element; element: that of the result."""
    finite = [np.abs(wanted), size_of_terms]
    largest = max((np.max(x) for x in finite if np.size(x)), default=0.0)
    return (
        2e-6 * largest
        + UNITS[element] * np.abs(wanted)
        + UNITS[source or element] * rounded_terms
        # Half the distance of the smallest numbers of f16.
        + (2.0**-25 if element == "f16" else 0)
    )


class Kernel:
    """A function of one operation; `types` of its operands by name, the elements
    of those which are not of f32 in `stored`."""

    def __init__(self, name, types, outs, stored, operation, before=""):
        self.name, self.types, self.outs = name, types, outs
        inner, opening, closing = dict(types), [before], []
        for operand, type in types.items():
            if stored.get(operand) != "bf16":
                continue
            inner[operand] = type.replace("xf32>", "xbf16>")
            opening.append(
                f"%{operand}_low = arith.truncf %{operand} : {type} to {inner[operand]}"
            )
        for out in outs:
            if stored.get(out) == "bf16":
                closing.append(f"%r{out} = arith.extf %r{out}_low : {inner[out]} to {types[out]}")

        def value(operand):
            return f"%{operand}{'_low' if stored.get(operand) == 'bf16' else ''}"

        text = operation(value, inner, ", ".join(f"%r{value(o)[1:]}" for o in outs))
        results = ", ".join(types[o] for o in outs)
        self.text = "\n".join([
            f"func.func private @{name}({', '.join(f'%{n}: {t}' for n, t in types.items())})"
            f" -> ({results}) {{",
            *opening, text, *closing,
            f"return {', '.join(f'%r{o}' for o in outs)} : {results}", "}",
        ])  # fmt: skip

    def case(self, problem):
        types = ", ".join(self.types.values())
        results = ", ".join(self.types[o] for o in self.outs)
        body = (
            f"{', '.join(f'%r{o}' for o in self.outs)} = func.call @{self.name}"
            f"({', '.join(f'%{n}' for n in self.types)}) : ({types}) -> ({results})"
        )
        return Case(
            f"{self.name}, {problem.about}", body,
            {n: (self.types[n], problem.operands[n]) for n in self.types},
            {f"r{o}": (self.types[o], problem.results[o]) for o in self.outs},
        )  # fmt: skip


def optional(types, word, name, value):
    return f" {word}({value(name)})" if name in types else ""


def out_of(shape, element):
    """A destination: what is not written stays NaN."""
    return np.full(shape, np.nan, np.float16 if element == "f16" else np.float32)


class Attention:
    """What attn.sdpa is compiled for."""

    def __init__(self, draw):
        self.draw = draw
        self.by_head = draw.chance()
        self.heads = draw.one_of(1, 2, 3)
        self.key_heads = draw.one_of(self.heads, self.heads, 1)
        self.size = draw.one_of(1, 3, 8, 16, 17, 20, 32, 40, 64, 80, 128)
        self.value_size = self.size if draw.chance(0.7) else draw.one_of(1, 15, 24, 64, 100)
        self.mask = draw.one_of(None, None, "added", "flags")
        self.mask_ones = [d for d in range(3) if draw.chance()]
        self.causal = draw.chance()
        self.window = [
            draw.one_of(0, 1, 5, 31, 64, 200) if draw.chance(0.2) else None for _ in range(2)
        ]
        self.rows = draw.one_of(None, None, None, 1, 2)
        self.lengths = self.rows != 2 and draw.chance()
        self.probabilities = draw.chance(0.2)
        self.shown = draw.one_of(None, [0], [self.heads - 1, 0][: self.heads]) if self.probabilities else None
        self.mean = self.probabilities and draw.chance(0.3)
        self.slopes = draw.chance(0.3)
        self.biases = draw.one_of(None, None, 0, 4, 127)
        self.sinks = draw.chance(0.3)
        # How many keys came before the queries has no meaning but for these.
        banded = self.causal or self.window != [None, None]
        self.positions = (banded or self.slopes or self.biases is not None) and draw.chance()
        self.ragged = draw.chance(0.25)
        self.ragged_keys = self.rows != 2 and draw.chance(0.8 if self.ragged else 0.1)
        self.mask_element = draw.one_of(draw.element, "f32")
        self.out_element = draw.one_of(draw.element, draw.element, "f32")
        self.key_element = draw.one_of(draw.element, "bf16") if draw.element == "f32" else draw.element

    def about(self):
        masks = [
            f"mask {self.mask} but {self.mask_ones}" if self.mask else "",
            *(n for n in ("causal", "positions", "lengths", "slopes", "sinks", "probabilities") if getattr(self, n)),
            f"biases of {self.biases} keys" if self.biases is not None else "",
            f"rows of rank {self.rows}" if self.rows else "",
            f"of {self.shown}" if self.shown else "",
            "mean" if self.mean else "",
            "ragged" if self.ragged else "",
            "ragged keys" if self.ragged_keys else "",
            f"window {self.window}" if self.window != [None, None] else "",
        ]
        return (
            f"sdpa of {self.draw.element} and {self.key_element} to {self.out_element}, rank {4 if self.by_head else 3}, "
            f"{self.heads} heads of {self.size} and {self.value_size}, {self.key_heads} of keys"
            + "".join(f", {m}" for m in masks if m)
        )

    def mask_of(self, shape):
        draw = self.draw
        shape = [1 if d in self.mask_ones else n for d, n in enumerate(shape)]
        if self.mask == "flags":
            return draw.rng.random(shape) < 0.7
        mask = draw.normal(*shape, element=self.mask_element)
        mask[draw.rng.random(shape) < 0.2] = -np.inf
        return mask

    def problem(self):
        draw = self.draw
        queries, keys = draw.size(), draw.size()
        # As much work for all of a size.
        batch = draw.one_of(0, 1, 2, 3) if queries * keys < 20000 else 1
        capacity = draw.one_of(1, 2, batch + 1) if self.rows else batch
        rest = {}
        # Entries and sizes of the operands; queries and keys: at most in an entry.
        shape, key_shape = (batch, queries), (capacity, keys)
        if self.ragged:
            rest["query_offsets"] = draw.offsets(batch, queries)
            shape = (1, int(rest["query_offsets"][-1]))
        if self.ragged_keys:
            rest["key_offsets"] = draw.offsets(capacity, keys)
            key_shape = (1, int(rest["key_offsets"][-1]))
        q = draw.normal(*shape, self.heads * self.size)
        k = draw.normal(*key_shape, self.key_heads * self.size, element=self.key_element)
        v = draw.normal(*key_shape, self.key_heads * self.value_size, element=self.key_element)
        if self.mask:
            rest["mask"] = self.mask_of((shape[0], self.heads, shape[1], key_shape[1]))
        if self.lengths:
            rest["lengths"] = draw.integers(-1, keys + 2, capacity)
        if self.positions:
            rest["positions"] = draw.integers(-2, max(keys, 2), batch)
        if self.rows == 1:
            rest["rows"] = draw.integers(-1, capacity, batch)
        if self.rows == 2:
            rest["rows"] = draw.integers(-1, capacity, batch, draw.one_of(keys, keys // 2 + 1))
        if self.slopes:
            rest["slopes"] = draw.store(draw.rng.uniform(-0.01, 0.5, self.heads), "f32")
        if self.biases is not None:
            rest["biases"] = draw.normal(self.heads, 2 * self.biases + 1, element="f32")
        if self.sinks:
            rest["sinks"] = draw.normal(self.heads, scale=3.0, element="f32")
        if self.lengths:
            # Nothing is read of what no query may attend to.
            for entry, length in enumerate(rest["lengths"]):
                place, begin, end = entry, max(length, 0), keys
                if self.ragged_keys:
                    first, end = rest["key_offsets"][entry : entry + 2]
                    place, begin = 0, min(first + begin, end)
                k[place, begin:end] = v[place, begin:end] = np.nan
        scale = self.size**-0.5
        how = {"causal": self.causal, "window": self.window, **rest}

        def apply(v):
            return reference.sdpa(
                q, k, v, self.heads, scale, key_heads=self.key_heads, **how
            )

        wanted, weights = apply(v)
        # The same sums of magnitudes and of squares.
        values = np.nan_to_num(wide(v))
        magnitudes, _ = apply(np.abs(values))
        # Σ (p v)² is at most Σ p v², which an average of squares is.
        squares, _ = apply(values**2)
        operands = {"q": q, "k": k, "v": v, **rest}
        if self.by_head:
            for name in "qkv":
                heads = self.heads if name == "q" else self.key_heads
                operands[name] = np.ascontiguousarray(reference.split(operands[name], heads))
            wanted, magnitudes = (reference.split(x, self.heads) for x in (wanted, magnitudes))
        operands["o"] = out_of(wanted.shape, self.out_element)
        results = {"o": wanted}
        bounds = {
            "o": bound(wanted, np.sqrt(squares), self.out_element, magnitudes, draw.element)
        }
        rounded_bias = 0.0
        if self.slopes and queries and keys:
            before = np.abs(rest.get("positions", np.zeros(1))).max(initial=0)
            farthest = before + max(queries, keys)
            rounded_bias = 8 * 2.0**-24 * farthest * np.abs(rest["slopes"]).max()
            bounds["o"] = bounds["o"] + rounded_bias * magnitudes
        if self.probabilities:
            weights = weights if self.shown is None else weights[:, self.shown]
            weights = weights.mean(1) if self.mean else weights
            stored = "f32" if self.mean else self.out_element
            operands["p"] = out_of(weights.shape, stored)
            results["p"] = weights
            bounds["p"] = bound(weights, 0.0, stored) + rounded_bias * weights
        about = f"{batch} of {capacity}, {queries} queries, {keys} keys"
        return Problem(operands, results, bounds, about)

    def kernel(self, name, weights):
        operands = self.problem().operands
        names = ["q", "k", "v", *OPERANDS, "o", "p"]
        known = {n: [] for n in OPERANDS} | {
            "mask": self.mask_ones, "slopes": [0], "biases": [0, 1],
            "p": [] if self.mean else [1],
        }  # fmt: skip
        if self.by_head and (self.shown or self.key_heads != self.heads):
            known |= {n: [1, -1] for n in "qkvo"}
        for operand, is_ragged in zip("qokv", [self.ragged] * 2 + [self.ragged_keys] * 2):
            if is_ragged:
                known[operand] = [0, *known.get(operand, [-1])]
        types = {
            n: tensor(operands[n], known.get(n, [-1])) for n in names if n in operands
        }
        outs = [n for n in ("o", "p") if n in types]
        stored = {"q": self.draw.element, "k": self.key_element, "v": self.key_element}
        stored |= {n: self.out_element for n in outs}
        if self.mean:
            stored["p"] = "f32"
        if self.mask == "added":
            stored["mask"] = self.mask_element

        def operation(value, inner, results):
            attributes = [f"scale = {self.size**-0.5!r} : f64"]
            attributes += [] if self.by_head else [f"heads = {self.heads} : i64"]
            attributes += ["causal"] if self.causal else []
            for side, keys in zip(("before", "after"), self.window):
                attributes += [] if keys is None else [f"window_{side} = {keys} : i64"]
            attributes += ["shown_mean"] if self.mean else []
            if self.shown:
                attributes.append(f"shown_heads = array<i64: {', '.join(map(str, self.shown))}>")
            return (
                f"{results} = attn.sdpa {value('q')}, {value('k')}, {value('v')}"
                + "".join(optional(types, n, n, value) for n in OPERANDS)
                + f" outs({', '.join(value(n) for n in outs)}) {{{', '.join(attributes)}}} : "
                + f"({', '.join(inner.values())}) -> ({', '.join(inner[n] for n in outs)})"
            )

        return Kernel(name, types, outs, stored, operation)


class Product:
    """What a product with a weight matrix is compiled for, alone or as one of
    two; the matrix is there from the start."""

    def __init__(self, draw, outputs, inputs, activation, suffix="", may_be_dynamic=False):
        self.form = draw.one_of(*draw.forms)
        self.activation = activation
        self.names = {n: n + suffix for n in ("w", "b")}
        self.bias_element = draw.one_of(draw.element, "f32")
        self.element = draw.element
        self.has_bias = draw.chance(0.7)
        # Sizes that are not compiled for: each problem has its own.
        self.dynamic = may_be_dynamic and self.form != "packed" and draw.chance(0.5)
        self.fill(draw, outputs, inputs)

    def fill(self, draw, outputs, inputs):
        self.weight = draw.normal(outputs, inputs, scale=max(inputs, 1) ** -0.5)
        self.bias = draw.normal(outputs, element=self.bias_element) if self.has_bias else None
        self.constants = {}
        if self.form != "packed":
            stored = self.weight.T.copy() if self.form == "transposed" else self.weight
            self.constants[self.names["w"]] = stored
            if self.bias is not None:
                self.constants[self.names["b"]] = self.bias

    def about(self):
        outputs, inputs = "??" if self.dynamic else self.weight.shape
        bias = "" if self.bias is None else f", bias {self.bias_element}"
        return f"{inputs} to {outputs} {self.form}{bias}, {self.activation}"

    def packed(self, weights):
        """Types of the weight and the bias, and the IR that gets them."""
        types, before = {}, ""
        if self.form == "packed":
            for n, array, element in [
                ("w", self.weight, self.element), ("b", self.bias, "f32"),
            ]:  # fmt: skip
                if array is not None:
                    types[self.names[n]], get = weights.add(array.astype(np.float32), element)
                    before += get(self.names[n])
        return types, before

    def apply(self, x, residual=None):
        """The result, the root of the sum of the squares of its terms, and the
        sum of their magnitudes."""
        wanted = reference.linear(x, self.weight, self.bias, residual, self.activation)
        others = [y for y in (self.bias, residual) if y is not None]
        squares = (wide(x) ** 2) @ (wide(self.weight) ** 2).T + sum(wide(y) ** 2 for y in others)
        return wanted, np.sqrt(squares), np.abs(wide(x)) @ np.abs(wide(self.weight)).T


class Linear:
    """attn.linear, or attn.mlp where there are two products."""

    def __init__(self, draw, count):
        self.draw = draw
        self.rank = draw.one_of(2, 3)
        self.inputs, between, outputs = (max(draw.size(), 1) for _ in range(3))
        activation = draw.one_of("relu", "gelu", "gelu_tanh", "silu")
        if count == 1:
            self.products = [
                Product(
                    draw, outputs, self.inputs, draw.one_of(None, activation),
                    may_be_dynamic=True,
                )
            ]
        else:
            self.products = [
                Product(draw, between, self.inputs, activation, "1"),
                Product(draw, outputs, between, None, "2"),
            ]
        self.residual = draw.one_of(None, draw.element, "f32")
        rounded = "bf16" if count == 1 and draw.element == "f32" else draw.element
        self.out_element = draw.one_of(draw.element, rounded, "f32")
        if self.products[0].dynamic:
            self.out_element = "f32"
            if self.products[0].activation:
                self.residual = None

    def about(self):
        residual = f", residual {self.residual}" if self.residual else ""
        return (
            f"{'linear' if len(self.products) == 1 else 'mlp'} of {self.draw.element} to "
            f"{self.out_element}, rank {self.rank}, "
            + "; ".join(p.about() for p in self.products)
            + residual
        )

    def problem(self):
        draw, product = self.draw, self.products[-1]
        rows = draw.size()
        lead = [rows] if self.rank == 2 else [draw.one_of(0, 1, 2, 3), rows]
        if product.dynamic:
            self.inputs = draw.size()
            product.fill(draw, draw.size(), self.inputs)
        x = draw.normal(*lead, self.inputs)
        operands = {"x": x}
        if self.residual:
            operands["r"] = draw.normal(*lead, len(product.weight), element=self.residual)
        rounded = 0.0
        if len(self.products) > 1:
            hidden, terms, _ = self.products[0].apply(x)
            # No activation makes an error more than 1.13 times as large.
            _, size, rounded = product.apply(np.maximum(np.abs(hidden), 1.13 * terms), operands.get("r"))
            wanted = product.apply(hidden, operands.get("r"))[0]
        else:
            wanted, size, _ = product.apply(x, operands.get("r"))
        for p in self.products:
            operands |= p.constants
        operands["o"] = out_of(wanted.shape, self.out_element)
        allowed = bound(wanted, size, self.out_element, rounded, draw.element)
        outputs, inputs = product.weight.shape
        about = f"rows {lead}" + (f", {inputs} to {outputs}" if product.dynamic else "")
        return Problem(operands, {"o": wanted}, {"o": allowed}, about)

    def kernel(self, name, weights):
        operands = self.problem().operands
        before, got = "", {}
        for p in self.products:
            types, text = p.packed(weights)
            got |= types
            before += text
        dynamic = self.products[0].dynamic
        known = lambda n: [] if dynamic else [-1] if n in "xro" else None  # noqa: E731
        types = {n: tensor(a, known(n)) for n, a in operands.items()}
        stored = {n: self.draw.element for n in operands}
        stored |= {"r": self.residual, "o": self.out_element}
        for p in self.products:
            stored[p.names["b"]] = p.bias_element

        def operation(value, inner, results):
            def operand(n):
                return f"%{n}" if n in got else value(n)

            def factor(p):
                bias = f" bias({operand(p.names['b'])})" if p.bias is not None else ""
                word = f" activation {p.activation}" if p.activation else ""
                return f"{operand(p.names['w'])}{bias}", word

            every, used = {**inner, **got}, ["x"]
            for p in self.products:
                used += [p.names[n] for n in "wb" if p.names[n] in every]
            used += [n for n in "ro" if n in every]
            attributes = [
                word
                for p, word in zip(self.products[::-1], ("transposed", "hidden_transposed"))
                if p.form == "transposed"
            ]
            factors = [factor(p) for p in self.products]
            residual = optional(types, "residual", "r", value)
            if len(factors) == 1:
                text = f"attn.linear {value('x')}, {factors[0][0]}{residual}{factors[0][1]}"
            else:
                text = (
                    f"attn.mlp {value('x')}, {factors[0][0]}{factors[0][1]}, "
                    f"{factors[1][0]}{residual}"
                )
            return (
                f"{results} = {text} outs({value('o')}) {{{', '.join(attributes)}}} : "
                f"({', '.join(every[n] for n in used)}) -> {inner['o']}"
            )

        return Kernel(name, types, ["o"], stored, operation, before)


def failure(actual, wanted, allowed):
    """What is wrong with a result, or nothing."""
    if actual.shape != wanted.shape:
        return f"expected {list(wanted.shape)}, got {list(actual.shape)}"
    error = np.abs(wide(actual) - wanted)
    # NaN is not within any bound.
    wrong = ~(error <= allowed)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{wrong.sum()} of {wrong.size} elements wrong, first {list(at)}: expected "
        f"{wanted[at]:.7g} within {allowed[at]:.1e}, got {actual[at]:.7g}"
    )


def main():
    parser = cases.parser(__doc__)
    parser.add_argument("--seed", type=int, default=1, help="draws all kernels and shapes")
    parser.add_argument("--count", type=int, default=6, help="kernels")
    parser.add_argument("--shapes", type=int, default=16, help="for each kernel")
    arguments = cases.complete(parser.parse_args())
    weights, kernels, every, problems = Weights(), [], [], []
    for number in range(arguments.count):
        # Attention, one product and two, in turn; each of them in each type.
        kind = number % 3
        element = ("f32", "bf16", "f16")[(number // 3 + kind + arguments.seed) % 3]
        draw = Draw([arguments.seed, number], element)
        drawn = Attention(draw) if kind == 0 else Linear(draw, kind)
        if arguments.filter not in drawn.about():
            continue
        kernel = drawn.kernel(f"kernel{number}", weights)
        kernels.append(kernel.text)
        for _ in range(arguments.shapes):
            problem = drawn.problem()
            problem.about = f"{drawn.about()}, {problem.about}"
            problems.append(problem)
            every.append(kernel.case(problem))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder.resolve() / "weights.safetensors"
    weights.write(path)
    actual = iter(cases.execute(
        every, arguments.folder / arguments.target_cpu, arguments.options,
        "\n".join([weights.text(), *kernels]),
        f'attributes {{attn.weights_file = "{path}"}}',
    ))  # fmt: skip
    failures = 0
    for problem, case in zip(problems, every):
        for out in problem.results:
            text = failure(next(actual), problem.results[out], problem.bounds[out])
            if text:
                print(f"{case.name}, %{out}: {text}")
                failures += 1
    print(
        f"{arguments.target_cpu}, seed {arguments.seed}: {len(every)} cases of "
        f"{len(kernels)} kernels, {failures} failures"
    )
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
