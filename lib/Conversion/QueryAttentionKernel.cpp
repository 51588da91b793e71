// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention one query at a time. Keys are read as they are, wherever each one
// is: the kernel for decoding, where there are few queries and keys in a cache.

#include "AttentionScope.h"
#include "Kernels.h"
#include "OnlineSoftmax.h"
#include "VectorMath.h"

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
      : b(b), op(op), sizes(op), softmax(b, 1, sizes.valueSize),
        zero(b.index(0)) {}

  void emit() {
    Value batch = b.dim(op.getQuery(), 0), queries = b.dim(op.getQuery(), 1);
    Value heads = b.index(sizes.heads);
    Value groups = b.ceilDiv(queries, kTaskQueries);
    Value tasks = b.mul(b.mul(batch, heads), groups);
    Value work =
        b.mul(b.mul(b.mul(batch, queries), b.dim(op.getKey(), 1)),
              b.index(sizes.heads * (sizes.keySize + sizes.valueSize)));
    b.parallelFor(
        tasks, work, softmax.getWorkspace(),
        [&](Value task, ValueRange memory) {
          softmax.setMemory(memory);
          Value group = arith::RemUIOp::create(b, task, groups);
          Value batchHead = arith::DivUIOp::create(b, task, groups);
          head = arith::RemUIOp::create(b, batchHead, heads);
          entry = arith::DivUIOp::create(b, batchHead, heads);
          scope.emplace(b, op, entry);
          Value begin = b.mul(group, b.index(kTaskQueries));
          Value end = b.min(b.add(begin, b.index(kTaskQueries)), queries);
          b.forLoop(begin, end, 1, [&](Value query) { emitQuery(query); });
        });
  }

private:
  void emitQuery(Value query) {
    SmallVector<Value> scaled;
    for (Chunk chunk : b.chunks(sizes.keySize))
      scaled.push_back(arith::MulFOp::create(
          b,
          b.load(op.getQuery(), {entry, query, columnOf(sizes.keySize, chunk)},
                 chunk.lanes),
          b.splat(chunk.lanes, op.getScale().convertToDouble() / std::log(2))));

    Value visible = scope->getVisible(query);
    softmax.emitStart(zero);
    forBlocks(visible, [&](Value first, Value count) {
      emitScores(scaled, first, count);
      softmax.emitStep(zero, count);
      emitWeightedSum(first, count);
    });
    softmax.emitFinish(zero, [&](Chunk chunk, Value result) {
      b.store(result, op.getOuts()[0],
              {entry, query, columnOf(sizes.valueSize, chunk)});
    });
    if (op.getOuts().size() == 2)
      emitProbabilities(query, scaled, visible);
  }

  /// body(first key, number of keys) for each block of the keys before `end`.
  void forBlocks(Value end, llvm::function_ref<void(Value, Value)> body) {
    constexpr int64_t size = OnlineSoftmax::kBlockKeys;
    b.forLoop(zero, end, size, [&](Value first) {
      body(first, b.min(b.sub(end, first), b.index(size)));
    });
  }

  Value columnOf(int64_t size, Chunk chunk) {
    return b.add(b.mul(head, b.index(size)), b.index(chunk.offset));
  }

  void emitScores(ArrayRef<Value> query, Value first, Value count) {
    b.forLoop(zero, count, 1, [&](Value i) {
      Value key = b.add(first, i);
      Value row = scope->getRow(key);
      // Products of chunks of one width are summed before their lanes are.
      SmallVector<Value> partial;
      for (auto [c, chunk] : llvm::enumerate(b.chunks(sizes.keySize))) {
        Value vector =
            b.load(op.getKey(), {row, key, columnOf(sizes.keySize, chunk)},
                   chunk.lanes);
        if (!partial.empty() && partial.back().getType() == vector.getType())
          partial.back() = b.fma(query[c], vector, partial.back());
        else
          partial.push_back(arith::MulFOp::create(b, query[c], vector));
      }
      Value score = b.sumLanes(partial.front());
      for (Value other : llvm::drop_begin(partial))
        score = arith::AddFOp::create(b, score, b.sumLanes(other));
      b.storeScalar(score, softmax.scores, {zero, i});
    });
  }

  void emitWeightedSum(Value first, Value count) {
    SmallVector<Chunk> chunks = b.chunks(sizes.valueSize);
    SmallVector<Value> sums;
    for (Chunk chunk : chunks)
      sums.push_back(
          b.load(softmax.sums, {zero, b.index(chunk.offset)}, chunk.lanes));
    sums = b.forLoop(
        zero, count, 1, sums, [&](Value i, KernelBuilder::Values carried) {
          Value key = b.add(first, i);
          Value row = scope->getRow(key);
          Value weight = b.loadScalar(softmax.scores, {zero, i});
          SmallVector<Value> next;
          for (auto [c, chunk] : llvm::enumerate(chunks))
            next.push_back(
                b.fma(b.splat(chunk.lanes, weight),
                      b.load(op.getValue(),
                             {row, key, columnOf(sizes.valueSize, chunk)},
                             chunk.lanes),
                      carried[c]));
          return next;
        });
    for (auto [c, chunk] : llvm::enumerate(chunks))
      b.store(sums[c], softmax.sums, {zero, b.index(chunk.offset)});
  }

  /// Computes the scores once more, now that largest score and sum are known.
  void emitProbabilities(Value query, ArrayRef<Value> scaled, Value visible) {
    int64_t lanes = b.lanes();
    Value out = op.getOuts()[1], count = b.dim(op.getKey(), 1);
    b.forLoop(zero, count, lanes, [&](Value key) {
      b.storeMasked(b.splat(lanes, 0.0), b.mask(lanes, b.sub(count, key)), out,
                    {entry, head, query, key});
    });
    Value largest = b.splat(lanes, softmax.getLargest(zero));
    Value inverse = b.splat(lanes, softmax.getInverse(zero));
    forBlocks(visible, [&](Value first, Value blockCount) {
      emitScores(scaled, first, blockCount);
      b.forLoop(zero, blockCount, lanes, [&](Value i) {
        Value scores = b.load(softmax.scores, {zero, i}, lanes);
        Value weights = emitExp2(b, arith::SubFOp::create(b, scores, largest));
        b.storeMasked(arith::MulFOp::create(b, weights, inverse),
                      b.mask(lanes, b.sub(blockCount, i)), out,
                      {entry, head, query, b.add(first, i)});
      });
    });
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  OnlineSoftmax softmax;
  Value zero;
  // Of the task that is being written.
  Value head, entry;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitQueryAttention(KernelBuilder &b, SdpaOp op) {
  QueryAttentionKernel(b, op).emit();
}
