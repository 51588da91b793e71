// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TileSoftmax.h"
#include "InstructionSet.h"
#include "VectorMath.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr int64_t kTileRows = AttentionTile::kRows;
static constexpr int64_t kHalf = AttentionTiles::kHalf;
static constexpr int64_t kPairKeys = AttentionTiles::kPairKeys;

/// 2^f on 0..1 within 7.5e-5 relative to it, plus half of the last place of a
/// bf16 in 1..2: less its low half, the sum is 2^f rounded to bf16.
static constexpr double kExp2ForBf16[] = {
    0.9999252185627503 + 1.0 / 256, 0.6958335404952162, 0.22606715542544709,
    0.078024522642087};

static double getFactor(SdpaOp op) {
  double scale = std::abs(op.getScale().convertToDouble());
  return scale == 0 ? 1.0 : scale / std::log(2.0);
}

IndexRange AttentionTile::getVisible(Value first, Value last) const {
  auto queryOf = [&](Value row) {
    return b.add(firstQuery, b.add(firstRow, b.min(row, getLastRow())));
  };
  return keys.scope.getVisible(queryOf(first), queryOf(last), keys.firstKey,
                               keys.count);
}

TileSoftmax::TileSoftmax(KernelBuilder &b, SdpaOp op,
                         const AttentionSizes &sizes,
                         const AttentionTiles &factors)
    : b(b), op(op), sizes(sizes), factors(factors), tiles(b),
      factor(op.changesScores() ? 1.0 : getFactor(op)) {}

SmallVector<MemRefType> TileSoftmax::getWorkspace(int64_t blockRows,
                                                  int64_t blockKeys) const {
  auto memref = [&](ArrayRef<int64_t> shape) {
    return MemRefType::get(shape, b.getF32Type());
  };
  return {tiles.memoryOf({blockKeys / kPairKeys, 2 * factors.getParts()}),
          memref({blockKeys / kPairKeys, kTileRows, kPairKeys}),
          memref({blockRows, factors.valuePairs * BFloat16Tiles::kBlock}),
          memref({blockRows}),
          memref({blockRows, kHalf}),
          memref({kTileRows, kHalf}),
          memref({kTileRows})};
}

void TileSoftmax::setMemory(ValueRange memory) {
  Value *places[] = {&weights,    &scores,  &sums,       &bases,
                     &weightSums, &largest, &corrections};
  for (auto [place, memref] : llvm::zip_equal(places, memory))
    *place = memref;
}

void TileSoftmax::emitStart(Value row) {
  for (Chunk chunk : b.chunks(factors.valuePairs * BFloat16Tiles::kBlock))
    b.store(b.splat(chunk.lanes, 0.0), sums, {row, b.index(chunk.offset)});
  // Not -∞: scores may be so, and -∞ less -∞ is no number.
  b.storeScalar(b.scalar(std::numeric_limits<float>::lowest()), bases, {row});
  b.store(b.splat(kHalf, 0.0), weightSums, {row, b.index(0)});
}

void TileSoftmax::emit(const AttentionTile &tile, IndexRange pairs) {
  IndexRange columns = {b.mul(pairs.begin, b.index(kPairKeys)),
                        b.mul(pairs.end, b.index(kPairKeys))};
  // Before the padding: a cap would make a number of -∞.
  if (op.changesScores())
    forTileRows([&](Value i) { emitMask(tile, i, pairs); });
  Value isPadded = b.isLess(tile.getVisible(b.index(0)).end, columns.end);
  if (op.isBoundBefore())
    isPadded = arith::OrIOp::create(
        b, isPadded,
        b.isLess(columns.begin, tile.getVisible(tile.getLastRow()).begin));
  b.ifThen(isPadded, [&] {
    forTileRows([&](Value i) { emitPadding(tile, i, columns); });
  });
  forTileRows([&](Value i) { emitLargest(i, pairs); });
  Value exceeds = emitBases(tile, 0);
  exceeds = arith::OrIOp::create(b, exceeds, emitBases(tile, kHalf));
  b.ifThen(exceeds,
           [&] { forTileRows([&](Value i) { emitCorrection(tile, i); }); });
  forTileRows([&](Value i) { emitWeights(tile, i, pairs); });
}

void TileSoftmax::forTileRows(llvm::function_ref<void(Value)> body) {
  b.forLoop(b.index(0), b.index(kTileRows), 1, body);
}

void TileSoftmax::emitPadding(const AttentionTile &tile, Value i,
                              IndexRange columns) {
  IndexRange visible = tile.getVisible(i);
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
      b.store(arith::SelectOp::create(b, before, excluded, old), scores, place);
    });
  b.forLoop(b.roundDown(visible.end, kHalf), columns.end, kHalf,
            [&](Value column) {
              SmallVector<Value> place = placeOf(column);
              Value inside = b.maskBefore(kHalf, column, visible.end);
              Value old = b.load(scores, place, kHalf);
              b.store(arith::SelectOp::create(b, inside, old, excluded), scores,
                      place);
            });
}

void TileSoftmax::emitMask(const AttentionTile &tile, Value i,
                           IndexRange pairs) {
  Value query = b.add(tile.firstRow, b.min(i, tile.getLastRow()));
  Value visible = tile.getVisible(i).end;
  b.forLoop(pairs.begin, pairs.end, 1, [&](Value pair) {
    for (int64_t offset = 0; offset < kPairKeys; offset += kHalf) {
      Value key = b.add(b.mul(pair, b.index(kPairKeys)), b.index(offset));
      Value place[] = {pair, i, b.index(offset)};
      Value scaled = arith::MulFOp::create(b, b.load(scores, place, kHalf),
                                           b.splat(kHalf, getFactor(op)));
      Value masked = tile.keys.scope.applyMask(
          scaled, b.add(tile.firstQuery, query), b.add(tile.keys.firstKey, key),
          b.max(b.sub(visible, key), b.index(0)));
      b.store(masked, scores, place);
    }
  });
}

Value TileSoftmax::loadScores(Value i, Value pair, int64_t half) {
  return b.load(scores, {pair, i, b.index(half * kHalf)}, kHalf);
}

void TileSoftmax::emitLargest(Value i, IndexRange pairs) {
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

Value TileSoftmax::emitBases(const AttentionTile &tile, int64_t first) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < kHalf; ++i)
    rows.push_back(b.load(largest, {b.index(first + i), b.index(0)}, kHalf));
  Value scaled =
      arith::MulFOp::create(b, b.maxLanesOfEach(rows), b.splat(kHalf, factor));
  Value row = b.add(tile.firstRow, b.index(first));
  Value old = b.load(bases, {row}, kHalf);
  Value base = b.larger(scaled, old);
  b.store(base, bases, {row});
  b.store(b.exp2(arith::SubFOp::create(b, old, base)), corrections,
          {b.index(first)});
  Value isNew = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, old, base);
  return vector::ReductionOp::create(b, vector::CombiningKind::OR, isNew);
}

void TileSoftmax::emitCorrection(const AttentionTile &tile, Value i) {
  Value row = b.add(tile.firstRow, i);
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

void TileSoftmax::emitWeights(const AttentionTile &tile, Value i,
                              IndexRange pairs) {
  Value row = b.add(tile.firstRow, i);
  Value base =
      b.splat(kHalf, arith::NegFOp::create(b, b.loadScalar(bases, {row})));
  auto weigh = [&](Value pair, int64_t half) {
    Value score =
        b.fma(loadScores(i, pair, half), b.splat(kHalf, factor), base);
    return factors.isSplit() ? b.exp2(score)
                             : emitAvx512Exp2(b, score, kExp2ForBf16);
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
        if (!factors.isSplit()) {
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

Value TileSoftmax::getInverse(AttentionScope &scope, Value query, Value row) {
  Value sum = b.sumLanes(b.load(weightSums, {row, b.index(0)}, kHalf));
  Value sink = scope.getSink(query);
  return sink ? emitInverse(b, sum, b.loadScalar(bases, {row}), sink)
              : emitInverse(b, sum);
}
