# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nodes of ONNX Runtime (com.microsoft)."""
import numpy as np
import onnx
from cases import CASES, byte, case, integers


def runtime_case(name, operator, *arguments, **options):
    case(name, "com.microsoft." + operator, *arguments, **options)


NORM, ROWS = "SkipLayerNormalization", (2, 3, 5)
runtime_case("skip_norm", NORM, [ROWS, ROWS, (5,)], [2], epsilon=1e-3)
runtime_case("skip_norm_rows", NORM, [(3, 5), (3, 5), (5,), None, (5,)], outputs=[0, 3])
runtime_case("skip_norm_all", NORM, [ROWS, (3, 5), (5,), (5,), (5,)], [2, 3, 4], outputs=4)
NORM = "SkipSimplifiedLayerNormalization"
runtime_case("skip_rms", NORM, [ROWS, (1, 3, 5), (5,)], [2])
runtime_case("skip_rms_bias", NORM, [ROWS, ROWS, (5,), (5,)], [2, 3], outputs=[0, 3], epsilon=0.1)
NORM, IDS = "EmbedLayerNormalization", np.array([[4, 0, 2], [1, 3, 4]], np.int32)
runtime_case("embed", NORM, [IDS, None, (5, 4), (6, 4), None, (4,), (4,)], [2, 3, 5, 6], outputs=3)
runtime_case(
    "embed_all", NORM,
    [IDS, IDS % 2, (5, 4), (6, 4), (2, 4), (4,), (4,), IDS % 3, IDS[:1] + 1],
    outputs=3, epsilon=1e-3,
)  # fmt: skip
runtime_case("gelu", "Gelu", [ROWS])
runtime_case("bias_gelu", "BiasGelu", [ROWS, (5,)], [1])
runtime_case("fast_gelu", "FastGelu", [ROWS])
runtime_case("fast_gelu_bias", "FastGelu", [ROWS, (5,)])
runtime_case("quick_gelu", "QuickGelu", [ROWS])
runtime_case("quick_gelu_alpha", "QuickGelu", [ROWS], alpha=1.0)
runtime_case("fused", "FusedMatMul", [(2, 5, 3), (2, 4, 5)], transA=1, transB=1, alpha=0.25)
runtime_case("fused_vector", "FusedMatMul", [(5,), (2, 4, 5)], transA=1, transB=1)
runtime_case("gemm_tanh", "FusedGemm", [(5, 3), (4, 3), (4,)], [1, 2], transB=1, activation="Tanh")
runtime_case("gemm_relu", "FusedGemm", [(3, 5), (3, 4)], transA=1, alpha=0.5, activation="Relu")
runtime_case(
    "gemm_leaky", "FusedGemm", [(5, 3), (3, 4), (4,)], [1, 2], beta=2.0,
    activation="LeakyRelu", activation_alpha=0.3,
)  # fmt: skip
ANGLES, PLACES = [(9, 3), (9, 3)], np.array([[1, 2, 3], [0, 1, 8]])
TURN = "RotaryEmbedding"
runtime_case("turn", TURN, [(2, 3, 12), PLACES, *ANGLES], [2, 3], sizes="known")
runtime_case("turn_heads", TURN, [(2, 4, 3, 6), PLACES, *ANGLES], sizes="known", interleaved=1)
runtime_case(
    "turn_part", TURN, [(2, 3, 16), np.array([4]), *ANGLES], [2, 3], sizes="known",
    num_heads=2, rotary_embedding_dim=6,
)  # fmt: skip

X, WEIGHT, LOWEST = (2, 5, 6), (6, 24), float(np.finfo(np.float32).min)
MASK, PADDED = np.ones((2, 5), np.int32), np.ones((2, 5), np.int32)
MASK[0, 3:], PADDED[1, :2] = 0, 0
BLOCKS = np.tile(MASK[:, None], (1, 5, 1)) | np.eye(5, dtype=np.int32)
LENGTHS = np.array([2, 5], np.int32)


def attention_case(name, *operands, **options):
    constants = [1] if operands[2] is None else [1, 2]
    runtime_case(name, "Attention", operands, constants, num_heads=2, **options)


attention_case("attention", X, WEIGHT, (24,))
attention_case("attention_mask", X, WEIGHT, (24,), MASK, mask_filter_value=LOWEST)
attention_case("attention_blocks", X, WEIGHT, None, BLOCKS, None, (1, 2, 5, 5), scale=0.7)
attention_case("attention_widths", X, (6, 20), (20,), qkv_hidden_sizes=[8, 8, 4])
attention_case("attention_causal", X, WEIGHT, (24,), unidirectional=1)
attention_case(
    "attention_padded", X, WEIGHT, (24,), PADDED, unidirectional=1, mask_filter_value=-100.0
)
attention_case(
    "attention_all_padded", X, WEIGHT, (24,), PADDED, unidirectional=1, mask_filter_value=LOWEST
)
attention_case("attention_lengths", X, WEIGHT, (24,), LENGTHS, sizes="named")
attention_case(
    "attention_past", X, WEIGHT, (24,), np.tile(PADDED, 2)[:, :8], (2, 2, 2, 3, 4),
    outputs=2, unidirectional=1, sizes="known",
)  # fmt: skip

STEPS = integers("uint8", *X), integers("int8", *WEIGHT), (24,), np.array(0.002, np.float32)
STEP, EACH_STEP = np.array(0.01, np.float32), np.linspace(0.005, 0.015, 24, dtype=np.float32)


def steps_case(name, *operands, **options):
    operands = STEPS + operands
    constants = [i for i in range(1, len(operands)) if i != 5 and operands[i] is not None]
    runtime_case(name, "QAttention", operands, constants, num_heads=2, **options)


steps_case("steps_attention", STEP)
steps_case("steps_attention_mask", STEP, MASK, byte(120), np.array(3, np.int8))
steps_case("steps_attention_columns", EACH_STEP, None, byte(120), integers("int8", 24))
runtime_case(
    "steps_attention_past", "QAttention",
    [*STEPS, STEP, np.tile(PADDED, 2)[:, :8], byte(120), None, (2, 2, 2, 3, 4)], [1, 2, 3, 4, 6],
    num_heads=2, outputs=2, unidirectional=1, sizes="known",
)  # fmt: skip

TABLES = [integers("int8", rows, 4) for rows in (5, 6, 2)]
NORMS, POINT = [integers("int8", 4), integers("int8", 4)], np.array(3, np.int8)
runtime_case(
    "steps_embed", "QEmbedLayerNormalization",
    [
        IDS, None, *TABLES[:2], None, *NORMS, None, STEP, EACH_STEP[:1], None, STEP, STEP,
        POINT, POINT, None, POINT, POINT,
    ],
    [2, 3, 5, 6, 8, 9, 11, 12, 13, 14, 16, 17], outputs=2,
)  # fmt: skip
runtime_case(
    "steps_embed_all", "QEmbedLayerNormalization",
    [IDS, IDS % 2, *TABLES, *NORMS, IDS % 3, *[STEP] * 5, *[POINT] * 5],
    [*range(2, 7), *range(8, 18)], outputs=2, epsilon=1e-3,
)  # fmt: skip


def heads_case(name, *operands, **options):
    runtime_case(name, "MultiHeadAttention", operands, num_heads=2, **options)


QUERIES, HEADS, PAST = (2, 3, 8), (2, 2, 5, 4), (2, 2, 2, 4)
heads_case("heads", QUERIES, (2, 5, 8), (2, 5, 8), None, MASK)
heads_case("heads_bias", QUERIES, (2, 5, 8), (2, 5, 12), (28,), MASK, sizes="known")
heads_case("heads_kept", QUERIES, HEADS, HEADS, None, None, (1, 2, 3, 5), scale=0.7)
heads_case("heads_past", QUERIES, QUERIES, QUERIES, None, None, None, PAST, PAST, outputs=3)
heads_case(
    "heads_past_causal", QUERIES, QUERIES, QUERIES, None, PADDED, None, PAST, PAST,
    outputs=3, unidirectional=1,
)  # fmt: skip
heads_case("heads_packed", (2, 3, 2, 3, 4), None, None, (24,), sizes="known")
heads_case("heads_packed_keys", QUERIES, (2, 5, 2, 2, 4), sizes="known")


def grouped_case(name, *operands, total, last, rest=(), **options):
    """Up to the past; the lengths, and what is after them."""
    operands += (None,) * (5 - len(operands))
    operands += (np.array(last, np.int32), np.array([total], np.int32), *rest)
    options = {"sizes": "known", "outputs": 3, **options}
    runtime_case(
        name, "GroupQueryAttention", operands, [6], num_heads=4, kv_num_heads=2, **options
    )


BEGIN, NEXT = [(2, 5, 16), (2, 5, 8), (2, 5, 8)], [(2, 1, 16), (2, 1, 8), (2, 1, 8)]
CACHE, ANGLES = [(2, 2, 6, 4)] * 2, [(9, 2), (9, 2)]
grouped_case("grouped", *BEGIN, total=5, last=[4, 4])
grouped_case("grouped_packed", (2, 5, 32), total=5, last=[4, 4], rest=ANGLES, do_rotary=1)
grouped_case(
    "grouped_begin", *BEGIN, *CACHE, total=5, last=[4, 4], rest=[(9, 1), (9, 1)],
    do_rotary=1, softcap=2.0,
)  # fmt: skip
grouped_case("grouped_window", *BEGIN, total=5, last=[4, 4], local_window_size=2, scale=0.7)
grouped_case("grouped_next", *NEXT, *CACHE, total=7, last=[6, 6])
grouped_case("grouped_ragged", *NEXT, *CACHE, total=6, last=[5, 2], rest=ANGLES, do_rotary=1)
grouped_case(
    "grouped_places", *NEXT, *CACHE, total=7, last=[6, 3], do_rotary=1, rotary_interleaved=1,
    rest=[*ANGLES, np.array([[3], [8]])],
)  # fmt: skip
grouped_case(
    "grouped_bias", *NEXT, *CACHE, total=5, last=[4, 2], local_window_size=3,
    rest=[None, None, None, (2, 1, 1, 5)],
)  # fmt: skip
grouped_case(
    "grouped_sinks", *NEXT, *CACHE, total=6, last=[5, 2], rest=[None] * 4 + [(4,)],
)  # fmt: skip
grouped_case("grouped_smooth", *BEGIN, total=5, last=[4, 4], smooth_softmax=1)

# Lengths as a mask of the tokens says them.
GROUPED = """
<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]>
grouped_mask (
  float[b, s, 16] x0, float[b, s, 8] x1, float[b, s, 8] x2,
  float[b, 2, p, 4] x3, float[b, 2, p, 4] x4, int64[b, t] x5
) => (float[b, s, 16] y0, float[b, 2, u, 4] y1, float[b, 2, u, 4] y2)
<int64[1] one = {1}> {
  sum = ReduceSum <keepdims = 0> (x5, one)
  last = Sub (sum, one)
  last32 = Cast <to = 6> (last)
  size = Shape <start = 1, end = 2> (x5)
  total = Cast <to = 6> (size)
  y0, y1, y2 = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2>
    (x0, x1, x2, x3, x4, last32, total)
}
"""
CASES["grouped_mask"] = (
    "com.microsoft.GroupQueryAttention",
    onnx.parser.parse_model(GROUPED),
    {
        **{
            f"x{number}": np.random.default_rng(number).standard_normal(shape).astype(np.float32)
            for number, shape in enumerate([*NEXT, *CACHE])
        },
        "x5": (np.arange(7) < np.array([[7], [4]])).astype(np.int64),
    },
)


def blocks_case(name, depth, *points, size=16, bits=4, bias=None):
    rows, blocks = 6, -(-depth // size)
    operands = [(2, 3, depth), integers("uint8", rows, blocks, size * bits // 8), (rows, blocks)]
    operands += [*points, None, bias] if bias else points
    constants = [place for place, value in enumerate(operands) if place and value is not None]
    runtime_case(
        name, "MatMulNBits", operands, constants, K=depth, N=rows, bits=bits, block_size=size
    )


blocks_case("blocks", 64)
blocks_case("blocks_points", 48, integers("uint8", 6, 2))
blocks_case("blocks_part", 40, integers("uint8", 12), bias=(6,))
blocks_case("blocks_floats", 64, (6, 2), size=32, bits=8)
blocks_case("blocks_two", 64, size=32, bits=2)
