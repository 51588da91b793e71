// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softmax of rows whose scores come block by block (Milakov and Gimelshein,
// 2018): for each row a base, and the sums of weights and of weighted values
// relative to it. The base is a score near the largest so far; only when a
// block exceeds it by far does it change, and the sums are corrected (as
// FlashAttention-4 does). It cancels in the end.

#ifndef ATTN_LIB_CONVERSION_ONLINESOFTMAX_H
#define ATTN_LIB_CONVERSION_ONLINESOFTMAX_H

#include "KernelBuilder.h"

#include <functional>

namespace attn {

class OnlineSoftmax {
public:
  /// Keys of one block.
  static constexpr int64_t kBlockKeys = 256;

  /// For `rows` rows, values of `width` elements, and blocks of scores of at
  /// most `blockRows` rows at a time.
  OnlineSoftmax(KernelBuilder &b, int64_t rows, int64_t width,
                int64_t blockRows);

  /// The memory that it needs, and where it is.
  llvm::SmallVector<mlir::MemRefType> getWorkspace() const;
  void setMemory(mlir::ValueRange memory);
  /// From here on, one more score joins the sum of weights of each row: what
  /// `get` gives for it, in units of log 2.
  void setSink(std::function<mlir::Value(mlir::Value row)> get) {
    getSink = std::move(get);
  }

  /// [blockRows, kBlockKeys]: scores of a block, in units of log 2; after
  /// emitStep their weights, 2^(score - base).
  mlir::Value scores;
  /// [rows, width]: sums of weighted values, once the first block is added.
  mlir::Value sums;

  /// Turns the scores `visible` of row `blockRow` of the block into weights of
  /// `row`, and all others of `columns` into weights of 0. The caller then adds
  /// the weighted values of the block to the sums. Each row has a first block,
  /// even if no key is in it.
  void emitStep(mlir::Value blockRow, mlir::Value row, IndexRange visible,
                IndexRange columns, mlir::Value isFirst);
  /// Part of the sums of `row` over the blocks before: 0 where the block is the
  /// first, whatever the memory holds.
  mlir::Value loadSum(mlir::Value row, mlir::Value offset, int64_t lanes,
                      mlir::Value isFirst);
  /// After the last block: the base, and 1 / sum of weights (0 where there was
  /// no key).
  mlir::Value getBase(mlir::Value row);
  mlir::Value getInverse(mlir::Value row);
  /// The latter of as many rows, from `row` on, as `memory` has room for, a
  /// multiple of lanes(). It may be rounded otherwise than by getInverse, and
  /// is undefined past the last row.
  void emitInverses(mlir::Value row, mlir::Value memory);
  /// After the last block: gives each part of the result to `store`, given the
  /// inverse, or with that of getInverse.
  void emitFinish(mlir::Value row, mlir::Value inverse,
                  llvm::function_ref<void(Chunk, mlir::Value)> store);
  void emitFinish(mlir::Value row,
                  llvm::function_ref<void(Chunk, mlir::Value)> store) {
    emitFinish(row, getInverse(row), store);
  }

private:
  /// Scores that are read in one go.
  int64_t stride() const { return kUnrolled * b.lanes(); }
  /// Combines the vectors of scores of a row, `columns` from and to a multiple
  /// of stride(): next = combine(column, scores, folded).
  mlir::Value
  fold(mlir::Value blockRow, IndexRange columns, double init,
       llvm::function_ref<mlir::Value(mlir::Value, mlir::Value, mlir::Value)>
           combine,
       llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> join);
  /// Writes -∞ over what is beside the scores in the vectors that are read.
  void emitPadding(mlir::Value blockRow, IndexRange visible,
                   IndexRange columns);
  /// Makes `largest` the base of `row`.
  void emitCorrection(mlir::Value row, mlir::Value largest);

  /// Vectors that are folded side by side, so that none waits for another.
  static constexpr int64_t kUnrolled = 2;

  KernelBuilder &b;
  int64_t rows, width, blockRows;
  /// [rows] and [rows, lanes]: bases, and sums of weights, lane by lane, with
  /// room for what emitInverses reads past the last row.
  mlir::Value bases, weightSums;
  /// None where there is no sink.
  std::function<mlir::Value(mlir::Value)> getSink;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ONLINESOFTMAX_H
