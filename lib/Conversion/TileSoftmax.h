// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of attention by tiles: scores become weights by an online softmax (Milakov
// and Gimelshein, 2018), 32 rows and a block of keys at a time. The base is the
// largest score so far. Its weight, which counts most, is then 1, and not
// rounded.

#ifndef ATTN_LIB_CONVERSION_TILESOFTMAX_H
#define ATTN_LIB_CONVERSION_TILESOFTMAX_H

#include "AttentionTiles.h"

namespace attn {

/// Up to 32 queries of a task, and a block of keys.
struct AttentionTile {
  using Value = mlir::Value;

  /// Rows that go through a block of keys together.
  static constexpr int64_t kRows = BFloat16Tiles::kBlock;

  Value getLastRow() const { return b.sub(rows, b.index(1)); }
  /// The keys of the block, counted in it, that the queries of the rows
  /// first..last of the tile see; for rows past the last, what the last one
  /// sees.
  IndexRange getVisible(Value first, Value last) const;
  IndexRange getVisible(Value row) const { return getVisible(row, row); }

  KernelBuilder &b;
  const AttentionTiles::Block &keys;
  /// The task's first query; the tile's first row, of the task's, and how many.
  Value firstQuery, firstRow, rows;
};

/// The softmax of the queries of a task: of each, a base and a sum of weights.
class TileSoftmax {
public:
  using Value = mlir::Value;

  TileSoftmax(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes,
              const AttentionTiles &factors);

  /// The memory for so many queries, and keys of a block.
  llvm::SmallVector<mlir::MemRefType> getWorkspace(int64_t blockRows,
                                                   int64_t blockKeys) const;
  void setMemory(mlir::ValueRange memory);

  /// Starts a row of the task without scores.
  void emitStart(Value row);
  /// Turns the scores of the tile and of these pairs of tiles of keys, which
  /// are not yet scaled, into weights. What they are added to is as if all
  /// scores so far had the same base.
  void emit(const AttentionTile &tile, IndexRange pairs);
  /// What the sums of a row, which is of `query`, are multiplied with at the
  /// end.
  Value getInverse(AttentionScope &scope, Value query, Value row);

  /// Memory: [keys / 32, 2 · parts] tiles.
  Value weights;
  /// Memory of f32: [keys / 32, 32, 32], and [rows, value size].
  Value scores, sums;

private:
  void forTileRows(llvm::function_ref<void(Value)> body);
  /// Writes -∞ over the scores of `columns` that row `i` does not see.
  void emitPadding(const AttentionTile &tile, Value i, IndexRange columns);
  /// Scales and caps the scores of row `i` and adds the mask.
  void emitMask(const AttentionTile &tile, Value i, IndexRange pairs);
  /// The scores of row `i` and one half of a pair of tiles.
  Value loadScores(Value i, Value pair, int64_t half);
  /// Leaves the largest scores of row `i` in its first lanes. NaNs are passed
  /// over.
  void emitLargest(Value i, IndexRange pairs);
  /// Raises the bases of the rows first..first+15 of the tile to their largest
  /// scores. Gives whether any has changed.
  Value emitBases(const AttentionTile &tile, int64_t first);
  /// Scales what row `i` has summed up to its new base.
  void emitCorrection(const AttentionTile &tile, Value i);
  void emitWeights(const AttentionTile &tile, Value i, IndexRange pairs);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
  const AttentionTiles &factors;
  BFloat16Tiles tiles;
  /// What makes scores in units of log 2 of those in memory.
  double factor;
  /// Memory of f32: [rows], lane by lane [rows, 16] and [32, 16], and [32].
  Value bases, weightSums, largest, corrections;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILESOFTMAX_H
