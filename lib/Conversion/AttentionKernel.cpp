// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention by online softmax, so that scores exist only as a tile. Which of
// two kernels computes it depends on how many queries there are.

#include "BFloat16Tiles.h"
#include "Kernels.h"

using namespace mlir;
using namespace attn;

/// From so many queries on, keys are laid out first. For a few that does not
/// pay, but the two kernels round differently, and the number of queries is
/// that of the longest sentence in the batch: what a sentence gives must not
/// depend on the others. (A sentence of one token attends to itself, exactly in
/// both.)
constexpr int64_t kTiledQueries = 2;

static bool isOfBFloat16(KernelBuilder &b, SdpaOp op) {
  auto query = cast<MemRefType>(op.getQuery().getType());
  return query.getElementType().isBF16() && !op.getProbabilities() &&
         BFloat16Tiles::isAvailable(b.getTarget());
}

void attn::emitSdpa(KernelBuilder &b, SdpaOp op) {
  // Where rows are given, a step of decoding reads keys that others laid out,
  // with one query for each.
  if (op.getRows())
    return emitQueryAttention(b, op);
  auto emitBlocks = [&] {
    if (isOfBFloat16(b, op))
      emitAmxAttention(b, op);
    else
      emitTiledAttention(b, op);
  };
  // Sequences of a ragged batch are mostly longer, and all are to get the same,
  // whatever the others are. Beside a sink, one token has a weight of its own.
  if (op.getQueryOffsets() || op.getSinks())
    return emitBlocks();
  Value isTiled =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                            b.dim(op.getQuery(), 2), b.index(kTiledQueries));
  b.ifElse(isTiled, emitBlocks, [&] { emitQueryAttention(b, op); });
}
