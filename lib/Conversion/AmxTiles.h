// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AMX: registers that hold tiles of 16 rows of 64 bytes, and one instruction
// that adds the product of two tiles of bf16 to a tile of f32, or of two tiles
// of i8, which have four where those have pairs, to a tile of i32. A tile of
// the right factor holds pairs: its row k has elements 2k and 2k+1 of the
// depth, side by side for each column. In memory, tiles are [16, 32] without
// gaps.
//
// Tiles must never be small: partial ones would need another configuration of
// the registers. What is read is padded instead.

#ifndef ATTN_LIB_CONVERSION_AMXTILES_H
#define ATTN_LIB_CONVERSION_AMXTILES_H

#include "KernelBuilder.h"
#include "attn/IR/AttnOps.h"

namespace attn {

class AmxTiles {
public:
  using Value = mlir::Value;
  using Values = llvm::ArrayRef<Value>;

  /// Rows of a tile, and its columns of f32 or i32.
  static constexpr int64_t kRows = WeightOp::kTileRows;

  /// For the function at the insertion point of `b`.
  explicit AmxTiles(KernelBuilder &b);

  /// The tile of bf16 or i8 at `indices` of such memory.
  Value load(Value memref, Values indices);
  /// The same of what is not read again soon: it does not take the place of
  /// other memory in the first-level cache.
  Value stream(Value memref, Values indices);
  /// Asks for that tile of the next panel, where the first index is a panel.
  void askForNext(Value memref, Values indices);

  /// The tile whose first element is at `indices` of a matrix.
  Value loadRows(Value memref, Values indices);

  /// 1 x 2 or 2 x 2 tiles of f32 or i32, by rows; 2 x 2 is the most that leaves
  /// registers for the factors.
  using Block = llvm::SmallVector<Value>;
  Block zeros(mlir::Type element, int64_t rowTiles);
  /// The block whose first element is at `indices`.
  Block loadSums(Value memref, Values indices, int64_t rowTiles);
  void storeSums(const Block &sums, Value memref, Values indices);

  /// emit(tiles, flag), with as many tiles as the rows take, of which there are
  /// 1 to 32, and with what `isFromMemory` is: an i1, or null for never.
  void forRowTiles(Value rows, Value isFromMemory,
                   llvm::function_ref<void(int64_t, bool)> emit);

  /// sums + Σ left(i, k) · right(k, j) over k in 0..steps-1, in units of what
  /// tiles cover, for tiles i and j, each 0 or 1. In each step it does so for
  /// all `products` of parts (p, q) of the factors, of which the tiles are
  /// 2p + i and 2q + j.
  Block multiply(const Block &sums, Value steps,
                 llvm::function_ref<Value(int64_t, Value)> left,
                 llvm::function_ref<Value(Value, int64_t)> right,
                 llvm::ArrayRef<std::pair<int64_t, int64_t>> products = kWhole);
  /// The product of factors of one part.
  static constexpr std::pair<int64_t, int64_t> kWhole[] = {{0, 0}};

private:
  KernelBuilder &b;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_AMXTILES_H
