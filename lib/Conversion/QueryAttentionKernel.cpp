// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention one query at a time. Keys are read as they are, wherever each one
// is: the kernel for decoding, where there are few queries and keys in a cache.

#include "AttentionScope.h"
#include "Kernels.h"
#include "OnlineSoftmax.h"
#include "QueryBlocks.h"
#include "ShownProbabilities.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

/// Queries of one head that one task handles, one after the other.
constexpr int64_t kTaskQueries = 16;

class QueryAttentionKernel {
public:
  QueryAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(b, op), softmax(b, 1, sizes.valueSize, 1),
        shown(b, op, sizes), zero(b.index(0)) {}

  void emit() {
    QueryBlocks blocks(b, op, sizes, b.index(kTaskQueries));
    blocks.forEach(softmax.getWorkspace(), /*isUneven=*/false,
                   [&](const QueryBlocks::Block &block, ValueRange memory) {
                     softmax.setMemory(memory);
                     head = block.head;
                     scope.emplace(b, op, sizes, block.entry, block.head);
                     softmax.setSink(scope->getSink());
                     b.forLoop(block.firstQuery,
                               b.add(block.firstQuery, block.count), 1,
                               [&](Value query) { emitQuery(query); });
                   });
  }

private:
  void emitQuery(Value query) {
    SmallVector<Value> scaled;
    for (int64_t offset = 0; offset < sizes.keySize; offset += b.lanes())
      scaled.push_back(arith::MulFOp::create(
          b,
          b.loadPadded(op.getQuery(), scope->atQuery(query, b.index(offset)),
                       sizes.keySize - offset),
          b.splat(b.lanes(), op.getScale().convertToDouble() / std::log(2))));

    IndexRange visible = scope->getVisible(query, query);
    forBlocks(visible, [&](Value first, Value count) {
      Value isFirst = b.isLess(first, b.add(visible.begin, b.index(1)));
      emitScores(scaled, query, first, count);
      softmax.emitStep(zero, zero, {zero, count}, {zero, count}, isFirst);
      emitWeightedSum(first, count, isFirst);
    });
    softmax.emitFinish(zero, [&](Chunk chunk, Value result) {
      b.store(result, op.getOuts()[0],
              scope->atQuery(query, b.index(chunk.offset)));
    });
    shown.ifShown(head, [&] { emitProbabilities(query, scaled, visible); });
  }

  /// body(first key, number of keys) for each block of the keys, and at least
  /// once.
  void forBlocks(IndexRange keys, llvm::function_ref<void(Value, Value)> body) {
    constexpr int64_t size = OnlineSoftmax::kBlockKeys;
    Value next = b.add(keys.begin, b.index(1));
    b.forLoop(keys.begin, b.max(keys.end, next), size, [&](Value first) {
      body(first, b.min(b.sub(keys.end, first), b.index(size)));
    });
  }

  /// Scores of as many keys at a time as a vector has lanes. Past the last key
  /// it computes that one's again.
  void emitScores(ArrayRef<Value> scaled, Value query, Value first,
                  Value count) {
    int64_t lanes = b.lanes();
    b.forLoop(zero, count, lanes, [&](Value begin) {
      SmallVector<Value> products;
      for (int64_t lane = 0; lane < lanes; ++lane)
        products.push_back(
            emitProduct(scaled, b.add(first, b.min(b.add(begin, b.index(lane)),
                                                   b.sub(count, b.index(1))))));
      b.store(b.sumLanesOfEach(products), softmax.scores, {zero, begin});
    });
    scope->emitMask(softmax.scores, zero, query, first, {zero, count});
  }

  /// Products of the elements of a query and a key, whose lanes are to be
  /// summed.
  Value emitProduct(ArrayRef<Value> query, Value key) {
    Value product;
    for (auto [i, part] : llvm::enumerate(query)) {
      int64_t offset = static_cast<int64_t>(i) * b.lanes();
      Value vector =
          b.loadPadded(op.getKey(), scope->atKey(key, b.index(offset)),
                       sizes.keySize - offset);
      product = product ? b.fma(part, vector, product)
                        : arith::MulFOp::create(b, part, vector);
    }
    return product;
  }

  void emitWeightedSum(Value first, Value count, Value isFirst) {
    SmallVector<Chunk> chunks = b.chunks(sizes.valueSize);
    SmallVector<Value> sums;
    for (Chunk chunk : chunks)
      sums.push_back(
          softmax.loadSum(zero, b.index(chunk.offset), chunk.lanes, isFirst));
    sums = b.forLoop(
        zero, count, 1, sums, [&](Value i, KernelBuilder::Values carried) {
          Value key = b.add(first, i);
          Value weight = b.loadScalar(softmax.scores, {zero, i});
          SmallVector<Value> next;
          for (auto [c, chunk] : llvm::enumerate(chunks))
            next.push_back(b.fma(
                b.splat(chunk.lanes, weight),
                b.load(op.getValue(), scope->atKey(key, b.index(chunk.offset)),
                       chunk.lanes),
                carried[c]));
          return next;
        });
    for (auto [c, chunk] : llvm::enumerate(chunks))
      b.store(sums[c], softmax.sums, {zero, b.index(chunk.offset)});
  }

  /// Computes the scores once more, now that base and sum are known.
  void emitProbabilities(Value query, ArrayRef<Value> scaled,
                         IndexRange visible) {
    int64_t lanes = b.lanes();
    shown.emitZeros(*scope, head, query, visible);
    Value base = b.splat(lanes, softmax.getBase(zero));
    Value inverse = b.splat(lanes, softmax.getInverse(zero));
    forBlocks(visible, [&](Value first, Value blockCount) {
      emitScores(scaled, query, first, blockCount);
      b.forLoop(zero, blockCount, lanes, [&](Value i) {
        Value scores = b.load(softmax.scores, {zero, i}, lanes);
        Value weights = b.exp2(arith::SubFOp::create(b, scores, base));
        shown.store(arith::MulFOp::create(b, weights, inverse), *scope, head,
                    query, b.add(first, i), {zero, b.sub(blockCount, i)});
      });
    });
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  OnlineSoftmax softmax;
  ShownProbabilities shown;
  Value zero;
  // Of the task that is being written.
  Value head;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitQueryAttention(KernelBuilder &b, SdpaOp op) {
  QueryAttentionKernel(b, op).emit();
}
