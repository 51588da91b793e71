# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of f32 by weights that are stored in fewer bits, made so from an f32
file when it is loaded; and that what a row gives depends in no bit on the other
rows. Those of i8 are exact: what is not behind an activation is compared with
the definition bit for bit."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor
from core_cases import Weights

rng = np.random.default_rng(6)
weights = Weights()

element = None


def tolerance(activation=None):
    """What a product may be off by. Of bf16, both factors are rounded or one."""
    if element == "bf16":
        return 2**-7
    return 2e-6 if activation else 0


def normal(*shape, scale=1.0):
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def narrow(array, parts=1):
    """IR that gets the weight as %w, and its scales as %scale if it has any; how an
    operation names both; their types; and the weight's numbers."""
    first = len(weights.header)
    type, get = weights.add(array, element, "f32", parts)
    if element == "bf16":
        return get("w"), "%w", [type], cases.round_to_bf16(array)
    sources = ", ".join(f'"tensor{first + i}"' for i in range(parts))
    symbol, scales_type = f"s{len(weights.lines)}", f"tensor<{len(array)}xf32>"
    weights.lines.append(f"attn.weight @{symbol} scales from [{sources}] : {scales_type}")
    load = get("w") + f"%scale = attn.get_weight @group::@{symbol} : {scales_type}\n"
    return load, "%w scales(%scale)", [type, scales_type], array


def round_rows(rows):
    """What each row becomes, and its scale: `attn.linear` says how."""
    finite = np.isfinite(rows).all(-1, keepdims=True)
    rows = np.where(finite, rows, 0)
    magnitude = np.maximum(np.abs(rows).max(-1, initial=0), np.float32(2.0**-100))
    rounded = np.rint(rows * (np.float32(127) / magnitude)[:, None])
    scales = np.where(finite[:, 0], magnitude / np.float32(127), np.float32(np.nan))
    return rounded.astype(np.int64), scales


def multiply(x, weight, bias=None, residual=None, activation=None):
    if element == "bf16":
        return reference.linear(x, weight, bias, residual, activation)
    (rows, steps), (columns, scales) = round_rows(x), round_rows(weight)
    with np.errstate(all="ignore"):
        result = (rows @ columns.T).astype(np.float32) * (steps[:, None] * scales)
        result = result if bias is None else result + bias
        result = reference.activate(result, activation) if activation else result
        return result if residual is None else result + residual


def compare_alone(operation, destination, arguments, results, rows, lone):
    """Also computes the first row alone, from the arguments in `lone`, and adds
    the difference to the results. operation(suffix) gives %y and the suffix."""

    def first(name):
        return arguments[name][0].replace("?", "1")

    body = operation("", lambda n: arguments[n][0])
    if rows < 2:
        return body
    for n in lone:
        body += (
            f"%{n}1 = tensor.extract_slice %{n}[0, 0] [1, {arguments[n][1].shape[1]}]"
            f" [1, 1] : {arguments[n][0]} to {first(n)}\n"
        )
    body += operation("1", first)
    whole, width = arguments[destination][0], arguments[destination][1].shape[1]
    body += (
        f"%same = tensor.extract_slice %y[0, 0] [1, {width}] [1, 1] : {whole} to"
        f" {first(destination)}\n"
        f"%d = arith.subf %y1, %same : {first(destination)}\n"
    )
    results["d"] = (first(destination), np.zeros((1, width)))
    return body


def linear_case(
    rows, outputs, inputs, bias=True, residual=False, activation=None, parts=1, special=None,
    rounded=False,
):  # fmt: skip
    """`special` changes the input and the weight. A `rounded` result is of bf16."""
    x, weight = normal(rows, inputs), normal(outputs, inputs, scale=inputs**-0.5)
    if special:
        special(x, weight)
    b, r = normal(outputs), normal(rows, outputs)
    load, factor, types, weight = narrow(weight, parts)
    wanted = multiply(x, weight, b if bias else None, r if residual else None, activation)
    wanted = cases.round_to_bf16(wanted) if rounded else wanted
    arrays = {"x": x, "o": np.full(wanted.shape, np.nan, np.float32)}
    if bias:
        bias_type, get = weights.add(b)
        load += get("b")
        types.append(bias_type)
    if residual:
        arrays["r"] = r
    arguments = {n: (tensor(a, [-1]), a) for n, a in arrays.items()}

    def operation(suffix, type_of):
        text = f"%y{suffix} = attn.linear %x{suffix}, {factor}"
        text += " bias(%b)" if bias else ""
        text += f" residual(%r{suffix})" if residual else ""
        text += f" activation {activation}" if activation else ""
        ends = [type_of(n) for n in ("r", "o") if n in arguments]
        operands = ", ".join([type_of("x"), *types, *ends])
        if not rounded:
            return f"{text} outs(%o{suffix}) : ({operands}) -> {type_of('o')}\n"
        low = type_of("o").replace("f32", "bf16")
        operands = ", ".join([type_of("x"), *types, *ends[:-1], low])
        return (
            f"%l{suffix} = arith.truncf %o{suffix} : {type_of('o')} to {low}\n"
            f"{text.replace('%y', '%z', 1)} outs(%l{suffix}) : ({operands}) -> {low}\n"
            f"%y{suffix} = arith.extf %z{suffix} : {low} to {type_of('o')}\n"
        )

    results = {"y": (arguments["o"][0], wanted)}
    body = load + compare_alone(operation, "o", arguments, results, rows, arguments)
    about = (
        f"linear, {rows}x{inputs} to {outputs}, bias {bias}, residual {residual}, {activation}"
        + ", rounded" * rounded
    )
    if special:
        about += f", {special.__name__}"
    # What is rounded is the factors, however much of the products cancels.
    largest = np.abs(wanted).max(initial=0)
    products = (np.abs(x) @ np.abs(weight.T)).max(initial=0) if element == "bf16" else 0
    limit = tolerance(activation) * max(1, products / (largest or 1))
    if rounded and activation:
        # To the other side of what is nearly a tie.
        limit = max(limit, 2**-8)
    return Case(about, body, arguments, results, limit)


def saturated(x, weight):
    """Products and sums as large as can be."""
    x[:], weight[:] = 1.5, -0.25
    x[1::2] *= -1
    weight[::3] *= -1


def alternating(x, weight):
    """The largest of both signs side by side, which pairs of products add up."""
    x[:], weight[:] = 127, 127
    x[:, 1::4], weight[:, 1::4] = -127, -127


def extreme(x, weight):
    """Zeros, denormal numbers, outliers, ties, and rows that are not finite."""
    x[0], weight[0] = 0, 0
    x[1], weight[1] = 1e-42, 1e-41
    x[2, 3], weight[2, 5] = 3e38, -1e20
    x[3] = np.resize(np.array([127, 0.5, 1.5, 2.5, -0.5, -1.5], np.float32), x.shape[1])
    x[4, 7], x[5, 0], x[6, -1] = np.nan, np.inf, -np.inf
    x[7] = 2.0**-101
    x[8], weight[8] = 1e-30, 3e-31


def mlp_case(rows, inputs, hidden, outputs, activation="relu"):
    x, r = normal(rows, inputs), normal(rows, outputs)
    b1, b2 = normal(hidden), normal(outputs)
    load, _, (t1,), w1 = narrow(normal(hidden, inputs, scale=inputs**-0.5))
    more, _, (t2,), w2 = narrow(normal(outputs, hidden, scale=hidden**-0.5))
    load = load.replace("%w", "%w1") + more.replace("%w", "%w2")
    wanted = reference.mlp(x, w1, w2, b1, b2, r, activation)
    arrays = {"x": x, "r": r, "o": np.full(wanted.shape, np.nan, np.float32)}
    arguments = {n: (tensor(a, [-1]), a) for n, a in arrays.items()}
    (b1_type, get1), (b2_type, get2) = weights.add(b1), weights.add(b2)
    load += get1("b1") + get2("b2")

    def operation(suffix, type_of):
        types = [type_of("x"), t1, b1_type, t2, b2_type, type_of("r"), type_of("o")]
        return (
            f"%y{suffix} = attn.mlp %x{suffix}, %w1 bias(%b1) activation {activation},"
            f" %w2 bias(%b2) residual(%r{suffix}) outs(%o{suffix}) :"
            f" ({', '.join(types)}) -> {types[-1]}\n"
        )

    results = {"y": (arguments["o"][0], wanted)}
    body = load + compare_alone(operation, "o", arguments, results, rows, arguments)
    about = f"mlp, {rows}x{inputs} to {hidden} to {outputs}, {activation}"
    return Case(about, body, arguments, results, 2 * tolerance())


def logits_case(rows, columns, inputs, width=64, finite=True):
    """Maxima and sums too, which have to belong to the values that are written; of
    what is not finite, sums alone."""
    x, b = normal(rows, inputs), normal(columns)
    if not finite:
        x[1, 2] = np.nan
        b[:width], b[width + 1], b[width + 2] = -np.inf, -np.inf, np.finfo(np.float32).min
        b[2 * width + 3] = np.inf
    load, factor, types, weight = narrow(normal(columns, inputs, scale=inputs**-0.5))
    bias_type, get = weights.add(b)
    load += get("b")
    blocks = -(-columns // width)
    shape = (blocks, rows, width)
    arrays = {"x": x, "v": np.full(shape, np.nan, np.float32)}
    summaries = blocks + -(-blocks // 8)
    arrays["m"] = arrays["s"] = np.full((summaries, rows), np.nan, np.float32)
    known = {"x": [-1], "v": [0, 2], "m": [0], "s": [0]}
    arguments = {n: (tensor(a, known[n]), a) for n, a in arrays.items()}
    whole = columns // width
    wanted = multiply(x, weight, b)[:, : whole * width]
    wanted = wanted.reshape(rows, whole, width).transpose(1, 0, 2)
    # Of groups, those of which all columns are compared, too.
    groups = whole // 8
    maxima, sums = reference.summaries(wanted)
    types = [arguments["x"][0], *types, bias_type]
    outs = [arguments[n][0] for n in "vms"]
    part = f"tensor<{whole}x?x{width}xf32>"
    body = load + (
        f"%yv, %ym, %ys = attn.logits %x, {factor} bias(%b) columns {columns} outs(%v, %m, %s)"
        f" : ({', '.join(types + outs)}) -> ({', '.join(outs)})\n"
        f"%rows = arith.constant {rows} : index\n"
        f"%pv = tensor.extract_slice %yv[0, 0, 0] [{whole}, %rows, {width}] [1, 1, 1] :"
        f" {outs[0]} to {part}\n"
    )
    results = {"pv": (part, wanted)} if finite else {}
    for name, array in (("m", maxima), ("s", sums)) if finite else [("s", sums)]:
        for of, first, from_, count in (("p", 0, 0, whole), ("g", blocks, whole, groups)):
            if count == 0:
                continue
            short = f"tensor<{count}x?xf32>"
            body += (
                f"%{of}{name} = tensor.extract_slice %y{name}[{first}, 0] [{count}, %rows] [1, 1] :"
                f" {outs[1]} to {short}\n"
            )
            results[of + name] = (short, array[from_ : from_ + count])
    about = f"logits, {rows}x{inputs} to {columns} by {width}, finite {finite}"
    return Case(about, body, arguments, results, 2 * tolerance() or 2e-6)


def lookup_case(batch, length, entries, width, positions=False):
    """Rows of a table, an id outside of it among them."""
    ids = rng.integers(0, entries, (batch, length)).astype(np.int32)
    ids.flat[:1] = -5
    table, places = normal(entries, width), normal(length, width)
    load, factor, types, _ = narrow(table)
    rounded, scales = round_rows(table)
    rows = rounded.astype(np.float32) * scales[:, None]
    wanted = rows[np.clip(ids, 0, entries - 1)] * np.float32(3)
    out = f"tensor<?x?x{width}xf32>"
    arguments = {
        "i": ("tensor<?x?xi32>", ids),
        "o": (out, np.full(wanted.shape, np.nan, np.float32)),
    }
    added = ""
    if positions:
        place_type, get = weights.add(places)
        load, added = load + get("p"), " positions(%p)"
        types, wanted = [*types, place_type], wanted + places
    operands = ", ".join(["tensor<?x?xi32>", *types, out])
    body = load + (
        f"%y = attn.lookup %i, {factor}{added} outs(%o) {{scale = 3.0 : f64}} : ({operands})"
        f" -> {out}\n"
    )
    about = f"lookup, {batch}x{length} of {entries}x{width}, positions {positions}"
    return Case(about, body, arguments, {"y": (out, wanted)}, 0)


def every():
    if element == "i8":
        for width in (1, 3, 64, 70, 200):
            yield lookup_case(3, 5, 45, width, positions=width != 64)
        yield lookup_case(0, 4, 45, 8)
    for outputs, inputs in [(1, 1), (31, 17), (33, 32), (128, 64), (200, 63), (40, 1024), (7, 2100)]:
        for rows in (1, 2, 3, 31, 33, 200):
            yield linear_case(rows, outputs, inputs, bias=rows != 2, residual=rows == 3)
    for activation in ("relu", "gelu", "gelu_tanh", "silu"):
        for rows in (1, 40):
            yield linear_case(rows, 33, 70, residual=True, activation=activation)
            yield linear_case(rows, 33, 70, residual=True, activation=activation, rounded=True)
    for outputs in (1, 64, 70):
        yield linear_case(33, outputs, 1000, rounded=True)
    yield linear_case(0, 33, 70)
    yield linear_case(2500, 48, 40)
    yield linear_case(9, 96, 70, parts=3)
    for rows, inputs in ((9, 20), (9, 64), (40, 1000), (13, 4096)):
        for special in (saturated, alternating, extreme):
            if element == "i8":
                yield linear_case(rows, 40, inputs, special=special)
    for rows in (0, 1, 5, 33, 300, 700):
        if element == "bf16":
            yield mlp_case(rows, 40, 96, 33)
            yield mlp_case(rows, 70, 100, 40, "gelu")
    if element == "bf16":
        yield mlp_case(150, 520, 2112, 70)
    for rows in (0, 1, 2, 31, 33, 100):
        yield logits_case(rows, 200, 24)
    yield logits_case(19, 64, 700)
    yield logits_case(20, 200, 24, finite=False)
    yield logits_case(5, 1000, 33, width=96)


def main():
    global element
    options = cases.parser(__doc__)
    options.add_argument("--element", default="bf16", choices=("bf16", "i8"))
    arguments = cases.complete(options.parse_args())
    element = arguments.element
    found = list(every())
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "weights.safetensors"
    weights.write(path)
    arguments.options.append(f"--weights={path}")
    cases.check(found, arguments, globals_text=weights.text())


if __name__ == "__main__":
    main()
