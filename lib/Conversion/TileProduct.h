// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The small matrix product that every large one is made of: a tile of rows ×
// one panel of columns stays in registers while the depth runs; each step loads
// one row of the panel, and broadcasts one element of each of the tile's rows
// to it. So an element is summed in the order of the depth whatever the tile it
// is in, and does not depend on how many rows there are.

#ifndef ATTN_LIB_CONVERSION_TILEPRODUCT_H
#define ATTN_LIB_CONVERSION_TILEPRODUCT_H

#include "KernelBuilder.h"

namespace attn {

class TileProduct {
public:
  using Value = mlir::Value;

  /// A product whose panels are the vectors `chunks` side by side. Counting and
  /// jumping take turns with multiply-adds: with 2 \p steps of the depth in a
  /// round of the loop there is half as much of it, but registers for less
  /// else.
  TileProduct(KernelBuilder &b, llvm::ArrayRef<Chunk> chunks, int64_t steps = 1)
      : b(b), chunks(chunks), steps(steps) {}

  /// The vectors of a row of the panel, and how wide it is.
  llvm::ArrayRef<Chunk> getChunks() const { return chunks; }
  int64_t getColumns() const {
    return chunks.back().offset + chunks.back().lanes;
  }

  /// As many rows as leave registers for one row of the panel and a broadcast.
  int64_t getMaxRows() const;

  /// Most rows of a tile that is not of getMaxRows().
  static constexpr int64_t kSmallRows = 4;

  /// Covers the rows begin..end-1 with tiles of getMaxRows() rows, and what
  /// they leave with smaller ones: emitTile(first row, rows). Where \p isCopied
  /// is set, each lies within one of the tiles that RowTiles has.
  void forTiles(Value begin, Value end,
                llvm::function_ref<void(Value, int64_t)> emitTile,
                bool isCopied = false);

  /// The vectors of a tile, row by row: emit(r, chunk).
  llvm::SmallVector<Value>
  collect(int64_t rows, llvm::function_ref<Value(int64_t, Chunk)> emit);
  /// Gives each vector of a tile to emit(r, chunk, vector).
  void distribute(llvm::ArrayRef<Value> tile,
                  llvm::function_ref<void(int64_t, Chunk, Value)> emit);

  /// tile + Σ left(r, k) · right(k, chunk) over k in `depth`. `left` is a
  /// scalar, the others are vectors. ahead(k) may ask, in step k, for what is
  /// read later: little at a time, which does not hold up other reads.
  llvm::SmallVector<Value> emit(
      llvm::ArrayRef<Value> tile, IndexRange depth,
      llvm::function_ref<Value(int64_t, Value)> left,
      llvm::function_ref<Value(Value, Chunk)> right,
      llvm::function_ref<void(Value)> ahead = [](Value) {});

private:
  /// How many of the `whole` tiles of getMaxRows() to take, when they leave
  /// `rest` rows: a tile of 2 rows waits for its sums, and takes as long as one
  /// of 4. So 6 + 2 rows take longer than 4 + 4.
  Value countLarge(Value whole, Value rest);
  /// Small tiles have little to gain, and what steps leave would be another
  /// loop.
  int64_t chooseSteps(size_t size, IndexRange depth) const;

  KernelBuilder &b;
  llvm::ArrayRef<Chunk> chunks;
  int64_t steps;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILEPRODUCT_H
