# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions in linalg, tensor, arith and math, which upstream's passes lower."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

rng = np.random.default_rng(3)


def normal(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


def case(name, body, result, type=None, tolerance=2e-6, static=(), **arrays):
    """`body` computes %y; type: that of the result, where not as of `arrays`."""
    arguments = {n: (tensor(a, static), a) for n, a in arrays.items()}
    type = type or next(iter(arguments.values()))[0]
    return Case(name, body, arguments, {"y": (type, result)}, tolerance)


def products():
    fill = """
      %zero = arith.constant 0.0 : f32
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
    """
    for m, n, k in [(1, 1, 1), (5, 33, 20), (0, 4, 4), (3, 4, 0)]:
        a, b = normal(m, k), normal(k, n)
        yield case(
            f"matmul {m}x{n}x{k}",
            fill + """
      %m = tensor.dim %a, %c0 : tensor<?x?xf32>
      %n = tensor.dim %b, %c1 : tensor<?x?xf32>
      %e = tensor.empty(%m, %n) : tensor<?x?xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
      %y = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>)
             outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>""",
            a.astype(float) @ b, a=a, b=b,
        )  # fmt: skip
    a, b = normal(2, 3, 4), normal(2, 4, 5)
    yield case(
        "batch_matmul adds to what is there, and leaves the argument alone",
        "%y = linalg.batch_matmul ins(%a, %b : tensor<2x3x4xf32>, tensor<2x4x5xf32>)"
        " outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>",
        a.astype(float) @ b + 1, "tensor<2x3x5xf32>", static=None,
        a=a, b=b, c=np.ones((2, 3, 5), np.float32),
    )  # fmt: skip
    a, b = normal(3, 4, dtype=np.float64), normal(5, 4, dtype=np.float64)
    yield case(
        "a contraction in f64",
        """%y = linalg.generic {
          indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                           affine_map<(m, n, k) -> (m, n)>],
          iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%a, %b : tensor<3x4xf64>, tensor<5x4xf64>) outs(%c : tensor<3x5xf64>) {
          ^bb0(%i: f64, %j: f64, %k: f64):
            %p = arith.mulf %i, %j : f64
            %q = arith.addf %p, %k : f64
            linalg.yield %q : f64
        } -> tensor<3x5xf64>""",
        a @ b.T, "tensor<3x5xf64>", 1e-15, static=None,
        a=a, b=b, c=np.zeros((3, 5)),
    )  # fmt: skip


def elementwise():
    x = np.linspace(-4, 4, 333, dtype=np.float32)
    positive = np.abs(x) + np.float32(0.01)
    functions = {
        "math.tanh": (np.tanh, x),
        "math.erf": (reference.erf, x),
        "math.exp": (np.exp, x),
        "math.exp2": (np.exp2, x),
        "math.expm1": (np.expm1, x),
        "math.log": (np.log, positive),
        "math.log2": (np.log2, positive),
        "math.log1p": (np.log1p, positive),
        "math.sqrt": (np.sqrt, positive),
        "math.rsqrt": (lambda v: v**-0.5, positive),
        "math.sin": (np.sin, x),
        "math.cos": (np.cos, x),
        "math.atan": (np.arctan, x),
        "math.absf": (np.abs, x),
        "math.floor": (np.floor, x),
        "math.ceil": (np.ceil, x),
        "math.roundeven": (np.rint, x),
        "math.cbrt": (np.cbrt, positive),
        "arith.negf": (np.negative, x),
    }
    for name, (function, values) in functions.items():
        t = tensor(values)
        yield case(name, f"%y = {name} %x : {t}", function(values.astype(float)), x=values)
    # Each relative to itself; what is no normal number may be 0.
    for name, function, x in [
        ("math.exp", np.exp, np.linspace(-86, 88.5, 3001, dtype=np.float32)),
        ("math.tanh", np.tanh, np.logspace(-30, 3, 3001, dtype=np.float32)),
    ]:
        exact = function(x.astype(float))
        w = exact.astype(np.float32)
        yield case(
            f"{name} of all magnitudes",
            f"%f = {name} %x : {tensor(x)}\n%y = arith.divf %f, %w : {tensor(x)}",
            exact / w, x=x, w=w, tolerance=5e-7,
        )  # fmt: skip
    # 64 numbers, so that there are vectors of them.
    for name, numbers, wanted in [
        ("math.exp", (np.inf, -np.inf, np.nan, 0, -200, 89), (np.inf, 0, np.nan, 1, 0, np.inf)),
        ("math.tanh", (np.inf, -np.inf, np.nan, 0, -200, 89), (1, -1, np.nan, 0, -1, 1)),
    ]:
        x = np.resize(np.float32(numbers), 64)
        yield case(f"{name} of extremes", f"%y = {name} %x : {tensor(x)}", np.resize(wanted, 64), x=x)
    a, b = normal(4, 7), normal(4, 7)
    for name, function in [
        ("addf", np.add), ("subf", np.subtract), ("mulf", np.multiply),
        ("divf", np.divide), ("maximumf", np.maximum), ("minimumf", np.minimum),
    ]:  # fmt: skip
        yield case(
            f"arith.{name}", f"%y = arith.{name} %a, %b : {tensor(a)}",
            function(a.astype(float), b), a=a, b=b,
        )  # fmt: skip
    yield case(
        "math.powf", f"%y = math.powf %a, %b : {tensor(a)}",
        np.power(np.abs(a).astype(float), b), a=np.abs(a), b=b,
    )  # fmt: skip
    yield case(
        "math.fma", f"%y = math.fma %a, %b, %b : {tensor(a)}",
        a.astype(float) * b + b, a=a, b=b,
    )  # fmt: skip
    yield case(
        "compare and select",
        f"%m = arith.cmpf olt, %a, %b : {tensor(a)}\n"
        "%y = arith.select %m, %a, %b : tensor<?x?xi1>, tensor<?x?xf32>",
        np.minimum(a, b), a=a, b=b,
    )  # fmt: skip


def types():
    a, b = np.array([1, -7, 2**31 - 1], np.int32), np.array([3, 2, 1], np.int32)
    yield case(
        "i32 wraps around", "%y = arith.addi %a, %b : tensor<?xi32>", a + b, a=a, b=b
    )
    yield case(
        "i32 to i64", "%y = arith.extsi %a : tensor<?xi32> to tensor<?xi64>",
        a.astype(np.int64), "tensor<?xi64>", a=a,
    )  # fmt: skip
    yield case(
        "i8 to f32", "%y = arith.sitofp %a : tensor<?xi8> to tensor<?xf32>",
        [-128.0, 0, 127], "tensor<?xf32>", a=np.array([-128, 0, 127], np.int8),
    )  # fmt: skip
    half = normal(9, dtype=np.float16)
    yield case(
        "f16 to f32", "%y = arith.extf %a : tensor<?xf16> to tensor<?xf32>",
        half, "tensor<?xf32>", 0, a=half,
    )  # fmt: skip
    single = normal(9)
    yield case(
        "f32 to f16", "%y = arith.truncf %a : tensor<?xf32> to tensor<?xf16>",
        single.astype(np.float16), "tensor<?xf16>", 0, a=single,
    )  # fmt: skip
    # Of f32, the first would be in the middle.
    double = np.array([1 + 2.0**-8 + 2.0**-40, 1 + 2.0**-8, -3 - 2.0**-7 - 2.0**-40, 1e300, np.nan])
    yield case(
        "f64 to bf16", "%z = arith.truncf %a : tensor<?xf64> to tensor<?xbf16>\n"
        "%y = arith.extf %z : tensor<?xbf16> to tensor<?xf32>",
        [1 + 2.0**-7, 1, -3 - 2.0**-6, np.inf, np.nan], "tensor<?xf32>", 0, a=double,
    )  # fmt: skip
    yield case(
        "comparison", "%y = arith.cmpi sgt, %a, %b : tensor<?xi32>",
        a > b, "tensor<?xi1>", a=a, b=b,
    )  # fmt: skip
    double = normal(5, dtype=np.float64)
    yield case(
        "f64", "%y = math.exp %a : tensor<?xf64>", np.exp(double), tolerance=1e-15, a=double
    )
    yield case(
        "no dimension", "%y = arith.addf %a, %a : tensor<f32>", np.array(3.0),
        a=np.array(1.5, np.float32),
    )  # fmt: skip


def shapes():
    x = normal(4, 6)
    t = "tensor<4x6xf32>"
    pad = """
      %z = arith.constant 9.0 : f32
      %y = tensor.pad %x low[1, 0] high[0, 2] {
        ^bb0(%i: index, %j: index):
          tensor.yield %z : f32
      } : tensor<4x6xf32> to tensor<5x8xf32>"""
    table = {
        "pad": (pad, np.pad(x, ((1, 0), (0, 2)), constant_values=9), "tensor<5x8xf32>"),
        "extract_slice": (
            f"%y = tensor.extract_slice %x[1, 2] [2, 2] [2, 1] : {t} to tensor<2x2xf32>",
            x[1:5:2, 2:4], "tensor<2x2xf32>",
        ),
        "insert_slice": (
            f"%s = tensor.extract_slice %x[0, 0] [2, 3] [1, 1] : {t} to tensor<2x3xf32>\n"
            f"%y = tensor.insert_slice %s into %x[2, 3] [2, 3] [1, 1] : tensor<2x3xf32> into {t}",
            np.block([[x[:2]], [x[2:, :3], x[:2, :3]]]), t,
        ),
        "collapse_shape": (
            f"%y = tensor.collapse_shape %x [[0, 1]] : {t} into tensor<24xf32>",
            x.reshape(24), "tensor<24xf32>",
        ),
        "expand_shape": (
            f"%y = tensor.expand_shape %x [[0], [1, 2]] output_shape [4, 2, 3] : {t} into tensor<4x2x3xf32>",
            x.reshape(4, 2, 3), "tensor<4x2x3xf32>",
        ),
        "concat": (
            f"%y = tensor.concat dim(1) %x, %x : ({t}, {t}) -> tensor<4x12xf32>",
            np.concatenate([x, x], 1), "tensor<4x12xf32>",
        ),
        "the argument itself": (f"%y = tensor.cast %x : {t} to {t}", x, t),
        "transpose": (
            "%e = tensor.empty() : tensor<6x4xf32>\n"
            f"%y = linalg.transpose ins(%x : {t}) outs(%e : tensor<6x4xf32>) permutation = [1, 0]",
            x.T, "tensor<6x4xf32>",
        ),
        "broadcast": (
            "%e = tensor.empty() : tensor<4x3x6xf32>\n"
            f"%y = linalg.broadcast ins(%x : {t}) outs(%e : tensor<4x3x6xf32>) dimensions = [1]",
            np.repeat(x[:, None], 3, 1), "tensor<4x3x6xf32>",
        ),
        "reduce": (
            "%z = arith.constant dense<0.0> : tensor<4xf32>\n"
            f"%y = linalg.reduce ins(%x : {t}) outs(%z : tensor<4xf32>) dimensions = [1]\n"
            "  (%i: f32, %a: f32) { %s = arith.addf %i, %a : f32\n linalg.yield %s : f32 }",
            x.astype(float).sum(1), "tensor<4xf32>",
        ),
        "softmax": (
            f"%e = tensor.empty() : {t}\n"
            f"%y = linalg.softmax dimension(1) ins(%x : {t}) outs(%e : {t}) -> {t}",
            reference.softmax(x.astype(float)), t,
        ),
        "generate": (
            "%y = tensor.generate {\n^bb0(%i: index):\n"
            "  %n = arith.index_cast %i : index to i32\n"
            "  tensor.yield %n : i32\n} : tensor<5xi32>",
            np.arange(5), "tensor<5xi32>",
        ),
        "a constant": (
            "%y = arith.constant dense<[1.0, 2.5, -3.0]> : tensor<3xf32>",
            np.array([1, 2.5, -3]), "tensor<3xf32>",
        ),
        "a loop": (
            "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
            "%c5 = arith.constant 5 : index\n"
            f"%y = scf.for %i = %c0 to %c5 step %c1 iter_args(%s = %x) -> ({t}) {{\n"
            f"  %d = arith.addf %s, %s : {t}\n  scf.yield %d : {t}\n}}",
            x * 32.0, t,
        ),
        "a condition": (
            "%c0 = arith.constant 0 : index\n%z = arith.constant 0.0 : f32\n"
            f"%f = tensor.extract %x[%c0, %c0] : {t}\n"
            "%m = arith.cmpf ogt, %f, %z : f32\n"
            f"%y = scf.if %m -> {t} {{ scf.yield %x : {t} }} else {{\n"
            f"  %n = arith.negf %x : {t}\n  scf.yield %n : {t}\n}}",
            x * np.sign(x[0, 0]), t,
        ),
    }  # fmt: skip
    for name, (body, result, type) in table.items():
        yield case(name, body, result, type, static=None, x=x)


def shared():
    """Loops that are worth to be shared among threads, and some of no size."""
    for shape in [(1, 301, 257), (5, 61, 257), (7, 1, 40001), (0, 5, 7), (3, 0, 7)]:
        for static in ((), None):
            x, w = normal(*shape), normal(shape[-1])
            kind, row = tensor(x, static), tensor(w, static)
            sums = tensor(x[..., 0], static)
            sizes = [f"%c{i} = arith.constant {i} : index" for i in range(3)]
            sizes += [f"%n{i} = tensor.dim %x, %c{i} : {kind}" for i in range(3)]
            whole, part = ("%n0, %n1, %n2", "%n0, %n1") if static == () else ("", "")
            body = "\n".join(sizes) + f"""
              %e = tensor.empty({whole}) : {kind}
              %f = tensor.empty({part}) : {sums}
              %zero = arith.constant 0.0 : f32
              %y = linalg.generic {{
                indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (c)>,
                                 affine_map<(a, b, c) -> (a, b, c)>],
                iterator_types = ["parallel", "parallel", "parallel"]}}
                ins(%x, %w : {kind}, {row}) outs(%e : {kind}) {{
                ^bb0(%i: f32, %j: f32, %k: f32):
                  %a = linalg.index 0 : index
                  %b = linalg.index 1 : index
                  %m = arith.muli %a, %n1 : index
                  %s = arith.addi %m, %b : index
                  %t = arith.index_cast %s : index to i32
                  %u = arith.sitofp %t : i32 to f32
                  %p = arith.mulf %i, %j : f32
                  %q = arith.addf %p, %u : f32
                  linalg.yield %q : f32
              }} -> {kind}
              %g = linalg.fill ins(%zero : f32) outs(%f : {sums}) -> {sums}
              %z = linalg.reduce {{arith.maximumf}} ins(%y : {kind}) outs(%g : {sums}) dimensions = [2]
            """
            places = np.arange(shape[0] * shape[1]).reshape(*shape[:2], 1)
            wanted = x.astype(float) * w + places
            arguments = {"x": (kind, x), "w": (row, w)}
            results = {"y": (kind, wanted), "z": (sums, wanted.max(-1, initial=0))}
            yield Case(f"shared, {shape}, static {static}", body, arguments, results, 2e-6)


def main():
    arguments = cases.parse_arguments(__doc__)
    cases.check([*products(), *elementwise(), *types(), *shapes(), *shared()], arguments)


if __name__ == "__main__":
    main()
