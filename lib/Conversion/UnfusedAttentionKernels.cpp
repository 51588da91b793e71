// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two matrix products of attention that was not fused: plain loops, the
// reference that the fused kernel is held against. Not meant to be fast.

#include "Kernels.h"

#include <cmath>

using namespace mlir;
using namespace attn;

/// Σ over i in 0..count-1 of a(i) * b(i).
static Value
emitDot(KernelBuilder &b, Value count,
        llvm::function_ref<std::pair<Value, Value>(Value)> factors) {
  return b.forLoop(b.index(0), count, 1, {b.scalar(0.0)},
                   [&](Value i, KernelBuilder::Values carried) {
                     auto [x, y] = factors(i);
                     return SmallVector<Value>{arith::AddFOp::create(
                         b, carried[0], arith::MulFOp::create(b, x, y))};
                   })[0];
}

/// The first column of the keys or values that `head` shares with others, each
/// of `size` elements.
static Value firstOfShared(KernelBuilder &b, Value shared, Value head,
                           Value heads, int64_t size) {
  int64_t width = cast<MemRefType>(shared.getType()).getDimSize(2);
  Value count = b.index(size == 0 ? 1 : width / size);
  return b.mul(b.div(b.mul(head, count), heads), b.index(size));
}

void attn::emitScores(KernelBuilder &b, ScoresOp op) {
  Value batch = b.dim(op.getQuery(), 0), queries = b.dim(op.getQuery(), 1);
  Value keys = b.dim(op.getKey(), 1), heads = b.index(op.getHeads());
  int64_t size =
      cast<MemRefType>(op.getQuery().getType()).getDimSize(2) / op.getHeads();
  Value tasks = b.mul(batch, heads);
  Value work = b.mul(b.mul(tasks, queries), b.mul(keys, b.index(size)));
  Value scale = b.scalar(op.getScale().convertToDouble());
  b.parallelFor(tasks, work, [&](Value task) {
    Value entry = arith::DivUIOp::create(b, task, heads);
    Value head = arith::RemUIOp::create(b, task, heads);
    Value first = b.mul(head, b.index(size));
    Value firstOfKey = firstOfShared(b, op.getKey(), head, heads, size);
    Value length = keys;
    if (op.getLengths())
      length = b.min(keys, b.loadIndex(op.getLengths(), {entry}));
    b.forLoop(b.index(0), queries, 1, [&](Value query) {
      std::optional<uint64_t> after = op.getWindowAfter();
      if (op.getCausal())
        after = 0;
      b.forLoop(b.index(0), keys, 1, [&](Value key) {
        Value inside = b.isLess(key, length);
        auto narrow = [&](Value distance, uint64_t window) {
          Value isNear =
              arith::CmpIOp::create(b, arith::CmpIPredicate::sle, distance,
                                    b.index(static_cast<int64_t>(window)));
          inside = arith::AndIOp::create(b, inside, isNear);
        };
        if (after)
          narrow(b.sub(key, query), *after);
        if (op.getWindowBefore())
          narrow(b.sub(query, key), *op.getWindowBefore());
        Value dot = emitDot(b, b.index(size), [&](Value i) {
          return std::pair<Value, Value>(
              b.loadScalar(op.getQuery(), {entry, query, b.add(first, i)}),
              b.loadScalar(op.getKey(), {entry, key, b.add(firstOfKey, i)}));
        });
        Value score = arith::SelectOp::create(
            b, inside, arith::MulFOp::create(b, dot, scale),
            b.scalar(-INFINITY));
        b.storeScalar(score, op.getOut(), {entry, head, query, key});
      });
    });
  });
}

void attn::emitWeightedSum(KernelBuilder &b, WeightedSumOp op) {
  auto type = cast<MemRefType>(op.getProbabilities().getType());
  Value batch = b.dim(op.getProbabilities(), 0);
  Value queries = b.dim(op.getProbabilities(), 2);
  Value keys = b.dim(op.getProbabilities(), 3);
  Value heads = b.index(type.getDimSize(1));
  int64_t size = cast<MemRefType>(op.getOut().getType()).getDimSize(2) /
                 type.getDimSize(1);
  Value tasks = b.mul(batch, heads);
  Value work = b.mul(b.mul(tasks, queries), b.mul(keys, b.index(size)));
  b.parallelFor(tasks, work, [&](Value task) {
    Value entry = arith::DivUIOp::create(b, task, heads);
    Value head = arith::RemUIOp::create(b, task, heads);
    Value firstOfValue = firstOfShared(b, op.getValue(), head, heads, size);
    b.forLoop(b.index(0), queries, 1, [&](Value query) {
      b.forLoop(b.index(0), b.index(size), 1, [&](Value i) {
        Value column = b.add(b.mul(head, b.index(size)), i);
        Value sum = emitDot(b, keys, [&](Value key) {
          return std::pair<Value, Value>(
              b.loadScalar(op.getProbabilities(), {entry, head, query, key}),
              b.loadScalar(op.getValue(),
                           {entry, key, b.add(firstOfValue, i)}));
        });
        b.storeScalar(sum, op.getOut(), {entry, query, column});
      });
    });
  });
}
