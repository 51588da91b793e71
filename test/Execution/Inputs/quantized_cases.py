# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of f32 by weights that are stored in fewer bits, made so from an f32
file when it is loaded; and that what a row gives depends in no bit on the other
rows."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor
from core_cases import Weights

rng = np.random.default_rng(6)
weights = Weights()

# What a product may be off by: both factors are rounded, or one alone.
TOLERANCE = 2**-7


def normal(*shape, scale=1.0):
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def narrow(name, array):
    """IR that gets the weight as %name, its type, and its numbers."""
    type, get = weights.add(array, "bf16", "f32")
    return get(name), type, cases.round_to_bf16(array)


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


def linear_case(rows, outputs, inputs, bias=True, residual=False, activation=None):
    x, b = normal(rows, inputs), normal(outputs)
    load, weight_type, weight = narrow("w", normal(outputs, inputs, scale=inputs**-0.5))
    r = normal(rows, outputs)
    wanted = reference.linear(
        x, weight, b if bias else None, r if residual else None, activation
    )
    arrays = {"x": x, "o": np.full(wanted.shape, np.nan, np.float32)}
    types = [weight_type]
    if bias:
        bias_type, get = weights.add(b)
        load += get("b")
        types.append(bias_type)
    if residual:
        arrays["r"] = r
    arguments = {n: (tensor(a, [-1]), a) for n, a in arrays.items()}

    def operation(suffix, type_of):
        text = f"%y{suffix} = attn.linear %x{suffix}, %w"
        text += " bias(%b)" if bias else ""
        text += f" residual(%r{suffix})" if residual else ""
        text += f" activation {activation}" if activation else ""
        ends = [type_of(n) for n in ("r", "o") if n in arguments]
        operands = ", ".join([type_of("x"), *types, *ends])
        return f"{text} outs(%o{suffix}) : ({operands}) -> {type_of('o')}\n"

    results = {"y": (arguments["o"][0], wanted)}
    body = load + compare_alone(operation, "o", arguments, results, rows, arguments)
    about = (
        f"linear, {rows}x{inputs} to {outputs}, bias {bias}, residual {residual}, {activation}"
    )
    return Case(about, body, arguments, results, TOLERANCE)


def mlp_case(rows, inputs, hidden, outputs, activation="relu"):
    x, r = normal(rows, inputs), normal(rows, outputs)
    b1, b2 = normal(hidden), normal(outputs)
    load, t1, w1 = narrow("w1", normal(hidden, inputs, scale=inputs**-0.5))
    more, t2, w2 = narrow("w2", normal(outputs, hidden, scale=hidden**-0.5))
    load += more
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
    return Case(about, body, arguments, results, 2 * TOLERANCE)


def logits_case(rows, columns, inputs, width=64):
    """Maxima and sums too, which have to belong to the values that are written."""
    x, b = normal(rows, inputs), normal(columns)
    load, weight_type, weight = narrow("w", normal(columns, inputs, scale=inputs**-0.5))
    bias_type, get = weights.add(b)
    load += get("b")
    blocks = -(-columns // width)
    shape = (blocks, rows, width)
    arrays = {"x": x, "v": np.full(shape, np.nan, np.float32)}
    arrays["m"] = arrays["s"] = np.full((blocks, rows), np.nan, np.float32)
    known = {"x": [-1], "v": [0, 2], "m": [0], "s": [0]}
    arguments = {n: (tensor(a, known[n]), a) for n, a in arrays.items()}
    whole = columns // width
    wanted = reference.linear(x, weight, b)[:, : whole * width]
    wanted = wanted.reshape(rows, whole, width).transpose(1, 0, 2)
    maxima, sums = reference.summaries(wanted)
    types = [arguments["x"][0], weight_type, bias_type]
    outs = [arguments[n][0] for n in "vms"]
    part, short = f"tensor<{whole}x?x{width}xf32>", f"tensor<{whole}x?xf32>"
    body = load + (
        f"%yv, %ym, %ys = attn.logits %x, %w bias(%b) columns {columns} outs(%v, %m, %s)"
        f" : ({', '.join(types + outs)}) -> ({', '.join(outs)})\n"
        f"%rows = arith.constant {rows} : index\n"
        f"%pv = tensor.extract_slice %yv[0, 0, 0] [{whole}, %rows, {width}] [1, 1, 1] :"
        f" {outs[0]} to {part}\n"
        f"%pm = tensor.extract_slice %ym[0, 0] [{whole}, %rows] [1, 1] : {outs[1]} to {short}\n"
        f"%ps = tensor.extract_slice %ys[0, 0] [{whole}, %rows] [1, 1] : {outs[2]} to {short}\n"
    )
    results = {"pv": (part, wanted), "pm": (short, maxima), "ps": (short, sums)}
    about = f"logits, {rows}x{inputs} to {columns} by {width}"
    return Case(about, body, arguments, results, 2 * TOLERANCE)


def every():
    for outputs, inputs in [(1, 1), (31, 17), (33, 32), (128, 64), (200, 63), (40, 1024), (7, 2100)]:
        for rows in (1, 2, 3, 31, 33, 200):
            yield linear_case(rows, outputs, inputs, bias=rows != 2, residual=rows == 3)
    for activation in ("relu", "gelu", "silu"):
        for rows in (1, 40):
            yield linear_case(rows, 33, 70, residual=True, activation=activation)
    yield linear_case(0, 33, 70)
    yield linear_case(2500, 48, 40)
    for rows in (0, 1, 5, 33, 300, 700):
        yield mlp_case(rows, 40, 96, 33)
        yield mlp_case(rows, 70, 100, 40, "gelu")
    yield mlp_case(150, 520, 2112, 70)
    for rows in (0, 1, 2, 31, 33, 100):
        yield logits_case(rows, 200, 24)
    yield logits_case(19, 64, 700)
    yield logits_case(5, 1000, 33, width=96)


def main():
    arguments = cases.parse_arguments(__doc__)
    found = list(every())
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "weights.safetensors"
    weights.write(path)
    arguments.options.append(f"--weights={path}")
    cases.check(found, arguments, globals_text=weights.text())


if __name__ == "__main__":
    main()
