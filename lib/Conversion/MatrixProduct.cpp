// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MatrixProduct.h"
#include "TileSizes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// So many rows are computed one by one, from as many rows of the weight at a
/// time.
static constexpr int64_t kFewRows = 2;
static constexpr int64_t kFewSteps = 8;
/// Most columns of them at a time, whose sums are in memory.
static constexpr int64_t kFewColumns = 4096;
/// Of each so much of a weight, 1 KB, a few rows ask for the first lines.
static constexpr int64_t kAskingBits = 8192;
/// So far ahead in a panel, 2 KB, they ask for all lines of one that is narrow.
static constexpr int64_t kAheadBits = 16384;
/// Tiles of rows of which each panel is laid out for those of other blocks. It
/// takes as long as they are multiplied to bring the next panel.
static constexpr int64_t kLayOutTiles = 4;
/// Tasks for each thread.
static constexpr int64_t kTasks = 2;
/// Fewer rows than a small tile has take panels of so many columns in all side
/// by side: the sums of one row and 16 columns, in two vectors, would wait for
/// each other longer than for the weight.
static constexpr int64_t kWideColumns = 32;

RowBlocks::RowBlocks(KernelBuilder &b, Value rows, int64_t unit,
                     int64_t maxRows, bool mayBeOne)
    : rows(rows), units(b.ceilDiv(rows, unit)), unit(unit) {
  Value one = b.index(1), threads = b.threads();
  count = b.max(b.ceilDiv(units, std::max<int64_t>(maxRows / unit, 1)), one);
  Value even = b.mul(b.ceilDiv(count, threads), threads);
  if (mayBeOne) {
    Value isOne = b.isEqual(count, one);
    even = arith::SelectOp::create(b, isOne, one, even);
  }
  count = even;
}

Value RowBlocks::getFirstRow(KernelBuilder &b, Value block) const {
  Value first = b.div(b.mul(block, units), count);
  return b.min(b.mul(first, b.index(unit)), rows);
}

/// Steps of the depth in one part.
static int64_t chooseBlockDepth(const ProductOperands &operands,
                                TargetAttr target) {
  int64_t most = TileSizes(target).getProductDepth(target.getPanelWidth());
  if (ShapedType::isDynamic(operands.depth)) {
    assert(ProductSums::canWait(operands) &&
           "expected memory for sums over some depth");
    return most;
  }
  if (!ProductSums::canWait(operands) || operands.depth <= most)
    return operands.depth;
  int64_t blocks = llvm::divideCeil(operands.depth, most);
  return llvm::alignTo(llvm::divideCeil(operands.depth, blocks),
                       ProductSums::kDepth);
}

/// Steps of the depth in a round. Weights that are widened leave no registers
/// for a second one.
static int64_t chooseSteps(const ProductOperands &operands) {
  return typeOf(operands.weight).getElementType().isF32() ? 2 : 1;
}

MatrixProduct::MatrixProduct(KernelBuilder &b, const ProductOperands &operands)
    : b(b), operands(operands), panel(b.getTarget().getPanelWidth()),
      blockDepth(chooseBlockDepth(operands, b.getTarget())),
      chunks(b.chunks(panel)), product(b, chunks, chooseSteps(operands)),
      sums(b, operands, panel), rowTiles(b, product.getMaxRows(), blockDepth) {
  columns = sums.getColumns();
  depth = sums.getDepth();
  panels = b.ceilDiv(columns, panel);
  int64_t rows = product.getMaxRows();
  blockRows =
      std::max<int64_t>(TileSizes(b.getTarget()).getProductBytes() /
                            std::max<int64_t>(4 * blockDepth, 1) / rows * rows,
                        rows);
  blockRows = std::min(blockRows, 64 * rows);
  // Rows whose distance is a multiple of a page take each other's place in the
  // first-level cache.
  copiesRows =
      operands.input &&
      (!typeOf(operands.input).getElementType().isF32() ||
       typeOf(operands.input).getStridesAndOffset().first[0] % 1024 == 0);
}

bool MatrixProduct::isNarrow() const { return panel < kWideColumns; }

bool MatrixProduct::isPacked() const {
  return typeOf(operands.weight).getRank() == 3;
}

SmallVector<MemRefType> MatrixProduct::getWorkspace() const {
  SmallVector<MemRefType> types;
  if (copiesRows)
    types.push_back(rowTiles.getType(blockRows / product.getMaxRows()));
  if (!isPacked())
    types.push_back(MemRefType::get({blockDepth, panel}, b.getF32Type()));
  return types;
}

void MatrixProduct::setMemory(ValueRange memory) {
  if (copiesRows)
    rowTiles.setMemory(memory.front());
  if (!isPacked())
    ownPanel = memory.back();
}

void MatrixProduct::setInput(Value memory, Value firstRow, Value firstDepth) {
  input = memory;
  this->firstRow = firstRow;
  this->firstDepth = firstDepth;
}

void MatrixProduct::emit(int64_t mostRows) {
  // A weight in panels is read as fast whatever the rows.
  if (isPacked())
    return emitBlocks(planTasks());
  // Of no depth, no panel has a view.
  bool isOne = mostRows <= blockRows || operands.depth == 0;
  auto emitPanels = [&] { isOne ? emitBlocks(planTasks()) : emitLayingOut(); };
  if (!operands.transposed)
    return emitPanels();
  Value isFew = b.isLess(b.dim(operands.input, 0), b.index(kFewRows + 1));
  b.ifElse(isFew, [&] { emitFewRows(); }, emitPanels);
}

Value MatrixProduct::allocatePanels(Value count) {
  SmallVector<OpFoldResult> size = {getAsOpFoldResult(count),
                                    getAsOpFoldResult(depth),
                                    b.getIndexAttr(panel)};
  SmallVector<Value> dynamic;
  SmallVector<int64_t> shape;
  dispatchIndexOpFoldResults(size, dynamic, shape);
  return memref::AllocOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                 dynamic, b.getI64IntegerAttr(64));
}

Value MatrixProduct::emitView(Value memory, Value place, Value begin,
                              Value end) {
  OpFoldResult one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets = {place, begin, b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes = {one, b.sub(end, begin),
                                     b.getIndexAttr(panel)};
  SmallVector<OpFoldResult> strides(3, one);
  MemRefType view = memref::SubViewOp::inferRankReducedResultType(
      {ShapedType::kDynamic, panel}, typeOf(memory), offsets, sizes, strides);
  return memref::SubViewOp::create(b, view, memory, offsets, sizes, strides);
}

Value MatrixProduct::emitLayOut() {
  Value memory = allocatePanels(panels), zero = b.index(0);
  // Of none, no panel has a view.
  if (operands.depth == 0)
    return memory;
  b.parallelFor(panels, b.mul(depth, columns), [&](Value place) {
    emitPack(place, emitView(memory, place, zero, depth), zero, depth);
  });
  return memory;
}

void MatrixProduct::emitLayingOut() {
  Value rows = b.dim(operands.input, 0), none = b.index(0);
  int64_t tiles = std::min(kLayOutTiles * product.getMaxRows(), blockRows);
  isShared = b.isLess(b.index(blockRows), rows);
  Value firstRows = arith::SelectOp::create(b, isShared, b.index(tiles), rows);
  sharedPanels =
      allocatePanels(arith::SelectOp::create(b, isShared, panels, none));
  ProductOperands laidOut = operands;
  laidOut.weight = sharedPanels;
  MatrixProduct later(b, laidOut);
  later.copiesRows = true;

  emitBlocks(planTasks(none, firstRows));
  b.ifThen(isShared,
           [&] { later.emitBlocks(later.planTasks(firstRows, rows)); });
  memref::DeallocOp::create(b, sharedPanels);
}

void MatrixProduct::emitBlocks(const Tasks &tasks) {
  b.parallel(tasks.work, getWorkspace(), [&](ValueRange memory) {
    setMemory(memory);
    emitTasks(tasks);
  });
}

MatrixProduct::Tasks MatrixProduct::planTasks() {
  return planTasks(b.index(0), b.dim(operands.input, 0));
}

MatrixProduct::Tasks MatrixProduct::planTasks(Value row, Value endRow) {
  Value rows = b.sub(endRow, row);
  RowBlocks blocks(b, rows, product.getMaxRows(), blockRows);
  // Some tasks for each thread.
  Value wanted = b.ceilDiv(b.mul(b.threads(), b.index(kTasks)), blocks.count);
  Value width = b.max(b.ceilDiv(panels, wanted), b.index(1));
  Value columnBlocks = b.ceilDiv(panels, width);
  Value work = b.mul(rows, b.mul(depth, columns));
  return {row, blocks, width, columnBlocks, b.mul(blocks.count, columnBlocks),
          work};
}

void MatrixProduct::emitTasks(const Tasks &tasks) {
  sums.setWidth(panel);
  b.share(tasks.count, [&](Value task) {
    Part part;
    Value block = b.div(task, tasks.columnBlocks);
    auto rowOf = [&](Value block) {
      return b.add(tasks.firstRow, tasks.blocks.getFirstRow(b, block));
    };
    part.rows = rowOf(block);
    part.endRow = rowOf(b.add(block, b.index(1)));
    part.panel = b.mul(b.rem(task, tasks.columnBlocks), tasks.width);
    part.endPanel = b.min(b.add(part.panel, tasks.width), panels);
    emitParts(part);
  });
}

void MatrixProduct::emitParts(Part part) {
  auto emitDepth = [&](Value k) {
    part.depth = k;
    part.endDepth = b.min(b.add(k, b.index(blockDepth)), depth);
    emitInput(part);
    emitPart(part);
  };
  if (blockDepth == operands.depth)
    return emitDepth(b.index(0));
  // Once even if there is no depth: bias and residual remain.
  b.forLoop(b.index(0), b.max(depth, b.index(1)), blockDepth, emitDepth);
}

void MatrixProduct::emitInput(const Part &part) {
  if (copiesRows)
    emitCopy(part);
  else
    setInput(operands.input, b.index(0), b.index(0));
}

void MatrixProduct::emitCopy(const Part &part) {
  auto placeOf = [&](Value row, Value k) {
    return SmallVector<Value>{b.add(part.rows, row), b.add(part.depth, k)};
  };
  rowTiles.emitCopy(
      b.sub(part.endRow, part.rows), b.sub(part.endDepth, part.depth),
      [&](Value row, Value k) {
        return b.load(operands.input, placeOf(row, k), b.lanes());
      },
      [&](Value row, Value k) {
        return b.loadScalar(operands.input, placeOf(row, k));
      });
}

void MatrixProduct::emitPart(const Part &part) {
  Value begin = part.panel;
  if (isPacked() && isNarrow()) {
    Value rows = b.sub(part.endRow, part.rows);
    Value isFew = b.isLess(rows, b.index(TileProduct::kSmallRows));
    int64_t side = kWideColumns / panel;
    Value sides = b.roundDown(b.sub(part.endPanel, begin), side);
    Value stop = arith::SelectOp::create(b, isFew, b.add(begin, sides), begin);
    SmallVector<Chunk> wideChunks = b.chunks(kWideColumns);
    TileProduct wide(b, wideChunks);
    b.forLoop(begin, stop, side,
              [&](Value place) { emitTiles(wide, place, part); });
    begin = stop;
  }
  b.forLoop(begin, part.endPanel, 1, [&](Value place) {
    if (!isPacked()) {
      panelMemory = emitPanelMemory(place, part);
      emitPack(place, panelMemory, part.depth, part.endDepth);
    }
    emitTiles(product, place, part);
  });
}

void MatrixProduct::emitTiles(TileProduct &product, Value place,
                              const Part &part) {
  product.forTiles(
      part.rows, part.endRow,
      [&](Value row, int64_t rows) {
        emitTile(product, row, rows, place, part);
      },
      /*isCopied=*/!input);
}

Value MatrixProduct::emitPanelMemory(Value place, const Part &part) {
  if (!sharedPanels)
    return ownPanel;
  Value shared = emitView(sharedPanels, place, part.depth, part.endDepth);
  Value own = memref::CastOp::create(b, shared.getType(), ownPanel);
  return arith::SelectOp::create(b, isShared, shared, own);
}

void MatrixProduct::emitPack(Value place, Value to, Value begin, Value end) {
  Value firstColumn = b.mul(place, b.index(panel));
  Value size = b.sub(end, begin);
  if (operands.transposed) {
    b.forLoop(b.index(0), size, 1, [&](Value k) {
      for (Chunk chunk : chunks) {
        Value column = b.add(firstColumn, b.index(chunk.offset));
        b.store(sums.loadInside(operands.weight, {b.add(begin, k), column},
                                column, chunk),
                to, {k, b.index(chunk.offset)});
      }
    });
    return;
  }
  // Squares that are transposed; the columns past the last repeat it.
  int64_t lanes = b.lanes();
  Value whole = b.roundDown(size, lanes);
  for (int64_t offset = 0; offset < panel; offset += lanes) {
    SmallVector<Value> from;
    for (int64_t lane = 0; lane < lanes; ++lane)
      from.push_back(b.min(b.add(firstColumn, b.index(offset + lane)),
                           b.sub(columns, b.index(1))));
    b.forLoop(b.index(0), whole, lanes, [&](Value k) {
      SmallVector<Value> rows;
      for (Value column : from)
        rows.push_back(
            b.load(operands.weight, {column, b.add(begin, k)}, lanes));
      for (auto [i, row] : llvm::enumerate(b.transpose(rows)))
        b.store(row, to,
                {b.add(k, b.index(static_cast<int64_t>(i))), b.index(offset)});
    });
    b.forLoop(whole, size, 1, [&](Value k) {
      for (auto [lane, column] : llvm::enumerate(from))
        b.storeScalar(b.loadScalar(operands.weight, {column, b.add(begin, k)}),
                      to, {k, b.index(offset + static_cast<int64_t>(lane))});
    });
  }
}

void MatrixProduct::emitTile(TileProduct &product, Value row, int64_t rows,
                             Value place, const Part &part) {
  Value isFirstTile = b.isEqual(row, part.rows);
  sums.forDepth(part.depth, part.endDepth, [&](Value begin, Value end) {
    ProductSums::Tile tile{row, rows, b.mul(place, b.index(panel)), begin, end};
    Value local = b.sub(begin, part.depth);
    sums.emit(
        product, tile,
        [&](int64_t r, Value k) {
          k = b.add(local, k);
          if (!input)
            return rowTiles.emitLoad(b.sub(row, part.rows), r, k);
          return b.loadScalar(input, {b.add(b.sub(row, firstRow), b.index(r)),
                                      b.add(b.sub(part.depth, firstDepth), k)});
        },
        [&](Value k, Chunk chunk) {
          if (isPacked())
            return b.load(operands.weight,
                          placeOf(place, b.add(begin, k), chunk), chunk.lanes);
          return b.load(panelMemory, {b.add(local, k), b.index(chunk.offset)},
                        chunk.lanes);
        },
        [&](Value k) {
          if (isPacked() && isNarrow() && rows <= TileProduct::kSmallRows)
            return emitAhead(product, place, b.add(begin, k));
          Value isAsking =
              b.isEqual(b.rem(k, b.index(chooseAskingSteps(rows))), b.index(0));
          isAsking = b.createOrFold<arith::AndIOp>(isFirstTile, isAsking);
          b.ifThen(isAsking, [&] {
            Value next = b.add(place, b.index(product.getColumns() / panel));
            for (Chunk chunk : product.getChunks())
              emitPrefetch(next, begin, k, chunk);
          });
        });
  });
}

SmallVector<Value> MatrixProduct::placeOf(Value place, Value k, Chunk chunk) {
  return {b.add(place, b.index(chunk.offset / panel)), k,
          b.index(chunk.offset % panel)};
}

/// Asks for what a few steps later read of the panels. Narrow ones are so many
/// instructions for each line that the processor sees less far ahead by itself.
/// Each tile asks: to tell the first from the others would take longer.
void MatrixProduct::emitAhead(TileProduct &product, Value place, Value k) {
  int64_t width = typeOf(operands.weight).getElementTypeBitWidth();
  Value ahead = b.add(k, b.index(kAheadBits / (panel * width)));
  for (Chunk chunk : product.getChunks())
    if (chunk.offset % panel * width % KernelBuilder::kLineBits == 0)
      b.prefetch(operands.weight, placeOf(place, ahead, chunk));
}

/// Of so many steps, one asks for its part of the next panel. A few rows wait
/// for nothing but their weight, which the hardware brings faster by itself
/// once it has been led to a page of it.
int64_t MatrixProduct::chooseAskingSteps(int64_t rows) const {
  if (!isPacked() || rows > TileProduct::kSmallRows)
    return 1;
  int64_t width = typeOf(operands.weight).getElementTypeBitWidth();
  return std::max<int64_t>(kAskingBits / (panel * width), 1);
}

/// While the first tile of a panel is computed, asks for the next one: weights
/// do not fit in the second-level cache, and the hardware does not look ahead
/// as far. Past the last panel it asks for nothing that is used, which does no
/// harm.
void MatrixProduct::emitPrefetch(Value next, Value begin, Value k,
                                 Chunk chunk) {
  Value column = b.mul(next, b.index(panel));
  SmallVector<Value> at = placeOf(next, b.add(begin, k), chunk);
  if (!isPacked() && operands.transposed) {
    at = {b.add(begin, k), b.add(column, b.index(chunk.offset))};
  } else if (!isPacked()) {
    // As many lines of as many elements, one column's after the other's.
    int64_t lanes = b.lanes();
    Value line =
        b.add(b.mul(k, b.index(panel / lanes)), b.index(chunk.offset / lanes));
    at = {b.add(column, b.rem(line, b.index(panel))),
          b.add(begin, b.mul(b.div(line, b.index(panel)), b.index(lanes)))};
  }
  b.prefetch(operands.weight, at);
}

void MatrixProduct::emitFewRows() {
  // What counts is to read the weight as fast as memory gives it: each thread
  // reads long pieces of some rows of it side by side. Sums are in memory.
  int64_t lanes = b.lanes();
  sums.setWidth(lanes);
  int64_t mostColumns = kFewColumns;
  if (!ShapedType::isDynamic(operands.columns) &&
      operands.columns <= mostColumns)
    mostColumns = llvm::alignTo(operands.columns, lanes);
  Value rows = b.dim(operands.input, 0), threads = b.threads();
  Value width = b.roundUp(b.ceilDiv(columns, threads), lanes);
  width = b.max(b.min(width, b.index(mostColumns)), b.index(lanes));
  Value tasks = b.ceilDiv(columns, width);
  Value work = b.mul(rows, b.mul(depth, columns));
  auto type = MemRefType::get({mostColumns}, b.getF32Type());
  b.parallelFor(tasks, work, type, [&](Value task, ValueRange memory) {
    Value begin = b.mul(task, width);
    Value end = b.min(b.add(begin, width), columns);
    b.forLoop(b.index(0), rows, 1, [&](Value row) {
      sums.forDepth(b.index(0), depth, [&](Value first, Value last) {
        emitRow({row, 1, begin, first, last}, end, memory[0]);
      });
    });
  });
}

void MatrixProduct::emitRow(const ProductSums::Tile &tile, Value endColumn,
                            Value memory) {
  int64_t lanes = b.lanes();
  Chunk chunk = {0, lanes};
  TileProduct product(b, chunk);
  auto forColumns = [&](llvm::function_ref<void(Value)> body) {
    b.forLoop(tile.column, endColumn, lanes, body);
  };
  auto at = [&](Value column) {
    ProductSums::Tile result = tile;
    result.column = column;
    return result;
  };
  auto placeOf = [&](Value column) { return b.sub(column, tile.column); };
  forColumns([&](Value column) {
    b.store(sums.emitStart(product, at(column))[0], memory, {placeOf(column)});
  });
  auto emitSteps = [&](Value k, int64_t steps) {
    SmallVector<Value> left;
    for (int64_t i = 0; i < steps; ++i)
      left.push_back(
          b.splat(lanes, b.loadScalar(operands.input,
                                      {tile.row, b.add(k, b.index(i))})));
    forColumns([&](Value column) {
      Value sum = b.load(memory, {placeOf(column)}, lanes);
      for (int64_t i = 0; i < steps; ++i)
        sum = b.fma(left[i],
                    sums.loadInside(operands.weight,
                                    {b.add(k, b.index(i)), column}, column,
                                    chunk),
                    sum);
      b.store(sum, memory, {placeOf(column)});
    });
  };
  Value whole = b.add(tile.depth,
                      b.roundDown(b.sub(tile.endDepth, tile.depth), kFewSteps));
  b.forLoop(tile.depth, whole, kFewSteps,
            [&](Value k) { emitSteps(k, kFewSteps); });
  b.forLoop(whole, tile.endDepth, 1, [&](Value k) { emitSteps(k, 1); });
  forColumns([&](Value column) {
    sums.emitEnd(product, at(column), b.load(memory, {placeOf(column)}, lanes));
  });
}
