# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.greatest against the logits of attn.logits, which it has to know without
writing them: the place of the greatest, the first one of several, of the very
numbers; for weights of f32 and bf16 with an estimate and without."""
import cases
import numpy as np
from cases import Case, tensor
from core_cases import Weights

rng = np.random.default_rng(8)
weights = Weights()


def normal(*shape, scale=1.0):
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


# What is done to input, weight and bias.


def close(x, weight, bias):
    """Integers do not tell these rows apart."""
    weight[:] = weight[:1] + normal(*weight.shape, scale=1e-6)
    bias[:] = 0


def alike(x, weight, bias):
    weight[:], bias[:] = weight[0], bias[0]


def twins(x, weight, bias):
    """Every row comes again, the greatest too."""
    half = len(weight) // 2
    weight[half : 2 * half], bias[half : 2 * half] = weight[:half], bias[:half]


def lengths(x, weight, bias):
    weight *= np.exp(normal(len(weight), 1, scale=3))
    x *= np.exp(normal(len(x), 1, scale=3))


def outliers(x, weight, bias):
    """Integers have no steps for the other numbers of a row."""
    x[::2, 0], weight[::3, -1] = 1e6, 1e6


def small(x, weight, bias):
    x *= np.float32(1e-25)
    weight *= np.float32(1e-18)
    bias *= np.float32(1e-44)


def zeros(x, weight, bias):
    x[0], weight[1:5] = 0, 0
    x[1:] *= np.float32(1e-42)


def denormal(x, weight, bias):
    """Numbers that bf16 takes for 0, times large ones."""
    x[:] = np.abs(x) * np.float32(1e-39)
    weight *= np.float32(1e36)
    x[::2, 1], bias[:] = 1e-37, 0


def biased(x, weight, bias):
    """The greatest products are not the greatest logits."""
    bias *= 100
    bias[0], bias[len(bias) // 2] = 3e38, -np.inf


def crowded(x, weight, bias):
    """Sums are rounded to few numbers, each as its products come."""
    bias[:] = 1e6


def stepped(x, weight, bias):
    """Integers are exact, bf16 is not: all rows have one sum, but for one that has
    the next."""
    steps = rng.integers(-60, 61, (len(weight), weight.shape[1] - 1))
    count = steps.shape[1] // 3
    steps[:, 2 * count : 3 * count] = -steps[:, :count] - steps[:, count : 2 * count]
    steps[:, 3 * count :] = 0
    steps[len(weight) // 2, 0] += 1
    weight[:, 0], weight[:, 1:] = 127, steps
    weight *= np.float32(0.0101)
    x[:], bias[:] = 1.01, 0


def rounded(x, weight, bias):
    """Integers are exact, and bf16 rounds all products of one sum down by as much as
    it can, and all of another up."""
    down, up = 1 + 2**-8 - 2**-16, 1 + 2**-8 + 2**-16
    half = x.shape[1] // 2
    x[:, :half], x[:, half:], weight[:], bias[:] = down, up, 0, 0
    weight[0, :half], weight[-1, half + half // 73 :] = down, up


def unseen(x, weight, bias):
    """Integers have no steps for the numbers of a row whose sum is the greatest."""
    x[:], weight[:], bias[:] = 1 / 300, 0, 0
    x[:, 0], weight[0, 0], weight[-1, 1:] = 1, 1, 1


def excluded(x, weight, bias):
    bias[:] = -np.inf


def large(x, weight, bias):
    """Sums and bounds are more than f32 has."""
    x *= np.float32(1e20)
    weight *= np.float32(1e18)


def broken(x, weight, bias):
    x[0, 0], x[1, -1] = np.nan, np.inf
    weight[len(weight) // 2, 0] = np.nan


def infinite(x, weight, bias):
    weight[-1, 0] = -np.inf
    bias[0] = np.inf


def case(element, rows, columns, inputs, special=None, bias=True):
    x, b = normal(rows, inputs), normal(columns)
    weight = normal(columns, inputs, scale=inputs**-0.5)
    if special:
        special(x, weight, b)
    first = len(weights.header)
    weight_type, get = weights.add(weight, element, "f32")
    bias_type, get_bias = weights.add(b)
    load = get("w") + get_bias("b")

    def add(kind, type):
        symbol = f"w{len(weights.lines)}"
        weights.lines.append(f'attn.weight @{symbol} {kind} from ["tensor{first}"] : {type}')
        return f"%{kind or 'i'} = attn.get_weight @group::@{symbol} : {type}\n"

    vector = f"tensor<{columns}xf32>"
    factor, types = "%w", [weight_type]
    if element == "i8":
        load += add("scales", vector)
        factor, types = "%w scales(%scales)", [weight_type, vector]
    if bias:
        factor, types = factor + " bias(%b)", [*types, bias_type]
    blocks = -(-columns // 64)
    values = f"tensor<{blocks}x?x64xf32>"
    sums = f"tensor<{blocks + -(-blocks // 8)}x?xf32>"
    row_type, out = f"tensor<?x{inputs}xf32>", "tensor<?xi32>"
    load += f"%c = arith.constant 0 : index\n%r = tensor.dim %x, %c : {row_type}\n%e = tensor.empty(%r) : {out}\n"
    load += f"%ev = tensor.empty(%r) : {values}\n%es = tensor.empty(%r) : {sums}\n"
    outs = f"{values}, {sums}, {sums}"
    body = load + (
        f"%v, %m, %s = attn.logits %x, {factor} columns {columns} outs(%ev, %es, %es)"
        f" : ({', '.join([row_type, *types])}, {outs}) -> ({outs})\n"
        f"%y = attn.greatest %x, {factor} columns {columns} outs(%e)"
        f" : ({', '.join([row_type, *types, out])}) -> {out}\n"
    )
    results = {"v": (values, None), "y": (out, None)}
    if element != "i8":
        matrix = weight_type.replace(f"x{element}", "xi8")
        names = ["%i", "%scales", "%norms", "%errors"] + ["%b"] * bias
        bounds = f"tensor<{-(-columns // 32)}xf32>"
        estimate = [matrix, vector, bounds, bounds] + [vector] * bias
        body += add("", matrix) + add("scales", vector) + add("norms", bounds) + add("errors", bounds)
        body += (
            f"%z = attn.greatest %x, {factor} estimate({', '.join(names)}) columns {columns} outs(%e)"
            f" : ({', '.join([row_type, *types, *estimate, out])}) -> {out}\n"
        )
        results["z"] = (out, None)
    about = f"{element}, {rows}x{inputs} to {columns}, bias {bias}"
    if special:
        about += f", {special.__name__}"
    return Case(about, body, {"x": (tensor(x, [-1]), x)}, results)


def every(element):
    for rows in (0, 1, 2, 5, 16, 31, 33, 97, 200):
        yield case(element, rows, 200, 24)
    for columns in (1, 7, 31, 32, 33, 64, 65, 1000):
        for inputs in (1, 40, 130):
            yield case(element, 19, columns, inputs, bias=inputs != 40)
    yield case(element, 9, 3000, 700)
    # The input is copied where rows are a multiple of a page apart.
    yield case(element, 35, 90, 1024)
    for special in (
        close, alike, twins, lengths, outliers, small, zeros, denormal, biased, crowded, stepped, excluded, large, broken, infinite,
    ):  # fmt: skip
        for rows, columns, inputs in ((18, 150, 64), (5, 1001, 33)):
            yield case(element, rows, columns, inputs, special)
    for special in (rounded, unseen):
        yield case(element, 5, 150, 1024, special)


def greatest(values, columns):
    """The results that belong to the blocks of logits."""
    blocks, rows, width = values.shape
    logits = values.transpose(1, 0, 2).reshape(rows, blocks * width)[:, :columns]
    places = np.where(np.isnan(logits), -np.inf, logits).argmax(1)
    found = (logits < np.inf).all(1) & (logits > -np.inf).any(1)
    return np.where(found, places, -1).astype(np.int32)


def main():
    options = cases.parser(__doc__)
    options.add_argument("--element", default="f32", choices=("f32", "bf16", "i8"))
    arguments = cases.complete(options.parse_args())
    found = [c for c in every(arguments.element) if arguments.filter in c.name]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "weights.safetensors"
    weights.write(path)
    arguments.options.append(f"--weights={path}")
    failures, refused, at_once = 0, 0, 20
    for begin in range(0, len(found), at_once):
        part = found[begin : begin + at_once]
        arrays = iter(cases.execute(part, arguments.folder, arguments.options, weights.text()))
        for c in part:
            columns = int(c.name.split(" to ")[1].split(",")[0])
            wanted = greatest(next(arrays), columns)
            refused += (wanted < 0).sum()
            for name in list(c.results)[1:]:
                got = next(arrays)
                if got.dtype != np.int32 or not np.array_equal(got, wanted):
                    failures += 1
                    print(f"{c.name}: %{name}: expected {wanted}, got {got}")
    print(f"{len(found)} cases, {failures} failed")
    if not arguments.filter and not refused:
        print("expected rows without a greatest among the cases, got none")
        failures += 1
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
