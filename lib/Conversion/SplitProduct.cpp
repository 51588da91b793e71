// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SplitProduct.h"
#include "TileSizes.h"
#include "TileTasks.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kBlock = BFloat16Tiles::kBlock;
static constexpr int64_t kLanes = BFloat16Tiles::kRows;
static constexpr int64_t kDepth = BFloat16Tiles::kDepth;
/// Tiles of a step: two halves of each part.
static constexpr int64_t kTiles = 2 * kSplitParts;

/// Most steps of a block of the depth: sums wait in memory from one to the
/// next.
static constexpr int64_t kBlockSteps = 16;
/// So many rows are not worth laying out the weight.
static constexpr int64_t kFewRows = 2;

SplitProduct::SplitProduct(KernelBuilder &b, const ProductOperands &operands)
    : b(b), operands(operands), tiles(b), ends(b, operands),
      rows(operands.rows ? operands.rows : b.dim(operands.input, 0)),
      steps(std::max<int64_t>(llvm::divideCeil(operands.depth, kDepth), 1)),
      panels(llvm::divideCeil(operands.columns, kBlock)),
      blockSteps(std::min(steps, kBlockSteps)),
      rowSteps(std::max<int64_t>(
          TileSizes(b.getTarget()).getAmxSteps() / kSplitParts, 1)) {}

bool SplitProduct::canEmit(KernelBuilder &b, const ProductOperands &operands) {
  auto isF32 = [](Value memref) {
    return typeOf(memref).getElementType().isF32();
  };
  return BFloat16Tiles::isSplitFaster(b.getTarget()) &&
         !ShapedType::isDynamic(operands.columns) &&
         !ShapedType::isDynamic(operands.depth) &&
         typeOf(operands.weight).getRank() == 2 && isF32(operands.weight) &&
         isF32(operands.input) && typeOf(operands.input).getRank() == 2;
}

void SplitProduct::emit() {
  // A column's elements are not adjacent, a row's are.
  if (!operands.transposed)
    return emitManyRows();
  Value isFew = b.isLess(rows, b.index(kFewRows + 1));
  b.ifElse(isFew, [&] { emitFewRows(); }, [&] { emitManyRows(); });
}

Value SplitProduct::loadWeight(Value k, Value column) {
  Value inside = b.index(kLanes);
  if (operands.columns % kLanes)
    inside = b.min(b.sub(b.index(operands.columns), column), inside);
  return tiles.loadNumbers(operands.weight, {k, column}, inside);
}

//===----------------------------------------------------------------------===//
// Few rows
//===----------------------------------------------------------------------===//

void SplitProduct::emitFewRows() {
  Value work = b.mul(rows, b.index(operands.depth * operands.columns));
  b.parallelFor(b.index(panels), work, [&](Value panel) {
    for (int64_t half = 0; half < 2; ++half) {
      Value column =
          b.add(b.mul(panel, b.index(kBlock)), b.index(half * kLanes));
      b.ifThen(b.isLess(column, b.index(operands.columns)), [&] {
        b.forLoop(b.index(0), rows, 1, [&](Value row) {
          Value sum = emitChecked(emitRowSum(row, column), row, column);
          ends.emitEpilogue(sum, ends.loadBias(column), row, column);
        });
      });
    }
  });
}

Value SplitProduct::emitRowSum(Value row, Value column) {
  auto multiply = [&](MutableArrayRef<Value> sums, Value k) {
    Value factor = b.splat(kLanes, b.loadScalar(operands.input, {row, k}));
    auto left = tiles.split(factor), right = tiles.split(loadWeight(k, column));
    for (auto [sum, parts] : llvm::zip_equal(sums, kSplitProducts))
      sum = b.fma(left[parts.first], right[parts.second], sum);
  };
  return emitSumsLikeAmx(b, operands.depth, kSplitProducts.size(),
                         /*totals=*/1, multiply)[0];
}

//===----------------------------------------------------------------------===//
// Many rows
//===----------------------------------------------------------------------===//

void SplitProduct::emitManyRows() {
  auto allocate = [&](MemRefType type, ValueRange sizes) -> Value {
    return memref::AllocOp::create(b, type, sizes, b.getI64IntegerAttr(64));
  };
  Value blocks = b.ceilDiv(rows, kBlock);
  constexpr int64_t dynamic = ShapedType::kDynamic;
  rowTiles = allocate(tiles.memoryOf({dynamic, blockSteps, kTiles}), blocks);
  panelTiles = allocate(tiles.memoryOf({panels, blockSteps, kTiles}), {});
  sums = allocate(
      MemRefType::get({dynamic, panels, kBlock, kBlock}, b.getF32Type()),
      blocks);

  TileTasks tasks(b, rows, panels,
                  blockSteps * kTiles * kLanes * kDepth * int64_t(2));
  Value work = b.mul(rows, b.index(operands.depth * operands.columns));
  auto emitBlock = [&](Steps part) {
    b.share(blocks, [&](Value block) { emitLayOutRows(block, part); });
    b.share(b.index(panels), [&](Value panel) {
      if (operands.transposed)
        emitLayOutRowsOfWeight(panel, part);
      else
        emitLayOutColumnsOfWeight(panel, part);
    });
    b.barrier();
    b.share(tasks.getCount(), [&](Value task) {
      tasks.emitTask(task,
                     [&](Value row, Value endRow, Value panel, Value endPanel) {
                       emitTask({b.div(row, b.index(kBlock)),
                                 b.ceilDiv(endRow, kBlock), panel, endPanel},
                                part);
                     });
    });
  };
  b.parallel(work, {}, [&](ValueRange) {
    if (steps == blockSteps)
      return emitBlock({b.index(0), b.index(steps)});
    b.forLoop(b.index(0), b.index(steps), blockSteps, [&](Value first) {
      Value end = b.min(b.add(first, b.index(blockSteps)), b.index(steps));
      emitBlock({first, end});
      b.barrier();
    });
  });
  for (Value memory : {rowTiles, panelTiles, sums})
    memref::DeallocOp::create(b, memory);
}

Value SplitProduct::insideDepth(Value k, int64_t size) {
  if (operands.depth == steps * kDepth)
    return b.index(size);
  return b.min(b.sub(b.index(operands.depth), k), b.index(size));
}

void SplitProduct::emitLayOutRows(Value block, Steps part) {
  Value first = b.mul(block, b.index(kBlock));
  // What the others are goes into sums of theirs alone.
  Value size = b.min(b.sub(rows, first), b.index(kBlock));
  b.forLoop(b.index(0), size, 1, [&](Value i) {
    b.forLoop(part.first, part.end, 1, [&](Value step) {
      Value k = b.mul(step, b.index(kDepth));
      auto row = tiles.loadParts(operands.input, {b.add(first, i), k},
                                 insideDepth(k, kDepth));
      for (auto [index, numbers] : llvm::enumerate(row)) {
        Value tile = tiles.tileOf(index, b.div(i, b.index(kLanes)));
        tiles.storeRow(
            numbers, rowTiles,
            {block, b.sub(step, part.first), tile, b.rem(i, b.index(kLanes))});
      }
    });
  });
}

void SplitProduct::storePairs(Value first, Value second, Value panel,
                              Value step, Value half, Value row) {
  for (auto [part, both] : llvm::enumerate(tiles.splitPairs(first, second)))
    tiles.storeRow(both, panelTiles,
                   {panel, step, tiles.tileOf(part, half), row});
}

void SplitProduct::emitLayOutRowsOfWeight(Value panel, Steps part) {
  auto loadRow = [&](Value k, Value column) {
    Value inside = b.index(kLanes);
    if (operands.columns % kBlock)
      inside = b.min(b.sub(b.index(operands.columns), column), inside);
    if (operands.depth != steps * kDepth)
      inside = arith::SelectOp::create(b, b.isLess(k, b.index(operands.depth)),
                                       inside, b.index(0));
    return tiles.loadNumbers(operands.weight, {k, column}, inside);
  };
  b.forLoop(part.first, part.end, 1, [&](Value step) {
    b.forLoop(b.index(0), b.index(kLanes), 1, [&](Value i) {
      Value k = b.add(b.mul(step, b.index(kDepth)), b.mul(i, b.index(2)));
      for (int64_t half = 0; half < 2; ++half) {
        Value column =
            b.add(b.mul(panel, b.index(kBlock)), b.index(half * kLanes));
        storePairs(loadRow(k, column), loadRow(b.add(k, b.index(1)), column),
                   panel, b.sub(step, part.first), b.index(half), i);
      }
    });
  });
}

void SplitProduct::emitLayOutColumnsOfWeight(Value panel, Steps part) {
  auto emitChunk = [&](Value step, Value chunk, Value half) {
    Value offset = b.mul(chunk, b.index(kLanes));
    Value k = b.add(b.mul(step, b.index(kDepth)), offset);
    Value first =
        b.add(b.mul(panel, b.index(kBlock)), b.mul(half, b.index(kLanes)));
    SmallVector<Value> rows;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      Value column =
          b.min(b.add(first, b.index(lane)), b.index(operands.columns - 1));
      rows.push_back(tiles.loadNumbers(operands.weight, {column, k},
                                       insideDepth(k, kLanes)));
    }
    rows = b.transpose(rows);
    Value row = b.mul(chunk, b.index(kLanes / 2));
    for (int64_t i = 0; i < kLanes / 2; ++i)
      storePairs(rows[2 * i], rows[2 * i + 1], panel, b.sub(step, part.first),
                 half, b.add(row, b.index(i)));
  };
  b.forLoop(part.first, part.end, 1, [&](Value step) {
    b.forLoop(b.index(0), b.index(4), 1, [&](Value place) {
      emitChunk(step, b.rem(place, b.index(2)), b.div(place, b.index(2)));
    });
  });
}

void SplitProduct::emitTask(const Task &task, Steps part) {
  auto forSums = [&](llvm::function_ref<void(Value, Value)> body) {
    b.forLoop(task.block, task.endBlock, 1, [&](Value block) {
      b.forLoop(task.panel, task.endPanel, 1,
                [&](Value panel) { body(block, panel); });
    });
  };
  b.ifThen(b.isLess(part.first, b.index(1)), [&] {
    forSums([&](Value block, Value panel) {
      b.forLoop(b.index(0), b.index(kBlock), 1, [&](Value i) {
        for (int64_t half = 0; half < 2; ++half)
          b.store(b.splat(kLanes, 0.0), sums,
                  {block, panel, i, b.index(half * kLanes)});
      });
    });
  });
  b.forLoop(task.block, task.endBlock, 1, [&](Value block) {
    b.forLoop(part.first, part.end, rowSteps, [&](Value step) {
      Value count = b.min(b.sub(part.end, step), b.index(rowSteps));
      b.forLoop(task.panel, task.endPanel, 1, [&](Value panel) {
        emitSums(block, panel, b.sub(step, part.first), count);
      });
    });
  });
  b.ifThen(b.isLess(b.index(steps - 1), part.end), [&] {
    forSums([&](Value block, Value panel) { emitEpilogue(block, panel); });
  });
}

void SplitProduct::emitSums(Value block, Value panel, Value step, Value count) {
  auto placeOfRows = [&](Value k, Value tile) -> SmallVector<Value> {
    return {block, b.add(step, k), tile};
  };
  auto placeOfWeight = [&](Value k, Value tile) -> SmallVector<Value> {
    return {panel, b.add(step, k), tile};
  };
  BlockProduct product;
  product.left = {rowTiles, placeOfRows};
  product.right = {panelTiles, placeOfWeight, /*isStream=*/true};
  product.steps = count;
  product.rows = b.index(kBlock);
  product.sums = sums;
  product.place = {block, panel, b.index(0), b.index(0)};
  product.isFirst = false;
  product.isSplit = true;
  tiles.multiply(product);
}

void SplitProduct::emitEpilogue(Value block, Value panel) {
  Value first = b.mul(block, b.index(kBlock));
  Value count = b.min(b.sub(rows, first), b.index(kBlock));
  b.forLoop(b.index(0), b.index(2), 1, [&](Value half) {
    Value offset = b.mul(half, b.index(kLanes));
    Value column = b.add(b.mul(panel, b.index(kBlock)), offset);
    b.ifThen(b.isLess(column, b.index(operands.columns)), [&] {
      Value bias = ends.loadBias(column);
      b.forLoop(b.index(0), count, 1, [&](Value i) {
        Value row = b.add(first, i);
        Value sum = b.load(sums, {block, panel, i, offset}, kLanes);
        ends.emitEpilogue(emitChecked(sum, row, column), bias, row, column);
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// ∞ and NaN
//===----------------------------------------------------------------------===//

Value SplitProduct::emitChecked(Value sum, Value row, Value column) {
  // ∞ and NaN times 0 are NaN.
  Value zeros = arith::MulFOp::create(b, sum, b.splat(kLanes, 0.0));
  Value isSpecial =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, zeros, zeros);
  Value any =
      vector::ReductionOp::create(b, vector::CombiningKind::OR, isSpecial);
  return b.ifElse(
      any, sum.getType(),
      [&] { return SmallVector<Value>{emitWhole(row, column)}; },
      [&] { return SmallVector<Value>{sum}; })[0];
}

Value SplitProduct::emitWhole(Value row, Value column) {
  Value end = b.index(operands.depth);
  auto loadFactor = [&](Value k) {
    return b.loadScalar(operands.input, {row, k});
  };
  if (operands.transposed)
    return b.forLoop(b.index(0), end, 1, {b.splat(kLanes, 0.0)},
                     [&](Value k, KernelBuilder::Values carried) {
                       Value factor = b.splat(kLanes, loadFactor(k));
                       return SmallVector<Value>{
                           b.fma(factor, loadWeight(k, column), carried[0])};
                     })[0];
  auto emitLane = [&](Value lane) {
    Value place = b.min(b.add(column, lane), b.index(operands.columns - 1));
    return b.forLoop(b.index(0), end, 1, {b.scalar(0.0)},
                     [&](Value k, KernelBuilder::Values carried) {
                       Value weight = b.loadScalar(operands.weight, {place, k});
                       Value product =
                           arith::MulFOp::create(b, loadFactor(k), weight);
                       return SmallVector<Value>{
                           arith::AddFOp::create(b, carried[0], product)};
                     })[0];
  };
  return b.forLoop(b.index(0), b.index(kLanes), 1, {b.splat(kLanes, 0.0)},
                   [&](Value lane, KernelBuilder::Values carried) {
                     return SmallVector<Value>{vector::InsertOp::create(
                         b, emitLane(lane), carried[0], OpFoldResult(lane))};
                   })[0];
}
