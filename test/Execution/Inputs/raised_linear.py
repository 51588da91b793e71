# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linear layers as other front ends and people write them, on random tensors."""
import itertools

import cases
import numpy as np
import reference_ops as reference
from linalg_text import Text, finish, truncated

rng = np.random.default_rng(5)


def normal(*shape):
    return rng.standard_normal(shape).astype(np.float32)


class Linear:
    """One linear layer, or two, written as the options say."""

    LAYOUTS = {
        # layout: input, weight, out; of the second layer the same letters
        "2d": ("m k", "k n", "m n"),
        "weight transposed": ("m k", "n k", "m n"),
        "input transposed": ("k m", "k n", "m n"),
        "result transposed": ("m k", "k n", "n m"),
        "3d": ("b m k", "k n", "b m n"),
        "repeated": ("b m k", "k n", "b m n"),
        "collapsed": ("b m k", "k n", "b m n"),
        "vector": ("k", "k n", "n"),
        "4d": ("b o m k", "n k", "b o m n"),
    }
    DEFAULTS = dict(
        layout="2d", product="generic", bias="none", activation="none", residual="none",
        element="f32", precision="f32", way="generic", layers=1, static="knj",
    )  # fmt: skip

    def __init__(self, sizes, **options):
        for name, value in {**self.DEFAULTS, **options}.items():
            setattr(self, name, value)
        self.sizes, self.text = sizes, Text(sizes, self.static)

    def argument(self, name, dims, array):
        """The tensor in the element type, and its value."""
        text = self.text
        if self.element == "f16":
            array = array.astype(np.float16)
        elif self.element == "bf16":
            array = truncated(array)
        tensor = text.argument(name, dims, array)
        tensor = text.convert(tensor, self.element)
        if self.precision == "all f32":
            tensor = text.convert(tensor, "f32")
        return tensor, array.astype(np.float64)

    def array(self, dims):
        return normal(*(self.text.size(d) for d in dims))

    def layer(self, number, x, x_array, out_dims, width, depth, activation):
        """x · w, with what the options say, to `out_dims`."""
        text, layout = self.text, self.layout
        e = "f32" if self.precision != "narrow" else self.element
        w_dims = [width, depth] if self.LAYOUTS[layout][1] == "n k" else [depth, width]
        w, w_array = self.argument(f"w{number}", w_dims, self.array(w_dims))
        if w_dims[0] == width:
            w_array = w_array.T
        letters = [d for d in x.dims if d != depth] + [width]
        product = np.einsum("...k,kn->...n", np.moveaxis(x_array, x.dims.index(depth), -1), w_array)
        flat = letters
        if layout == "collapsed":
            flat = ["bm", width]
            x = text.reshape(x, ["bm", depth])
        elif layout == "repeated":
            w = text.broadcast(w, ["b", *w.dims])
        computed = out_dims if layout == "result transposed" else flat
        init = None
        if self.bias == "initial" or self.residual == "initial":
            dims = [width] if self.bias == "initial" else letters
            added = self.array(dims)
            init = text.argument(f"i{number}", dims, added)
            if self.bias == "initial" and len(flat) > 1:
                init = text.broadcast(init, flat)
            init = text.reshape(init, flat)
            init = text.transpose(text.convert(init, e), computed)
            product = product + added
        y = text.contract(x, w, computed, e, self.product, init)
        y = text.transpose(y, flat)
        if self.bias in ("row", "unit"):
            dims = ["o", width] if self.bias == "unit" and len(flat) > 1 else [width]
            b, b_array = self.argument(f"b{number}", dims, self.array(dims))
            b = text.convert(b, e)
            y = text.map(lambda add, t, u, v: add(f"arith.addf {u}, {v} : {t}"), y, b)
            product = product + b_array.reshape(-1)
        y = text.reshape(y, letters)
        y, product = self.activate(y, product, activation)
        if self.residual == "added" and number == self.layers - 1:
            r, r_array = self.argument(f"r{number}", letters, self.array(letters))
            r = text.convert(r, e)
            y = text.map(lambda add, t, u, v: add(f"arith.addf {u}, {v} : {t}"), r, y, way=self.way)
            product = product + r_array
        y = text.transpose(y, out_dims)
        order = [letters.index(d) for d in out_dims]
        return y, product.transpose(order)

    def activate(self, y, array, activation):
        text, way = self.text, self.way
        if activation == "none":
            return y, array
        word = activation.split()[0]

        def constant(add, t, value):
            if t.startswith("tensor"):
                return text.splat(value, y.dims, y.element).name
            return add(f"arith.constant {value:.10e} : {t}")

        def function(add, t, x):
            def number(value):
                return constant(add, t, value)

            def op(name, *operands):
                return add(f"{name} {', '.join(operands)} : {t}")

            if activation == "relu select":
                if t.startswith("tensor"):
                    return op("arith.maxnumf", number(0), x)
                above = add(f"arith.cmpf ogt, {x}, {number(0)} : {t}")
                return add(f"arith.select {above}, {x}, {number(0)} : {t}")
            if word == "relu":
                return op("arith.maximumf", x, number(0))
            if word == "gelu_tanh":
                if activation == "gelu_tanh taken out":
                    square = op("arith.mulf", x, op("arith.mulf", x, number(0.044715)))
                    inner = op("arith.mulf", x, op("arith.addf", number(1), square))
                elif activation == "gelu_tanh power":
                    cube = op("math.powf", x, number(3))
                    inner = op("arith.addf", op("arith.mulf", cube, number(0.044715)), x)
                else:
                    cube = op("arith.mulf", op("arith.mulf", x, x), x)
                    inner = op("arith.addf", x, op("arith.mulf", cube, number(0.044715)))
                tanh = op("math.tanh", op("arith.mulf", inner, number(np.sqrt(2 / np.pi))))
                return op("arith.mulf", op("arith.mulf", x, number(0.5)), op("arith.addf", tanh, number(1)))
            if activation == "gelu halves":
                erf = op("math.erf", op("arith.divf", x, number(np.sqrt(2))))
                half = op("arith.addf", op("arith.mulf", erf, number(0.5)), number(0.5))
                return op("arith.mulf", x, half)
            if word == "gelu":
                erf = op("math.erf", op("arith.mulf", x, number(np.sqrt(0.5))))
                return op("arith.mulf", op("arith.mulf", number(0.5), x), op("arith.addf", number(1), erf))
            power = op("arith.addf", op("math.exp", op("arith.negf", x)), number(1))
            if activation == "silu product":
                return op("arith.mulf", op("arith.divf", number(1), power), x)
            return op("arith.divf", x, power)

        y = text.map(function, y, way=way)
        return y, reference.activate(array, word)

    def case(self, name):
        text = self.text
        x_dims, _, out_dims = map(str.split, self.LAYOUTS[self.layout])
        x, array = self.argument("x", x_dims, self.array(x_dims))
        if self.layers == 1:
            y, wanted = self.layer(0, x, array, out_dims, "n", "k", self.activation)
        else:
            hidden = ["j" if d == "n" else d for d in out_dims]
            y, wanted = self.layer(0, x, array, hidden, "j", "k", self.activation)
            if self.precision == "rounded":
                y = text.convert(y, self.element)
            y, wanted = self.layer(1, y, wanted, out_dims, "n", "j", "none")
        if self.precision in ("rounded", "narrow"):
            y = text.convert(y, self.element)
        if y.element == "bf16":
            y = text.convert(y, "f32")
        tolerance = 3e-6
        if self.precision in ("rounded", "narrow"):
            tolerance = {"f16": 3e-3, "bf16": 2e-2}[self.element]
        return finish(name, text, y, wanted, tolerance)


LINEAR_SIZES = dict(b=3, m=5, k=7, n=6, j=11)


def linear(name, sizes=None, **options):
    return Linear({**LINEAR_SIZES, **(sizes or {})}, **options).case(name)


ACTIVATIONS = [
    "relu", "relu select", "gelu", "gelu halves", "silu", "silu product",
    "gelu_tanh", "gelu_tanh power", "gelu_tanh taken out",
]  # fmt: skip


def linears():
    for layout in Linear.LAYOUTS:
        yield linear(f"linear {layout}", layout=layout)
        yield linear(
            f"linear {layout}, all of it", layout=layout, bias="row", activation="relu", residual="added"
        )
    for product in ("contract", "matmul"):
        yield linear(f"linear, {product}", product=product)
        yield linear(f"linear, {product} of a weight transposed", product=product, layout="weight transposed")
    yield linear("linear, batch_matmul", product="batch_matmul", layout="repeated")
    for bias, residual in itertools.product(("none", "row", "unit", "initial"), ("none", "added", "initial")):
        if bias == residual == "initial":
            continue
        for activation in ("none", "gelu"):
            yield linear(
                f"linear, bias {bias}, residual {residual}, {activation}",
                bias=bias, residual=residual, activation=activation,
            )  # fmt: skip
    for activation in ACTIVATIONS:
        for way in ("generic", "arith"):
            yield linear(f"linear, {activation}, {way}", activation=activation, way=way, bias="row", layout="3d")
    for element, precision in itertools.product(("f16", "bf16"), ("f32", "rounded", "narrow", "all f32")):
        yield linear(
            f"linear of {element}, {precision}", element=element, precision=precision, bias="row",
            activation="silu", residual="added", layout="3d",
        )  # fmt: skip
    for sizes in (dict(m=1), dict(k=1), dict(n=1), dict(b=1), dict(m=1, k=1, n=1, b=1), dict(m=13, k=17, n=19)):
        for static in ("knj", "bmknj"):
            for layout in ("2d", "collapsed", "weight transposed"):
                yield linear(
                    f"linear {layout}, {sizes}, static {static}", sizes, static=static, layout=layout,
                    bias="row", residual="added", activation="relu",
                )  # fmt: skip


def feed_forwards():
    for layout in ("2d", "weight transposed", "3d", "collapsed", "repeated", "vector"):
        for activation in ("relu", "gelu", "silu"):
            yield linear(
                f"feed-forward {layout}, {activation}", layout=layout, activation=activation, layers=2,
                bias="row", residual="added",
            )  # fmt: skip
    for element, precision in itertools.product(("f16", "bf16"), ("rounded", "narrow")):
        yield linear(
            f"feed-forward of {element}, {precision}", element=element, precision=precision, layers=2,
            bias="row", activation="relu",
        )  # fmt: skip


def main():
    arguments = cases.parse_arguments(__doc__)
    cases.check([*linears(), *feed_forwards()], arguments)


if __name__ == "__main__":
    main()
