// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of bf16 of a few rows, by vectors: of a weight as it is, and, where
// there is AMX, of one in tiles. Whole tiles would be no slower to multiply,
// but what takes the time then is to read the weight: vectors read it line by
// line, in an order that the processor foresees.

#include "BFloat16Product.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kLanes = BFloat16Tiles::kRows;
static constexpr int64_t kDepth = BFloat16Tiles::kDepth;
static constexpr int64_t kBlock = BFloat16Tiles::kBlock;

/// Vectors side by side, of a weight as it is.
static constexpr int64_t kWideVectors = 8;

//===----------------------------------------------------------------------===//
// Weights as they are
//===----------------------------------------------------------------------===//

void BFloat16Product::emitFewRows() {
  width = kWideVectors * kLanes;
  Value work = b.mul(rows, b.index(operands.depth * operands.columns));
  b.parallelFor(b.index(llvm::divideCeil(operands.columns, width)), work,
                [&](Value task) {
                  Value first = b.mul(task, b.index(width));
                  b.forLoop(b.index(0), rows, 1, [&](Value row) {
                    for (auto [i, sum] : llvm::enumerate(
                             emitRowSums(row, first, kWideVectors))) {
                      Value column = b.add(
                          first, b.index(static_cast<int64_t>(i) * kLanes));
                      emitEpilogue(sum, loadBias(column), row, column);
                    }
                  });
                });
}

SmallVector<Value> BFloat16Product::emitRowSums(Value row, Value column,
                                                int64_t vectors) {
  if (!b.getTarget().hasTiles())
    return emitRowSumsOfPairs(row, column, vectors);
  auto columnAt = [&](int64_t i) { return b.add(column, b.index(i * kLanes)); };
  /// sums += input[row, k] · weight[k, ...]
  auto multiply = [&](MutableArrayRef<Value> sums, Value k) {
    Value factor = b.splat(kLanes, loadFactor(row, k));
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value at = columnAt(static_cast<int64_t>(i));
      Value weight = loadInside(operands.weight, {k, at}, at);
      sum = b.fma(factor, weight, sum);
    }
  };
  return emitSumsLikeAmx(b, operands.depth, vectors, vectors, multiply);
}

SmallVector<Value> BFloat16Product::emitRowSumsOfPairs(Value row, Value column,
                                                       int64_t vectors) {
  /// Adds products with rows k and k + 1 of the weight, or only k.
  auto addPair = [&](Value k, int64_t size, ArrayRef<Value> sums) {
    Value factors = broadcastPair(
        b, tiles.loadPadded(operands.input, {row, k}, 2, b.index(size)));
    SmallVector<Value> next;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value at = b.add(column, b.index(static_cast<int64_t>(i) * kLanes));
      Value inside = b.index(kLanes);
      if (reachesPast())
        inside = b.max(b.sub(b.index(operands.columns), at), b.index(0));
      auto loadRow = [&](Value k, Value inside) {
        return tiles.loadPadded(operands.weight, {k, at}, kLanes, inside);
      };
      Value other = size == 2 ? loadRow(b.add(k, b.index(1)), inside)
                              : loadRow(k, b.index(0));
      next.push_back(emitBFloat16Dot(
          b, sum, tiles.pair(loadRow(k, inside), other), factors));
    }
    return next;
  };
  SmallVector<Value> sums(vectors, b.splat(kLanes, 0.0));
  int64_t whole = operands.depth / 2 * 2;
  sums = b.forLoop(b.index(0), b.index(whole), 2, sums,
                   [&](Value k, KernelBuilder::Values carried) {
                     return addPair(k, 2, carried);
                   });
  return whole < operands.depth ? addPair(b.index(whole), 1, sums) : sums;
}

Value BFloat16Product::loadFactor(Value row, Value k) {
  Value factor = b.loadScalar(operands.input, {row, k});
  if (typeOf(operands.input).getElementType().isBF16())
    return factor;
  Value rounded = arith::TruncFOp::create(b, b.getBF16Type(), factor);
  return arith::ExtFOp::create(b, b.getF32Type(), rounded);
}

//===----------------------------------------------------------------------===//
// Weights in tiles
//===----------------------------------------------------------------------===//

void BFloat16Product::emitByRows(Value row, Value endRow, Value panel,
                                 Value endPanel,
                                 llvm::function_ref<void()> emitInTiles) {
  if (!factorMemory)
    return emitInTiles();
  b.ifElse(
      b.isLess(b.sub(endRow, row), b.index(kMostVectorRows + 1)),
      [&] { emitInVectors(row, endRow, panel, endPanel); }, emitInTiles);
}

void BFloat16Product::emitInVectors(Value row, Value endRow, Value panel,
                                    Value endPanel) {
  Value count = b.sub(endRow, row), leastFactor = emitFactors(row, count);
  firstSumRow = row;
  b.forLoop(panel, endPanel, 1, [&](Value panel) {
    firstPanel = panel;
    Value leastWeight = emitSumsOfPanel(count, panel);
    b.ifElse(
        tiles.areProductsNormal(leastFactor, leastWeight),
        [&] { emitEpilogues(row, count, panel); },
        [&] {
          isSecondTime = true;
          emitPanels(row, endRow, panel, b.add(panel, b.index(1)));
          isSecondTime = false;
        });
  });
}

Value BFloat16Product::emitFactors(Value row, Value count) {
  auto type = VectorType::get({kDepth}, b.getF32Type());
  auto emitStep = [&](Value place, Value step, Value least) {
    Value at = b.add(row, place), k = b.mul(step, b.index(kDepth));
    Value numbers =
        isInTiles(operands.input)
            ? vector::LoadOp::create(b, type.clone(b.getBF16Type()),
                                     operands.input, placeInTiles(at, k))
            : loadDepth(operands.input, at, step);
    vector::StoreOp::create(b, arith::ExtFOp::create(b, type, numbers),
                            factorMemory, ValueRange{place, k});
    return tiles.leastMagnitude(least, numbers);
  };
  return b.forLoop(b.index(0), count, 1, tiles.noLeast(),
                   [&](Value place, KernelBuilder::Values carried) {
                     return b.forLoop(
                         b.index(0), b.index(steps), 1, carried,
                         [&](Value step, KernelBuilder::Values carried) {
                           return SmallVector<Value>{
                               emitStep(place, step, carried[0])};
                         });
                   })[0];
}

Value BFloat16Product::emitSumsOfPanel(Value count, Value panel, int64_t rows) {
  if (rows == kMostVectorRows)
    return emitSumsOfRows(rows, panel);
  return b.ifElse(
      b.isEqual(count, b.index(rows)), tiles.noLeast().getType(),
      [&] { return SmallVector<Value>{emitSumsOfRows(rows, panel)}; },
      [&] {
        return SmallVector<Value>{emitSumsOfPanel(count, panel, rows + 1)};
      })[0];
}

Value BFloat16Product::emitSumsOfRows(int64_t count, Value panel) {
  constexpr int64_t vectors = kBlock / kLanes;
  auto type = VectorType::get({kDepth}, b.getBF16Type());
  /// The even sums, the odd ones, and the least weight.
  auto multiply = [&](Value step, Value half, Value pair,
                      KernelBuilder::Values carried) {
    SmallVector<Value> next(carried);
    Value pairs =
        vector::LoadOp::create(b, type, operands.weight,
                               ValueRange{panel, step, half, pair, b.index(0)});
    next.back() = tiles.leastMagnitude(next.back(), pairs);
    Value k = b.add(b.mul(step, b.index(kDepth)), b.mul(pair, b.index(2)));
    for (int64_t isOdd = 0; isOdd < 2; ++isOdd) {
      Value weights = tiles.everySecond(pairs, isOdd);
      for (int64_t r = 0; r < count; ++r) {
        Value factor =
            b.loadScalar(factorMemory, {b.index(r), b.add(k, b.index(isOdd))});
        Value &sum = next[isOdd * count + r];
        sum = b.fma(b.splat(kLanes, factor), weights, sum);
      }
    }
    return next;
  };
  /// Adds products with a tile of the panel to its totals.
  auto addTile = [&](Value step, int64_t v, MutableArrayRef<Value> totals,
                     Value &least) {
    Value next = b.add(panel, b.index(1));
    b.prefetchTile(operands.weight,
                   {next, step, b.index(v), b.index(0), b.index(0)});
    SmallVector<Value> sums(2 * count, b.splat(kLanes, 0.0));
    sums.push_back(least);
    sums = b.forLoop(b.index(0), b.index(kDepth / 2), 1, sums,
                     [&](Value pair, KernelBuilder::Values carried) {
                       return multiply(step, b.index(v), pair, carried);
                     });
    addStepLikeAmx(b, ArrayRef(sums).drop_back(), totals);
    least = sums.back();
  };
  SmallVector<Value> totals(vectors * count, b.splat(kLanes, 0.0));
  totals.push_back(tiles.noLeast());
  // In the order of emitSumsLikeAmx, which carries nothing but sums; one tile
  // after the other, as they are in memory.
  totals = b.forLoop(b.index(0), b.index(steps), 1, totals,
                     [&](Value step, KernelBuilder::Values carried) {
                       SmallVector<Value> next(carried);
                       for (int64_t v = 0; v < vectors; ++v)
                         addTile(step, v,
                                 MutableArrayRef(next).slice(v * count, count),
                                 next.back());
                       return next;
                     });
  for (int64_t v = 0; v < vectors; ++v)
    for (int64_t r = 0; r < count; ++r)
      b.store(totals[v * count + r], sumMemory,
              {b.index(0), b.index(r), b.index(v * kLanes)});
  return totals.back();
}
