// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softmax of rows whose scores come block by block (Milakov and Gimelshein,
// 2018): for each row, the largest score so far, and the sums of weights and of
// weighted values relative to it. When a block raises the largest score, the
// sums are corrected.

#ifndef ATTN_LIB_CONVERSION_ONLINESOFTMAX_H
#define ATTN_LIB_CONVERSION_ONLINESOFTMAX_H

#include "KernelBuilder.h"

namespace attn {

class OnlineSoftmax {
public:
  /// Keys of one block.
  static constexpr int64_t kBlockKeys = 256;

  /// For `rows` rows at a time, and values of `width` elements.
  OnlineSoftmax(KernelBuilder &b, int64_t rows, int64_t width);

  /// The memory that it needs, and where it is.
  llvm::SmallVector<mlir::MemRefType> getWorkspace() const;
  void setMemory(mlir::ValueRange memory);

  /// [rows, kBlockKeys]: scores of a block, in units of log 2; after emitStep
  /// their weights, 2^(score - largest).
  mlir::Value scores;
  /// [rows, width or more]: sums of weighted values.
  mlir::Value sums;

  /// Before the first block.
  void emitStart(mlir::Value row);
  /// Turns the first `visible` scores into weights. The caller then adds the
  /// weighted values of the block to the sums.
  void emitStep(mlir::Value row, mlir::Value visible);
  /// After the last block: the largest score, and 1 / sum of weights (0 where
  /// there was no key).
  mlir::Value getLargest(mlir::Value row);
  mlir::Value getInverse(mlir::Value row);
  /// After the last block: gives each part of the result to `store`.
  void emitFinish(mlir::Value row,
                  llvm::function_ref<void(Chunk, mlir::Value)> store);

private:
  /// Combines vectors of the first `visible` scores of a row, -∞ past them.
  mlir::Value
  fold(mlir::Value row, mlir::Value visible, double init,
       llvm::function_ref<mlir::Value(mlir::Value, mlir::Value, mlir::Value)>
           combine);

  KernelBuilder &b;
  int64_t rows, width;
  mlir::Value state;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ONLINESOFTMAX_H
