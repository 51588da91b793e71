// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TileProduct.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

int64_t TileProduct::getMaxRows() const {
  int64_t registers = b.getInstructionSet().getRegisters();
  auto wide = static_cast<int64_t>(chunks.size());
  return std::max<int64_t>((registers - wide - 1) / wide, 1);
}

Value TileProduct::countLarge(Value whole, Value rest) {
  int64_t fewest = 2 * kSmallRows - getMaxRows();
  if (fewest <= 0 || fewest >= kSmallRows)
    return whole;
  Value isUneven = arith::AndIOp::create(b, b.isLess(b.index(fewest - 1), rest),
                                         b.isLess(rest, b.index(kSmallRows)));
  Value fewer = b.max(b.sub(whole, b.index(1)), b.index(0));
  return arith::SelectOp::create(b, isUneven, fewer, whole);
}

void TileProduct::forTiles(Value begin, Value end,
                           llvm::function_ref<void(Value, int64_t)> emitTile,
                           bool isCopied) {
  SmallVector<int64_t> sizes = {getMaxRows()};
  for (int64_t smaller = kSmallRows; smaller > 0; smaller /= 2)
    if (smaller < sizes.back())
      sizes.push_back(smaller);
  for (int64_t size : sizes) {
    Value count = b.sub(end, begin);
    Value whole = arith::DivUIOp::create(b, count, b.index(size));
    if (size == getMaxRows() && !isCopied)
      whole = countLarge(whole, b.sub(count, b.mul(whole, b.index(size))));
    Value stop = b.add(begin, b.mul(whole, b.index(size)));
    b.forLoop(begin, stop, size, [&](Value row) { emitTile(row, size); });
    begin = stop;
  }
}

SmallVector<Value>
TileProduct::collect(int64_t rows,
                     llvm::function_ref<Value(int64_t, Chunk)> emit) {
  SmallVector<Value> tile;
  for (int64_t r = 0; r < rows; ++r)
    for (Chunk chunk : chunks)
      tile.push_back(emit(r, chunk));
  return tile;
}

void TileProduct::distribute(
    ArrayRef<Value> tile,
    llvm::function_ref<void(int64_t, Chunk, Value)> emit) {
  for (auto [i, vector] : llvm::enumerate(tile))
    emit(static_cast<int64_t>(i / chunks.size()), chunks[i % chunks.size()],
         vector);
}

int64_t TileProduct::chooseSteps(size_t size, IndexRange depth) const {
  bool isLarge = size == getMaxRows() * chunks.size();
  std::optional<int64_t> known = getConstantIntValue(depth.end);
  return isLarge && isConstantIntValue(depth.begin, 0) && known &&
                 *known % steps == 0
             ? steps
             : 1;
}

SmallVector<Value>
TileProduct::emit(ArrayRef<Value> tile, IndexRange depth,
                  llvm::function_ref<Value(int64_t, Value)> left,
                  llvm::function_ref<Value(Value, Chunk)> right,
                  llvm::function_ref<void(Value)> ahead) {
  auto emitStep = [&](KernelBuilder::Values sums, Value k) {
    SmallVector<Value> panelRow, next;
    for (Chunk chunk : chunks)
      panelRow.push_back(right(k, chunk));
    ahead(k);
    for (size_t r = 0; r < sums.size() / chunks.size(); ++r) {
      Value scalar = left(static_cast<int64_t>(r), k);
      for (auto [c, chunk] : llvm::enumerate(chunks))
        next.push_back(b.fma(b.splat(chunk.lanes, scalar), panelRow[c],
                             sums[next.size()]));
    }
    return next;
  };
  int64_t round = chooseSteps(tile.size(), depth);
  return b.forLoop(depth.begin, depth.end, round, tile,
                   [&](Value k, KernelBuilder::Values carried) {
                     SmallVector<Value> next(carried);
                     for (int64_t i = 0; i < round; ++i)
                       next = emitStep(next, b.add(k, b.index(i)));
                     return next;
                   });
}
