// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ProductSums.h"
#include "VectorMath.h"

using namespace mlir;
using namespace attn;

bool ProductSums::canWait(const ProductOperands &operands) {
  bool isF32 = !operands.out || typeOf(operands.out).getElementType().isF32();
  return isF32 && !(operands.residual && operands.activation);
}

ProductSums::ProductSums(KernelBuilder &b, const ProductOperands &operands,
                         int64_t width)
    : b(b), operands(operands),
      sumsWait(canWait(operands) && (ShapedType::isDynamic(operands.depth) ||
                                     operands.depth > kDepth)) {
  auto sizeOf = [&](int64_t size, Value memref) {
    return ShapedType::isDynamic(size) ? b.dim(memref, 1) : b.index(size);
  };
  columns = sizeOf(operands.columns, operands.out);
  depth = sizeOf(operands.depth, operands.input);
  setWidth(width);
}

void ProductSums::setWidth(int64_t width) {
  reachesPast = !isMultiple(operands.columns, width);
}

void ProductSums::setOutput(Value memory, Value firstRow, Value firstColumn) {
  operands.out = memory;
  firstOutRow = firstRow;
  firstOutColumn = firstColumn;
}

SmallVector<Value> ProductSums::outAt(Value row, Value column) {
  if (firstOutRow)
    return {b.sub(row, firstOutRow), b.sub(column, firstOutColumn)};
  return {row, column};
}

void ProductSums::forDepth(Value begin, Value end,
                           llvm::function_ref<void(Value, Value)> body) {
  if (!sumsWait)
    return body(begin, end);
  // A depth that is not known may be none, of which bias and residual remain.
  Value stop = ShapedType::isDynamic(operands.depth)
                   ? b.max(end, b.add(begin, b.index(1)))
                   : end;
  b.forLoop(begin, stop, kDepth, [&](Value k) {
    // A length that is known needs no loop for what steps leave.
    Value next = b.add(k, b.index(kDepth));
    body(k, isMultiple(operands.depth, kDepth) ? next : b.min(next, end));
  });
}

std::pair<Value, Value> ProductSums::emitEnds(const Tile &tile) {
  if (!sumsWait)
    return {};
  return {b.isEqual(tile.depth, b.index(0)), b.isEqual(tile.endDepth, depth)};
}

void ProductSums::emit(TileProduct &product, const Tile &tile,
                       llvm::function_ref<Value(int64_t, Value)> left,
                       llvm::function_ref<Value(Value, Chunk)> right,
                       llvm::function_ref<void(Value)> ahead) {
  IndexRange steps = {b.index(0), b.sub(tile.endDepth, tile.depth)};
  SmallVector<Value> start = emitStart(product, tile);
  if (asksForOutput)
    product.distribute(start, [&](int64_t r, Chunk chunk, Value) {
      b.prefetch(operands.out,
                 outAt(b.add(tile.row, b.index(r)),
                       b.add(tile.column, b.index(chunk.offset))));
    });
  emitEnd(product, tile, product.emit(start, steps, left, right, ahead));
}

SmallVector<Value> ProductSums::emitStart(TileProduct &product,
                                          const Tile &tile) {
  Value isFirst = emitEnds(tile).first;
  return product.collect(tile.rows, [&](int64_t, Chunk chunk) -> Value {
    Value zero = b.splat(chunk.lanes, 0.0);
    if (!operands.bias)
      return zero;
    // What panels cover may be there, and is of a size that is known.
    int64_t size = typeOf(operands.bias).getDimSize(0);
    bool isBiasPadded = !ShapedType::isDynamic(operands.columns) &&
                        !ShapedType::isDynamic(size) &&
                        size != operands.columns;
    Value column = b.add(tile.column, b.index(chunk.offset));
    Value bias = isBiasPadded
                     ? b.load(operands.bias, {column}, chunk.lanes)
                     : loadInside(operands.bias, {column}, column, chunk);
    return isFirst ? arith::SelectOp::create(b, isFirst, bias, zero) : bias;
  });
}

void ProductSums::emitEnd(TileProduct &product, const Tile &tile,
                          ArrayRef<Value> vectors) {
  auto [isFirst, isLast] = emitEnds(tile);
  /// Adds to the vectors what `memref` holds at its place.
  auto add = [&](ArrayRef<Value> vectors, Value memref, bool isLocal) {
    SmallVector<Value> result;
    product.distribute(vectors, [&](int64_t r, Chunk chunk, Value sum) {
      Value row = b.add(tile.row, b.index(r));
      Value column = b.add(tile.column, b.index(chunk.offset));
      SmallVector<Value> at = {row, column};
      Value other =
          loadInside(memref, isLocal ? outAt(row, column) : at, column, chunk);
      result.push_back(arith::AddFOp::create(b, sum, other));
    });
    return result;
  };
  auto addResidual = [&](ArrayRef<Value> vectors) {
    return operands.residual
               ? add(vectors, operands.residual, /*isLocal=*/false)
               : SmallVector<Value>(vectors);
  };
  auto activate = [&](ArrayRef<Value> vectors) {
    SmallVector<Value> result(vectors);
    if (operands.activation)
      for (Value &sum : result)
        sum = emitActivation(b, *operands.activation, sum);
    return result;
  };

  SmallVector<Value> result;
  if (!isFirst) {
    result = addResidual(activate(vectors));
  } else {
    TypeRange types = ValueRange(vectors).getTypes();
    result = b.ifElse(
        isFirst, types, [&] { return addResidual(vectors); },
        [&] { return add(vectors, operands.out, /*isLocal=*/true); });
    if (operands.activation)
      result = b.ifElse(
          isLast, types, [&] { return activate(result); },
          [&] { return result; });
  }
  product.distribute(result, [&](int64_t r, Chunk chunk, Value sum) {
    Value row = b.add(tile.row, b.index(r));
    Value column = b.add(tile.column, b.index(chunk.offset));
    storeInside(sum, operands.out, outAt(row, column), column, chunk);
  });
}

Value ProductSums::emitInside(Value column, Chunk chunk) {
  return b.maskBefore(chunk.lanes, column, columns);
}

Value ProductSums::loadInside(Value memref, ArrayRef<Value> indices,
                              Value column, Chunk chunk) {
  if (!reachesPast)
    return b.load(memref, indices, chunk.lanes);
  return b.loadMasked(memref, indices, emitInside(column, chunk));
}

void ProductSums::storeInside(Value vector, Value memref,
                              ArrayRef<Value> indices, Value column,
                              Chunk chunk) {
  if (reachesPast)
    b.storeMasked(vector, emitInside(column, chunk), memref, indices);
  else
    b.store(vector, memref, indices);
}
