// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Factors of products of bf16 in memory: tiles of 16 rows of 64 bytes, [16, 32]
// without gaps. A tile of the right factor holds pairs: its row k has elements
// 2k and 2k+1 of the depth, side by side for each column. AMX multiplies whole
// tiles, AVX512-BF16 their rows.

#ifndef ATTN_LIB_CONVERSION_BFLOAT16TILES_H
#define ATTN_LIB_CONVERSION_BFLOAT16TILES_H

#include "KernelBuilder.h"
#include "attn/IR/AttnOps.h"

namespace attn {

/// What one product of blocks reads and writes.
struct BlockProduct {
  using Value = mlir::Value;

  struct Factor {
    Value memory;
    /// The place of tile `half`, 0 or 1, of a step of the depth.
    llvm::function_ref<llvm::SmallVector<Value>(Value step, Value half)>
        placeOf;
    /// Whether it is not read again soon, and the place of what is read next
    /// follows it: then the first index is that of a panel.
    bool isStream = false;
  };
  Factor left, right;
  Value steps;
  /// How many rows count, of 32: others may be computed too, from anything.
  Value rows;
  /// Memory of f32, and the place of the first sum.
  Value sums;
  llvm::SmallVector<Value> place;
  /// Whether sums start from 0, and not from what is there.
  bool isFirst;
};

/// sums + left · right, for 32 rows and columns. Each instruction set has a
/// file, and an order of its own in which it sums.
void emitAmxBlock(KernelBuilder &b, const BlockProduct &product);
void emitAvx512BFloat16Block(KernelBuilder &b, const BlockProduct &product);

/// sums[i] + x[2i] · y[2i] + x[2i + 1] · y[2i + 1] by AVX512-BF16, which rounds
/// as the instruction does, and takes numbers below the smallest normal one for
/// 0.
mlir::Value emitBFloat16Dot(KernelBuilder &b, mlir::Value sums, mlir::Value x,
                            mlir::Value y);
/// 16 times the two elements.
mlir::Value broadcastPair(KernelBuilder &b, mlir::Value pair);

class BFloat16Tiles {
public:
  using Value = mlir::Value;
  using Values = llvm::ArrayRef<Value>;

  /// Rows of a tile, and columns of the right factor that it has.
  static constexpr int64_t kRows = WeightOp::kTileRows;
  /// Elements of the depth that a tile covers.
  static constexpr int64_t kDepth = 32;
  /// Rows and columns of a block of 2 x 2 tiles, which are multiplied together.
  static constexpr int64_t kBlock = 2 * kRows;

  explicit BFloat16Tiles(KernelBuilder &b) : b(b) {}

  /// Whether the target multiplies them.
  static bool isAvailable(TargetAttr target) {
    return target.hasBFloat16Products();
  }

  void multiply(const BlockProduct &product);

  /// The type of `shape` tiles in memory.
  mlir::MemRefType memoryOf(llvm::ArrayRef<int64_t> shape) const;
  /// Stores one row of such a tile.
  void storeRow(Value vector, Value memref, Values indices);

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

#endif // ATTN_LIB_CONVERSION_BFLOAT16TILES_H
