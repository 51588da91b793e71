// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RowTiles.h"

using namespace mlir;
using namespace attn;

MemRefType RowTiles::getType(int64_t count) const {
  // The vector that is stored last may reach past its tile.
  return MemRefType::get({count * depth * rows + b.lanes()}, b.getF32Type());
}

void RowTiles::emitCopy(Value count, Value size,
                        llvm::function_ref<Value(Value, Value)> load,
                        llvm::function_ref<Value(Value, Value)> loadOne) {
  int64_t lanes = b.lanes();
  Value whole = b.roundDown(size, lanes);
  b.forLoop(b.index(0), b.ceilDiv(count, rows), 1, [&](Value tile) {
    SmallVector<Value> sources;
    for (int64_t r = 0, end = llvm::alignTo(rows, lanes); r < end; ++r)
      sources.push_back(b.min(b.add(b.mul(tile, b.index(rows)), b.index(r)),
                              b.sub(count, b.index(1))));
    auto placeOf = [&](Value k, int64_t r) {
      Value step = b.add(b.mul(tile, b.index(depth)), k);
      return b.add(b.mul(step, b.index(rows)), b.index(r));
    };
    b.forLoop(b.index(0), whole, lanes, [&](Value k) {
      SmallVector<SmallVector<Value>> squares;
      for (int64_t r = 0; r < rows; r += lanes) {
        SmallVector<Value> square;
        for (Value source : ArrayRef(sources).slice(r, lanes))
          square.push_back(load(source, k));
        squares.push_back(b.transpose(square));
      }
      // In this order what a vector has too much is overwritten by the next.
      for (int64_t i = 0; i < lanes; ++i)
        for (auto [number, square] : llvm::enumerate(squares))
          b.store(square[i], memory,
                  {placeOf(b.add(k, b.index(i)),
                           static_cast<int64_t>(number) * lanes)});
    });
    b.forLoop(whole, size, 1, [&](Value k) {
      for (int64_t r = 0; r < rows; ++r)
        b.storeScalar(loadOne(sources[r], k), memory, {placeOf(k, r)});
    });
  });
}

Value RowTiles::emitLoad(Value row, int64_t r, Value k) {
  Value step = b.add(b.mul(b.div(row, b.index(rows)), b.index(depth)), k);
  Value place = b.add(b.mul(step, b.index(rows)), b.rem(row, b.index(rows)));
  return b.loadScalar(memory, {b.add(place, b.index(r))});
}
