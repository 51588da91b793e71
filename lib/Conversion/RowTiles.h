// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy of rows of a matrix in the order in which a tile product reads them:
// of each tile's rows the first elements, then the second ones, and so on. Read
// so, they come from one place that the hardware follows, rather than from as
// many as there are rows.

#ifndef ATTN_LIB_CONVERSION_ROWTILES_H
#define ATTN_LIB_CONVERSION_ROWTILES_H

#include "KernelBuilder.h"

namespace attn {

class RowTiles {
public:
  using Value = mlir::Value;

  /// Tiles of `rows` rows and at most `depth` elements of each.
  RowTiles(KernelBuilder &b, int64_t rows, int64_t depth)
      : b(b), rows(rows), depth(depth) {}

  /// Memory for `count` tiles.
  mlir::MemRefType getType(int64_t count) const;
  void setMemory(Value value) { memory = value; }

  /// Copies elements 0..size-1 of rows 0..count-1. load(row, k) gives lanes()
  /// elements from k on, loadOne(row, k) one.
  void emitCopy(Value count, Value size,
                llvm::function_ref<Value(Value, Value)> load,
                llvm::function_ref<Value(Value, Value)> loadOne);

  /// Element `k` of row `row` + `r`, where both are in one tile.
  Value emitLoad(Value row, int64_t r, Value k);

private:
  KernelBuilder &b;
  int64_t rows, depth;
  Value memory;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ROWTILES_H
