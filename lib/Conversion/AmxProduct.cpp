// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AmxProduct.h"
#include "TileSizes.h"
#include "VectorMath.h"

using namespace mlir;
using namespace attn;

/// Rows and columns of a block, and lanes of a vector.
static constexpr int64_t kBlock = AmxTiles::kBlock;
static constexpr int64_t kLanes = AmxTiles::kRows;
static constexpr int64_t kDepth = AmxTiles::kDepth;

/// Most rows of a task: the more, the fewer times the weight is laid out.
static constexpr int64_t kPartRows = 2048;
/// Tasks for each thread.
static constexpr int64_t kTasks = 2;
/// So many rows are not worth laying out the weight. They are computed one by
/// one, so many vectors side by side.
static constexpr int64_t kFewRows = 2;
static constexpr int64_t kWideVectors = 8;

static MemRefType typeOf(Value memref) {
  return cast<MemRefType>(memref.getType());
}

AmxProduct::AmxProduct(KernelBuilder &b, const ProductOperands &operands)
    : b(b), operands(operands), tiles(b),
      rows(operands.rows ? operands.rows : b.dim(operands.input, 0)),
      steps(llvm::divideCeil(operands.depth, kDepth)),
      panels(llvm::divideCeil(operands.columns, kBlock)),
      blockSteps(TileSizes(b.getTarget()).getAmxSteps()) {
  int64_t bytes = std::max<int64_t>(steps, 1) * kDepth * kBlock * 2;
  mostPanels =
      std::clamp<int64_t>(TileSizes(b.getTarget()).getAmxPanelBytes() / bytes,
                          1, std::max<int64_t>(panels, 1));
}

bool AmxProduct::canEmit(KernelBuilder &b, const ProductOperands &operands) {
  return AmxTiles::isAvailable(b.getTarget()) &&
         typeOf(operands.weight).getRank() != 3 &&
         typeOf(operands.weight).getElementType().isBF16() &&
         !typeOf(operands.input).getElementType().isF16();
}

void attn::emitProduct(KernelBuilder &b, const ProductOperands &operands,
                       int64_t mostRows) {
  if (AmxProduct::canEmit(b, operands))
    AmxProduct(b, operands).emit();
  else
    MatrixProduct(b, operands).emit(mostRows);
}

bool AmxProduct::isInTiles(Value matrix) const {
  return typeOf(matrix).getRank() == 5;
}

MemRefType AmxProduct::getTiles(KernelBuilder &b, int64_t rowBlocks,
                                int64_t columns) {
  return MemRefType::get(
      {rowBlocks, static_cast<int64_t>(llvm::divideCeil(columns, kBlock)), 2,
       kLanes, kDepth},
      b.getBF16Type());
}

SmallVector<Value> AmxProduct::placeInTiles(Value row, Value column) {
  if (firstTileRow)
    row = b.sub(row, firstTileRow);
  Value inBlock = b.rem(row, b.index(kBlock));
  return {b.div(row, b.index(kBlock)), b.div(column, b.index(kBlock)),
          b.div(inBlock, b.index(kLanes)), b.rem(inBlock, b.index(kLanes)),
          b.rem(column, b.index(kBlock))};
}

void AmxProduct::setOutput(Value memory, Value firstColumn) {
  operands.out = memory;
  firstOutColumn = firstColumn;
}

void AmxProduct::emit() {
  // A column's elements are not adjacent, a row's are.
  if (isInTiles(operands.weight) || !operands.transposed)
    return emitManyRows();
  Value isFew = b.isLess(rows, b.index(kFewRows + 1));
  b.ifElse(isFew, [&] { emitFewRows(); }, [&] { emitManyRows(); });
}

//===----------------------------------------------------------------------===//
// Few rows
//===----------------------------------------------------------------------===//

void AmxProduct::emitFewRows() {
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

SmallVector<Value> AmxProduct::emitRowSums(Value row, Value column,
                                           int64_t vectors) {
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
  auto addStep = [&](Value first, int64_t size, ArrayRef<Value> totals) {
    // The even sums, then the odd ones.
    SmallVector<Value> sums(2 * vectors, b.splat(kLanes, 0.0));
    auto evenOf = [&](SmallVector<Value> &sums) {
      return MutableArrayRef(sums).take_front(vectors);
    };
    auto oddOf = [&](SmallVector<Value> &sums) {
      return MutableArrayRef(sums).take_back(vectors);
    };
    sums =
        b.forLoop(b.index(0), b.index(size / 2 * 2), 2, sums,
                  [&](Value i, KernelBuilder::Values carried) {
                    SmallVector<Value> next(carried);
                    multiply(evenOf(next), b.add(first, i));
                    multiply(oddOf(next), b.add(first, b.add(i, b.index(1))));
                    return next;
                  });
    if (size % 2)
      multiply(evenOf(sums), b.add(first, b.index(size - 1)));
    SmallVector<Value> next;
    for (auto [total, even, odd] :
         llvm::zip_equal(totals, evenOf(sums), oddOf(sums)))
      next.push_back(
          arith::AddFOp::create(b, total, arith::AddFOp::create(b, even, odd)));
    return next;
  };

  SmallVector<Value> totals(vectors, b.splat(kLanes, 0.0));
  int64_t whole = operands.depth / kDepth * kDepth;
  totals = b.forLoop(b.index(0), b.index(whole), kDepth, totals,
                     [&](Value k, KernelBuilder::Values carried) {
                       return addStep(k, kDepth, carried);
                     });
  if (whole < operands.depth)
    totals = addStep(b.index(whole), operands.depth - whole, totals);
  return totals;
}

//===----------------------------------------------------------------------===//
// Many rows
//===----------------------------------------------------------------------===//

Value AmxProduct::loadFactor(Value row, Value k) {
  Value factor = b.loadScalar(operands.input, {row, k});
  if (typeOf(operands.input).getElementType().isBF16())
    return factor;
  Value rounded = arith::TruncFOp::create(b, b.getBF16Type(), factor);
  return arith::ExtFOp::create(b, b.getF32Type(), rounded);
}

void AmxProduct::emitManyRows() {
  width = kBlock;
  RowBlocks parts(b, rows, kBlock, kPartRows);
  // Some tasks for each thread.
  Value wanted = b.ceilDiv(b.mul(b.threads(), b.index(kTasks)), parts.count);
  Value width = b.min(b.ceilDiv(b.index(panels), wanted), b.index(mostPanels));
  width = b.max(width, b.index(1));
  Value groups = b.ceilDiv(b.index(panels), width);
  Value work = b.mul(rows, b.index(operands.depth * operands.columns));
  b.parallelFor(b.mul(parts.count, groups), work, getWorkspace(),
                [&](Value task, ValueRange memory) {
                  setMemory(memory);
                  Value panel = b.mul(b.rem(task, groups), width);
                  Value part = b.div(task, groups);
                  emitPanels(parts.getFirstRow(b, part),
                             parts.getFirstRow(b, b.add(part, b.index(1))),
                             panel,
                             b.min(b.add(panel, width), b.index(panels)));
                });
}

SmallVector<MemRefType> AmxProduct::getWorkspace() const {
  SmallVector<MemRefType> types = {
      tiles.memoryOf({blockSteps, 2}),
      MemRefType::get({steps > blockSteps ? mostPanels : 1, kBlock, kBlock},
                      b.getF32Type())};
  if (!isInTiles(operands.weight))
    types.push_back(tiles.memoryOf({mostPanels, steps, 2}));
  return types;
}

void AmxProduct::setMemory(ValueRange memory) {
  rowMemory = memory[0];
  sumMemory = memory[1];
  panelMemory = isInTiles(operands.weight) ? operands.weight : memory[2];
}

void AmxProduct::emitPart(Value row, Value endRow, Value panel,
                          Value endPanel) {
  // Those that stay in the second-level cache while rows go by.
  b.forLoop(panel, endPanel, mostPanels, [&](Value first) {
    emitPanels(row, endRow, first,
               b.min(b.add(first, b.index(mostPanels)), endPanel));
  });
}

void AmxProduct::emitPanels(Value row, Value endRow, Value panel, Value end) {
  firstPanel = panel;
  endPanel = end;
  if (!isInTiles(operands.weight))
    emitPack();
  b.forLoop(row, endRow, kBlock, [&](Value block) { emitRows(block); });
}

void AmxProduct::emitRows(Value row) {
  int64_t last = std::max<int64_t>(llvm::divideCeil(steps, blockSteps), 1) - 1;
  auto emit = [&](int64_t block) {
    int64_t first = block * blockSteps;
    emitSteps(row, b.index(first), b.index(std::min(steps - first, blockSteps)),
              block == last);
  };
  emit(0);
  if (last > 1)
    b.forLoop(b.index(blockSteps), b.index(last * blockSteps), blockSteps,
              [&](Value step) {
                emitSteps(row, step, b.index(blockSteps), /*isLast=*/false);
              });
  if (last > 0)
    emit(last);
}

void AmxProduct::emitPack() {
  if (operands.transposed)
    return emitPackRows();
  b.forLoop(firstPanel, endPanel, 1,
            [&](Value panel) { emitPackColumns(panel); });
}

void AmxProduct::emitPackRows() {
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

void AmxProduct::emitPackColumns(Value panel) {
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

Value AmxProduct::loadDepth(Value memref, Value row, Value step) {
  Value k = b.mul(step, b.index(kDepth)), inside = b.index(kDepth);
  if (operands.depth % kDepth)
    inside = b.min(b.sub(b.index(operands.depth), k), inside);
  return tiles.loadPadded(memref, {row, k}, kDepth, inside);
}

void AmxProduct::emitCopy(Value row, Value step, Value count, Value memory,
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

void AmxProduct::emitToTiles(Value block, Value memory) {
  emitCopy(b.mul(block, b.index(kBlock)), b.index(0), b.index(steps), memory,
           block);
}

void AmxProduct::emitSteps(Value row, Value step, Value count, bool isLast) {
  bool isReady = isInTiles(operands.input);
  Value rowBlock;
  if (isReady)
    rowBlock = placeInTiles(row, b.index(0))[0];
  else
    emitCopy(row, step, count, rowMemory);
  b.forLoop(firstPanel, endPanel, 1, [&](Value panel) {
    SmallVector<Value> sums = {sumsOf(panel), b.index(0), b.index(0)};
    Value weightPlace = isInTiles(operands.weight) ? panel : placeOf(panel);
    AmxTiles::Block block = isConstantIntValue(step, 0)
                                ? tiles.zeros(b.getF32Type())
                                : tiles.loadSums(sumMemory, sums);
    block = tiles.multiply(
        block, count,
        [&](int64_t half, Value k) {
          if (isReady)
            return tiles.load(operands.input,
                              {rowBlock, b.add(step, k), b.index(half)});
          return tiles.load(rowMemory, {k, b.index(half)});
        },
        [&](Value k, int64_t half) {
          return tiles.stream(panelMemory,
                              {weightPlace, b.add(step, k), b.index(half)});
        });
    tiles.storeSums(block, sumMemory, sums);
    if (isLast)
      emitEpilogues(row, panel);
  });
}

Value AmxProduct::sumsOf(Value panel) {
  return steps > blockSteps ? placeOf(panel) : b.index(0);
}

void AmxProduct::emitEpilogues(Value row, Value panel) {
  Value columns[2], biases[2];
  for (int64_t half = 0; half < 2; ++half) {
    columns[half] =
        b.add(b.mul(panel, b.index(kBlock)), b.index(half * kLanes));
    biases[half] = loadBias(columns[half]);
  }
  Value count = b.min(b.sub(rows, row), b.index(kBlock));
  b.forLoop(b.index(0), count, 1, [&](Value i) {
    for (int64_t half = 0; half < 2; ++half)
      emitEpilogue(
          b.load(sumMemory, {sumsOf(panel), i, b.index(half * kLanes)}, kLanes),
          biases[half], b.add(row, i), columns[half]);
  });
}

//===----------------------------------------------------------------------===//
// The end of both
//===----------------------------------------------------------------------===//

Value AmxProduct::loadBias(Value column) {
  if (!operands.bias)
    return b.splat(kLanes, 0.0);
  return loadInside(operands.bias, {column}, column);
}

void AmxProduct::emitEpilogue(Value sum, Value bias, Value row, Value column) {
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
    place[1] = b.sub(column, firstOutColumn);
  if (reachesPast())
    b.storeMasked(sum, emitInside(column), operands.out, place);
  else
    b.store(sum, operands.out, place);
}

bool AmxProduct::reachesPast() const { return operands.columns % width != 0; }

Value AmxProduct::emitInside(Value column) {
  return b.mask(kLanes,
                b.max(b.sub(b.index(operands.columns), column), b.index(0)));
}

Value AmxProduct::loadInside(Value memref, ArrayRef<Value> indices,
                             Value column) {
  if (reachesPast())
    return b.loadMasked(memref, indices, emitInside(column));
  return b.load(memref, indices, kLanes);
}
