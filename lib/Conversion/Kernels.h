// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bodies of kernels. Each function writes, at the builder's insertion
// point, the code of one core whose operands are memrefs with adjacent elements
// in the last dimension. Numbers are of f32; what may be of f16 or bf16 too, or
// of i8, is said in LowerCores.cpp, which prepares the operands.

#ifndef ATTN_LIB_CONVERSION_KERNELS_H
#define ATTN_LIB_CONVERSION_KERNELS_H

#include "KernelBuilder.h"
#include "attn/IR/AttnOps.h"

namespace attn {

/// input [M, K], weight in any form, residual and out [M, N].
void emitLinear(KernelBuilder &b, LinearOp op);
/// The same, but all operands except the weight of f32.
void emitLogits(KernelBuilder &b, LogitsOp op);
/// The same, and an estimate packed for integer products; out [M] of i32.
void emitGreatest(KernelBuilder &b, GreatestOp op);
/// The same as a linear, and packed or unpacked hidden weight.
void emitMlp(KernelBuilder &b, MlpOp op);
void emitSdpa(KernelBuilder &b, SdpaOp op);
/// The two ways to compute an attention, which emitSdpa chooses from.
void emitQueryAttention(KernelBuilder &b, SdpaOp op);
void emitTiledAttention(KernelBuilder &b, SdpaOp op);
/// The second of them by products of bf16, or of f32 in parts, where the target
/// multiplies them.
void emitBFloat16Attention(KernelBuilder &b, SdpaOp op);
/// input and out [M, D].
void emitLayerNorm(KernelBuilder &b, LayerNormOp op);
/// input and out [M, D].
void emitSoftmax(KernelBuilder &b, SoftmaxOp op);
void emitLookup(KernelBuilder &b, LookupOp op);
void emitCacheAppend(KernelBuilder &b, CacheAppendOp op);
void emitScores(KernelBuilder &b, ScoresOp op);
void emitWeightedSum(KernelBuilder &b, WeightedSumOp op);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_KERNELS_H
