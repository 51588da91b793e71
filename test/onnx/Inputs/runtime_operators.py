# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX Runtime's operators, as its ContribOperators.md says of them, for the reference
evaluator of PyPI's package onnx.
"""
import math

import numpy as np
from onnx.reference.op_run import OpRun


class RuntimeOperator(OpRun):
    op_domain = "com.microsoft"


def normalize(x, scale, bias, epsilon):
    mean = x.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + np.float32(epsilon))
    result = (x - mean) * inverse * scale
    return result if bias is None else result + bias, mean, inverse


class SkipLayerNormalization(RuntimeOperator):
    def _run(self, x, skip, scale, shift=None, bias=None, epsilon=1e-12):
        total = x + skip if bias is None else x + skip + bias
        return (*normalize(total, scale, shift, epsilon), total)


class SkipSimplifiedLayerNormalization(RuntimeOperator):
    def _run(self, x, skip, scale, bias=None, epsilon=1e-12):
        total = x + skip if bias is None else x + skip + bias
        inverse = 1 / np.sqrt((total**2).mean(-1, keepdims=True) + np.float32(epsilon))
        return total * inverse * scale, inverse, inverse, total


class EmbedLayerNormalization(RuntimeOperator):
    def _run(
        self, ids, segments, words, positions, kinds, scale, bias, mask=None, places=None,
        epsilon=1e-12,
    ):  # fmt: skip
        places = np.arange(ids.shape[1]) if places is None else places
        total = words[ids] + positions[places]
        if segments is not None:
            total += kinds[segments]
        count = np.zeros(len(ids)) if mask is None else (mask == 1).sum(1)
        return normalize(total, scale, bias, epsilon)[0], count.astype(np.int32), total


def gelu(x, by_tanh=False):
    if by_tanh:
        inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    else:
        inner = np.vectorize(math.erf)(x / np.sqrt(2))
    return (x * (1 + inner) / 2).astype(x.dtype)


class Gelu(RuntimeOperator):
    def _run(self, x, approximate=None):  # as ONNX's own, by whose schema it is called
        return (gelu(x),)


class BiasGelu(RuntimeOperator):
    def _run(self, x, bias):
        return (gelu(x + bias),)


class FastGelu(RuntimeOperator):
    def _run(self, x, bias=None):
        return (gelu(x if bias is None else x + bias, by_tanh=True),)


class QuickGelu(RuntimeOperator):
    def _run(self, x, alpha=1.702):
        return (x / (1 + np.exp(-np.float32(alpha) * x)),)


class FusedMatMul(RuntimeOperator):
    def _run(self, a, b, transA=0, transB=0, alpha=1.0, **_):
        a = np.swapaxes(a, -1, -2) if transA and a.ndim > 1 else a
        b = np.swapaxes(b, -1, -2) if transB and b.ndim > 1 else b
        return (a @ b * np.float32(alpha),)


def turn(heads, places, cosines, sines, interleaved, width):
    width = width or heads.shape[3]
    cosine, sine = cosines[places][:, None], sines[places][:, None]
    pairs = [slice(0, width, 2), slice(1, width, 2)]
    if not interleaved:
        pairs = [slice(0, width // 2), slice(width // 2, width)]
    a, b = [heads[..., pair] for pair in pairs]
    result = heads.copy()
    result[..., pairs[0]] = a * cosine - b * sine
    result[..., pairs[1]] = a * sine + b * cosine
    return result


class RotaryEmbedding(RuntimeOperator):
    def _run(
        self, x, places, cosines, sines, interleaved=0, num_heads=0, rotary_embedding_dim=0, **_
    ):  # fmt: skip
        heads = x
        if x.ndim == 3:
            size = x.shape[2] // num_heads if num_heads else 2 * cosines.shape[1]
            heads = x.reshape(*x.shape[:2], -1, size).transpose(0, 2, 1, 3)
        if places.ndim == 1:
            places = (places + np.arange(heads.shape[2]))[None]
        result = turn(heads, places, cosines, sines, interleaved, rotary_embedding_dim)
        return (result.transpose(0, 2, 1, 3).reshape(x.shape) if x.ndim == 3 else result,)


def attend(q, k, v, mask, bias, past, num_heads, scale, mask_filter_value, unidirectional):
    q, k, v = [
        x.reshape(*x.shape[:2], num_heads, -1).transpose(0, 2, 1, 3) if x.ndim == 3 else x
        for x in (q, k, v)
    ]
    if past[0] is not None:
        k, v = [np.concatenate(pair, 2) for pair in zip(past, (k, v))]
    queries, keys = q.shape[2], k.shape[2]
    added = np.zeros((len(q), 1, queries, keys), np.float32)
    if mask is not None and mask.ndim == 1:
        mask = np.arange(keys) < mask[:, None]
    if mask is not None:
        mask = mask[:, None] if mask.ndim == 3 else mask[:, None, None]
        added += np.where(mask, 0, np.float32(mask_filter_value))
    if unidirectional:
        added[..., ~np.tri(queries, keys, keys - queries, bool)] = np.finfo(np.float32).min
    scores = q @ k.transpose(0, 1, 3, 2) * np.float32(scale or q.shape[3] ** -0.5) + added
    scores = scores if bias is None else scores + bias
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    result = scores / scores.sum(-1, keepdims=True) @ v
    return result.transpose(0, 2, 1, 3).reshape(len(q), queries, -1), k, v


class Attention(RuntimeOperator):
    def _run(
        self, x, weight, shift=None, mask=None, past=None, bias=None, num_heads=None, scale=None,
        mask_filter_value=-10000, unidirectional=0, qkv_hidden_sizes=None, **_,
    ):  # fmt: skip
        rows = x @ weight if shift is None else x @ weight + shift
        ends = 3 if qkv_hidden_sizes is None else np.cumsum(qkv_hidden_sizes[:2])
        parts = np.split(rows, ends, -1)
        options = num_heads, scale, mask_filter_value, unidirectional
        past = (None, None) if past is None else past
        result, *present = attend(*parts, mask, bias, past, *options)
        return (result, np.stack(present)) if past[0] is not None else (result,)


class MultiHeadAttention(RuntimeOperator):
    def _run(
        self, q, k=None, v=None, shift=None, mask=None, bias=None, past_key=None,
        past_value=None, num_heads=None, scale=None, mask_filter_value=-10000,
        unidirectional=0,
    ):  # fmt: skip
        if v is None:
            packed = q if k is None else k
            parts = [x.reshape(*x.shape[:2], -1) for x in np.moveaxis(packed, 3, 0)]
            q, k, v = parts if k is None else (q, *parts)
        if shift is not None:
            parts = np.split(shift, np.cumsum([q.shape[2], k.shape[2]]))
            q, k, v = [x + part for x, part in zip((q, k, v), parts)]
        options = num_heads, scale, mask_filter_value, unidirectional
        return attend(q, k, v, mask, bias, (past_key, past_value), *options)


class GroupQueryAttention(RuntimeOperator):
    def _run(
        self, q, k, v, past_key, past_value, last, total, cosines=None, sines=None, places=None,
        bias=None, sinks=None, num_heads=None, kv_num_heads=None, do_rotary=0,
        rotary_interleaved=0, local_window_size=-1, scale=None, softcap=0, smooth_softmax=0, **_,
    ):  # fmt: skip
        size = q.shape[2] // (num_heads if k is not None else num_heads + 2 * kv_num_heads)
        rows = q if k is None else np.concatenate([q, k, v], 2)
        heads = rows.reshape(*q.shape[:2], -1, size).transpose(0, 2, 1, 3)
        q, k, v = np.split(heads, [num_heads, num_heads + kv_num_heads], 1)
        queries, total = q.shape[2], int(np.ravel(total)[0])
        first = np.ravel(last) + 1 - queries if total != queries else np.zeros(len(q), int)
        steps = first[:, None] + np.arange(queries)
        if do_rotary:
            options = steps if places is None else places, cosines, sines, rotary_interleaved
            q, k = [turn(x, *options, 2 * cosines.shape[1]) for x in (q, k)]
        kept = []
        for past, new in ((past_key, k), (past_value, v)):
            had = past.shape[2] if past is not None else 0
            present = np.zeros((*new.shape[:2], max(had, total), size), np.float32)
            if past is not None:
                present[:, :, :had] = past
            for entry, place in enumerate(first):
                present[entry, :, place : place + queries] = new[entry]
            kept.append(present)
        k, v = [x.repeat(num_heads // kv_num_heads, 1) for x in kept]
        scores = q @ k.transpose(0, 1, 3, 2) * np.float32(scale or size**-0.5)
        scores = softcap * np.tanh(scores / softcap) if softcap else scores
        if bias is not None:
            scores[..., :total] += bias
        distance = steps[:, None, :, None] - np.arange(scores.shape[3])
        window = local_window_size if local_window_size > 0 else scores.shape[3]
        scores = np.where((distance >= 0) & (distance < window), scores, -np.inf)
        if sinks is None:
            sinks = np.full(num_heads, 0 if smooth_softmax else -np.inf, np.float32)
        largest = np.maximum(scores.max(-1), sinks[:, None])[..., None]
        scores = np.exp(scores - largest)
        total = scores.sum(-1, keepdims=True) + np.exp(sinks[:, None, None] - largest)
        result = scores / total @ v
        return result.transpose(0, 2, 1, 3).reshape(len(q), queries, -1), *kept


class MatMulNBits(RuntimeOperator):
    def _run(
        self, a, b, scales, points=None, groups=None, bias=None, K=None, N=None, bits=None,
        block_size=None, **_,
    ):  # fmt: skip
        def unpack(x):
            parts = x[..., None] >> np.arange(0, 8, bits).astype(np.uint8) & 2**bits - 1
            return parts.reshape(*x.shape[:-1], -1).astype(np.float32)

        blocks = b.shape[1]
        if points is None:
            points = np.full((N, blocks), 2 ** (bits - 1), np.float32)
        elif points.dtype == np.uint8:
            points = unpack(points.reshape(N, -1))[:, :blocks]
        matrix = (unpack(b) - points[..., None]) * scales[..., None]
        result = a @ matrix.reshape(N, -1)[:, :K].T
        return (result if bias is None else result + bias,)


def dequantize(x, scale, point=0):
    return (x.astype(np.int32) - np.asarray(point, np.int32)).astype(np.float32) * scale


def quantize(x, scale, point):
    bounds = np.iinfo(point.dtype)
    return np.clip(np.rint(x / scale) + point, bounds.min, bounds.max).astype(point.dtype)


class QLinearAdd(RuntimeOperator):
    def _run(self, a, a_scale, a_point, b, b_scale, b_point, scale, point):
        total = dequantize(a, a_scale, a_point) + dequantize(b, b_scale, b_point)
        return (quantize(total, scale, point),)


class QLinearMul(RuntimeOperator):
    def _run(self, a, a_scale, a_point, b, b_scale, b_point, scale, point):
        product = dequantize(a, a_scale, a_point) * dequantize(b, b_scale, b_point)
        return (quantize(product, scale, point),)


class QLinearSigmoid(RuntimeOperator):
    def _run(self, x, x_scale, x_point, scale, point):
        return (quantize(1 / (1 + np.exp(-dequantize(x, x_scale, x_point))), scale, point),)


class QLinearSoftmax(RuntimeOperator):
    def _run(self, x, x_scale, x_point, scale, point, axis=-1, opset=None):
        x = dequantize(x, x_scale, x_point)
        scores = np.exp(x - x.max(axis, keepdims=True))
        return (quantize(scores / scores.sum(axis, keepdims=True), scale, point),)


class QLinearWhere(RuntimeOperator):
    def _run(self, chosen, a, a_scale, a_point, b, b_scale, b_point, scale, point):
        value = np.where(chosen, dequantize(a, a_scale, a_point), dequantize(b, b_scale, b_point))
        return (quantize(value, scale, point),)


class QLinearConcat(RuntimeOperator):
    def _run(self, scale, point, *operands, axis=None):
        parts = [dequantize(*operands[i : i + 3]) for i in range(0, len(operands), 3)]
        return (quantize(np.concatenate(parts, axis), scale, point),)


class QEmbedLayerNormalization(RuntimeOperator):
    def _run(self, ids, segments, *rest, epsilon=1e-12):
        numbers = [
            None if x is None else dequantize(x, scale, point)
            for x, scale, point in zip(rest[:5], rest[6:11], rest[11:])
        ]
        return EmbedLayerNormalization._run(self, ids, segments, *numbers, rest[5], epsilon=epsilon)


class QAttention(RuntimeOperator):
    def _run(
        self, x, weight, shift, x_scale, weight_scale, mask=None, x_point=None,
        weight_point=None, past=None, num_heads=None, mask_filter_value=-10000, unidirectional=0, **_,
    ):  # fmt: skip
        x, weight = [
            numbers.astype(np.int32) - np.asarray(0 if point is None else point, np.int32)
            for numbers, point in ((x, x_point), (weight, weight_point))
        ]
        rows = (x @ weight).astype(np.float32) * (x_scale * weight_scale) + shift
        options = num_heads, None, mask_filter_value, unidirectional
        parts = np.split(rows, 3, -1)
        past = (None, None) if past is None else past
        result, *present = attend(*parts, mask, None, past, *options)
        return (result, np.stack(present)) if past[0] is not None else (result,)


class FusedGemm(RuntimeOperator):
    def _run(
        self, a, b, c=None, activation=None, activation_alpha=None, alpha=1, beta=1, transA=0,
        transB=0, **_,
    ):  # fmt: skip
        a, b = [x.T if turned else x for x, turned in ((a, transA), (b, transB))]
        x = (alpha * (a @ b) + (0 if c is None else beta * c)).astype(np.float32)
        if activation == "LeakyRelu":
            return (np.where(x < 0, np.float32(activation_alpha) * x, x),)
        return ({"Tanh": np.tanh, "Relu": lambda x: np.maximum(x, 0)}[activation](x),)


class QGemm(RuntimeOperator):
    def _run(
        self, a, a_scale, a_point, b, b_scale, b_point, bias=None, scale=None, point=None,
        alpha=1, transA=0, transB=0,
    ):  # fmt: skip
        a, b = [x.T if turned else x for x, turned in ((a, transA), (b, transB))]
        product = dequantize(a, a_scale, a_point) @ dequantize(b, b_scale, b_point)
        if bias is not None:
            product += bias * a_scale * b_scale
        product *= np.float32(alpha)
        return (product if scale is None else quantize(product, scale, point),)


class MatMulIntegerToFloat(RuntimeOperator):
    def _run(self, a, b, a_scale, b_scale, a_point=0, b_point=0, bias=0):
        rows = a_scale[:, None] if a_scale.ndim == 1 else a_scale
        return (dequantize(a, rows, a_point) @ dequantize(b, b_scale, b_point) + bias,)


class DynamicQuantizeMatMul(RuntimeOperator):
    def _run(self, a, b, b_scale, b_point=0, bias=0):
        least, most = min(a.min(), 0), max(a.max(), 0)
        scale = np.float32((most - least) / 255)
        point = np.uint8(np.rint(-least / scale))
        rounded = dequantize(quantize(a, scale, point), scale, point)
        return (rounded @ dequantize(b, b_scale, b_point) + bias,)


RUNTIME = [
    SkipLayerNormalization, SkipSimplifiedLayerNormalization, EmbedLayerNormalization,
    Gelu, BiasGelu, FastGelu, QuickGelu, FusedMatMul, RotaryEmbedding, Attention,
    MultiHeadAttention, GroupQueryAttention, MatMulNBits,
    QLinearAdd, QLinearMul, QLinearSigmoid, QLinearSoftmax, QLinearWhere, QLinearConcat,
    QAttention, QEmbedLayerNormalization, QGemm, FusedGemm,
    MatMulIntegerToFloat, DynamicQuantizeMatMul,
]  # fmt: skip
