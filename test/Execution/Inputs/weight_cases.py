# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products by weights that the module declares and a file holds, or that it has
itself, as [N, K] and as [K, N], in f32 and bf16; and that what a row gives depends
in no bit on the other rows."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

import make_checkpoint

rng = np.random.default_rng(5)


def normal(*shape, scale=1.0):
    return cases.round_to_bf16(rng.standard_normal(shape, np.float32) * scale)


class Weights:
    """Globals of a module, and the tensors of a file."""

    def __init__(self):
        self.tensors = {}

    def add(self, array):
        """Text that loads the array, and its type."""
        name = f"weight{len(self.tensors)}"
        self.tensors[name] = array
        return f"ml_program.global_load_const @{name} : {tensor(array, None)}"

    def text(self, element, with_values):
        def value(array, kind):
            if not with_values:
                return f"#ml_program.extern<{kind}>"
            # The numbers are such as bf16 has: of f32, the upper half.
            numbers = array.view(np.uint16).reshape(*array.shape, 2)[..., 1]
            numbers = array if element == "f32" else numbers
            return f'dense<"0x{numbers.tobytes().hex()}"> : {kind}'

        return "\n".join(
            f"ml_program.global private @{name}({value(array, kind)}) : {kind}"
            for name, array in self.tensors.items()
            for kind in [tensor(array, None).replace("f32", element)]
        )


weights = Weights()


def product(x, matrix, bias, residual, transposed, activation):
    """The operation on x, with the name of the result still to be put before; and
    what it gives."""
    loaded = matrix.T.copy() if transposed else matrix
    load = f"%w = {weights.add(loaded)}\n"
    operands, types = ["%w"], [tensor(loaded, None)]
    text = f"attn.linear %x_in, {operands[0]}"
    if bias is not None:
        load += f"%b = {weights.add(bias)}\n"
        text += " bias(%b)"
        types.append(tensor(bias, None))
    if residual is not None:
        text += " residual(%r_in)"
    if activation:
        text += f" activation {activation}"
    return load, text, types, reference.linear(x, matrix, bias, residual, activation)


def small_case(element, rows):
    """Products about the smallest normal number, which AMX takes for 0, by every
    second column of the result; others are larger, so that all is near enough."""
    x = normal(rows, 64, scale=2.0**-28)
    matrix = normal(40, 64) * np.where(np.arange(40) % 2, 1, 2.0**-98)[:, None]
    matrix = matrix.astype(np.float32)
    load, text, types, wanted = product(x, matrix, None, None, False, None)
    arrays = {"x": x, "o": np.full(wanted.shape, np.nan, np.float32)}
    return case(f"small, of {rows}", element, load, text, types, arrays, wanted, False)


def linear_case(element, rows, outputs, inputs, transposed, bias, residual, activation):
    x, matrix = normal(rows, inputs), normal(outputs, inputs, scale=inputs**-0.5)
    b = normal(outputs) if bias else None
    r = normal(rows, outputs) if residual else None
    load, text, types, wanted = product(x, matrix, b, r, transposed, activation)
    arrays = {"x": x, "o": np.full(wanted.shape, np.nan, np.float32)}
    if residual:
        arrays["r"] = r
    about = (
        f"{rows}x{inputs} to {outputs}, transposed {transposed}, bias {bias}, "
        f"residual {residual}, {activation}"
    )
    return case(about, element, load, text, types, arrays, wanted, transposed)


def mlp_case(element, rows, inputs, hidden, outputs, transposed, activation="relu"):
    x, r = normal(rows, inputs), normal(rows, outputs)
    w1, w2 = normal(hidden, inputs, scale=inputs**-0.5), normal(outputs, hidden, scale=hidden**-0.5)
    b1, b2 = normal(hidden), normal(outputs)
    between = reference.linear(x, w1, b1, None, activation).astype(np.float32)
    if element == "bf16":
        between = cases.round_to_bf16(between)
    wanted = reference.linear(between, w2, b2, r)
    if transposed:
        w1, w2 = w1.T.copy(), w2.T.copy()
    load, types = "", []
    for name, array in (("w1", w1), ("b1", b1), ("w2", w2), ("b2", b2)):
        load += f"%{name} = {weights.add(array)}\n"
        types.append(tensor(array, None))
    text = f"attn.mlp %x_in, %w1 bias(%b1) activation {activation}, %w2 bias(%b2) residual(%r_in)"
    arrays = {"x": x, "o": np.full(wanted.shape, np.nan, np.float32), "r": r}
    about = f"mlp of {rows}x{inputs} by {hidden} to {outputs}, transposed {transposed}"
    return case(about, element, load, text, types, arrays, wanted, transposed, hidden=True)


def case(about, element, load, text, types, arrays, wanted, transposed, hidden=False):
    arguments = {n: (tensor(a, [-1]), a) for n, a in arrays.items()}
    attributes = ", ".join((["hidden_transposed"] if hidden else []) + ["transposed"])

    def call(suffix, type_of):
        ends = [type_of(n) for n in ("r", "o") if n in arguments]
        operands = ", ".join([type_of("x"), *types, *ends])
        named = text.replace("%x_in", f"%x{suffix}").replace("%r_in", f"%r{suffix}")
        return (
            f"%y{suffix} = {named} outs(%o{suffix})"
            f"{' {' + attributes + '}' if transposed else ''} : ({operands}) -> {type_of('o')}\n"
        )

    def whole(name):
        return arguments[name][0]

    def first(name):
        return whole(name).replace("?", "1")

    body = load + call("", whole)
    results = {"y": (whole("o"), wanted)}
    if len(wanted) > 1:
        for n, array in arrays.items():
            body += (
                f"%{n}1 = tensor.extract_slice %{n}[0, 0] [1, {array.shape[1]}]"
                f" [1, 1] : {whole(n)} to {first(n)}\n"
            )
        body += call("1", first)
        body += (
            f"%same = tensor.extract_slice %y[0, 0] [1, {wanted.shape[1]}] [1, 1] :"
            f" {whole('o')} to {first('o')}\n%d = arith.subf %y1, %same : {first('o')}\n"
        )
        results["d"] = (first("o"), np.zeros((1, wanted.shape[1])))
    result = Case(about, body, arguments, results)
    if element == "bf16":
        # Where the hidden matrix is not rounded, the difference is that much larger.
        return cases.store_as_bf16(result, 2**-7 if hidden else 2**-8)
    return result


def every(element):
    for outputs, inputs in [(1, 1), (31, 17), (33, 32), (128, 64), (200, 63), (40, 1024), (7, 2100)]:
        for rows in (1, 2, 3, 4, 5, 33, 200):
            for transposed in (False, True):
                yield linear_case(
                    element, rows, outputs, inputs, transposed,
                    bias=rows != 2, residual=rows == 33, activation=None,
                )  # fmt: skip
    for rows in (1, 2, 4, 5, 33):
        yield small_case(element, rows)
    for activation in ("relu", "gelu", "gelu_tanh", "silu"):
        yield linear_case(element, 40, 33, 70, True, True, True, activation)
    for transposed in (False, True):
        yield linear_case(element, 0, 33, 70, transposed, True, False, None)
        yield linear_case(element, 2500, 48, 40, transposed, True, False, None)
        for rows in (1, 5, 33, 300, 700):
            yield mlp_case(element, rows, 40, 96, 33, transposed)
            yield mlp_case(element, rows, 70, 100, 40, transposed, "gelu")
        yield mlp_case(element, 0, 40, 96, 33, transposed)
        yield mlp_case(element, 150, 520, 2112, 70, transposed)


def main():
    options = cases.parser(__doc__)
    options.add_argument("--element", default="f32", choices=("f32", "bf16"))
    options.add_argument("--constants", action="store_true", help="no file")
    arguments = cases.complete(options.parse_args())
    element = arguments.element
    found = list(every(element))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if not arguments.constants:
        path = arguments.folder / f"weights-{element}.safetensors"
        make_checkpoint.write_safetensors(path, weights.tensors, element)
        arguments.options.append(f"--weights={path}")
    text = weights.text(element, arguments.constants)
    cases.check(found, arguments, globals_text=text)


if __name__ == "__main__":
    main()
