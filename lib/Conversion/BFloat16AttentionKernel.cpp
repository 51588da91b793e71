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

#include "AttentionTiles.h"
#include "Kernels.h"
#include "QueryBlocks.h"
#include "TileSizes.h"
#include "VectorMath.h"

#include <cmath>
#include <limits>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

/// Rows that go through a block of keys together.
constexpr int64_t kTileRows = BFloat16Tiles::kBlock;
/// Keys of a block: the scores of a tile, their weights, and what they are
/// multiplied with stay in the first-level cache.
constexpr int64_t kBlockKeys = 256;
constexpr int64_t kSplitBlockKeys = 128;
constexpr int64_t kPairKeys = AttentionTiles::kPairKeys;

/// 2^f on 0..1 within 7.5e-5 relative to it, plus half of the last place of a
/// bf16 in 1..2: less its low half, the sum is 2^f rounded to bf16.
constexpr double kExp2ForBf16[] = {0.9999252185627503 + 1.0 / 256,
                                   0.6958335404952162, 0.22606715542544709,
                                   0.078024522642087};

class BFloat16AttentionKernel {
public:
  BFloat16AttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(b, op), tiles(b), factors(b, op, sizes),
        isSplit(factors.isSplit()),
        blockKeys(isSplit ? kSplitBlockKeys : kBlockKeys),
        factor(op.changesScores() ? 1.0 : getFactor(op)),
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
  static double getFactor(SdpaOp op) {
    double scale = std::abs(op.getScale().convertToDouble());
    return scale == 0 ? 1.0 : scale / std::log(2.0);
  }

  SmallVector<MemRefType> getWorkspace() const {
    auto memref = [&](ArrayRef<int64_t> shape) {
      return MemRefType::get(shape, b.getF32Type());
    };
    SmallVector<MemRefType> types = factors.getWorkspace(blockRows, blockKeys);
    types.append(
        {tiles.memoryOf({blockKeys / kPairKeys, 2 * factors.getParts()}),
         memref({blockKeys / kPairKeys, kTileRows, kPairKeys}),
         memref({blockRows, factors.valuePairs * BFloat16Tiles::kBlock}),
         memref({blockRows}), memref({blockRows, kHalf}),
         memref({kTileRows, kHalf}), memref({kTileRows})});
    return types;
  }

  void setMemory(ValueRange memory) {
    factors.setMemory(memory.take_front(3));
    Value *places[] = {&weights,    &scores,  &sums,       &bases,
                       &weightSums, &largest, &corrections};
    for (auto [place, memref] : llvm::zip_equal(places, memory.drop_front(3)))
      *place = memref;
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
      firstKey = first;
      keyCount = b.min(b.sub(visible.end, first), b.index(blockKeys));
      Value firstPair = b.index(0);
      if (op.isBoundBefore())
        firstPair = b.div(b.max(b.sub(visible.begin, first), b.index(0)),
                          b.index(kPairKeys));
      AttentionTiles::Block block = {*scope, firstKey, keyCount, firstPair};
      Value ofKeys = factors.emitKeys(block, tiles.noMagnitude());
      if (isSplit)
        hasSpecialScores =
            arith::OrIOp::create(b, ofQueries, tiles.isSpecial(ofKeys));
      Value ofValues = factors.emitValues(block, tiles.noMagnitude(),
                                          mattersWhetherSpecial());
      if (mattersWhetherSpecial())
        hasSpecialValues = tiles.isSpecial(ofValues);
      b.forLoop(b.index(0), count, kTileRows, [&](Value row) {
        firstRow = row;
        tileRows = b.min(b.sub(count, row), b.index(kTileRows));
        IndexRange visible = getVisible(b.index(0), getLast(tileRows));
        b.ifThen(b.isLess(visible.begin, visible.end),
                 [&] { emitTile(visible); });
      });
    });
    b.forLoop(b.index(0), count, 1, [&](Value row) { emitFinish(row); });
  }

  Value getLast(Value size) { return b.sub(size, b.index(1)); }

  /// The keys of the block of keys that the queries of the rows first..last of
  /// the tile see; for rows past the last, what the last one sees.
  IndexRange getVisible(Value first, Value last) {
    auto queryOf = [&](Value row) {
      return b.add(firstQuery, b.add(firstRow, b.min(row, getLast(tileRows))));
    };
    return scope->getVisible(queryOf(first), queryOf(last), firstKey, keyCount);
  }
  IndexRange getVisible(Value row) { return getVisible(row, row); }

  /// Starts a row with its query, past the last one with that.
  Value emitStart(Value row, Value magnitude) {
    for (Chunk chunk : b.chunks(factors.valuePairs * BFloat16Tiles::kBlock))
      b.store(b.splat(chunk.lanes, 0.0), sums, {row, b.index(chunk.offset)});
    // Not -∞: scores may be so, and -∞ less -∞ is no number.
    b.storeScalar(b.scalar(std::numeric_limits<float>::lowest()), bases, {row});
    b.store(b.splat(kHalf, 0.0), weightSums, {row, b.index(0)});
    Value query = b.add(firstQuery, b.min(row, getLast(count)));
    return factors.emitQuery(*scope, query, row, magnitude);
  }

  /// Whether ∞ and NaN among the values need another way.
  bool mattersWhetherSpecial() { return op.isBanded() || isSplit; }

  /// All that is to do for the tile's rows and the block of keys.
  void emitTile(IndexRange visible) {
    IndexRange pairs = {b.div(visible.begin, b.index(kPairKeys)),
                        b.ceilDiv(visible.end, kPairKeys)};
    if (isSplit)
      b.ifElse(
          hasSpecialScores,
          [&] {
            emitSingleScores(
                {b.mul(pairs.begin, b.index(kPairKeys)),
                 b.min(b.mul(pairs.end, b.index(kPairKeys)), keyCount)});
          },
          [&] { emitScores(pairs); });
    else
      emitScores(pairs);
    emitSoftmax(pairs);
    if (!mattersWhetherSpecial())
      return emitWeightedSums(pairs);

    // What a row does not see has weight 0. But 0 times ∞ is not 0: then only
    // keys that all rows see go together.
    b.ifElse(
        hasSpecialValues,
        [&] {
          if (isSplit)
            return b.forLoop(b.index(0), tileRows, 1, [&](Value i) {
              emitSingleSums(i, getVisible(i));
            });
          Value begin =
              b.ceilDiv(getVisible(getLast(tileRows)).begin, kPairKeys);
          Value end = b.div(getVisible(b.index(0)).end, b.index(kPairKeys));
          IndexRange common = {begin, b.max(begin, end)};
          emitWeightedSums(common);
          emitSingleSums({b.mul(common.begin, b.index(kPairKeys)),
                          b.mul(common.end, b.index(kPairKeys))});
        },
        [&] { emitWeightedSums(pairs); });
  }

  /// scores = queries · keysᵀ, not yet scaled.
  void emitScores(IndexRange pairs) {
    Value tile = b.div(firstRow, b.index(kTileRows));
    b.forLoop(pairs.begin, pairs.end, 1, [&](Value pair) {
      auto placeOfQueries = [&](Value k, Value half) -> SmallVector<Value> {
        return {tile, k, half};
      };
      auto placeOfKeys = [&](Value k, Value half) -> SmallVector<Value> {
        return {pair, k, half};
      };
      tiles.multiply({{factors.queries, placeOfQueries},
                      {factors.keys, placeOfKeys},
                      b.index(factors.keySteps),
                      tileRows,
                      scores,
                      {pair, b.index(0), b.index(0)},
                      /*isFirst=*/true,
                      isSplit});
    });
  }

  /// The same one by one, for some keys.
  void emitSingleScores(IndexRange keys) {
    auto emitScore = [&](Value i, Value key) {
      Value query = b.add(firstQuery, b.add(firstRow, i));
      Value score = b.scalar(0.0);
      for (Chunk chunk : b.chunks(sizes.keySize)) {
        Value offset = b.index(chunk.offset);
        Value product = arith::MulFOp::create(
            b,
            b.load(op.getQuery(), scope->atQuery(query, offset), chunk.lanes),
            b.load(op.getKey(), scope->atKey(b.add(firstKey, key), offset),
                   chunk.lanes));
        score = arith::AddFOp::create(b, score, b.sumLanes(product));
      }
      b.storeScalar(
          factors.emitSign(score), scores,
          {b.div(key, b.index(kPairKeys)), i, b.rem(key, b.index(kPairKeys))});
    };
    b.forLoop(b.index(0), tileRows, 1, [&](Value i) {
      b.forLoop(keys.begin, keys.end, 1, [&](Value key) { emitScore(i, key); });
    });
  }

  /// Turns the scores of the tile into weights: one step of online softmax
  /// (Milakov and Gimelshein, 2018), whose base is the largest score so far.
  /// Its weight, which counts most, is then 1, and not rounded.
  void emitSoftmax(IndexRange pairs) {
    IndexRange columns = {b.mul(pairs.begin, b.index(kPairKeys)),
                          b.mul(pairs.end, b.index(kPairKeys))};
    // Before the padding: a cap would make a number of -∞.
    if (op.changesScores())
      forTileRows([&](Value i) { emitMask(i, pairs); });
    Value isPadded = b.isLess(getVisible(b.index(0)).end, columns.end);
    if (op.isBoundBefore())
      isPadded = arith::OrIOp::create(
          b, isPadded,
          b.isLess(columns.begin, getVisible(getLast(tileRows)).begin));
    b.ifThen(isPadded,
             [&] { forTileRows([&](Value i) { emitPadding(i, columns); }); });
    forTileRows([&](Value i) { emitLargest(i, pairs); });
    Value exceeds = emitBases(0);
    exceeds = arith::OrIOp::create(b, exceeds, emitBases(kHalf));
    b.ifThen(exceeds,
             [&] { forTileRows([&](Value i) { emitCorrection(i); }); });
    forTileRows([&](Value i) { emitWeights(i, pairs); });
  }

  void forTileRows(llvm::function_ref<void(Value)> body) {
    b.forLoop(b.index(0), b.index(kTileRows), 1, body);
  }

  /// Writes -∞ over the scores of `columns` that row `i` does not see.
  void emitPadding(Value i, IndexRange columns) {
    IndexRange visible = getVisible(i);
    Value excluded = b.splat(kHalf, -INFINITY);
    auto placeOf = [&](Value column) {
      return SmallVector<Value>{b.div(column, b.index(kPairKeys)), i,
                                b.rem(column, b.index(kPairKeys))};
    };
    if (op.isBoundBefore())
      b.forLoop(columns.begin, visible.begin, kHalf, [&](Value column) {
        SmallVector<Value> place = placeOf(column);
        Value before = b.mask(kHalf, b.sub(visible.begin, column));
        Value old = b.load(scores, place, kHalf);
        b.store(arith::SelectOp::create(b, before, excluded, old), scores,
                place);
      });
    b.forLoop(b.roundDown(visible.end, kHalf), columns.end, kHalf,
              [&](Value column) {
                SmallVector<Value> place = placeOf(column);
                Value inside = b.maskBefore(kHalf, column, visible.end);
                Value old = b.load(scores, place, kHalf);
                b.store(arith::SelectOp::create(b, inside, old, excluded),
                        scores, place);
              });
  }

  /// Scales and caps the scores of row `i` and adds the mask.
  void emitMask(Value i, IndexRange pairs) {
    Value query = b.add(firstRow, b.min(i, getLast(tileRows)));
    Value visible = getVisible(i).end;
    b.forLoop(pairs.begin, pairs.end, 1, [&](Value pair) {
      for (int64_t offset = 0; offset < kPairKeys; offset += kHalf) {
        Value key = b.add(b.mul(pair, b.index(kPairKeys)), b.index(offset));
        Value place[] = {pair, i, b.index(offset)};
        Value scaled = arith::MulFOp::create(b, b.load(scores, place, kHalf),
                                             b.splat(kHalf, getFactor(op)));
        Value masked = scope->applyMask(scaled, b.add(firstQuery, query),
                                        b.add(firstKey, key),
                                        b.max(b.sub(visible, key), b.index(0)));
        b.store(masked, scores, place);
      }
    });
  }

  /// The scores of row `i` and one half of a pair of tiles.
  Value loadScores(Value i, Value pair, int64_t half) {
    return b.load(scores, {pair, i, b.index(half * kHalf)}, kHalf);
  }

  /// Leaves the largest scores of row `i` in its first lanes. NaNs are passed
  /// over.
  void emitLargest(Value i, IndexRange pairs) {
    SmallVector<Value> halves(2, b.splat(kHalf, -INFINITY));
    halves = b.forLoop(
        pairs.begin, pairs.end, 1, halves,
        [&](Value pair, KernelBuilder::Values carried) {
          SmallVector<Value> next;
          for (int64_t half = 0; half < 2; ++half)
            next.push_back(b.larger(loadScores(i, pair, half), carried[half]));
          return next;
        });
    b.store(b.larger(halves[0], halves[1]), largest, {i, b.index(0)});
  }

  /// Raises the bases of the rows first..first+15 of the tile to their largest
  /// scores. Gives whether any has changed.
  Value emitBases(int64_t first) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < kHalf; ++i)
      rows.push_back(b.load(largest, {b.index(first + i), b.index(0)}, kHalf));
    Value scaled = arith::MulFOp::create(b, b.maxLanesOfEach(rows),
                                         b.splat(kHalf, factor));
    Value row = b.add(firstRow, b.index(first));
    Value old = b.load(bases, {row}, kHalf);
    Value base = b.larger(scaled, old);
    b.store(base, bases, {row});
    b.store(b.exp2(arith::SubFOp::create(b, old, base)), corrections,
            {b.index(first)});
    Value isNew =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, old, base);
    return vector::ReductionOp::create(b, vector::CombiningKind::OR, isNew);
  }

  void emitCorrection(Value i) {
    Value row = b.add(firstRow, i);
    Value correction = b.splat(kHalf, b.loadScalar(corrections, {i}));
    auto correct = [&](Value memref, int64_t offset) {
      SmallVector<Value> place = {row, b.index(offset)};
      Value sum = b.load(memref, place, kHalf);
      b.store(arith::MulFOp::create(b, sum, correction), memref, place);
    };
    correct(weightSums, 0);
    for (int64_t offset = 0; offset < sizes.valueSize; offset += kHalf)
      correct(sums, offset);
  }

  void emitWeights(Value i, IndexRange pairs) {
    Value row = b.add(firstRow, i);
    Value base =
        b.splat(kHalf, arith::NegFOp::create(b, b.loadScalar(bases, {row})));
    auto weigh = [&](Value pair, int64_t half) {
      Value score =
          b.fma(loadScores(i, pair, half), b.splat(kHalf, factor), base);
      return isSplit ? b.exp2(score) : emitAvx512Exp2(b, score, kExp2ForBf16);
    };
    auto storeRow = [&](Value both, Value pair, size_t part) {
      tiles.storeRow(both, weights,
                     {pair, tiles.tileOf(part, b.div(i, b.index(kHalf))),
                      b.rem(i, b.index(kHalf))});
    };
    SmallVector<Value> place = {row, b.index(0)};
    Value sum = b.forLoop(
        pairs.begin, pairs.end, 1, {b.load(weightSums, place, kHalf)},
        [&](Value pair, KernelBuilder::Values carried) {
          Value halves[] = {weigh(pair, 0), weigh(pair, 1)};
          if (!isSplit) {
            Value both = tiles.pairHighHalves(halves[0], halves[1]);
            storeRow(both, pair, 0);
            // What is summed are the rounded weights: an error that all of them
            // share cancels.
            return SmallVector<Value>{tiles.addPairs(carried[0], both)};
          }
          for (auto [part, both] :
               llvm::enumerate(tiles.splitPairs(halves[0], halves[1])))
            storeRow(both, pair, part);
          Value both = arith::AddFOp::create(b, halves[0], halves[1]);
          return SmallVector<Value>{arith::AddFOp::create(b, carried[0], both)};
        })[0];
    b.store(sum, weightSums, place);
  }

  /// sums += weights · values, of these pairs of tiles of keys.
  void emitWeightedSums(IndexRange pairs) {
    Value count = b.sub(pairs.end, pairs.begin);
    b.forLoop(b.index(0), b.index(factors.valuePairs), 1, [&](Value place) {
      Value column = b.mul(place, b.index(BFloat16Tiles::kBlock));
      auto placeOfWeights = [&](Value k, Value half) -> SmallVector<Value> {
        return {b.add(k, pairs.begin), half};
      };
      auto placeOfValues = [&](Value k, Value half) -> SmallVector<Value> {
        return {b.add(k, pairs.begin), place, half};
      };
      tiles.multiply({{weights, placeOfWeights},
                      {factors.values, placeOfValues},
                      count,
                      tileRows,
                      sums,
                      {firstRow, column},
                      /*isFirst=*/false,
                      isSplit});
    });
  }

  /// The same one row at a time, for the keys outside of `common`.
  void emitSingleSums(IndexRange common) {
    b.forLoop(b.index(0), tileRows, 1, [&](Value i) {
      IndexRange seen = getVisible(i);
      if (op.isBoundBefore())
        emitSingleSums(i, {seen.begin, b.min(common.begin, seen.end)});
      if (op.isBoundAfter())
        emitSingleSums(i, {common.end, seen.end});
    });
  }

  void emitSingleSums(Value i, IndexRange keys) {
    Value row = b.add(firstRow, i);
    b.forLoop(keys.begin, keys.end, 1, [&](Value key) {
      Value inPair = b.rem(key, b.index(kPairKeys));
      Value lane = b.add(b.mul(b.rem(inPair, b.index(kHalf)), b.index(2)),
                         b.div(inPair, b.index(kHalf)));
      Value weight;
      for (int64_t part = 0; part < factors.getParts(); ++part) {
        Value number =
            b.loadScalar(weights, {b.div(key, b.index(kPairKeys)),
                                   tiles.tileOf(part, b.div(i, b.index(kHalf))),
                                   b.rem(i, b.index(kHalf)), lane});
        weight = part ? arith::AddFOp::create(b, weight, number).getResult()
                      : number;
      }
      for (Chunk chunk : b.chunks(sizes.valueSize)) {
        Value offset = b.index(chunk.offset);
        Value value =
            b.load(op.getValue(), scope->atKey(b.add(firstKey, key), offset),
                   chunk.lanes);
        b.store(b.fma(b.splat(chunk.lanes, weight), value,
                      b.load(sums, {row, offset}, chunk.lanes)),
                sums, {row, offset});
      }
    });
  }

  void emitFinish(Value row) {
    Value query = b.add(firstQuery, row);
    Value sum = b.sumLanes(b.load(weightSums, {row, b.index(0)}, kHalf));
    Value sink = scope->getSink(query);
    Value inverse = sink ? emitInverse(b, sum, b.loadScalar(bases, {row}), sink)
                         : emitInverse(b, sum);
    for (Chunk chunk : b.chunks(sizes.valueSize)) {
      Value offset = b.index(chunk.offset);
      Value result =
          arith::MulFOp::create(b, b.load(sums, {row, offset}, chunk.lanes),
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
  /// Whether numbers are f32, in parts.
  bool isSplit;
  /// Most keys of a block.
  int64_t blockKeys;
  /// What makes scores in units of log 2 of those in memory.
  double factor;
  /// Most queries of a task: the more, the fewer times keys are laid out.
  int64_t blockRows;
  /// Memory: [keys / 32, 2 · parts] tiles.
  Value weights;
  /// Memory of f32: [32, keys], [rows, value size], [rows], lane by lane
  /// [rows, 16] and [32, 16], and [32].
  Value scores, sums, bases, weightSums, largest, corrections;
  // Of the task that is being written, its block of keys, and its tile.
  Value firstQuery, count, firstKey, keyCount;
  /// Whether there is any ∞ or NaN among the queries and these keys, and among
  /// the values; where that matters.
  Value hasSpecialScores, hasSpecialValues;
  Value firstRow, tileRows;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitBFloat16Attention(KernelBuilder &b, SdpaOp op) {
  BFloat16AttentionKernel(b, op).emit();
}
