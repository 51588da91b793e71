# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.linear and attn.mlp of bf16 on random tensors; and that what a row gives
depends in no bit on the other rows."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

rng = np.random.default_rng(3)


def normal(*shape, scale=1.0):
    return cases.round_to_bf16(rng.standard_normal(shape, np.float32) * scale)


def product_case(
    rows, outputs, inputs, transposed=True, bias=True, residual=False, activation=None
):
    """Also of the first row alone: the difference is 0."""
    x, weight = normal(rows, inputs), normal(outputs, inputs, scale=inputs**-0.5)
    b = normal(outputs) if bias else None
    r = normal(rows, outputs) if residual else None
    wanted = reference.linear(x, weight, b, r, activation)
    arrays = {"x": x, "w": weight.T.copy() if transposed else weight, "b": b, "r": r}
    arrays["o"] = np.full(wanted.shape, np.nan, np.float32)
    arguments = {
        n: (tensor(a, None if n in "wb" else [-1]), a)
        for n, a in arrays.items()
        if a is not None
    }

    def text(result, suffix, type_of):
        names = [n for n in ("x", "w", "b", "r", "o") if n in arguments]
        value = {n: f"%{n}{suffix if n in 'xro' else ''}" for n in names}
        return (
            f"{result} = attn.linear {value['x']}, %w"
            + (" bias(%b)" if bias else "")
            + (f" residual({value['r']})" if residual else "")
            + (f" activation {activation}" if activation else "")
            + f" outs({value['o']}) {'{transposed}' if transposed else ''} : "
            + f"({', '.join(type_of(n) for n in names)}) -> {type_of('o')}\n"
        )

    def whole(name):
        return arguments[name][0]

    def first(name):
        return whole(name).replace("?", "1") if name in "xro" else whole(name)

    body = text("%y", "", whole)
    results = {"y": (whole("o"), wanted)}
    if rows > 1:
        for n in "xro":
            if n in arguments:
                body += (
                    f"%{n}1 = tensor.extract_slice %{n}[0, 0] [1, {arrays[n].shape[1]}]"
                    f" [1, 1] : {whole(n)} to {first(n)}\n"
                )
        body += text("%y1", "1", first)
        body += (
            f"%same = tensor.extract_slice %y[0, 0] [1, {outputs}] [1, 1] :"
            f" {whole('o')} to {first('o')}\n"
            f"%d = arith.subf %y1, %same : {first('o')}\n"
        )
        results["d"] = (first("o"), np.zeros((1, outputs)))
    name = (
        f"{rows}x{inputs} to {outputs}, transposed {transposed}, bias {bias}, "
        f"residual {residual}, {activation}"
    )
    return cases.store_as_bf16(Case(name, body, arguments, results), 2**-8)


def products():
    for outputs, inputs in [(1, 1), (31, 17), (33, 32), (128, 64), (200, 63), (40, 1024), (7, 2100)]:
        for rows in (1, 2, 3, 31, 33, 200):
            for transposed in (False, True):
                yield product_case(
                    rows, outputs, inputs, transposed, bias=rows != 2, residual=rows == 3
                )
    for activation in ("relu", "gelu", "gelu_tanh", "silu"):
        for rows in (1, 40):
            yield product_case(rows, 33, 70, residual=True, activation=activation)
    yield product_case(0, 33, 70)
    yield product_case(2500, 48, 40)
    yield product_case(2100, 70, 2100)


def mlp_case(rows, inputs, hidden, outputs, activation):
    x, residual = normal(rows, inputs), normal(rows, outputs)
    w1, w2 = normal(hidden, inputs, scale=inputs**-0.5), normal(outputs, hidden, scale=hidden**-0.5)
    b1, b2 = normal(hidden), normal(outputs)
    between = cases.round_to_bf16(reference.linear(x, w1, b1, None, activation).astype(np.float32))
    wanted = reference.linear(between, w2, b2, residual)
    arrays = {"x": x, "w1": w1, "b1": b1, "w2": w2, "b2": b2, "r": residual}
    arrays["o"] = np.full(wanted.shape, np.nan, np.float32)
    arguments = {n: (tensor(a, [-1] if n in "xro" else None), a) for n, a in arrays.items()}
    types = [t for t, _ in arguments.values()]
    body = (
        f"%y = attn.mlp %x, %w1 bias(%b1) activation {activation}, %w2 bias(%b2) residual(%r)"
        f" outs(%o) : ({', '.join(types)}) -> {types[-1]}"
    )
    case = Case(f"mlp of {rows}", body, arguments, {"y": (types[-1], wanted)})
    # Where the hidden matrix is not rounded, the difference is that much larger.
    return cases.store_as_bf16(case, 2**-7)


def main():
    arguments = cases.parse_arguments(__doc__)
    mlps = [mlp_case(rows, 40, 100, 33, "gelu") for rows in (1, 5, 300)]
    cases.check([*products(), *mlps], arguments)


if __name__ == "__main__":
    main()
