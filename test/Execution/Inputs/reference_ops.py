# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the core operations compute, in NumPy and double precision."""
import math

import numpy as np


def softmax(x):
    with np.errstate(invalid="ignore"):
        largest = np.max(x, axis=-1, keepdims=True, initial=-np.inf)
        # Not infinite, so that ∞ has all the weight, and of -∞ none has any.
        e = np.exp(x - np.clip(largest, np.finfo(float).min, np.finfo(float).max))
        total = e.sum(axis=-1, keepdims=True)
        return np.where(total == 0, 0.0, e / np.where(total == 0, 1.0, total))


def split(x, heads):
    """[B, S, H*E] as [B, H, S, E]."""
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)


def merge(x):
    batch, heads, length, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, length, heads * size)


def split_shared(x, shared, heads):
    """The same of `shared` heads, each for as many of `heads` that follow each
    other."""
    return np.repeat(split(x, shared), heads // shared, axis=1)


def visible_keys(batch, queries, keys, causal, lengths, rows, positions, window=(None, None)):
    """[B, S, M]: whether a query may attend to a key. The window: how many keys
    before and after the query, or None for all."""
    entries = np.arange(batch) if rows is None or rows.ndim == 2 else rows
    result = np.ones((batch, queries, keys), bool)
    if rows is not None and rows.ndim == 2:
        result &= np.arange(keys) < rows.shape[1]
    if lengths is not None:
        result &= (np.arange(keys) < lengths[entries][:, None])[:, None, :]
    before = np.zeros(batch, int) if positions is None else positions
    at = (before[:, None] + np.arange(queries))[..., None]
    if causal:
        result &= np.arange(keys) <= at
    if window[0] is not None:
        result &= np.arange(keys) >= at - window[0]
    if window[1] is not None:
        result &= np.arange(keys) <= at + window[1]
    return result


def scores(query, key, heads, scale, causal=False, lengths=None, window=(None, None)):
    q = split(query.astype(np.float64), heads)
    k = split_shared(key.astype(np.float64), key.shape[2] // q.shape[3], heads)
    seen = visible_keys(
        query.shape[0], query.shape[1], key.shape[1], causal, lengths, None, None, window
    )
    # A product with what is masked is not computed, so that its NaN is not seen.
    products = scale * np.einsum("bhie,bhje->bhij", q, k)
    return np.where(seen[:, None], products, -np.inf)


def sdpa(
    query, key, value, heads, scale,
    causal=False, lengths=None, rows=None, positions=None, mask=None, softcap=None, slopes=None,
    biases=None, sinks=None, key_heads=None, query_offsets=None, key_offsets=None,
    window=(None, None), stage=None,
):  # fmt: skip
    """The output and the probabilities, or the scores of a stage. The mask: numbers
    or bool, [B, H, S, M] or 1 instead of some. biases: [H, 2R+1] by distance. sinks:
    [H], scores without a value. key_heads: where it is not heads."""
    if query_offsets is not None or key_offsets is not None:
        return ragged_sdpa(
            query, key, value, heads, scale, query_offsets, key_offsets, lengths, rows,
            positions, mask, causal=causal, softcap=softcap, slopes=slopes, biases=biases,
            sinks=sinks, key_heads=key_heads, window=window,
        )  # fmt: skip
    batch, queries, _ = query.shape
    capacity, keys, _ = key.shape
    if rows is not None and capacity == 0:
        # No entry of keys: there is nothing to attend to.
        key, value = np.zeros((1, keys, key.shape[2])), np.zeros((1, keys, value.shape[2]))
        lengths, rows, capacity = np.zeros(1, np.int32), np.zeros(batch, np.int32), 1
    if rows is not None:
        rows = np.clip(rows, 0, capacity - 1)
    seen = visible_keys(batch, queries, keys, causal, lengths, rows, positions, window)
    if rows is not None and rows.ndim == 2:
        count = min(rows.shape[1], keys)
        gathered = [np.zeros((batch, keys, x.shape[2])) for x in (key, value)]
        for x, to in zip((key, value), gathered):
            for j in range(count):
                to[:, j] = x[rows[:, j], j]
        key, value = gathered
    elif rows is not None:
        key, value = key[rows], value[rows]
    q = split(query.astype(np.float64), heads)
    k, v = (split_shared(x.astype(np.float64), key_heads or heads, heads) for x in (key, value))
    products = scale * np.einsum("bhie,bhje->bhij", q, k)
    stages = {"scaled": products}
    if softcap:
        products = softcap * np.tanh(products / softcap)
    stages["capped"] = products
    before = np.zeros(batch, int) if positions is None else positions
    distance = np.arange(keys) - (before[:, None] + np.arange(queries))[..., None]
    if slopes is not None:
        products = products - slopes.astype(np.float64)[:, None, None] * np.abs(distance)[:, None]
    if biases is not None:
        farthest = biases.shape[1] // 2
        places = np.clip(distance, -farthest, farthest) + farthest
        products = products + biases.astype(np.float64)[:, places].transpose(1, 0, 2, 3)
    products = np.where(seen[:, None], products, -np.inf)
    if mask is not None and mask.dtype == bool:
        products = np.where(mask, products, -np.inf)
    elif mask is not None:
        products = products + mask.astype(np.float64)
    stages["masked"] = products
    if sinks is not None:
        alone = np.broadcast_to(sinks.astype(np.float64)[:, None, None], (*products.shape[:3], 1))
        products = np.concatenate([products, alone], axis=3)
    # What is masked has no part in the softmax, NaN or not.
    probabilities = np.where(seen[:, None], softmax(products)[..., :keys], 0)
    # Zero times NaN is NaN: values that none attends to are taken out.
    out = np.zeros((batch, heads, queries, v.shape[-1]))
    for b in range(batch):
        for i in range(queries):
            m = seen[b, i]
            out[b, :, i] = np.einsum("hj,hje->he", probabilities[b, :, i][:, m], v[b][:, m])
    return merge(out), stages.get(stage, probabilities)


def ragged_sdpa(
    query, key, value, heads, scale, query_offsets=None, key_offsets=None, lengths=None,
    rows=None, positions=None, mask=None, **rest,
):  # fmt: skip
    """The same of entries of unequal length, one by one. Queries of no entry give
    NaN."""

    def cut(offsets, entry, size):
        begin, end = np.clip(offsets[entry : entry + 2], 0, size)
        return slice(begin, max(begin, end))

    key_heads = rest.get("key_heads") or heads
    width = value.shape[2] // key_heads * heads
    out = np.full((*query.shape[:2], width), np.nan)
    weights = np.full((query.shape[0], heads, query.shape[1], key.shape[1]), np.nan)
    batch = len(query) if query_offsets is None else len(query_offsets) - 1
    entries = len(key) if key_offsets is None else len(key_offsets) - 1
    for b in range(batch):
        c = b if rows is None else int(np.clip(rows[b], 0, entries - 1)) if rows.ndim == 1 else None
        # Which entry, queries and keys of the operands.
        at, i, j, to = b, slice(None), slice(None), slice(None) if c is None else slice(c, c + 1)
        if query_offsets is not None:
            at, i = 0, cut(query_offsets, b, query.shape[1])
        if key_offsets is not None:
            to, j = slice(0, 1), cut(key_offsets, c, key.shape[1])
        some = {
            "lengths": None if lengths is None else lengths[c : c + 1],
            "positions": None if positions is None else positions[b : b + 1],
            "rows": rows[b : b + 1] if c is None else None,
        }
        if mask is not None:
            places = zip((slice(at, at + 1), slice(None), i, j), mask.shape)
            some["mask"] = mask[tuple(slice(None) if n == 1 else s for s, n in places)]
        part = sdpa(query[at : at + 1, i], key[to, j], value[to, j], heads, scale, **some, **rest)
        out[at, i], weights[at, :, i] = part[0][0], 0
        weights[at, :, i, j] = part[1][0].reshape(weights[at, :, i, j].shape)
    return out, weights


def weighted_sum(probabilities, value, value_heads=None):
    heads = probabilities.shape[1]
    v = split_shared(value.astype(np.float64), value_heads or heads, heads)
    return merge(np.einsum("bhij,bhje->bhie", probabilities.astype(np.float64), v))


erf = np.vectorize(math.erf, otypes=[float])


def activate(x, activation):
    if activation == "relu":
        return np.maximum(x, 0)
    if activation == "gelu":
        return x * (1 + erf(x / np.sqrt(2))) / 2
    if activation == "gelu_tanh":
        return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    if activation == "silu":
        return x / (1 + np.exp(-x))
    return x


def mlp(x, hidden_weight, weight, hidden_bias, bias, residual, activation):
    hidden = linear(x, hidden_weight, hidden_bias, activation=activation)
    return linear(hidden, weight, bias, residual)


def linear(x, weight, bias=None, residual=None, activation=None):
    result = x.astype(np.float64) @ weight.astype(np.float64).T
    if bias is not None:
        result = result + bias
    result = activate(result, activation)
    return result if residual is None else result + residual


def layer_norm(x, weight, bias, epsilon=1e-5):
    x = x.astype(np.float64)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * weight + bias


def lookup(ids, table, positions=None, offsets=None, scale=1.0):
    ids = np.clip(ids, 0, len(table) - 1)
    result = scale * table.astype(np.float64)[ids]
    if positions is None:
        return result
    at = np.arange(ids.shape[1])[None]
    if offsets is not None:
        at = at + offsets[:, None]
    at = np.broadcast_to(np.clip(at, 0, len(positions) - 1), ids.shape)
    return result + positions.astype(np.float64)[at]


def summaries(blocks):
    """The maxima of rows in blocks [B, R, W] and, after them, in groups of 8 blocks,
    and the sums of exponentials relative to them."""
    count, rows, width = blocks.shape
    groups = -(-count // 8)
    padded = np.full((8 * groups, rows, width), -np.inf)
    padded[:count] = blocks
    padded = padded.reshape(groups, 8, rows, width).transpose(0, 2, 1, 3)

    def summarize(blocks):
        with np.errstate(invalid="ignore"):
            maxima = blocks.max(-1)
            base = np.maximum(maxima, np.finfo(np.float32).min)
            return maxima, np.exp(blocks - base[..., None]).sum(-1)

    parts = summarize(blocks), summarize(padded.reshape(groups, rows, 8 * width))
    return [np.concatenate(each) for each in zip(*parts)]


def distance_biases(table, farthest, bidirectional):
    """[H, 2R+1] of [buckets, H], as T5 chooses buckets."""
    distance = np.arange(-farthest, farthest + 1)
    count, first = len(table), 0
    if bidirectional:
        count //= 2
        first = np.where(distance > 0, count, 0)
        n = np.abs(distance)
    else:
        n = np.maximum(-distance, 0)
    exact = count // 2
    ratio = np.maximum(n, 1).astype(np.float32) / np.float32(exact)
    part = np.log(ratio) / np.float32(math.log(farthest / exact))
    far = exact + (part * np.float32(count - exact)).astype(int)
    return table[first + np.where(n < exact, n, np.minimum(far, count - 1))].T


def cache_append(new, positions, cache, rows=None):
    result = cache.copy()
    if rows is None:
        rows = np.tile(np.arange(len(new))[:, None], cache.shape[1])
    for b in range(new.shape[0]):
        for s in range(new.shape[1]):
            t = int(positions[b]) + s
            if 0 <= t < min(cache.shape[1], rows.shape[1]):
                if 0 <= rows[b, t] < cache.shape[0]:
                    result[rows[b, t], t] = new[b, s]
    return result
