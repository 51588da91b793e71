// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "QuantizedProduct.h"
#include "TileTasks.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// Rows and columns of a block, and of the tiles that it has.
static constexpr int64_t kBlock = WeightOp::kTilePanel;
static constexpr int64_t kTile = WeightOp::kTileRows;
/// Numbers of the depth in a tile, and of those in an i32.
static constexpr int64_t kDepth = RoundedRows::kDepth;
static constexpr int64_t kGroup = 4;

/// So few rows are multiplied in vectors even where there are tiles: what takes
/// the time is to read the weights, and vectors read each after the other,
/// which the processor foresees, where tiles wait for theirs.
static constexpr int64_t kFewRows = 4;

/// Rows that one thread rounds and multiplies at a time, where the weight is of
/// so few bytes that it stays in the second-level cache: then their integers
/// do, too. Several threads would come together for each of these.
static constexpr int64_t kRows = 96;
static constexpr int64_t kRowsBytes = 512 << 10;
static_assert(kRows % kBlock == 0);

QuantizedProduct::QuantizedProduct(KernelBuilder &b,
                                   const ProductOperands &operands)
    : b(b), operands(operands), dot(IntegerDot::get(b.getTarget())),
      rounded(b, operands.input, operands.depth, dot.getRowBits(),
              dot.getBias()),
      rows(b.dim(operands.input, 0)), steps(rounded.getSteps()),
      panels(llvm::divideCeil(operands.columns, kBlock)) {
  if (b.getTarget().hasIntegerTiles())
    tiles.emplace(b);
}

bool QuantizedProduct::canEmit(const ProductOperands &operands) {
  return typeOf(operands.weight).getElementType().isInteger();
}

void QuantizedProduct::round(bool withLengths) {
  rounded.allocate(rows, withLengths);
  rounded.emit(rows);
}

void QuantizedProduct::enterRegion() {
  // On the stack: threads that allocate wait for each other.
  if (tiles)
    sums = memref::AllocaOp::create(
        b, MemRefType::get({kBlock, kBlock}, b.getI32Type()),
        b.getI64IntegerAttr(64));
}

void QuantizedProduct::setOutput(Value memory, Value firstRow,
                                 Value firstColumn) {
  operands.out = memory;
  firstOutRow = firstRow;
  firstOutColumn = firstColumn;
}

void QuantizedProduct::emit() {
  const int64_t panelBytes = steps * kDepth * kBlock;
  Value all = rows, most = b.max(all, b.index(1));
  if (panels * panelBytes <= kRowsBytes)
    most = arith::SelectOp::create(b, b.isLess(b.threads(), b.index(2)),
                                   b.index(kRows), most);
  rounded.allocate(b.min(all, most));
  b.forLoop(b.index(0), b.ceilDiv(all, most), 1, [&](Value part) {
    firstRow = b.mul(part, most);
    rows = b.min(b.sub(all, firstRow), most);
    rounded.emit(rows, firstRow);
    TileTasks tasks(b, rows, panels, panelBytes);
    Value work = b.mul(rows, b.index(operands.depth * operands.columns));
    b.parallel(work, /*workspace=*/{}, [&](ValueRange) {
      enterRegion();
      b.share(tasks.getCount(), [&](Value task) {
        tasks.emitTask(
            task, [&](Value row, Value endRow, Value panel, Value endPanel) {
              emitPart(row, endRow, panel, endPanel);
            });
      });
    });
  });
  rounded.deallocate();
}

Value QuantizedProduct::getPlace(Value row) {
  return firstRow ? b.add(firstRow, row) : row;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void QuantizedProduct::emitPart(Value row, Value endRow, Value panel,
                                Value endPanel) {
  if (!tiles)
    return emitInVectors(row, endRow, panel, endPanel);
  b.ifElse(
      b.isLess(b.sub(endRow, row), b.index(kFewRows + 1)),
      [&] { emitInVectors(row, endRow, panel, endPanel); },
      [&] {
        b.forLoop(row, endRow, kBlock, [&](Value block) {
          Value isFirst = b.isEqual(block, row);
          b.forLoop(panel, endPanel, 1, [&](Value panel) {
            emitTiles(block, endRow, panel, isFirst);
          });
        });
      });
}

void QuantizedProduct::emitInVectors(Value row, Value endRow, Value panel,
                                     Value endPanel) {
  SmallVector<int64_t> sizes = {getVectorRows()};
  for (int64_t smaller : {4, 2, 1})
    if (smaller < sizes.back())
      sizes.push_back(smaller);
  b.forLoop(panel, endPanel, 1, [&](Value panel) {
    Value begin = row, firstRow = row;
    for (int64_t size : sizes) {
      Value whole = b.roundDown(b.sub(endRow, begin), size);
      Value end = b.add(begin, whole);
      b.forLoop(begin, end, size, [&](Value row) {
        // The first rows ask for the next panel, which is not in the cache yet;
        // the others for what is there.
        Value isFirst = b.isEqual(row, firstRow);
        Value ahead = b.add(
            panel, arith::SelectOp::create(b, isFirst, b.index(1), b.index(0)));
        b.forLoop(
            b.index(0), b.index(kBlock), getVectors(size) * b.lanes(),
            [&](Value first) { emitVectors(row, size, panel, ahead, first); });
      });
      begin = end;
    }
  });
}

void QuantizedProduct::emitTiles(Value row, Value endRow, Value panel,
                                 Value isFromMemory) {
  Value zero = b.index(0);
  Value count = b.min(b.sub(endRow, row), b.index(kBlock));
  auto emitSums = [&](int64_t rowTiles, bool asksForNext) {
    AmxTiles::Block block = tiles->multiply(
        tiles->zeros(b.getI32Type(), rowTiles), b.index(steps),
        [&](int64_t half, Value k) {
          return tiles->loadRows(
              rounded.getNumbers(),
              {b.add(row, b.index(half * kTile)), b.mul(k, b.index(kDepth))});
        },
        [&](Value k, int64_t half) {
          SmallVector<Value> place = {panel, k, b.index(half)};
          if (asksForNext)
            tiles->askForNext(operands.weight, place);
          return tiles->stream(operands.weight, place);
        });
    tiles->storeSums(block, sums, {zero, zero});
  };
  tiles->forRowTiles(count, isFromMemory, emitSums);
  Value column = b.mul(panel, b.index(kBlock));
  b.forLoop(zero, count, 1, [&](Value i) {
    for (int64_t offset = 0; offset < kBlock; offset += b.lanes()) {
      auto type = VectorType::get({b.lanes()}, b.getI32Type());
      Value sum =
          vector::LoadOp::create(b, type, sums, ValueRange{i, b.index(offset)});
      emitEpilogue(sum, b.add(row, i), b.add(column, b.index(offset)));
    }
  });
}

/// Vectors of columns that registers have room for: of sums, and of what is
/// made of weights, beside a row and what is made of it.
int64_t QuantizedProduct::getRoom() const {
  return (b.getInstructionSet().getRegisters() - 2) / dot.getSums();
}

/// Rows that meet a panel in one run over the depth: with the most columns that
/// several rows meet, which share what is made of the weights.
int64_t QuantizedProduct::getVectorRows() const {
  constexpr int64_t fewest = 4;
  const int64_t most = tiles ? kFewRows : 12;
  for (int64_t vectors = kBlock / b.lanes();; vectors /= 2) {
    int64_t rows = std::clamp<int64_t>(getRoom() / vectors - 1, 1, most);
    if (rows >= fewest || vectors == 1)
      return rows;
  }
}

/// Whether so many rows read a panel in the order in which it is in memory,
/// tile by tile: then the hardware foresees what they read once it has been led
/// to a page. A few rows wait for nothing else. More would wait for their own
/// numbers, which they read less often if they meet both tiles together.
bool QuantizedProduct::readsInOrder(int64_t rows) const {
  return rows <= kFewRows && (rows * kBlock + kTile) / b.lanes() <= getRoom();
}

/// Vectors of columns that so many rows meet in one run over the depth.
int64_t QuantizedProduct::getVectors(int64_t rows) const {
  int64_t vectors = kBlock / b.lanes();
  if (readsInOrder(rows))
    return vectors;
  while (vectors > 1 && (rows + 1) * vectors > getRoom())
    vectors /= 2;
  return vectors;
}

void QuantizedProduct::emitVectors(Value row, int64_t count, Value panel,
                                   Value ahead, Value first) {
  const int64_t lanes = b.lanes(), vectors = getVectors(count);
  const bool isInOrder = readsInOrder(count);
  VectorBlock block = {row,
                       count,
                       panel,
                       ahead,
                       first,
                       vectors,
                       isInOrder ? kTile / lanes : vectors,
                       isInOrder};
  Value column = b.add(b.mul(panel, b.index(kBlock)), first);
  auto forEach = [&](llvm::function_ref<void(int64_t, int64_t, Value)> body) {
    for (int64_t r = 0; r < count; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        body(r, v, b.add(column, b.index(v * lanes)));
  };
  // What is written may be in no cache.
  forEach([&](int64_t r, int64_t, Value column) {
    b.prefetch(operands.out, outAt(b.add(row, b.index(r)), column));
  });
  SmallVector<Value> sums = emitVectorSums(block);
  const int64_t each = dot.getSums();
  forEach([&](int64_t r, int64_t v, Value column) {
    Value at = b.add(row, b.index(r));
    Value sum =
        dot.emitTotal(b, ArrayRef(sums).slice((v * count + r) * each, each));
    if (Value excess = rounded.getExcess()) {
      Value more = memref::LoadOp::create(b, excess, at);
      more = vector::BroadcastOp::create(b, sum.getType(), more);
      sum = arith::SubIOp::create(b, sum, more);
    }
    emitEpilogue(sum, at, column);
  });
}

SmallVector<Value> QuantizedProduct::emitVectorSums(const VectorBlock &block) {
  const int64_t each = dot.getSums();
  Value zeros = arith::ConstantOp::create(
      b, b.getZeroAttr(VectorType::get({b.lanes()}, b.getI32Type())));
  SmallVector<Value> sums(block.vectors * block.rows * each, zeros);
  return b.forLoop(
      b.index(0), b.index(steps), 1, sums,
      [&](Value step, KernelBuilder::Values carried) {
        SmallVector<Value> next;
        for (int64_t begin = 0; begin < block.vectors;
             begin += block.together) {
          if (block.isInOrder)
            b.prefetchTile(operands.weight, placeOf(block, begin, block.ahead,
                                                    step, b.index(0)));
          int64_t perVector = block.rows * each;
          llvm::append_range(
              next,
              b.forLoop(
                  b.index(0), b.index(kDepth / kGroup), 1,
                  carried.slice(begin * perVector, block.together * perVector),
                  [&](Value group, KernelBuilder::Values carried) {
                    return emitGroup(block, begin, step, group, carried);
                  }));
        }
        return next;
      });
}

SmallVector<Value> QuantizedProduct::emitGroup(const VectorBlock &block,
                                               int64_t begin, Value step,
                                               Value group,
                                               ArrayRef<Value> sums) {
  auto bytes = VectorType::get({b.lanes() * kGroup}, b.getI8Type());
  SmallVector<Value> weights, next(sums);
  for (int64_t v = begin; v < begin + block.together; ++v) {
    weights.push_back(
        vector::LoadOp::create(b, bytes, operands.weight,
                               placeOf(block, v, block.panel, step, group)));
    if (!block.isInOrder)
      b.prefetch(operands.weight, placeOf(block, v, block.ahead, step, group));
  }
  Value k = b.add(b.mul(step, b.index(kDepth)), b.mul(group, b.index(kGroup)));
  const int64_t each = dot.getSums();
  for (int64_t r = 0; r < block.rows; ++r) {
    Value numbers = loadNumbers(b.add(block.row, b.index(r)), k);
    for (int64_t v = 0; v < block.together; ++v) {
      auto its = MutableArrayRef(next).slice((v * block.rows + r) * each, each);
      llvm::copy(dot.emitDot(b, its, weights[v], numbers), its.begin());
    }
  }
  return next;
}

SmallVector<Value> QuantizedProduct::placeOf(const VectorBlock &block,
                                             int64_t vector, Value panel,
                                             Value step, Value group) {
  // A row of a tile is 64 bytes: groups of as many columns as fit.
  constexpr int64_t columns = kDepth / kGroup;
  Value column = b.add(block.first, b.index(vector * b.lanes()));
  Value half = b.div(column, b.index(columns));
  Value place = b.mul(b.rem(column, b.index(columns)), b.index(kGroup));
  return {panel, step, half, group, place};
}

Value QuantizedProduct::loadNumbers(Value row, Value k) {
  auto type = VectorType::get({kGroup}, b.getIntegerType(dot.getRowBits()));
  return vector::LoadOp::create(b, type, rounded.getNumbers(),
                                ValueRange{row, k});
}

//===----------------------------------------------------------------------===//
// The end of both
//===----------------------------------------------------------------------===//

void QuantizedProduct::emitEpilogue(Value sum, Value row, Value column) {
  int64_t lanes = b.lanes();
  Value result = arith::SIToFPOp::create(b, b.vectorType(lanes), sum);
  // What panels cover is there.
  Value scale = arith::MulFOp::create(
      b, b.splat(lanes, b.loadScalar(rounded.getScales(), row)),
      loadColumns(operands.scales, column, column));
  result = arith::MulFOp::create(b, result, scale);
  if (operands.bias)
    result = arith::AddFOp::create(b, result,
                                   loadColumns(operands.bias, column, column));
  if (operands.activation)
    result = emitActivation(b, *operands.activation, result);
  if (operands.residual)
    result = arith::AddFOp::create(
        b, result,
        loadColumns(operands.residual, {getPlace(row), column}, column));
  SmallVector<Value> place = outAt(row, column);
  if (operands.columns % kBlock != 0)
    b.storeMasked(result, emitInside(column), operands.out, place);
  else
    b.store(result, operands.out, place);
}

SmallVector<Value> QuantizedProduct::outAt(Value row, Value column) {
  if (firstOutColumn)
    return {b.sub(row, firstOutRow), b.sub(column, firstOutColumn)};
  return {getPlace(row), column};
}

Value QuantizedProduct::emitInside(Value column) {
  return b.maskBefore(b.lanes(), column, b.index(operands.columns));
}

Value QuantizedProduct::loadColumns(Value memref, ArrayRef<Value> indices,
                                    Value column) {
  int64_t size = typeOf(memref).getShape().back();
  if (operands.columns % kBlock == 0 ||
      (indices.size() == 1 && size > operands.columns))
    return b.load(memref, indices, b.lanes());
  return b.loadMasked(memref, indices, emitInside(column));
}
