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
#include <array>

namespace attn {

class AmxTiles {
public:
  using Value = mlir::Value;
  using Values = llvm::ArrayRef<Value>;

  /// Rows of a tile, and its columns of f32 or i32.
  static constexpr int64_t kRows = 16;
  /// Elements of the depth that a tile of bf16 covers.
  static constexpr int64_t kDepth = 32;
  /// Rows and columns of a block of 2 x 2 tiles, the most that leaves registers
  /// for the factors.
  static constexpr int64_t kBlock = 32;

  /// For the function at the insertion point of `b`.
  explicit AmxTiles(KernelBuilder &b);

  static bool isAvailable(TargetAttr target) { return target.hasTiles(); }

  /// The type of `shape` tiles of bf16 in memory.
  mlir::MemRefType memoryOf(llvm::ArrayRef<int64_t> shape) const;

  /// The tile of bf16 or i8 at `indices` of such memory.
  Value load(Value memref, Values indices);
  /// The same of what is not read again soon: it does not take the place of
  /// other memory in the first-level cache.
  Value stream(Value memref, Values indices);

  /// The tile whose first element is at `indices` of a matrix.
  Value loadRows(Value memref, Values indices);

  /// Stores one row of such a tile.
  void storeRow(Value vector, Value memref, Values indices);

  /// 2 x 2 tiles of f32 or i32, by rows.
  using Block = std::array<Value, 4>;
  Block zeros(mlir::Type element);
  /// The block whose first element is at `indices`.
  Block loadSums(Value memref, Values indices);
  void storeSums(const Block &sums, Value memref, Values indices);

  /// sums + Σ left(i, k) · right(k, j) over k in 0..steps-1, in units of what
  /// tiles cover, for tiles i and j, each 0 or 1.
  Block multiply(const Block &sums, Value steps,
                 llvm::function_ref<Value(int64_t, Value)> left,
                 llvm::function_ref<Value(Value, int64_t)> right);

  // Vectors of bf16.

  /// `lanes` elements, of which those from `size` on are not read but 0. Those
  /// of f32 are rounded.
  Value loadPadded(Value memref, Values indices, int64_t lanes, Value size);
  /// 32 elements as 16 of f32, to be moved about in pairs, and back.
  Value asPairs(Value vector);
  Value asNumbers(Value pairs);
  /// The elements of two vectors of 16, alternately.
  Value pair(Value first, Value second);
  /// The same of the high halves of two vectors of f32.
  Value pairHighHalves(Value first, Value second);
  /// sums[i] + both elements of pair i.
  Value addPairs(Value sums, Value pairs);

  /// Collects the largest magnitudes of vectors of 32, starting from none, to
  /// see whether any was ∞ or NaN.
  Value noMagnitude();
  Value largestMagnitude(Value largest, Value vector);
  Value isSpecial(Value largest);

private:
  Value cast(Value vector, mlir::Type element);
  Value splat(mlir::Type element, int64_t value);

  KernelBuilder &b;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_AMXTILES_H
