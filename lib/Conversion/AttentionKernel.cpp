// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention by online softmax: blocks of keys pass by; the running maximum, the
// running sum and the running output are corrected when a block raises the
// maximum (Milakov and Gimelshein, 2018), so that scores exist only as a tile.
// Which of two kernels computes it depends on how many queries there are.

#include "AttentionScope.h"
#include "Kernels.h"

using namespace mlir;
using namespace attn;

/// From so many queries on, laying out the keys pays off.
constexpr int64_t kTiledQueries = 8;

void attn::emitSdpa(KernelBuilder &b, SdpaOp op) {
  // Keys that are spread over cache rows, or whose weights are asked for, are
  // read one by one.
  if (AttentionScope::hasRowForEachKey(op) || op.getOuts().size() == 2)
    return emitQueryAttention(b, op);
  Value isTiled =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge,
                            b.dim(op.getQuery(), 1), b.index(kTiledQueries));
  b.ifElse(
      isTiled, [&] { emitTiledAttention(b, op); },
      [&] { emitQueryAttention(b, op); });
}
