// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention of bf16, or of f32 in parts of bf16, many queries at a time, by
// products of tiles. A task takes a block of queries of one head, and one block
// of keys after the other, of which it lays out keys and values as tiles. Then
// for 32 rows at a time it computes the scores of a few keys, turns them into
// weights, and when it has those of the whole block, adds weights times values.
//
// With AMX, multiplications of tiles and of vectors take turns of a few hundred
// instructions: next to tiles, the processors known so far run vectors of f32
// at half their speed.

#include "Kernels.h"
#include "QueryBlocks.h"
#include "TileSizes.h"
#include "TileSoftmax.h"

#include <optional>

using namespace mlir;
using namespace attn;

namespace {

constexpr int64_t kTileRows = AttentionTile::kRows;
/// Keys of a block: the scores of a tile, their weights, and what they are
/// multiplied with stay in the first-level cache.
constexpr int64_t kBlockKeys = 256;
constexpr int64_t kSplitBlockKeys = 128;
constexpr int64_t kPairKeys = AttentionTiles::kPairKeys;

class BFloat16AttentionKernel {
public:
  BFloat16AttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(b, op), tiles(b), factors(b, op, sizes),
        softmax(b, op, sizes, factors), isSplit(factors.isSplit()),
        blockKeys(isSplit ? kSplitBlockKeys : kBlockKeys),
        blockRows(TileSizes(b.getTarget()).getTileQueries()) {}

  void emit() {
    QueryBlocks blocks(b, op, sizes, blockRows, kTileRows);
    blocks.forEach(getWorkspace(),
                   /*isUneven=*/op.isBoundAfter() && !op.isBoundBefore(),
                   [&](const QueryBlocks::Block &block, ValueRange memory) {
                     setMemory(memory);
                     firstQuery = block.firstQuery;
                     count = block.count;
                     scope.emplace(b, op, sizes, block.entry, block.firstHead);
                     emitBlock();
                   });
  }

private:
  SmallVector<MemRefType> getWorkspace() const {
    SmallVector<MemRefType> types = factors.getWorkspace(blockRows, blockKeys);
    llvm::append_range(types, softmax.getWorkspace(blockRows, blockKeys));
    return types;
  }

  void setMemory(ValueRange memory) {
    factors.setMemory(memory.take_front(3));
    softmax.setMemory(memory.drop_front(3));
  }

  void emitBlock() {
    Value ofQueries = b.forLoop(
        b.index(0), b.roundUp(count, kTileRows), 1, {tiles.noMagnitude()},
        [&](Value row, KernelBuilder::Values carried) {
          return SmallVector<Value>{emitStart(row, carried[0])};
        })[0];
    if (isSplit)
      ofQueries = tiles.isSpecial(ofQueries);
    IndexRange visible =
        scope->getVisible(firstQuery, b.add(firstQuery, getLast(count)));
    // Blocks begin where they do for all: how a sum is rounded must not depend
    // on the other queries.
    Value begin = b.roundDown(visible.begin, blockKeys);
    b.forLoop(begin, visible.end, blockKeys, [&](Value first) {
      Value keyCount = b.min(b.sub(visible.end, first), b.index(blockKeys));
      Value firstPair = b.index(0);
      if (op.isBoundBefore())
        firstPair = b.div(b.max(b.sub(visible.begin, first), b.index(0)),
                          b.index(kPairKeys));
      AttentionTiles::Block keys = {*scope, first, keyCount, firstPair};
      Value ofKeys = factors.emitKeys(keys, tiles.noMagnitude());
      if (isSplit)
        hasSpecialScores =
            arith::OrIOp::create(b, ofQueries, tiles.isSpecial(ofKeys));
      Value ofValues = factors.emitValues(keys, tiles.noMagnitude(),
                                          mattersWhetherSpecial());
      if (mattersWhetherSpecial())
        hasSpecialValues = tiles.isSpecial(ofValues);
      b.forLoop(b.index(0), count, kTileRows, [&](Value row) {
        Value rows = b.min(b.sub(count, row), b.index(kTileRows));
        AttentionTile tile = {b, keys, firstQuery, row, rows};
        IndexRange visible = tile.getVisible(b.index(0), tile.getLastRow());
        b.ifThen(b.isLess(visible.begin, visible.end),
                 [&] { emitTile(tile, visible); });
      });
    });
    b.forLoop(b.index(0), count, 1, [&](Value row) { emitFinish(row); });
  }

  Value getLast(Value size) { return b.sub(size, b.index(1)); }

  /// Starts a row with its query, past the last one with that.
  Value emitStart(Value row, Value magnitude) {
    softmax.emitStart(row);
    Value query = b.add(firstQuery, b.min(row, getLast(count)));
    return factors.emitQuery(*scope, query, row, magnitude);
  }

  /// Whether ∞ and NaN among the values need another way.
  bool mattersWhetherSpecial() { return op.isBanded() || isSplit; }

  /// All that is to do for the tile's rows and the block of keys.
  void emitTile(const AttentionTile &tile, IndexRange visible) {
    IndexRange pairs = {b.div(visible.begin, b.index(kPairKeys)),
                        b.ceilDiv(visible.end, kPairKeys)};
    if (isSplit)
      b.ifElse(
          hasSpecialScores,
          [&] {
            emitSingleScores(tile, {b.mul(pairs.begin, b.index(kPairKeys)),
                                    b.min(b.mul(pairs.end, b.index(kPairKeys)),
                                          tile.keys.count)});
          },
          [&] { emitScores(tile, pairs); });
    else
      emitScores(tile, pairs);
    softmax.emit(tile, pairs);
    if (!mattersWhetherSpecial())
      return emitWeightedSums(tile, pairs);

    // What a row does not see has weight 0. But 0 times ∞ is not 0: then only
    // keys that all rows see go together.
    b.ifElse(
        hasSpecialValues,
        [&] {
          if (isSplit)
            return b.forLoop(b.index(0), tile.rows, 1, [&](Value i) {
              emitSingleSums(tile, i, tile.getVisible(i));
            });
          Value begin =
              b.ceilDiv(tile.getVisible(tile.getLastRow()).begin, kPairKeys);
          Value end =
              b.div(tile.getVisible(b.index(0)).end, b.index(kPairKeys));
          IndexRange common = {begin, b.max(begin, end)};
          emitWeightedSums(tile, common);
          emitSingleSums(tile, {b.mul(common.begin, b.index(kPairKeys)),
                                b.mul(common.end, b.index(kPairKeys))});
        },
        [&] { emitWeightedSums(tile, pairs); });
  }

  /// scores = queries · keysᵀ, not yet scaled.
  void emitScores(const AttentionTile &tile, IndexRange pairs) {
    Value number = b.div(tile.firstRow, b.index(kTileRows));
    b.forLoop(pairs.begin, pairs.end, 1, [&](Value pair) {
      auto placeOfQueries = [&](Value k, Value half) -> SmallVector<Value> {
        return {number, k, half};
      };
      auto placeOfKeys = [&](Value k, Value half) -> SmallVector<Value> {
        return {pair, k, half};
      };
      tiles.multiply({{factors.queries, placeOfQueries},
                      {factors.keys, placeOfKeys},
                      b.index(factors.keySteps),
                      tile.rows,
                      softmax.scores,
                      {pair, b.index(0), b.index(0)},
                      /*isFirst=*/true,
                      isSplit});
    });
  }

  /// The same one by one, for some keys.
  void emitSingleScores(const AttentionTile &tile, IndexRange keys) {
    auto emitScore = [&](Value i, Value key) {
      Value query = b.add(firstQuery, b.add(tile.firstRow, i));
      Value score = b.scalar(0.0);
      for (Chunk chunk : b.chunks(sizes.keySize)) {
        Value offset = b.index(chunk.offset);
        Value product = arith::MulFOp::create(
            b,
            b.load(op.getQuery(), scope->atQuery(query, offset), chunk.lanes),
            b.load(op.getKey(),
                   scope->atKey(b.add(tile.keys.firstKey, key), offset),
                   chunk.lanes));
        score = arith::AddFOp::create(b, score, b.sumLanes(product));
      }
      b.storeScalar(
          factors.emitSign(score), softmax.scores,
          {b.div(key, b.index(kPairKeys)), i, b.rem(key, b.index(kPairKeys))});
    };
    b.forLoop(b.index(0), tile.rows, 1, [&](Value i) {
      b.forLoop(keys.begin, keys.end, 1, [&](Value key) { emitScore(i, key); });
    });
  }

  /// sums += weights · values, of these pairs of tiles of keys.
  void emitWeightedSums(const AttentionTile &tile, IndexRange pairs) {
    Value count = b.sub(pairs.end, pairs.begin);
    b.forLoop(b.index(0), b.index(factors.valuePairs), 1, [&](Value place) {
      Value column = b.mul(place, b.index(BFloat16Tiles::kBlock));
      auto placeOfWeights = [&](Value k, Value half) -> SmallVector<Value> {
        return {b.add(k, pairs.begin), half};
      };
      auto placeOfValues = [&](Value k, Value half) -> SmallVector<Value> {
        return {b.add(k, pairs.begin), place, half};
      };
      tiles.multiply({{softmax.weights, placeOfWeights},
                      {factors.values, placeOfValues},
                      count,
                      tile.rows,
                      softmax.sums,
                      {tile.firstRow, column},
                      /*isFirst=*/false,
                      isSplit});
    });
  }

  /// The same one row at a time, for the keys outside of `common`.
  void emitSingleSums(const AttentionTile &tile, IndexRange common) {
    b.forLoop(b.index(0), tile.rows, 1, [&](Value i) {
      IndexRange seen = tile.getVisible(i);
      if (op.isBoundBefore())
        emitSingleSums(tile, i, {seen.begin, b.min(common.begin, seen.end)});
      if (op.isBoundAfter())
        emitSingleSums(tile, i, {common.end, seen.end});
    });
  }

  void emitSingleSums(const AttentionTile &tile, Value i, IndexRange keys) {
    Value row = b.add(tile.firstRow, i);
    b.forLoop(keys.begin, keys.end, 1, [&](Value key) {
      Value inPair = b.rem(key, b.index(kPairKeys));
      Value lane = b.add(b.mul(b.rem(inPair, b.index(kHalf)), b.index(2)),
                         b.div(inPair, b.index(kHalf)));
      Value weight;
      for (int64_t part = 0; part < factors.getParts(); ++part) {
        Value number = b.loadScalar(
            softmax.weights, {b.div(key, b.index(kPairKeys)),
                              tiles.tileOf(part, b.div(i, b.index(kHalf))),
                              b.rem(i, b.index(kHalf)), lane});
        weight = part ? arith::AddFOp::create(b, weight, number).getResult()
                      : number;
      }
      for (Chunk chunk : b.chunks(sizes.valueSize)) {
        Value offset = b.index(chunk.offset);
        Value value = b.load(
            op.getValue(), scope->atKey(b.add(tile.keys.firstKey, key), offset),
            chunk.lanes);
        b.store(b.fma(b.splat(chunk.lanes, weight), value,
                      b.load(softmax.sums, {row, offset}, chunk.lanes)),
                softmax.sums, {row, offset});
      }
    });
  }

  void emitFinish(Value row) {
    Value query = b.add(firstQuery, row);
    Value inverse = softmax.getInverse(*scope, query, row);
    for (Chunk chunk : b.chunks(sizes.valueSize)) {
      Value offset = b.index(chunk.offset);
      Value result = arith::MulFOp::create(
          b, b.load(softmax.sums, {row, offset}, chunk.lanes),
          b.splat(chunk.lanes, inverse));
      b.store(result, op.getOuts()[0], scope->atQuery(query, offset));
    }
  }

  /// Rows of one tile, and lanes of a vector.
  static constexpr int64_t kHalf = AttentionTiles::kHalf;

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  BFloat16Tiles tiles;
  AttentionTiles factors;
  TileSoftmax softmax;
  /// Whether numbers are f32, in parts.
  bool isSplit;
  /// Most keys of a block.
  int64_t blockKeys;
  /// Most queries of a task: the more, the fewer times keys are laid out.
  int64_t blockRows;
  // Of the task that is being written.
  std::optional<AttentionScope> scope;
  Value firstQuery, count;
  /// Whether there is any ∞ or NaN among the queries and these keys, and among
  /// the values; where that matters.
  Value hasSpecialScores, hasSpecialValues;
};

} // namespace

void attn::emitBFloat16Attention(KernelBuilder &b, SdpaOp op) {
  BFloat16AttentionKernel(b, op).emit();
}
