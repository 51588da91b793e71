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
#include <array>

namespace attn {

/// What one product of blocks reads and writes.
struct BlockProduct {
  using Value = mlir::Value;

  struct Factor {
    Value memory;
    /// The place of a tile of a step of the depth: of half 0 or 1 of the block,
    /// or of half tile % 2 of its part tile / 2.
    llvm::function_ref<llvm::SmallVector<Value>(Value step, Value tile)>
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
  /// Whether both factors are f32 in parts.
  bool isSplit = false;
  /// An i1: whether the right factor, a stream, is read for the first time, so
  /// that memory is what takes its time. Or null, where it never is.
  Value isFromMemory = {};
};

/// Parts of a number of f32: three bf16, whose sum it is.
inline constexpr int64_t kSplitParts = 3;
/// The products of parts (of the left factor, of the right one) that make a
/// product of f32, in the order they are added. Those left out are 2^-23 of it
/// on average, less than 2^-21: about as much as one rounding.
inline constexpr std::array<std::pair<int64_t, int64_t>, 6> kSplitProducts = {
    {{0, 2}, {0, 0}, {2, 0}, {1, 0}, {1, 1}, {0, 1}}};

/// sums + left · right, for 32 rows and columns. Each instruction set has a
/// file, and an order of its own in which it sums.
void emitAmxBlock(KernelBuilder &b, const BlockProduct &product);
void emitAvx512BFloat16Block(KernelBuilder &b, const BlockProduct &product);

/// sums[i] + x[2i] · y[2i] + x[2i + 1] · y[2i + 1] by AVX512-BF16, which rounds
/// as the instruction does, and takes numbers below the smallest normal one for
/// 0.
mlir::Value emitBFloat16Dot(KernelBuilder &b, mlir::Value sums, mlir::Value x,
                            mlir::Value y);

/// Sums over a depth without tiles, but in the order of AMX: of each step of 32
/// products it adds the even ones and the odd ones, each in order, and then
/// both sums to the total. multiply(sums, k) adds to each of `count` sums a
/// product of element k of the depth; sum i is part of total i % `totals`, and
/// those of one total are added to it in turn.
llvm::SmallVector<mlir::Value> emitSumsLikeAmx(
    KernelBuilder &b, int64_t depth, int64_t count, int64_t totals,
    llvm::function_ref<void(llvm::MutableArrayRef<mlir::Value>, mlir::Value)>
        multiply);
/// The end of such a step: `sums` are the even ones and then as many odd ones,
/// of which two are added to each other, and then to a total.
void addStepLikeAmx(KernelBuilder &b, llvm::ArrayRef<mlir::Value> sums,
                    llvm::MutableArrayRef<mlir::Value> totals);
/// 16 times the two elements.
mlir::Value broadcastPair(KernelBuilder &b, mlir::Value pair);

/// Products of blocks of such tiles, and the vectors that tiles are laid out
/// from.
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
  /// Whether it multiplies f32 faster in parts (Henry, Tang and Heinecke,
  /// "Leveraging the bfloat16 Artificial Intelligence Datatype For
  /// Higher-Precision Computations", 2019): six products of bf16 by AMX take
  /// less than half as long as one of f32 by vectors. ∞ and NaN have no parts:
  /// what has any is to be multiplied otherwise.
  static bool isSplitFaster(TargetAttr target) { return target.hasTiles(); }

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
  /// The parts of a vector of f32, the largest first, in the high halves of
  /// vectors of f32.
  std::array<Value, kSplitParts> split(Value vector);
  /// The elements of two vectors of f32, alternately, by part.
  llvm::SmallVector<Value> splitPairs(Value first, Value second);
  /// Where half 0 or 1 of a part is among the tiles of a step.
  Value tileOf(size_t part, Value half);
  /// The high halves of two vectors of f32, those of the second after those of
  /// the first.
  Value joinHighHalves(Value first, Value second);
  /// The even or the odd elements of a row of a tile of pairs, in f32.
  Value everySecond(Value pairs, bool isOdd);
  /// 16 elements of f32, of which those from `size` on are not read but 0.
  Value loadNumbers(Value memref, Values indices, Value size);
  /// The parts of 32 elements of f32, of which the same holds.
  std::array<Value, kSplitParts> loadParts(Value memref, Values indices,
                                           Value size);
  /// sums[i] + both elements of pair i.
  Value addPairs(Value sums, Value pairs);

  /// Collects the largest magnitudes of vectors of 32, starting from none, to
  /// see whether any was ∞ or NaN.
  Value noMagnitude();
  Value largestMagnitude(Value largest, Value vector);
  Value isSpecial(Value largest);

  /// Collects the least magnitudes but 0 of vectors of 32, starting from none,
  /// to see whether sums of their products may be below the smallest normal
  /// number: AMX then has 0, and vectors have not.
  Value noLeast();
  Value leastMagnitude(Value least, Value vector);
  Value areProductsNormal(Value least, Value other);

private:
  Value cast(Value vector, mlir::Type element);
  Value splat(mlir::Type element, int64_t value);

  KernelBuilder &b;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_BFLOAT16TILES_H
