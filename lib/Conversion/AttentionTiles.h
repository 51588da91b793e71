// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queries, keys and values of an attention as factors of products of tiles, of
// bf16, or of f32 in parts.

#ifndef ATTN_LIB_CONVERSION_ATTENTIONTILES_H
#define ATTN_LIB_CONVERSION_ATTENTIONTILES_H

#include "AttentionScope.h"
#include "BFloat16Tiles.h"

namespace attn {

class AttentionTiles {
public:
  using Value = mlir::Value;

  /// Rows of a tile.
  static constexpr int64_t kHalf = BFloat16Tiles::kRows;
  /// Keys whose weights come in pairs, i and i + 16 of every 32.
  static constexpr int64_t kPairKeys = 2 * kHalf;

  AttentionTiles(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes);

  /// The memory for so many queries, and keys of a block.
  llvm::SmallVector<mlir::MemRefType> getWorkspace(int64_t blockRows,
                                                   int64_t blockKeys) const;
  void setMemory(mlir::ValueRange memory);

  /// Whether numbers are f32, in parts, of which each has tiles; and how many
  /// parts there are.
  bool isSplit() const { return parts > 1; }
  int64_t getParts() const { return parts; }
  /// The queries take the sign of the scale, so that the largest score is known
  /// before scores are scaled.
  Value emitSign(Value query);

  // Each of these gives the larger of `magnitude` and, of numbers in parts, the
  // largest magnitude of what it lays out.

  /// Copies a query to its row.
  Value emitQuery(AttentionScope &scope, Value query, Value row,
                  Value magnitude);

  /// Some keys: pairs of tiles of them from `firstPair` on count.
  struct Block {
    AttentionScope &scope;
    Value firstKey, count, firstPair;
  };
  /// Lays out the keys. Past the last key it repeats it, up to whole tiles.
  Value emitKeys(const Block &block, Value magnitude);
  /// Lays out the values, which come in pairs as weights do. Past the last they
  /// are 0. Where `collects` is set, magnitudes are those of bf16 too.
  Value emitValues(const Block &block, Value magnitude, bool collects);

  // Memory: [rows / 32, steps, 2 · parts], [keys / 32, steps, 2 · parts] and
  // [keys / 32, value size / 32, 2 · parts] tiles.
  Value queries, keys, values;
  /// Steps of the depth of the scores, and pairs of tiles of values.
  int64_t keySteps, valuePairs;

private:
  /// next = body(step, how many elements it has, next) for the steps of `depth`
  /// elements of a query or key.
  Value forDepth(int64_t depth, Value carried,
                 llvm::function_ref<Value(Value, Value, Value)> body);
  /// One row of a tile by part: `size` elements, then zeros.
  llvm::SmallVector<Value> loadRow(Value memref, llvm::ArrayRef<Value> place,
                                   Value size);
  /// Lays out the keys of 16 rows: in pairs, which are transposed; or f32,
  /// which is transposed before two rows make pairs.
  void emitKeyPairs(AttentionScope &scope, llvm::ArrayRef<Value> positions,
                    Value pair, Value half);
  Value emitKeyParts(AttentionScope &scope, llvm::ArrayRef<Value> positions,
                     Value pair, Value half, Value magnitude);
  /// By part, `size` elements from `column` on of the values of two keys.
  llvm::SmallVector<Value> loadValues(const Block &block, Value key,
                                      Value other, Value column, int64_t size);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
  BFloat16Tiles tiles;
  int64_t parts;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONTILES_H
