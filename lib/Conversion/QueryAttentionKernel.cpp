// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention one query at a time. Keys are read as they are, wherever each one
// is: the kernel for decoding, where there are few queries and keys in a cache.
// What it takes is reading them: so what all heads have of a key is read
// together where it is adjacent, as in a cache, by a task that has several.

#include "AttentionScope.h"
#include "Kernels.h"
#include "OnlineSoftmax.h"
#include "QueryBlocks.h"
#include "ShownScores.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

/// Queries that one task handles, one after the other.
static constexpr int64_t kTaskQueries = 16;
/// Heads that it has memory for.
static constexpr int64_t kTaskHeads = 16;
/// Fewest keys that a head computes scores for at a time.
static constexpr int64_t kScoreKeys = 4;
/// Keys whose values are added for one head before the next one's turn.
static constexpr int64_t kStepKeys = 16;
/// From so many keys on, those of a cache mostly come from memory, and asking
/// for them ahead of time costs less than it brings.
static constexpr int64_t kManyKeys = 64;

/// The most heads that a task may have, which take turns at its keys: one where
/// what heads have of a key is not adjacent.
static int64_t getMostHeads(SdpaOp op) {
  auto type = cast<MemRefType>(op.getKey().getType());
  if (type.getStridesAndOffset().first[1] != type.getDimSize(3))
    return 1;
  int64_t heads = cast<MemRefType>(op.getQuery().getType()).getDimSize(1);
  return ShapedType::isDynamic(heads) ? kTaskHeads
                                      : std::min(heads, kTaskHeads);
}

/// Heads of one task. Where tasks would be few, each thread gets some heads of
/// every entry.
static Value chooseHeads(KernelBuilder &b, SdpaOp op,
                         const AttentionSizes &sizes) {
  constexpr int64_t few = 4;
  Value threads = b.threads(), one = b.index(1);
  Value isFew = b.isLess(sizes.batch, b.mul(threads, b.index(few)));
  Value groups = arith::SelectOp::create(b, isFew, threads, one);
  Value heads = b.max(b.ceilDiv(sizes.heads, groups), one);
  return b.min(heads, b.index(getMostHeads(op)));
}

namespace {

class QueryAttentionKernel {
public:
  QueryAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(b, op),
        softmax(b, getMostHeads(op), sizes.valueSize, getMostHeads(op)),
        shown(b, op, sizes), zero(b.index(0)), one(b.index(1)) {}

  void emit() {
    QueryBlocks blocks(b, op, sizes, b.index(kTaskQueries),
                       chooseHeads(b, op, sizes));
    blocks.forEach(softmax.getWorkspace(), /*isUneven=*/false,
                   [&](const QueryBlocks::Block &block, ValueRange memory) {
                     softmax.setMemory(memory);
                     firstHead = block.firstHead;
                     headCount = block.headCount;
                     findNext(block.entry);
                     scope.emplace(b, op, sizes, block.entry, firstHead);
                     b.forLoop(block.firstQuery,
                               b.add(block.firstQuery, block.count), 1,
                               [&](Value query) { emitQuery(query); });
                   });
  }

private:
  void emitQuery(Value query) {
    visible = scope->getVisible(query, query);
    if (op.getSinks())
      softmax.setSink([&, query](Value) { return scope->getSink(query); });
    hasManyKeys =
        b.isLess(b.index(kManyKeys), b.sub(visible.end, visible.begin));
    forBlocks([&](Value first, Value count) {
      Value isFirst = b.isLess(first, b.add(visible.begin, one));
      IndexRange block{zero, count};
      b.forLoop(zero, count, b.lanes(), [&](Value begin) {
        Value next = b.add(begin, b.index(b.lanes()));
        forGroups(getScoreHeads(), [&](Value row, int64_t heads) {
          forKeys(heads, {begin, b.min(next, count)}, [&](Value column) {
            emitScores(row, heads, query, b.add(first, column), column);
            emitPrefetchOfNext(row, heads, column, b.lanes() / heads);
          });
          emitPrefetch(op.getKey(), row, heads, b.add(first, next), b.lanes());
        });
      });
      forHeads([&](Value row) {
        scope->emitMask(softmax.scores, row, query, first, block);
        softmax.emitStep(row, row, block, block, isFirst);
      });
      emitWeightedSums(first, count, isFirst);
    });
    forHeads([&](Value row) {
      softmax.emitFinish(row, [&](Chunk chunk, Value result) {
        b.store(result, op.getOuts()[0],
                scope->atQuery(query, b.index(chunk.offset)));
      });
      Value head = b.add(firstHead, row);
      shown.ifShown(head, [&] { emitProbabilities(row, head, query); });
    });
  }

  /// body(row) for each head of the task, which has that row of the softmax's
  /// memory.
  void forHeads(llvm::function_ref<void(Value)> body) {
    if (getMostHeads(op) == 1)
      return body(zero);
    b.forLoop(zero, headCount, 1, [&](Value row) {
      setHead(row);
      body(row);
    });
  }

  /// body(first row, heads) for so many heads at a time, and for those that are
  /// left one by one.
  void forGroups(int64_t size, llvm::function_ref<void(Value, int64_t)> body) {
    if (size == 1)
      return forHeads([&](Value row) { body(row, 1); });
    Value whole = b.roundDown(headCount, size);
    b.forLoop(zero, whole, size, [&](Value row) { body(row, size); });
    b.forLoop(whole, headCount, 1, [&](Value row) {
      setHead(row);
      body(row, 1);
    });
  }

  /// body(column) for as many of a vector's keys at a time as each of so many
  /// heads has scores of together: once for one head.
  void forKeys(int64_t heads, IndexRange columns,
               llvm::function_ref<void(Value)> body) {
    if (heads == 1)
      return body(columns.begin);
    b.forLoop(columns.begin, columns.end, b.lanes() / heads, body);
  }

  void setHead(Value row) { scope->setHead(b.add(firstHead, row)); }

  /// Goes on with one of the heads that a body has: `row` is that of the first.
  Value setHead(Value row, int64_t head, int64_t heads) {
    Value its = b.add(row, b.index(head));
    if (heads > 1)
      setHead(its);
    return its;
  }

  /// Heads that have scores of a vector together, each for as many keys: where
  /// keys are few, less is computed in vain than with a vector for each head.
  int64_t getScoreHeads() {
    int64_t most = std::min(b.lanes() / kScoreKeys, getMostHeads(op));
    return llvm::bit_floor(static_cast<uint64_t>(most));
  }

  /// Heads whose sums are in registers together.
  int64_t getSumHeads() {
    int64_t most = b.getInstructionSet().getRegisters() / 2 /
                   static_cast<int64_t>(b.chunks(sizes.valueSize).size());
    return std::clamp<int64_t>(most, 1, getScoreHeads());
  }

  /// Asks for what heads have of `count` keys from `first` on, before they are
  /// read; one head alone goes through memory in order, which processors
  /// foresee. All keys are taken to be in the row of the first, and there may
  /// be fewer of them: then nobody reads what is asked for.
  void emitPrefetch(Value memref, Value row, int64_t heads, Value first,
                    int64_t count) {
    if (getMostHeads(op) == 1)
      return;
    b.ifThen(hasManyKeys, [&] {
      Value known = b.min(first, b.sub(visible.end, one));
      b.forLoop(row, b.add(row, b.index(heads)), 1, [&](Value row) {
        setHead(row);
        SmallVector<Value> place = scope->atKey(known, zero);
        Value position = place[2];
        for (int64_t key = 0; key < count; ++key) {
          place[2] = b.add(position, b.index(key));
          b.prefetchRow(memref, place);
        }
      });
    });
  }

  /// Finds the keys of the entry that the thread has next.
  void findNext(Value entry) {
    if (getMostHeads(op) == 1)
      return;
    Value next = b.min(b.add(entry, one), b.sub(sizes.batch, one));
    nextScope.emplace(b, op, sizes, next, firstHead);
    nextVisible = nextScope->getVisible(zero, zero);
  }

  /// Asks for `count` of its first keys, from `first` on, and their values, as
  /// they come from wherever its rows are. A core waits for a few lines at a
  /// time: so it is asked for some after each few scores, not for all at once.
  void emitPrefetchOfNext(Value row, int64_t heads, Value first,
                          int64_t count) {
    if (!nextScope)
      return;
    Value most = b.sub(nextVisible.end, nextVisible.begin);
    b.ifThen(b.isLess(first, b.min(most, b.index(kStepKeys))), [&] {
      Value last = b.sub(nextVisible.end, one);
      for (int64_t head = 0; head < heads; ++head) {
        nextScope->setHead(b.add(firstHead, b.add(row, b.index(head))));
        for (int64_t key = 0; key < count; ++key) {
          Value position = b.add(nextVisible.begin, b.add(first, b.index(key)));
          SmallVector<Value> place =
              nextScope->atKey(b.min(position, last), zero);
          for (Value memref : {op.getKey(), op.getValue()})
            b.prefetchRow(memref, place);
        }
      }
    });
  }

  /// body(first key, number of keys) for each block of the keys that the query
  /// sees, and at least once.
  void forBlocks(llvm::function_ref<void(Value, Value)> body) {
    constexpr int64_t size = OnlineSoftmax::kBlockKeys;
    Value next = b.add(visible.begin, one);
    b.forLoop(visible.begin, b.max(visible.end, next), size, [&](Value first) {
      body(first, b.min(b.sub(visible.end, first), b.index(size)));
    });
  }

  /// Scores that some heads, `row` and those after it, have for the keys from
  /// `first` on, as many as a vector has lanes for, at `column` of the block.
  /// Past the last key it computes that one's again.
  void emitScores(Value row, int64_t heads, Value query, Value first,
                  Value column) {
    int64_t keys = b.lanes() / heads;
    Value scale =
        b.splat(b.lanes(), op.getScale().convertToDouble() / std::log(2));
    Value last = b.sub(visible.end, one);
    SmallVector<Value> products;
    for (int64_t head = 0; head < heads; ++head) {
      setHead(row, head, heads);
      SmallVector<Value> scaled;
      for (int64_t offset = 0; offset < sizes.keySize; offset += b.lanes())
        scaled.push_back(arith::MulFOp::create(
            b,
            b.loadPadded(op.getQuery(), scope->atQuery(query, b.index(offset)),
                         sizes.keySize - offset),
            scale));
      for (int64_t key = 0; key < keys; ++key)
        products.push_back(
            emitProduct(scaled, b.min(b.add(first, b.index(key)), last)));
    }
    Value scores = b.sumLanesOfEach(products);
    for (int64_t head = 0; head < heads; ++head)
      b.store(vector::ExtractStridedSliceOp::create(
                  b, scores, ArrayRef<int64_t>{head * keys},
                  ArrayRef<int64_t>{keys}, ArrayRef<int64_t>{1}),
              softmax.scores, {b.add(row, b.index(head)), column});
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

  /// Adds the weighted values of a block: at least nothing of none, so that
  /// there are sums.
  void emitWeightedSums(Value first, Value count, Value isFirst) {
    Value step = b.index(kStepKeys);
    b.forLoop(zero, b.max(count, one), kStepKeys, [&](Value begin) {
      Value next = b.add(begin, step);
      Value hasNone = arith::AndIOp::create(b, isFirst, b.isLess(begin, one));
      forGroups(getSumHeads(), [&](Value row, int64_t heads) {
        emitWeightedSum(row, heads, first, {begin, b.min(next, count)},
                        hasNone);
        emitPrefetch(op.getValue(), row, heads, b.add(first, next), kStepKeys);
      });
    });
  }

  void emitWeightedSum(Value row, int64_t heads, Value first, IndexRange keys,
                       Value isFirst) {
    SmallVector<Chunk> chunks = b.chunks(sizes.valueSize);
    auto rowOf = [&](int64_t head) { return b.add(row, b.index(head)); };
    SmallVector<Value> sums;
    for (int64_t head = 0; head < heads; ++head)
      for (Chunk chunk : chunks)
        sums.push_back(softmax.loadSum(rowOf(head), b.index(chunk.offset),
                                       chunk.lanes, isFirst));
    sums = b.forLoop(
        keys.begin, keys.end, 1, sums,
        [&](Value i, KernelBuilder::Values carried) {
          SmallVector<Value> next;
          for (int64_t head = 0; head < heads; ++head) {
            Value itsRow = setHead(row, head, heads);
            Value weight = b.loadScalar(softmax.scores, {itsRow, i});
            for (Chunk chunk : chunks) {
              SmallVector<Value> place =
                  scope->atKey(b.add(first, i), b.index(chunk.offset));
              next.push_back(b.fma(b.splat(chunk.lanes, weight),
                                   b.load(op.getValue(), place, chunk.lanes),
                                   carried[next.size()]));
            }
          }
          return next;
        });
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Chunk chunk = chunks[i % chunks.size()];
      b.store(sum, softmax.sums,
              {rowOf(i / chunks.size()), b.index(chunk.offset)});
    }
  }

  /// Computes the scores once more, now that base and sum are known.
  void emitProbabilities(Value row, Value head, Value query) {
    int64_t lanes = b.lanes();
    shown.emitUnseen(*scope, head, query, visible);
    Value base = b.splat(lanes, softmax.getBase(row));
    Value inverse = b.splat(lanes, softmax.getInverse(row));
    forBlocks([&](Value first, Value blockCount) {
      b.forLoop(zero, blockCount, lanes, [&](Value begin) {
        emitScores(row, 1, query, b.add(first, begin), begin);
      });
      scope->emitMask(softmax.scores, row, query, first, {zero, blockCount});
      b.forLoop(zero, blockCount, lanes, [&](Value i) {
        Value scores = b.load(softmax.scores, {row, i}, lanes);
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
  ShownScores shown;
  Value zero, one;
  // Of the task that is being written.
  Value firstHead, headCount;
  std::optional<AttentionScope> scope;
  // Of the entry that the thread has next, with what its first query sees.
  std::optional<AttentionScope> nextScope;
  IndexRange nextVisible;
  // Of its query: the keys that it sees, and whether they are many.
  IndexRange visible;
  Value hasManyKeys;
};

} // namespace

void attn::emitQueryAttention(KernelBuilder &b, SdpaOp op) {
  QueryAttentionKernel(b, op).emit();
}
