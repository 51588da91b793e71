// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of matrices of f32 by tiles of bf16, each factor in three parts
// (BFloat16Tiles.h), of a weight that no one has laid out before. For one block
// of the depth after the other, all threads lay out both matrices; then a task
// takes some rows, and some columns whose weight stays in the second-level
// cache, while a part of the block of 32 rows at a time is in the first. A few
// rows are computed without tiles, but summed alike, so that a row does not
// depend on the others. (Only of numbers below 2^-110 are there parts that AMX
// takes for 0.)
//
// A sum that is ∞ or NaN, which the parts may have made, is computed once more
// from whole numbers.

#ifndef ATTN_LIB_CONVERSION_SPLITPRODUCT_H
#define ATTN_LIB_CONVERSION_SPLITPRODUCT_H

#include "BFloat16Product.h"

namespace attn {

class SplitProduct {
public:
  using Value = mlir::Value;

  SplitProduct(KernelBuilder &b, const ProductOperands &operands);

  /// Whether all is f32, the weight not laid out, and the target faster so.
  static bool canEmit(KernelBuilder &b, const ProductOperands &operands);

  /// Writes the whole product, on the threads there are.
  void emit();

private:
  /// One row after the other.
  void emitFewRows();
  /// The sums of a row for 16 columns.
  Value emitRowSum(Value row, Value column);

  void emitManyRows();
  /// Steps of the depth, of which the first is first in memory too.
  struct Steps {
    Value first, end;
  };
  void emitLayOutRows(Value block, Steps part);
  /// Of a weight whose rows go along the columns, or along the depth.
  void emitLayOutRowsOfWeight(Value panel, Steps part);
  void emitLayOutColumnsOfWeight(Value panel, Steps part);
  void storePairs(Value first, Value second, Value panel, Value step,
                  Value half, Value row);
  /// `size` elements of the depth from `k` on, of which none is past the last.
  Value insideDepth(Value k, int64_t size);

  /// A range of blocks of rows, and of panels.
  struct Task {
    Value block, endBlock, panel, endPanel;
  };
  void emitTask(const Task &task, Steps part);
  void emitSums(Value block, Value panel, Value step, Value count);
  void emitEpilogue(Value block, Value panel);

  /// `sum`, or where a lane is ∞ or NaN, what whole numbers give.
  Value emitChecked(Value sum, Value row, Value column);
  /// What whole numbers give for 16 columns of a row.
  Value emitWhole(Value row, Value column);
  Value loadWeight(Value k, Value column);

  KernelBuilder &b;
  ProductOperands operands;
  BFloat16Tiles tiles;
  /// Does what follows from the sums.
  BFloat16Product ends;
  Value rows;
  int64_t steps, panels;
  /// Steps of a block of the depth, and of rows in the first-level cache.
  int64_t blockSteps, rowSteps;
  /// Tiles of a block of the depth, [rows / 32, steps, 6] and [panels, steps,
  /// 6], and sums of f32, [rows / 32, panels, 32, 32].
  Value rowTiles, panelTiles, sums;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_SPLITPRODUCT_H
