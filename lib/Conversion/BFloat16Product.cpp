// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BFloat16Product.h"
#include "TileSizes.h"
#include "TileTasks.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// Rows and columns of a block, and lanes of a vector.
static constexpr int64_t kBlock = BFloat16Tiles::kBlock;
static constexpr int64_t kLanes = BFloat16Tiles::kRows;
static constexpr int64_t kDepth = BFloat16Tiles::kDepth;

/// So many rows are not worth laying out the weight. They are computed one by
/// one.
static constexpr int64_t kFewRows = 2;
/// Rows whose sums wait for more depth, beside the panels that they meet.
static constexpr int64_t kSumRows = 128;

BFloat16Product::BFloat16Product(KernelBuilder &b,
                                 const ProductOperands &operands)
    : b(b), operands(operands), tiles(b),
      rows(operands.rows ? operands.rows : b.dim(operands.input, 0)),
      steps(llvm::divideCeil(operands.depth, kDepth)),
      panels(llvm::divideCeil(operands.columns, kBlock)),
      blockSteps(b.getTarget().hasTiles()
                     ? TileSizes(b.getTarget()).getAmxSteps()
                     : TileSizes(b.getTarget()).getVectorSteps()),
      sumRows(kBlock) {
  // Vectors take the depth in parts rather than few panels at a time: the rows
  // would be copied anew for each of these.
  if (!b.getTarget().hasTiles() && steps > blockSteps) {
    blockSteps = std::max<int64_t>(blockSteps / 4, 1);
    sumRows = kSumRows;
  }
  mostPanels = TileTasks::getMostPanels(b.getTarget(), panels, getPanelBytes());
}

bool BFloat16Product::canEmit(KernelBuilder &b,
                              const ProductOperands &operands) {
  return BFloat16Tiles::isAvailable(b.getTarget()) &&
         !ShapedType::isDynamic(operands.columns) &&
         !ShapedType::isDynamic(operands.depth) &&
         typeOf(operands.weight).getRank() != 3 &&
         typeOf(operands.weight).getElementType().isBF16() &&
         !typeOf(operands.input).getElementType().isF16();
}

void attn::emitProduct(KernelBuilder &b, const ProductOperands &operands,
                       int64_t mostRows) {
  if (BFloat16Product::canEmit(b, operands))
    BFloat16Product(b, operands).emit();
  else
    MatrixProduct(b, operands).emit(mostRows);
}

bool BFloat16Product::isInTiles(Value matrix) const {
  return typeOf(matrix).getRank() == 5;
}

MemRefType BFloat16Product::getTiles(KernelBuilder &b, int64_t rowBlocks,
                                     int64_t columns) {
  return MemRefType::get(
      {rowBlocks, static_cast<int64_t>(llvm::divideCeil(columns, kBlock)), 2,
       kLanes, kDepth},
      b.getBF16Type());
}

SmallVector<Value> BFloat16Product::placeInTiles(Value row, Value column) {
  if (firstTileRow)
    row = b.sub(row, firstTileRow);
  Value inBlock = b.rem(row, b.index(kBlock));
  return {b.div(row, b.index(kBlock)), b.div(column, b.index(kBlock)),
          b.div(inBlock, b.index(kLanes)), b.rem(inBlock, b.index(kLanes)),
          b.rem(column, b.index(kBlock))};
}

void BFloat16Product::setOutput(Value memory, Value firstRow,
                                Value firstColumn) {
  operands.out = memory;
  firstOutRow = firstRow;
  firstOutColumn = firstColumn;
}

void BFloat16Product::emit() {
  // A column's elements are not adjacent, a row's are.
  if (isInTiles(operands.weight) || !operands.transposed)
    return emitManyRows();
  Value isFew = b.isLess(rows, b.index(kFewRows + 1));
  b.ifElse(isFew, [&] { emitFewRows(); }, [&] { emitManyRows(); });
}

//===----------------------------------------------------------------------===//
// Many rows
//===----------------------------------------------------------------------===//

void BFloat16Product::emitManyRows() {
  width = kBlock;
  TileTasks tasks(b, rows, panels, getPanelBytes());
  Value work = b.mul(rows, b.index(operands.depth * operands.columns));
  b.parallelFor(tasks.getCount(), work, getWorkspace(),
                [&](Value task, ValueRange memory) {
                  setMemory(memory);
                  tasks.emitTask(task, [&](Value row, Value endRow, Value panel,
                                           Value endPanel) {
                    emitByRows(row, endRow, panel, endPanel, [&] {
                      emitPanels(row, endRow, panel, endPanel);
                    });
                  });
                });
}

SmallVector<MemRefType> BFloat16Product::getWorkspace() const {
  SmallVector<MemRefType> types = {
      tiles.memoryOf({blockSteps, 2}),
      MemRefType::get({steps > blockSteps ? mostPanels * sumRows / kBlock : 1,
                       kBlock, kBlock},
                      b.getF32Type())};
  if (!isInTiles(operands.weight))
    types.push_back(tiles.memoryOf({mostPanels, steps, 2}));
  else if (b.getTarget().hasTiles())
    types.push_back(
        MemRefType::get({kMostVectorRows, steps * kDepth}, b.getF32Type()));
  return types;
}

void BFloat16Product::setMemory(ValueRange memory) {
  rowMemory = memory[0];
  sumMemory = memory[1];
  panelMemory = isInTiles(operands.weight) ? operands.weight : memory[2];
  if (isInTiles(operands.weight) && b.getTarget().hasTiles())
    factorMemory = memory[2];
}

void BFloat16Product::emitPart(Value row, Value endRow, Value panel,
                               Value endPanel) {
  emitByRows(row, endRow, panel, endPanel, [&] {
    // Those that stay in the second-level cache while rows go by.
    b.forLoop(panel, endPanel, mostPanels, [&](Value first) {
      emitPanels(row, endRow, first,
                 b.min(b.add(first, b.index(mostPanels)), endPanel));
    });
  });
}

void BFloat16Product::emitPanels(Value row, Value endRow, Value panel,
                                 Value endPanel) {
  firstRow = row;
  firstPanel = panel;
  this->endPanel = endPanel;
  if (!isInTiles(operands.weight))
    emitPack();
  b.forLoop(row, endRow, sumRows, [&](Value first) {
    emitRows(first, b.min(b.add(first, b.index(sumRows)), endRow));
  });
}

void BFloat16Product::emitRows(Value row, Value endRow) {
  firstSumRow = row;
  auto emitBlocks = [&](Value step, int64_t count, bool isLast) {
    if (sumRows == kBlock)
      return emitSteps(row, step, b.index(count), isLast);
    b.forLoop(row, endRow, kBlock, [&](Value block) {
      emitSteps(block, step, b.index(count), isLast);
    });
  };
  int64_t last = std::max<int64_t>(llvm::divideCeil(steps, blockSteps), 1) - 1;
  auto emit = [&](int64_t block) {
    int64_t first = block * blockSteps;
    emitBlocks(b.index(first), std::min(steps - first, blockSteps),
               block == last);
  };
  emit(0);
  if (last > 1)
    b.forLoop(
        b.index(blockSteps), b.index(last * blockSteps), blockSteps,
        [&](Value step) { emitBlocks(step, blockSteps, /*isLast=*/false); });
  if (last > 0)
    emit(last);
}

void BFloat16Product::emitPack() {
  if (operands.transposed)
    return emitPackRows();
  b.forLoop(firstPanel, endPanel, 1,
            [&](Value panel) { emitPackColumns(panel); });
}

void BFloat16Product::emitPackRows() {
  // Elements of two rows alternately: of the first half, and of the second.
  SmallVector<int64_t> lanes[2];
  for (int64_t i = 0; i < kBlock; ++i)
    lanes[i / kLanes].append({i, kBlock + i});
  b.forLoop(b.index(0), b.index(steps), 1, [&](Value step) {
    b.forLoop(b.index(0), b.index(kLanes), 1, [&](Value i) {
      Value k = b.add(b.mul(step, b.index(kDepth)), b.mul(i, b.index(2)));
      // All panels of a row together: they are adjacent there.
      b.forLoop(firstPanel, endPanel, 1, [&](Value panel) {
        Value column = b.mul(panel, b.index(kBlock));
        auto loadRow = [&](Value k) {
          Value inside = b.index(kBlock);
          if (operands.columns % kBlock)
            inside = b.min(b.sub(b.index(operands.columns), column), inside);
          if (operands.depth % kDepth)
            inside = arith::SelectOp::create(
                b, b.isLess(k, b.index(operands.depth)), inside, b.index(0));
          return tiles.loadPadded(operands.weight, {k, column}, kBlock, inside);
        };
        Value even = loadRow(k), odd = loadRow(b.add(k, b.index(1)));
        for (int64_t half = 0; half < 2; ++half)
          tiles.storeRow(vector::ShuffleOp::create(b, even, odd, lanes[half]),
                         panelMemory, {placeOf(panel), step, b.index(half), i});
      });
    });
  });
}

void BFloat16Product::emitPackColumns(Value panel) {
  Value firstColumn = b.mul(panel, b.index(kBlock));
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> columns;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      columns.push_back(b.min(b.add(firstColumn, b.index(half * kLanes + lane)),
                              b.index(operands.columns - 1)));
    b.forLoop(b.index(0), b.index(steps), 1, [&](Value step) {
      SmallVector<Value> rows;
      for (Value column : columns)
        rows.push_back(tiles.asPairs(loadDepth(operands.weight, column, step)));
      for (auto [i, row] : llvm::enumerate(b.transpose(rows)))
        tiles.storeRow(tiles.asNumbers(row), panelMemory,
                       {placeOf(panel), step, b.index(half),
                        b.index(static_cast<int64_t>(i))});
    });
  }
}

Value BFloat16Product::loadDepth(Value memref, Value row, Value step) {
  Value k = b.mul(step, b.index(kDepth)), inside = b.index(kDepth);
  if (operands.depth % kDepth)
    inside = b.min(b.sub(b.index(operands.depth), k), inside);
  return tiles.loadPadded(memref, {row, k}, kDepth, inside);
}

void BFloat16Product::emitCopy(Value row, Value step, Value count, Value memory,
                               ArrayRef<Value> place) {
  // What the others are goes into sums of theirs alone.
  Value size = b.min(b.sub(rows, row), b.index(kBlock));
  b.forLoop(b.index(0), size, 1, [&](Value i) {
    b.forLoop(b.index(0), count, 1, [&](Value k) {
      SmallVector<Value> to(place);
      to.append({k, b.div(i, b.index(kLanes)), b.rem(i, b.index(kLanes))});
      tiles.storeRow(loadDepth(operands.input, b.add(row, i), b.add(step, k)),
                     memory, to);
    });
  });
}

void BFloat16Product::emitToTiles(Value block, Value memory) {
  emitCopy(b.mul(block, b.index(kBlock)), b.index(0), b.index(steps), memory,
           block);
}

void BFloat16Product::emitSteps(Value row, Value step, Value count,
                                bool isLast) {
  bool isReady = isInTiles(operands.input);
  Value rowBlock;
  if (isReady)
    rowBlock = placeInTiles(row, b.index(0))[0];
  else
    emitCopy(row, step, count, rowMemory);
  Value size = b.min(b.sub(rows, row), b.index(kBlock));
  b.forLoop(firstPanel, endPanel, 1, [&](Value panel) {
    Value weightPlace = isInTiles(operands.weight) ? panel : placeOf(panel);
    auto placeOfRows = [&](Value k, Value half) -> SmallVector<Value> {
      if (isReady)
        return {rowBlock, b.add(step, k), half};
      return {k, half};
    };
    auto placeOfWeight = [&](Value k, Value half) -> SmallVector<Value> {
      return {weightPlace, b.add(step, k), half};
    };
    BlockProduct product;
    product.left = {isReady ? operands.input : rowMemory, placeOfRows};
    product.right = {panelMemory, placeOfWeight, /*isStream=*/true};
    product.steps = count;
    product.rows = isSecondTime ? b.index(kMostVectorRows) : size;
    product.sums = sumMemory;
    product.place = {sumsOf(row, panel), b.index(0), b.index(0)};
    product.isFirst = isConstantIntValue(step, 0);
    // What was laid out, or read before, is in the cache.
    if (isInTiles(operands.weight) && !isSecondTime)
      product.isFromMemory = b.isEqual(row, firstRow);
    tiles.multiply(product);
    if (isLast)
      emitEpilogues(row, size, panel);
  });
}

Value BFloat16Product::sumsOf(Value row, Value panel) {
  if (steps <= blockSteps)
    return b.index(0);
  Value block = b.div(b.sub(row, firstSumRow), b.index(kBlock));
  return b.add(b.mul(block, b.index(mostPanels)), placeOf(panel));
}

void BFloat16Product::emitEpilogues(Value row, Value count, Value panel) {
  Value columns[2], biases[2];
  for (int64_t half = 0; half < 2; ++half) {
    columns[half] =
        b.add(b.mul(panel, b.index(kBlock)), b.index(half * kLanes));
    biases[half] = loadBias(columns[half]);
  }
  b.forLoop(b.index(0), count, 1, [&](Value i) {
    for (int64_t half = 0; half < 2; ++half)
      emitEpilogue(b.load(sumMemory,
                          {sumsOf(row, panel), i, b.index(half * kLanes)},
                          kLanes),
                   biases[half], b.add(row, i), columns[half]);
  });
}

//===----------------------------------------------------------------------===//
// The end of both
//===----------------------------------------------------------------------===//

Value BFloat16Product::loadBias(Value column) {
  if (!operands.bias)
    return b.splat(kLanes, 0.0);
  return loadInside(operands.bias, {column}, column);
}

void BFloat16Product::emitEpilogue(Value sum, Value bias, Value row,
                                   Value column) {
  sum = arith::AddFOp::create(b, sum, bias);
  if (operands.activation)
    sum = emitActivation(b, *operands.activation, sum);
  SmallVector<Value> place = {row, column};
  if (operands.residual)
    sum = arith::AddFOp::create(b, sum,
                                loadInside(operands.residual, place, column));
  if (isInTiles(operands.out)) {
    if (reachesPast())
      sum = arith::SelectOp::create(b, emitInside(column), sum,
                                    b.splat(kLanes, 0.0));
    return b.store(sum, operands.out, placeInTiles(row, column));
  }
  if (firstOutColumn)
    place = {b.sub(row, firstOutRow), b.sub(column, firstOutColumn)};
  if (reachesPast())
    b.storeMasked(sum, emitInside(column), operands.out, place);
  else
    b.store(sum, operands.out, place);
}

bool BFloat16Product::reachesPast() const {
  return operands.columns % width != 0;
}

Value BFloat16Product::emitInside(Value column) {
  return b.maskBefore(kLanes, column, b.index(operands.columns));
}

Value BFloat16Product::loadInside(Value memref, ArrayRef<Value> indices,
                                  Value column) {
  if (reachesPast())
    return b.loadMasked(memref, indices, emitInside(column));
  return b.load(memref, indices, kLanes);
}

//===----------------------------------------------------------------------===//
// Rows in tiles
//===----------------------------------------------------------------------===//

TiledInput::TiledInput(KernelBuilder &b, ProductOperands &operands)
    : b(b), source(b, operands) {
  MemRefType type =
      BFloat16Product::getTiles(b, ShapedType::kDynamic, operands.depth);
  tiles = memref::AllocOp::create(b, type, b.ceilDiv(source.getRows(), kBlock),
                                  b.getI64IntegerAttr(64));
  operands.rows = source.getRows();
  operands.input = tiles;
}

void TiledInput::emit() {
  b.share(b.ceilDiv(source.getRows(), kBlock),
          [&](Value block) { source.emitToTiles(block, tiles); });
  b.barrier();
}

void TiledInput::deallocate() { memref::DeallocOp::create(b, tiles); }
