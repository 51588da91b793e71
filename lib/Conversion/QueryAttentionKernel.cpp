// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention one query at a time: blocks of keys pass by, one key for each lane
// of a vector of scores. Keys are read as they are, wherever each one is: the
// kernel for decoding, where there are few queries and keys in a cache.

#include "AttentionScope.h"
#include "Kernels.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

/// Queries of one head that one task handles.
constexpr int64_t kTaskQueries = 16;

class QueryAttentionKernel {
public:
  QueryAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(op), keyChunks(b.chunks(sizes.keySize)),
        valueChunks(b.chunks(sizes.valueSize)) {}

  void emit() {
    Value batch = b.dim(op.getQuery(), 0), queries = b.dim(op.getQuery(), 1);
    Value heads = b.index(sizes.heads);
    keyCount = b.dim(op.getKey(), 1);
    Value groups = b.ceilDiv(queries, kTaskQueries);
    Value tasks = b.mul(b.mul(batch, heads), groups);
    Value work =
        b.mul(b.mul(b.mul(batch, queries), keyCount),
              b.index(sizes.heads * (sizes.keySize + sizes.valueSize)));
    b.parallelFor(tasks, work, [&](Value task) {
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
  /// The keys of one vector of scores.
  struct Block {
    SmallVector<Value> rows, keys; // one index for each lane
    Value inside;                  // lanes before the last visible key
  };

  /// The block of keys from `first` on. Lanes past the last visible key read
  /// that key again, so that nothing of the others is read.
  Block emitBlock(Value first, Value visible) {
    Block block;
    Value last = b.max(b.sub(visible, b.index(1)), b.index(0));
    for (int64_t lane = 0; lane < b.lanes(); ++lane) {
      Value key = b.min(b.add(first, b.index(lane)), last);
      block.keys.push_back(key);
      block.rows.push_back(scope->getRow(key));
    }
    block.inside = b.mask(b.lanes(), b.max(b.sub(visible, first), b.index(0)));
    return block;
  }

  Value columnOf(int64_t size, Chunk chunk) {
    return b.add(b.mul(head, b.index(size)), b.index(chunk.offset));
  }

  /// Scores of one query against a block of keys, -∞ in lanes past the last.
  Value emitScores(ArrayRef<Value> query, const Block &block) {
    Value scores = b.splat(b.lanes(), 0.0);
    for (int64_t lane = 0; lane < b.lanes(); ++lane) {
      // Products of chunks of one width are summed before their lanes are.
      SmallVector<Value> partial;
      for (auto [c, chunk] : llvm::enumerate(keyChunks)) {
        Value key = b.load(op.getKey(),
                           {block.rows[lane], block.keys[lane],
                            columnOf(sizes.keySize, chunk)},
                           chunk.lanes);
        if (!partial.empty() && partial.back().getType() == key.getType())
          partial.back() = b.fma(query[c], key, partial.back());
        else
          partial.push_back(arith::MulFOp::create(b, query[c], key));
      }
      Value score = b.sumLanes(partial.front());
      for (Value other : llvm::drop_begin(partial))
        score = arith::AddFOp::create(b, score, b.sumLanes(other));
      scores =
          vector::InsertOp::create(b, score, scores, ArrayRef<int64_t>{lane});
    }
    return arith::SelectOp::create(b, block.inside, scores,
                                   b.splat(b.lanes(), -INFINITY));
  }

  void emitQuery(Value query) {
    Value visible = scope->getVisible(query);
    SmallVector<Value> scaled;
    for (Chunk chunk : keyChunks)
      scaled.push_back(arith::MulFOp::create(
          b,
          b.load(op.getQuery(), {entry, query, columnOf(sizes.keySize, chunk)},
                 chunk.lanes),
          b.splat(chunk.lanes, op.getScale().convertToDouble())));

    SmallVector<Value> state = {b.splat(b.lanes(), -INFINITY),
                                b.splat(b.lanes(), 0.0)};
    for (Chunk chunk : valueChunks)
      state.push_back(b.splat(chunk.lanes, 0.0));
    state =
        b.forLoop(b.index(0), visible, b.lanes(), state,
                  [&](Value first, ValueRange carried) {
                    return emitStep(scaled, emitBlock(first, visible), carried);
                  });

    Value inverse = emitInverse(b, b.sumLanes(state[1]));
    for (auto [c, chunk] : llvm::enumerate(valueChunks))
      b.store(
          arith::MulFOp::create(b, state[2 + c], b.splat(chunk.lanes, inverse)),
          op.getOuts()[0], {entry, query, columnOf(sizes.valueSize, chunk)});
    if (op.getOuts().size() == 2)
      emitProbabilities(query, scaled, visible, state[0], inverse);
  }

  /// One step of the online softmax; `carried` are the maximum and the sum (all
  /// lanes of the maximum are equal), and the chunks of the output.
  SmallVector<Value> emitStep(ArrayRef<Value> query, const Block &block,
                              ValueRange carried) {
    int64_t lanes = b.lanes();
    Value scores = emitScores(query, block);
    Value maximum = arith::MaxNumFOp::create(
        b, carried[0], b.splat(lanes, b.maxLanes(scores)));
    Value correction =
        emitExp(b, arith::SubFOp::create(b, carried[0], maximum));
    Value weights = emitExp(b, arith::SubFOp::create(b, scores, maximum));

    SmallVector<Value> next = {maximum, b.fma(carried[1], correction, weights)};
    Value factor =
        vector::ExtractOp::create(b, correction, ArrayRef<int64_t>{0});
    for (auto [c, chunk] : llvm::enumerate(valueChunks))
      next.push_back(arith::MulFOp::create(b, carried[2 + c],
                                           b.splat(chunk.lanes, factor)));
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value weight =
          vector::ExtractOp::create(b, weights, ArrayRef<int64_t>{lane});
      for (auto [c, chunk] : llvm::enumerate(valueChunks)) {
        Value value = b.load(op.getValue(),
                             {block.rows[lane], block.keys[lane],
                              columnOf(sizes.valueSize, chunk)},
                             chunk.lanes);
        next[2 + c] = b.fma(b.splat(chunk.lanes, weight), value, next[2 + c]);
      }
    }
    return next;
  }

  /// Computes the scores once more, now that maximum and sum are known.
  void emitProbabilities(Value query, ArrayRef<Value> scaled, Value visible,
                         Value maximum, Value inverse) {
    int64_t lanes = b.lanes();
    b.forLoop(b.index(0), keyCount, lanes, [&](Value first) {
      Block block = emitBlock(first, visible);
      Value weights = emitExp(
          b, arith::SubFOp::create(b, emitScores(scaled, block), maximum));
      weights = arith::MulFOp::create(b, weights, b.splat(lanes, inverse));
      weights = arith::SelectOp::create(b, block.inside, weights,
                                        b.splat(lanes, 0.0));
      b.storeMasked(weights, b.mask(lanes, b.sub(keyCount, first)),
                    op.getOuts()[1], {entry, head, query, first});
    });
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  SmallVector<Chunk> keyChunks, valueChunks;
  Value keyCount, head, entry;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitQueryAttention(KernelBuilder &b, SdpaOp op) {
  QueryAttentionKernel(b, op).emit();
}
