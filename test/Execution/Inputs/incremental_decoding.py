# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decode sentences as a whole, and in steps with caches as attn-incremental-decoding
derives them: the same result, which is that of NumPy, too. With caches of bf16, it is
that of keys and values which are rounded."""
import pathlib
import subprocess
import sys

import cases
import numpy as np
import reference_ops as reference

rng = np.random.default_rng(7)
BATCH, TOKENS, KEYS, HEADS, WIDTH = 2, 12, 9, 4, 32
STEPS = (1, 1, 4, 1, 5)
ANY = f"tensor<?x?x{WIDTH}xf32>"


def normal(*shape):
    return rng.standard_normal(shape, np.float32)


SLOPES = np.array([0.5, 0.125, 0.0, -0.0625], np.float32)
SINKS = np.array([-2.0, 0.5, 3.0, -np.inf], np.float32)
# What attention to the tokens and to the memory have.
CASES = {
    "slopes": ({"slopes": SLOPES}, {"slopes": SLOPES}),
    "biases": ({"biases": normal(HEADS, 7)}, {"biases": normal(HEADS, 25)}),
    "sinks": ({"sinks": SINKS}, {"sinks": SINKS}),
    "windows": ({"window": (3, None)}, {"window": (2, 1)}),
    "causal memory": ({}, {"causal": True}),
    "all": (
        {"slopes": SLOPES, "biases": normal(HEADS, 5), "sinks": SINKS, "window": (5, None), "softcap": 2.0},
        {"slopes": SLOPES, "biases": normal(HEADS, 9), "sinks": SINKS, "window": (3, 4), "softcap": 3.0},
    ),
}  # fmt: skip


def constant(name, array):
    bits = array.view(np.uint32)
    values = np.vectorize(lambda b: f"0x{b:08X}")(bits).tolist()
    shape = "x".join(map(str, array.shape))
    text = str(values).replace("'", "")
    return f"%{name} = arith.constant dense<{text}> : tensor<{shape}xf32>\n"


def attention(result, query, key, options, lengths=""):
    """attn.sdpa with `options`, and what it needs."""
    before, operands = "", ""
    types = [ANY] * 3 + (["tensor<?xi32>"] if lengths else [])
    attributes = [f"heads = {HEADS} : i64", "scale = 0.25 : f64"]
    for name in ("slopes", "biases", "sinks"):
        if name in options:
            array = options[name]
            before += constant(f"{result}_{name}", array)
            operands += f" {name}(%{result}_{name})"
            types.append(f"tensor<{'x'.join(map(str, array.shape))}xf32>")
    if options.get("causal"):
        attributes.append("causal")
    if "softcap" in options:
        attributes.append(f"softcap = {options['softcap']!r} : f64")
    for side, keys in zip(("before", "after"), options.get("window", ())):
        if keys is not None:
            attributes.append(f"window_{side} = {keys} : i64")
    return (
        f"{before}%{result} = attn.sdpa %{query}, %{key}, %{key}{lengths}{operands} outs(%e) "
        f"{{{', '.join(attributes)}}} : ({', '.join([*types, ANY])}) -> {ANY}\n"
    )


def decoder(table, own, other):
    shape = f"tensor<{table.shape[0]}x{WIDTH}xf32>"
    return (
        f'func.func @decode(%ids: tensor<?x?xi32> {{attn.role = "ids"}}, %m: {ANY} {{attn.role = "memory"}}, '
        f'%n: tensor<?xi32> {{attn.role = "memory_lengths"}}) -> {ANY} {{\n'
        "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
        "%b = tensor.dim %ids, %c0 : tensor<?x?xi32>\n%s = tensor.dim %ids, %c1 : tensor<?x?xi32>\n"
        f"%e = tensor.empty(%b, %s) : {ANY}\n{constant('table', table)}"
        f"%x = attn.lookup %ids, %table outs(%e) : (tensor<?x?xi32>, {shape}, {ANY}) -> {ANY}\n"
        + attention("y", "x", "x", {"causal": True, **own})
        + attention("z", "y", "m", other, " lengths(%n)")
        + f"return %z : {ANY}\n}}\n"
    )


def driver(stored):
    """Calls the decoder, and then its step for some tokens at a time."""
    cross, cache = f"tensor<?x?x{WIDTH}x{stored}>", f"memref<?x?x{WIDTH}x{stored}>"
    text = (
        f"func.func @main(%ids: tensor<?x?xi32>, %m: {ANY}, %n: tensor<?xi32>, %rows: tensor<?x?xi32>, "
        f"%at: tensor<?x?xi32>, %entries: tensor<?xi32>) -> ({ANY}, {ANY}) {{\n"
        f"%whole = call @decode(%ids, %m, %n) : (tensor<?x?xi32>, {ANY}, tensor<?xi32>) -> {ANY}\n"
        f"%cross = call @decode_prepare(%m) : ({ANY}) -> {cross}\n"
        "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
        "%b = tensor.dim %ids, %c0 : tensor<?x?xi32>\n%s = tensor.dim %ids, %c1 : tensor<?x?xi32>\n"
        f"%k = memref.alloc(%b, %s) : {cache}\n%v = memref.alloc(%b, %s) : {cache}\n"
        f"%r0 = tensor.empty(%b, %s) : {ANY}\n"
    )
    arguments = ["tensor<?x?xi32>", "tensor<?xi32>", "tensor<?x?xi32>", "tensor<?xi32>", "tensor<?xi32>"]
    types = f"({', '.join([*arguments, cross, cache, cache])}) -> {ANY}"
    begin = 0
    for i, count in enumerate(STEPS):
        part = f"tensor<?x{count}x"
        text += (
            f"%i{i} = tensor.extract_slice %ids[0, {begin}] [%b, {count}] [1, 1] : tensor<?x?xi32> to {part}i32>\n"
            f"%d{i} = tensor.cast %i{i} : {part}i32> to tensor<?x?xi32>\n"
            f"%p{i} = tensor.extract_slice %at[{i}, 0] [1, %b] [1, 1] : tensor<?x?xi32> to tensor<?xi32>\n"
            f"%y{i} = call @decode_step(%d{i}, %p{i}, %rows, %entries, %n, %cross, %k, %v) : {types}\n"
            f"%z{i} = tensor.cast %y{i} : {ANY} to {part}{WIDTH}xf32>\n"
            f"%r{i + 1} = tensor.insert_slice %z{i} into %r{i}[0, {begin}, 0] [%b, {count}, {WIDTH}] [1, 1, 1] "
            f": {part}{WIDTH}xf32> into {ANY}\n"
        )
        begin += count
    assert begin == TOKENS
    return text + f"return %whole, %r{len(STEPS)} : {ANY}, {ANY}\n}}\n"


def run(name, own, other, stored, folder):
    table, memory = normal(20, WIDTH), normal(BATCH, KEYS, WIDTH)
    ids = rng.integers(0, 20, (BATCH, TOKENS)).astype(np.int32)
    lengths = np.array([KEYS, 5], np.int32)
    begins = np.cumsum([0, *STEPS[:-1]]).astype(np.int32)
    inputs = {
        "ids": ids, "memory": memory, "lengths": lengths,
        "rows": np.repeat(np.arange(BATCH, dtype=np.int32)[:, None], TOKENS, 1),
        "at": np.repeat(begins[:, None], BATCH, 1), "entries": np.arange(BATCH, dtype=np.int32),
    }  # fmt: skip
    source, module = folder / "decoder.mlir", folder / "module.mlir"
    source.write_text(decoder(table, own, other), encoding="utf-8")
    derived = subprocess.run(
        ["attn-opt", f"--attn-incremental-decoding=cache-type={stored}", source], check=True, capture_output=True, text=True
    ).stdout
    module.write_text(derived.rstrip().removesuffix("}") + driver(stored) + "}\n", encoding="utf-8")
    command = ["attn", "run", module, "--entry=main", f"--output-dir={folder}"]
    for argument, array in inputs.items():
        np.save(folder / f"{argument}.npy", array)
        command.append(f"--input={folder / argument}.npy")
    subprocess.run(command, check=True)
    # The decoder of whole sentences stores nothing.
    for result, kept in ("result0", "f32"), ("result1", stored):
        x = table[ids]
        k, m = (cases.round_to_bf16(a) if kept == "bf16" else a for a in (x, memory))
        y, _ = reference.sdpa(x, k, k, HEADS, 0.25, **{"causal": True, **own})
        wanted, _ = reference.sdpa(y, m, m, HEADS, 0.25, lengths=lengths, **other)
        got = np.load(folder / f"{result}.npy")
        np.testing.assert_allclose(got, wanted, rtol=0, atol=3e-6 * np.abs(wanted).max(), err_msg=name)
    print(f"{name}, {stored}: right")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (own, other) in CASES.items():
        run(name, own, other, "f32", folder)
    run("all", *CASES["all"], "bf16", folder)


if __name__ == "__main__":
    main()
