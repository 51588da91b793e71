# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The core operations other than attention, on random tensors and weights."""
import json

import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor
from make_checkpoint import to_bytes

rng = np.random.default_rng(2)


def normal(*shape):
    return rng.standard_normal(shape, np.float32)


def unwritten(wanted):
    """A destination: what is not written stays NaN."""
    return np.full(wanted.shape, np.nan, np.float32)


def last(array):
    """The tensor type in which only the last dimension is known."""
    return tensor(array, [-1])


class Weights:
    """A weights file, and the IR that names what is in it."""

    def __init__(self):
        self.header, self.blobs, self.lines, self.size = {}, [], [], 0

    def add(self, values, dtype="f32", file_dtype=None, parts=1):
        """Returns IR that gets the weight as %name, by a function of name."""
        shape = "x".join(map(str, values.shape))
        type = f"tensor<{shape}x{dtype}>"
        symbol = f"w{len(self.lines)}"
        sources = []
        for part in np.split(values, parts):
            blob = to_bytes(part, file_dtype or dtype)
            sources.append(f"tensor{len(self.header)}")
            self.header[sources[-1]] = {
                "dtype": (file_dtype or dtype).upper(),
                "shape": list(part.shape),
                "data_offsets": [self.size, self.size + len(blob)],
            }
            self.blobs.append(blob)
            self.size += len(blob)
        names = ", ".join(f'"{s}"' for s in sources)
        self.lines.append(f"attn.weight @{symbol} from [{names}] : {type}")
        return type, lambda name: f"%{name} = attn.get_weight @group::@{symbol} : {type}\n"

    def add_same(self, shape):
        """The same of another weight of f32, of what the last one is read from."""
        type = f"tensor<{shape[0]}x{shape[1]}xf32>"
        symbol, source = f"w{len(self.lines)}", f"tensor{len(self.header) - 1}"
        self.lines.append(f'attn.weight @{symbol} from ["{source}"] : {type}')
        return type, lambda name: f"%{name} = attn.get_weight @group::@{symbol} : {type}\n"

    def write(self, path):
        text = json.dumps(self.header).encode()
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + b"".join(self.blobs))

    def text(self):
        return "attn.weights @group {\n" + "\n".join(self.lines) + "\n}"


weights = Weights()


def linear_case(
    rows, outputs, inputs, packed=False, bias=True, residual=False,
    activation=None, rank=2, file_dtype="f32", parts=1, transposed=False,
    special=False,
):  # fmt: skip
    x = normal(*[2, 1, 3][: rank - 2], rows, inputs)
    weight, b = normal(outputs, inputs) / inputs**0.5, normal(outputs)
    if special:
        x[0, 3], x[1, 1], x[-1] = -np.inf, np.nan, 0
        weight[4, 2], weight[-1, 0] = np.inf, np.nan
    if file_dtype == "f16":
        weight = weight.astype(np.float16).astype(np.float32)
    r = normal(*x.shape[:-1], outputs) if residual else None
    with np.errstate(invalid="ignore"):
        wanted = reference.linear(x, weight, b if bias else None, r, activation)
    arrays = {"x": x, "r": r, "o": unwritten(wanted)}
    arguments = {n: (last(a), a) for n, a in arrays.items() if a is not None}
    body, types = "", [arguments["x"][0]]
    if packed:
        type, get = weights.add(weight, file_dtype=file_dtype, parts=parts)
        body += get("w")
        types.append(type)
        if bias:
            type, get = weights.add(b)
            body += get("b")
            types.append(type)
    else:
        stored = weight.T.copy() if transposed else weight
        arguments["w"] = (tensor(stored, None), stored)
        types.append(arguments["w"][0])
        if bias:
            arguments["b"] = (tensor(b, None), b)
            types.append(arguments["b"][0])
    types += [arguments[n][0] for n in ("r", "o") if n in arguments]
    body += (
        "%y = attn.linear %x, %w"
        + (" bias(%b)" if bias else "")
        + (" residual(%r)" if residual else "")
        + (f" activation {activation}" if activation else "")
        + f" outs(%o) {'{transposed}' if transposed else ''}"
        + f" : ({', '.join(types)}) -> {types[-1]}"
    )
    name = (
        f"linear, {list(x.shape)} to {outputs}, packed {packed}, bias {bias}, "
        f"residual {residual}, {activation}, file {file_dtype}, transposed {transposed}, "
        f"special {special}"
    )
    return Case(name, body, arguments, {"y": (types[-1], wanted)})


def linears():
    # One kernel for each width: the rows are many, and so are the tails.
    for rows in (0, 1, 2, 3, 4, 5, 13, 14, 15, 29, 200):
        yield linear_case(rows, 33, 7, packed=True, residual=True)
    for outputs, inputs in [(1, 1), (31, 64), (64, 1000), (96, 7), (1, 1000), (33, 1)]:
        for rows in (1, 15):
            yield linear_case(rows, outputs, inputs, packed=True)
            yield linear_case(rows, outputs, inputs, bias=rows == 1)
    for activation in ("relu", "gelu", "gelu_tanh", "silu"):
        yield linear_case(9, 64, 20, packed=True, activation=activation)
        yield linear_case(9, 31, 20, activation=activation, residual=True, bias=False)
    for rank in (2, 3, 4, 5):
        yield linear_case(3, 31, 7, packed=True, rank=rank)
    yield linear_case(5, 48, 20, packed=True, file_dtype="f16", parts=3)


def transposed_linears():
    """Few rows are computed in another way, and many with a copy of the weight;
    so are long sums, and rows a page apart."""
    for outputs, inputs in [(1, 1), (31, 17), (128, 64), (200, 600), (40, 1024), (7, 2100)]:
        for rows in (1, 2, 3, 15, 600):
            for transposed in (False, True):
                yield linear_case(rows, outputs, inputs, transposed=transposed, bias=rows != 2)
    for activation, residual in [("relu", False), ("silu", True), (None, True)]:
        yield linear_case(30, 33, 1100, activation=activation, residual=residual, transposed=True)
        yield linear_case(30, 33, 1100, activation=activation, residual=residual, packed=True)
        yield linear_case(2, 33, 1100, activation=activation, residual=residual, transposed=True)
    # Nothing to sum: the bias remains.
    for rows in (1, 3, 600):
        yield linear_case(rows, 33, 0)
        yield linear_case(rows, 33, 0, transposed=True, residual=True)


def special_linears():
    for rows in (2, 40):
        for transposed in (False, True):
            for activation in (None, "relu"):
                yield linear_case(
                    rows, 40, 64, transposed=transposed, activation=activation, special=True
                )


def logits_case(rows, columns, inputs, width=64, packed=True, special=None):
    """`special`: a block of biases that are minus infinity, or a NaN in the input
    of each row, of which the sums have to tell."""
    # Not large: the error of an exponential is relative to that of the logit.
    x = normal(rows, inputs) / 4
    weight, b = normal(columns, inputs) / inputs**0.5, normal(columns)
    if special == "empty":
        b[:width] = -np.inf
    elif special == "nan":
        x[:, -1] = np.nan
    logits = reference.linear(x, weight, b)
    blocks = -(-columns // width)
    padded = np.full((rows, blocks * width), -np.inf)
    padded[:, :columns] = logits
    padded = padded.reshape(rows, blocks, width).transpose(1, 0, 2)
    maxima, sums = reference.summaries(padded)
    outs = {"v": np.full(padded.shape, np.nan, np.float32)}
    outs["m"] = outs["s"] = np.full(sums.shape, np.nan, np.float32)
    arguments = {"x": (last(x), x)}
    for name, array in outs.items():
        arguments[f"o{name}"] = (tensor(array, [0, 2][: array.ndim - 1]), array)
    types, body = [last(x)], ""
    for name, array in (("w", weight), ("b", b)):
        if packed:
            type, get = weights.add(array)
            body += get(name)
        else:
            type = tensor(array, None)
            arguments[name] = (type, array)
        types.append(type)
    outs = [arguments[f"o{name}"][0] for name in "vms"]
    body += (
        f"%v, %m, %s = attn.logits %x, %w bias(%b) columns {columns} outs(%ov, %om, %os)"
        f" : ({', '.join(types + outs)}) -> ({', '.join(outs)})\n"
    )
    results = {"s": (outs[2], sums)}
    if special != "nan":
        results["m"] = (outs[1], maxima)
        # What is past the last column is undefined.
        rest = columns - (blocks - 1) * width
        tail = np.ascontiguousarray(padded[-1:, :, :rest])
        body += f"%rows = arith.constant {rows} : index\n"
        for name, block, count, size in (("h", 0, blocks - 1, width), ("t", blocks - 1, 1, rest)):
            type = f"tensor<{count}x?x{size}xf32>"
            body += (
                f"%{name} = tensor.extract_slice %v[{block}, 0, 0] [{count}, %rows, {size}]"
                f" [1, 1, 1] : {outs[0]} to {type}\n"
            )
            results[name] = (type, padded[:-1] if name == "h" else tail)
    return Case(
        f"logits, {rows} of {inputs} to {columns} by {width}, packed {packed}, {special}",
        body, arguments, results, 2e-6 if inputs < 100 else 5e-6,
    )  # fmt: skip


def logits():
    for rows in (0, 1, 2, 5, 16, 17, 40, 200):
        yield logits_case(rows, 200, 24)
    for columns in (65, 127, 128, 1000):
        for packed in (False, True):
            yield logits_case(19, columns, 33, packed=packed)
    yield logits_case(3, 70, 600, width=32)
    yield logits_case(30, 300, 8, width=96)
    yield logits_case(21, 1100, 24)
    for packed in (False, True):
        yield logits_case(18, 150, 8, packed=packed, special="empty")
        yield logits_case(18, 150, 8, packed=packed, special="nan")
    yield logits_case(2000, 130, 1024)


def mlp_case(rows, inputs, hidden, outputs, activation, biases=True, residual=False):
    x = normal(rows, inputs)
    arrays = {
        "x": x, "w1": normal(inputs, hidden) / inputs**0.5, "b1": normal(hidden),
        "w2": normal(hidden, outputs) / hidden**0.5, "b2": normal(outputs),
        "r": normal(rows, outputs),
    }  # fmt: skip
    if not biases:
        del arrays["b1"], arrays["b2"]
    if not residual:
        del arrays["r"]
    wanted = reference.mlp(
        x, arrays["w1"].T, arrays["w2"].T, arrays.get("b1"), arrays.get("b2"),
        arrays.get("r"), activation,
    )  # fmt: skip
    # One weight as it is multiplied, the other as checkpoints have it.
    arrays["w1"] = arrays["w1"].T.copy()
    arrays["o"] = unwritten(wanted)
    arguments = {
        n: (last(a) if n in "xro" else tensor(a, None), a) for n, a in arrays.items()
    }

    def optional(word, name):
        return f" {word}(%{name})" if name in arrays else ""

    types = [arguments[n][0] for n in ("x", "w1", "b1", "w2", "b2", "r", "o") if n in arrays]
    body = (
        f"%y = attn.mlp %x, %w1{optional('bias', 'b1')} activation {activation}, %w2"
        f"{optional('bias', 'b2')}{optional('residual', 'r')} outs(%o) {{transposed}}"
        f" : ({', '.join(types)}) -> {types[-1]}"
    )
    name = f"mlp, {rows} rows, {inputs} to {hidden} to {outputs}, {activation}"
    return Case(name, body, arguments, {"y": (types[-1], wanted)})


def mlps():
    for rows in (0, 1, 2, 5, 127, 128, 350):
        yield mlp_case(rows, 20, 70, 33, "relu", residual=rows % 2)
    yield mlp_case(200, 64, 1100, 48, "silu", residual=True)
    yield mlp_case(130, 1024, 96, 31, "gelu", biases=False)
    yield mlp_case(200, 2048, 96, 31, "gelu", biases=False)
    yield mlp_case(7, 33, 1030, 64, "gelu")
    yield mlp_case(9, 33, 70, 40, "gelu_tanh")
    for rows in (1, 130):
        yield mlp_case(rows, 20, 0, 33, "relu")
        yield mlp_case(rows, 0, 70, 33, "silu", residual=True)


def activations():
    """Over the whole range, in a product with 1."""
    x = np.concatenate([np.linspace(-100, 100, 4001), np.logspace(-30, 30, 400), [np.inf]])
    x = x.astype(np.float32)[:, None]
    weight = np.ones((1, 1), np.float32)
    for activation, tolerance in [
        ("relu", 0), ("silu", 4e-7), ("gelu", 4e-7), ("gelu_tanh", 4e-7)
    ]:  # fmt: skip
        # Below -5, 1 + erf has lost what makes gelu differ from 0.
        edge = 5 if activation.startswith("gelu") else -5
        for low, high in [(-100, edge), (-5, 5), (5, np.inf)]:
            part = x[(x[:, 0] >= low) & (x[:, 0] <= high)]
            with np.errstate(invalid="ignore", over="ignore"):
                wanted = reference.linear(part, weight, activation=activation)
            xt, wt = last(part), tensor(weight, None)
            yield Case(
                f"{activation} from {low} to {high}",
                f"%y = attn.linear %x, %w activation {activation} outs(%o)"
                f" : ({xt}, {wt}, {xt}) -> {xt}",
                {"x": (xt, part), "w": (wt, weight), "o": (xt, unwritten(wanted))},
                {"y": (xt, wanted)},
                tolerance,
            )


def norms():
    for shape in [(5, 1), (1, 3), (0, 3), (2, 3, 31), (7, 64), (2, 1, 2, 256), (3, 1000)]:
        x = normal(*shape) * 3 + 10
        w, b = normal(shape[-1]), normal(shape[-1])
        wanted = reference.layer_norm(x, w, b)
        t, wt = last(x), tensor(w, None)
        yield Case(
            f"layer_norm, {list(shape)}",
            f"%y = attn.layer_norm %x, %w, %b outs(%o) : ({t}, {wt}, {wt}, {t}) -> {t}",
            {"x": (t, x), "w": (wt, w), "b": (wt, b), "o": (t, unwritten(wanted))},
            {"y": (t, wanted)},
            5e-6,
        )


def softmaxes():
    for shape in [(1, 1), (4, 15), (0, 5), (3, 0), (2, 3, 2, 33), (2, 16), (3, 1000)]:
        yield softmax_case(f"softmax, {list(shape)}", normal(*shape) * 5)
    x = normal(8, 21)
    x[0] = -np.inf
    x[1, 5] = -np.inf
    x[2, 7] = np.nan
    x[3] = -200
    x[4] = np.linspace(-110, 90, 21)
    x[5] = np.nan
    x[6, :20] = -np.inf
    x[7] = 3e38
    yield softmax_case("softmax, special rows", x)


def softmax_case(name, x):
    wanted, t = reference.softmax(x.astype(np.float64)), tensor(x)
    return Case(
        name, f"%y = attn.softmax %x outs(%o) : ({t}, {t}) -> {t}",
        {"x": (t, x), "o": (t, unwritten(wanted))}, {"y": (t, wanted)},
    )  # fmt: skip


def lookups():
    ids = np.array([[0, 4, 10], [11, -1, 2**31 - 1]], np.int32)
    offsets = np.array([2, -2], np.int32)
    for width in (1, 16, 20):
        for dtype, positions, offset in [
            ("f32", True, True), ("f16", True, False), ("bf16", False, False),
        ]:  # fmt: skip
            table, places = normal(11, width), normal(4, width)
            if dtype == "f16":
                table = table.astype(np.float16).astype(np.float32)
            if dtype == "bf16":
                bits = np.frombuffer(to_bytes(table, dtype), np.uint16)
                table = (bits.astype(np.uint32) << 16).view(np.float32).reshape(table.shape)
            wanted = reference.lookup(
                ids, table, places if positions else None, offsets if offset else None, 3.5
            )
            o = unwritten(wanted)
            table_type, get = weights.add(table, dtype)
            types = [tensor(ids), table_type]
            arguments = {"i": (types[0], ids)}
            if positions:
                types.append(tensor(places, None))
                arguments["p"] = (types[-1], places)
            if offset:
                types.append(tensor(offsets))
                arguments["f"] = (types[-1], offsets)
            types.append(last(o))
            arguments["o"] = (types[-1], o)
            body = (
                get("w") + "%y = attn.lookup %i, %w"
                + (" positions(%p)" if positions else "")
                + (" offsets(%f)" if offset else "")
                + f" outs(%o) {{scale = 3.5 : f64}} : ({', '.join(types)}) -> {types[-1]}"
            )
            results = {"y": (types[-1], wanted)}
            yield Case(f"lookup, {width} wide, {dtype}", body, arguments, results, 1.3e-7)
            if dtype == "bf16":
                continue
            # The same of a table that is the weight of a product too: in panels.
            product_type, get = weights.add_same(table.shape)
            product = reference.linear(wanted, table, None)
            out = unwritten(product)
            arguments = {**arguments, "q": (last(out), out)}
            body += "\n" + get("v") + (
                f"%z = attn.linear %y, %v outs(%q) : "
                f"({types[-1]}, {product_type}, {last(out)}) -> {last(out)}"
            )
            yield Case(
                f"lookup in panels, {width} wide, {dtype}", body, arguments,
                {**results, "z": (last(out), product)},
            )  # fmt: skip

    # A table without rows gives 0.
    ids, table, o = np.zeros((2, 3), np.int32), normal(0, 16), normal(2, 3, 16)
    types = [tensor(ids), last(table), last(o)]
    yield Case(
        "lookup in no table",
        f"%y = attn.lookup %i, %t outs(%o) : ({', '.join(types)}) -> {types[2]}",
        {"i": (types[0], ids), "t": (types[1], table), "o": (types[2], o)},
        {"y": (types[2], np.zeros_like(o))},
    )


def appends():
    for positions in ([0, 3, 6], [-1, 5, 100], [7, -3, -2147483648]):
        for width in (1, 16, 20):
            at = np.array(positions, np.int32)
            new, cache = normal(3, 2, width), normal(4, 7, width)
            nt, at_type, ct = last(new), tensor(at), last(cache)
            yield Case(
                f"cache_append, {width} wide at {positions}",
                f"%y = attn.cache_append %n at %p outs(%c) : ({nt}, {at_type}, {ct}) -> {ct}",
                {"n": (nt, new), "p": (at_type, at), "c": (ct, cache)},
                {"y": (ct, reference.cache_append(new, at, cache))},
                0,
            )
            # Some rows and positions are outside of the cache, or of the list.
            rows = np.array([[2] * 5, [0, -1, 0, 4, 0], [3, 1, 3, 1, 3]], np.int32)
            rt = tensor(rows)
            yield Case(
                f"cache_append, {width} wide at {positions} of rows",
                f"%y = attn.cache_append %n at %p rows(%r) outs(%c) : ({nt}, {at_type}, {rt}, {ct}) -> {ct}",
                {"n": (nt, new), "p": (at_type, at), "r": (rt, rows), "c": (ct, cache)},
                {"y": (ct, reference.cache_append(new, at, cache, rows))},
                0,
            )
            # In a cache of bf16 what is new is rounded.
            low, old = ct.replace("f32", "bf16"), cases.round_to_bf16(cache)
            yield Case(
                f"cache_append, {width} wide at {positions}, rounded",
                f"%l = arith.truncf %c : {ct} to {low}\n"
                f"%z = attn.cache_append %n at %p outs(%l) : ({nt}, {at_type}, {low}) -> {low}\n"
                f"%y = arith.extf %z : {low} to {ct}",
                {"n": (nt, new), "p": (at_type, at), "c": (ct, old)},
                {"y": (ct, reference.cache_append(cases.round_to_bf16(new), at, old))},
                0,
            )


def distance_biases():
    for buckets, heads, farthest, bidirectional in [
        (32, 8, 128, True), (32, 3, 128, False), (4, 1, 2, True), (2, 2, 5, False), (30, 2, 200, True),
    ]:  # fmt: skip
        table = normal(buckets, heads)
        wanted = reference.distance_biases(table, farthest, bidirectional)
        types = [tensor(table, None), tensor(wanted, None)]
        word = "bidirectional, " if bidirectional else ""
        yield Case(
            f"distance_biases, {buckets} buckets up to {farthest}, bidirectional {bidirectional}",
            f"%y = attn.distance_biases %t {{{word}max_distance = {farthest} : i64}} : "
            f"{types[0]} -> {types[1]}",
            {"t": (types[0], table)}, {"y": (types[1], wanted)}, 0,
        )  # fmt: skip


def main():
    arguments = cases.parse_arguments(__doc__)
    every = [
        *linears(), *transposed_linears(), *special_linears(), *logits(), *mlps(), *activations(), *norms(), *softmaxes(), *lookups(), *appends(),
        *distance_biases(),
    ]  # fmt: skip
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder.resolve() / "weights.safetensors"
    weights.write(path)
    cases.check(
        every, arguments, globals_text=weights.text(),
        attributes=f'attributes {{attn.weights_file = "{path}"}}',
    )  # fmt: skip


if __name__ == "__main__":
    main()
