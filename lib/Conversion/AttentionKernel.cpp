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

/// Fewer queries or keys of f32 are not worth taking them apart. Where entries
/// have lengths, which are mostly short, none are: which kernel computes an
/// entry must not depend on the longest one.
constexpr int64_t kSplitLength = 64;

/// Whether queries, keys and values may be factors of products of tiles.
static bool mayBeInTiles(KernelBuilder &b, SdpaOp op) {
  Type element = cast<MemRefType>(op.getQuery().getType()).getElementType();
  if (op.getShown() || element != getElementTypeOrSelf(op.getKey()))
    return false;
  if (element.isBF16())
    return BFloat16Tiles::isAvailable(b.getTarget());
  return element.isF32() && BFloat16Tiles::isSplitFaster(b.getTarget()) &&
         !op.getLengths() && !op.getQueryOffsets() && !op.getKeyOffsets();
}

/// Many queries.
static void emitBlocks(KernelBuilder &b, SdpaOp op) {
  if (!mayBeInTiles(b, op))
    return emitTiledAttention(b, op);
  auto query = cast<MemRefType>(op.getQuery().getType());
  if (!query.getElementType().isF32())
    return emitBFloat16Attention(b, op);
  Value length = b.min(b.dim(op.getQuery(), 2), b.dim(op.getKey(), 2));
  b.ifElse(
      b.isLess(length, b.index(kSplitLength)),
      [&] { emitTiledAttention(b, op); },
      [&] { emitBFloat16Attention(b, op); });
}

void attn::emitSdpa(KernelBuilder &b, SdpaOp op) {
  // Only this kernel has scores before they are weights.
  if (op.getShownStage())
    return emitTiledAttention(b, op);
  // Where rows are given, a step of decoding reads keys that others laid out,
  // with one query for each.
  if (op.getRows())
    return emitQueryAttention(b, op);
  // Sequences of a ragged batch are mostly longer, and all are to get the same,
  // whatever the others are. Beside a sink, one token has a weight of its own.
  if (op.getQueryOffsets() || op.getSinks())
    return emitBlocks(b, op);
  Value isTiled =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                            b.dim(op.getQuery(), 2), b.index(kTiledQueries));
  b.ifElse(
      isTiled, [&] { emitBlocks(b, op); }, [&] { emitQueryAttention(b, op); });
}
