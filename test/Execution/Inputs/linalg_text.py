# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes functions in linalg, tensor, arith and math, in many ways.

A dimension is a string of letters, each the name of a size: "b", or "bh" for
two that are merged; "o" and "z" are one, and no loop runs over "z". Sizes in
`static` are part of the types.
"""
import math

import numpy as np
from cases import Case

ELEMENTS = {"f32": np.float32, "f16": np.float16, "i1": np.bool_, "i32": np.int32}


class Tensor:
    def __init__(self, name, dims, element):
        self.name, self.dims, self.element = name, tuple(dims), element


class Text:
    """The body of one function, line by line."""

    def __init__(self, sizes, static=()):
        self.sizes, self.static = {**sizes, "o": 1, "z": 1}, {*static, "o", "z"}
        self.lines, self.arguments, self.scalars = [], {}, {}
        self.count = 0

    def new(self, prefix="v"):
        self.count += 1
        return f"%{prefix}{self.count}"

    def add(self, line):
        self.lines.append(line)

    def op(self, text):
        name = self.new()
        self.add(f"{name} = {text}")
        return name

    # Sizes and types

    def size(self, dim):
        return math.prod(self.sizes[letter] for letter in dim)

    def is_static(self, dim):
        return all(letter in self.static for letter in dim)

    def type(self, dims, element):
        sizes = "".join(f"{self.size(d) if self.is_static(d) else '?'}x" for d in dims)
        return f"tensor<{sizes}{element}>"

    def type_of(self, tensor):
        return self.type(tensor.dims, tensor.element)

    def index(self, dim):
        """A size as a value."""
        if dim in self.scalars:
            return self.scalars[dim]
        if self.is_static(dim):
            name = self.op(f"arith.constant {self.size(dim)} : index")
        elif len(dim) > 1:
            name = self.index(dim[0])
            for letter in dim[1:]:
                name = self.op(f"arith.muli {name}, {self.index(letter)} : index")
        else:
            source, at = next(
                (t, t.dims.index(dim)) for t, _ in self.arguments.values() if dim in t.dims
            )
            at = self.op(f"arith.constant {at} : index")
            name = self.op(f"tensor.dim {source.name}, {at} : {self.type_of(source)}")
        self.scalars[dim] = name
        return name

    def dynamic(self, dims):
        return ", ".join(self.index(d) for d in dims if not self.is_static(d))

    # Tensors

    def argument(self, name, dims, array, element=None):
        element = element or {v: k for k, v in ELEMENTS.items()}[array.dtype.type]
        tensor = Tensor(f"%{name}", dims, element)
        assert array.shape == tuple(self.size(d) for d in dims), (name, dims, array.shape)
        self.arguments[name] = (tensor, array)
        return tensor

    def empty(self, dims, element):
        name = self.op(f"tensor.empty({self.dynamic(dims)}) : {self.type(dims, element)}")
        return Tensor(name, dims, element)

    def number(self, value, element="f32"):
        text = {-np.inf: {"f32": "0xFF800000", "f16": "0xFC00", "bf16": "0xFF80"}.get(element)}.get(value)
        return self.op(f"arith.constant {text or f'{value:.8e}'} : {element}")

    def fill(self, value, dims, element="f32"):
        out = self.empty(dims, element)
        number = self.number(value, element)
        t = self.type(dims, element)
        name = self.op(f"linalg.fill ins({number} : {element}) outs({out.name} : {t}) -> {t}")
        return Tensor(name, dims, element)

    def splat(self, value, dims, element="f32"):
        number = self.number(value, element)
        sizes = self.dynamic(dims)
        name = self.op(f"tensor.splat {number}{f'[{sizes}]' if sizes else ''} : {self.type(dims, element)}")
        return Tensor(name, dims, element)

    def constant(self, array, dims, element):
        words = {True: "true", False: "false"} if element == "i1" else {-np.inf: "0xFF800000"}

        def text(x):
            if isinstance(x, list):
                return "[" + ", ".join(map(text, x)) + "]"
            return words.get(x, f"{x:.8e}" if element != "i1" else "")

        name = self.op(f"arith.constant dense<{text(array.tolist())}> : {self.type(dims, element)}")
        return Tensor(name, dims, element)

    # Moves

    def transpose(self, tensor, dims, named=True):
        if tuple(dims) == tensor.dims:
            return tensor
        out = self.empty(dims, tensor.element)
        order = [tensor.dims.index(d) for d in dims]
        if not named:
            return self.generic([tensor], dims, tensor.element, lambda body, x: x)
        name = self.op(
            f"linalg.transpose ins({tensor.name} : {self.type_of(tensor)}) "
            f"outs({out.name} : {self.type_of(out)}) permutation = {order}"
        )
        return Tensor(name, dims, tensor.element)

    def broadcast(self, tensor, dims):
        out = self.empty(dims, tensor.element)
        added = [i for i, d in enumerate(dims) if d not in tensor.dims]
        name = self.op(
            f"linalg.broadcast ins({tensor.name} : {self.type_of(tensor)}) "
            f"outs({out.name} : {self.type_of(out)}) dimensions = {added}"
        )
        return Tensor(name, dims, tensor.element)

    def reshape(self, tensor, dims):
        """Splits and merges dimensions."""
        if tuple(dims) == tensor.dims:
            return tensor
        wide, narrow = (dims, tensor.dims) if len(dims) > len(tensor.dims) else (tensor.dims, dims)
        groups, at = [], 0
        for d in narrow:
            group, letters = [], ""
            while letters != d.replace("o", "") or not group:
                group.append(at)
                letters += wide[at].replace("o", "")
                at += 1
            groups.append(group)
        while at < len(wide):
            groups[-1].append(at)
            at += 1
        t, result = self.type_of(tensor), self.type(dims, tensor.element)
        if len(dims) > len(tensor.dims):
            shape = [str(self.size(d)) if self.is_static(d) else self.index(d) for d in dims]
            name = self.op(
                f"tensor.expand_shape {tensor.name} {groups} output_shape [{', '.join(shape)}] : {t} into {result}"
            )
        else:
            name = self.op(f"tensor.collapse_shape {tensor.name} {groups} : {t} into {result}")
        return Tensor(name, dims, tensor.element)

    def convert(self, tensor, element, named=True):
        if element == tensor.element:
            return tensor
        widths = {"f32": 32, "f16": 16, "bf16": 16}
        word = "extf" if widths[element] > widths[tensor.element] else "truncf"
        if not named:
            return self.generic(
                [tensor], tensor.dims, element,
                lambda body, x: body(f"arith.{word} {x} : {tensor.element} to {element}"),
            )  # fmt: skip
        name = self.op(f"arith.{word} {tensor.name} : {self.type_of(tensor)} to {self.type(tensor.dims, element)}")
        return Tensor(name, tensor.dims, element)

    # Structured operations

    def maps(self, loops, operands):
        names = [f"d{i}" for i in range(len(loops))]
        return ", ".join(
            f"affine_map<({', '.join(names)}) -> "
            f"({', '.join(names[loops.index(d)] if d in loops else '0' for d in t.dims)})>"
            for t in operands
        )

    def generic(self, inputs, dims, element, body, reduced=(), init=None):
        """`body` gets a function that adds an operation and names its result,
        and the elements; with `reduced` or `init` also that of the result."""
        out = init or self.empty(dims, element)
        loops = [*(d for d in dims if d != "z"), *reduced]
        kinds = ['"parallel"'] * (len(loops) - len(reduced)) + ['"reduction"'] * len(reduced)
        ins = [f"%in{i}" for i in range(len(inputs))]
        arguments = [f"{n}: {t.element}" for n, t in zip(ins, inputs)] + [f"%out: {element}"]
        inner = []

        def add(text):
            name = self.new("s")
            inner.append(f"  {name} = {text}")
            return name

        result = body(add, *ins, *(["%out"] if reduced or init else []))
        name = self.new()
        feeding = (
            f"ins({', '.join(t.name for t in inputs)} : {', '.join(map(self.type_of, inputs))}) "
            if inputs else ""
        )  # fmt: skip
        self.add(
            f"{name} = linalg.generic {{indexing_maps = [{self.maps(loops, [*inputs, out])}], "
            f"iterator_types = [{', '.join(kinds)}]}} {feeding}"
            f"outs({out.name} : {self.type_of(out)}) {{\n^bb0({', '.join(arguments)}):\n"
            + "\n".join(inner)
            + f"\n  linalg.yield {result} : {element}\n}} -> {self.type_of(out)}"
        )
        return Tensor(name, out.dims, element)

    def contract(self, a, b, dims, element="f32", way="generic", init=None):
        """Σ a · b over the dimensions that are not in `dims`."""
        reduced = [d for d in dict.fromkeys(a.dims + b.dims) if d not in dims]
        init = init or self.fill(0.0, dims, element)
        loops = [*(d for d in dims if d != "z"), *reduced]
        ins = f"ins({a.name}, {b.name} : {self.type_of(a)}, {self.type_of(b)})"
        outs = f"outs({init.name} : {self.type_of(init)}) -> {self.type_of(init)}"
        if way == "contract":
            name = self.op(f"linalg.contract indexing_maps = [{self.maps(loops, [a, b, init])}] {ins} {outs}")
        elif way in ("matmul", "batch_matmul"):
            # As the operation has them, or said by maps.
            d = dims if way == "matmul" else dims[1:]
            batch = dims[: len(dims) - 2]
            (k,) = reduced
            plain = a.dims == (*batch, d[0], k) and b.dims == (*batch, k, d[1])
            maps = "" if plain else f"indexing_maps = [{self.maps(loops, [a, b, init])}] "
            name = self.op(f"linalg.{way} {maps}{ins} {outs}")
        else:
            def body(add, x, y, total):
                x, y = (
                    v if t.element == element else add(f"arith.extf {v} : {t.element} to {element}")
                    for v, t in ((x, a), (y, b))
                )  # fmt: skip
                product = add(f"arith.mulf {x}, {y} : {element}")
                return add(f"arith.addf {total}, {product} : {element}")

            return self.generic([a, b], dims, element, body, reduced, init)
        return Tensor(name, dims, element)

    def map(self, function, *inputs, way="generic", element=None):
        """An elementwise function of tensors that may have fewer dimensions
        than the first: `function` gets how to add an operation, the type as it
        is there, and the values."""
        first = inputs[0]
        element = element or first.element
        if way == "arith" and all(t.dims == first.dims for t in inputs):
            name = function(self.op, self.type_of(first), *(t.name for t in inputs))
            return Tensor(name, first.dims, element)
        return self.generic(
            inputs, first.dims, element, lambda add, *v: function(add, first.element, *v)
        )

    def reduce(self, word, tensor, dim, init, way="generic"):
        """`way` may be kept: then with a dimension of size 1 instead."""
        dims = [d for d in tensor.dims if d != dim]
        if way == "kept":
            dims = ["z" if d == dim else d for d in tensor.dims]
        start = self.fill(init, dims, tensor.element)
        e = tensor.element
        if way == "reduce":
            name = self.new()
            at = tensor.dims.index(dim)
            self.add(
                f"{name} = linalg.reduce ins({tensor.name} : {self.type_of(tensor)}) "
                f"outs({start.name} : {self.type_of(start)}) dimensions = [{at}]\n"
                f"  (%in: {e}, %total: {e}) {{ %s = {word} %in, %total : {e}\n linalg.yield %s : {e} }}"
            )
            return Tensor(name, dims, e)
        return self.generic(
            [tensor], dims, e, lambda add, x, total: add(f"{word} {x}, {total} : {e}"), [dim], start
        )

    def largest_and_index(self, tensor, dim):
        """The largest along a dimension, which is kept; its index comes along."""
        e = tensor.element
        dims = ["z" if d == dim else d for d in tensor.dims]
        start, loops = self.fill(-np.inf, dims, e), list(tensor.dims)
        zero = self.op("arith.constant 0 : i64")
        t, indices = self.type(dims, e), self.type(dims, "i64")
        at = self.op(f"tensor.empty({self.dynamic(dims)}) : {indices}")
        at = self.op(f"linalg.fill ins({zero} : i64) outs({at} : {indices}) -> {indices}")
        kinds = ", ".join('"reduction"' if d == dim else '"parallel"' for d in loops)
        name = self.new()
        self.add(
            f"{name}, {self.new()} = linalg.generic {{indexing_maps = "
            f"[{self.maps(loops, [tensor, start, start])}], iterator_types = [{kinds}]}} "
            f"ins({tensor.name} : {self.type_of(tensor)}) outs({start.name}, {at} : {t}, {indices}) {{\n"
            f"^bb0(%in: {e}, %out: {e}, %at: i64):\n"
            f"  %i = linalg.index {loops.index(dim)} : index\n"
            f"  %n = arith.index_cast %i : index to i64\n"
            f"  %m = arith.maximumf %in, %out : {e}\n"
            f"  %c = arith.cmpf ogt, %in, %out : {e}\n"
            f"  %newer = arith.select %c, %n, %at : i64\n"
            f"  linalg.yield %m, %newer : {e}, i64\n}} -> ({t}, {indices})"
        )
        return Tensor(name, dims, e)


def truncated(array):
    """The nearest numbers of bf16 towards zero, which no array holds as such."""
    return (array.view(np.uint32) & 0xFFFF0000).view(np.float32)


def finish(name, text, out, wanted, tolerance):
    """The case that `text` is the body of, with the result `out`."""
    arguments = {n: (text.type_of(t), a) for n, (t, a) in text.arguments.items()}
    results = {out.name[1:]: (text.type_of(out), wanted)}
    return Case(name, "\n".join(text.lines), arguments, results, tolerance)
