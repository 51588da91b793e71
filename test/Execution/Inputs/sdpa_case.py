# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The text of an attn.sdpa on given tensors, and what it should give."""
import cases
import numpy as np
import reference_ops as reference
from cases import Case, tensor

rng = np.random.default_rng(1)
# What queries, keys, values and results are stored in: f32 or bf16; or f32 beside
# keys and values of bf16.
element = "f32"
# Those that may be missing, in the order of the text.
OPERANDS = (
    "mask", "lengths", "positions", "rows", "slopes", "biases", "sinks", "query_offsets",
    "key_offsets",
)  # fmt: skip


def normal(*shape):
    return rng.standard_normal(shape, np.float32)


def integers(*values):
    return np.array(values, np.int32)


def optional(name, word, arguments):
    return f" {word}(%{name})" if name in arguments else ""


def window_text(window):
    names = ("window_before", "window_after")
    return "".join(f", {n} = {w} : i64" for n, w in zip(names, window) if w is not None)


def sdpa_case(
    name, query, key, value, heads, scale=None,
    causal=False, probabilities=False, softcap=None, shown=None, mean=False,
    window=(None, None), stage=None, **rest,
):  # fmt: skip
    """rest: further operands. Keys and values may have fewer heads. shown: heads
    whose probabilities are, or scores of a stage, all if None; or their mean."""
    if element == "bf16":
        query, key, value = (cases.round_to_bf16(x) for x in (query, key, value))
        if "mask" in rest and rest["mask"].dtype == np.float32:
            rest["mask"] = cases.round_to_bf16(rest["mask"])
    elif element == "bf16-keys":
        key, value = cases.round_to_bf16(key), cases.round_to_bf16(value)
    size = query.shape[2] // heads
    scale = size**-0.5 if scale is None else scale
    for given in {"slopes", "biases", "sinks"} & rest.keys() if element == "bf16" else ():
        rest[given] = cases.round_to_bf16(rest[given])
    out, weights = reference.sdpa(
        query, key, value, heads, scale, causal, softcap=softcap,
        key_heads=key.shape[2] // size, window=window, stage=stage, **rest,
    )  # fmt: skip
    arrays = {"q": query, "k": key, "v": value, **rest}
    # What is not written stays NaN.
    arrays["o"] = np.full(out.shape, np.nan, np.float32)
    if shown is not None:
        weights = weights[:, shown]
    if mean:
        weights = weights.mean(1)
    if probabilities:
        arrays["p"] = np.full(weights.shape, np.nan, np.float32)
    arguments = {}
    for argument, array in arrays.items():
        ones = [d for d in range(3) if array.shape[d : d + 1] == (1,)]
        static = {"p": [] if mean else [1], "mask": ones}.get(argument, [-1] if array.ndim == 3 else [])
        if (argument in "qo" and "query_offsets" in rest) or (argument in "kv" and "key_offsets" in rest):
            static = [0, -1]
        arguments[argument] = (tensor(array, static), array)
    order = ["q", "k", "v", *OPERANDS, "o", "p"]
    types = {n: arguments[n][0] for n in order if n in arguments}
    before, stored = "", ""
    if element == "bf16-keys":
        stored = "_low"
        for n in "kv":
            given, types[n] = types[n], types[n].replace("f32>", "bf16>")
            before += f"%{n}_low = arith.truncf %{n} : {given} to {types[n]}\n"
    outs = [n for n in ("o", "p") if n in arguments]
    results = [f"%r{n}" for n in outs]
    body = (
        f"{before}{', '.join(results)} = attn.sdpa %q, %k{stored}, %v{stored}"
        + "".join(optional(n, n, rest) for n in OPERANDS)
        + f" outs({', '.join('%' + n for n in outs)}) {{heads = {heads} : i64, "
        + f"scale = {scale!r} : f64{', causal' if causal else ''}"
        + (f", softcap = {softcap!r} : f64" if softcap else "")
        + window_text(window)
        + (f", shown_heads = array<i64: {', '.join(map(str, shown))}>" if shown else "")
        + (", shown_mean" if mean else "")
        + (f", shown_stage = #attn<stage {stage}>" if stage else "")
        + f"}} : ({', '.join(types.values())}) -> "
        + (arguments["o"][0] if len(outs) == 1 else f"({', '.join(arguments[n][0] for n in outs)})")
    )
    wanted = {"ro": (arguments["o"][0], out)}
    defined = np.flatnonzero(~np.isnan(out).all((0, 2)))
    if "query_offsets" in rest and 0 < len(defined) < out.shape[1] and not np.isnan(value).any():
        # What other queries give is undefined.
        begin, count = defined[0], len(defined)
        type = f"tensor<1x{count}x{out.shape[2]}xf32>"
        body += (
            f"\n%rd = tensor.extract_slice %ro[0, {begin}, 0] [1, {count}, {out.shape[2]}] "
            f"[1, 1, 1] : {arguments['o'][0]} to {type}"
        )
        wanted = {"rd": (type, out[:, begin : begin + count])}
    if probabilities:
        wanted["rp"] = (arguments["p"][0], weights)
    case = Case(name, body, arguments, wanted)
    # Weights and the result are rounded, each by half of 2^-7 at most.
    return cases.store_as_bf16(case, 2**-7) if element == "bf16" else case
