// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of matrices of bf16 by AMX tiles. A task takes some columns, lays
// out the weight for them, and goes through rows 32 at a time. An element is
// summed as the instruction does it: of every 32 products the even ones and the
// odd ones each in order, then both sums are added to the element. A few rows
// are computed without tiles, but summed alike.

#ifndef ATTN_LIB_CONVERSION_AMXPRODUCT_H
#define ATTN_LIB_CONVERSION_AMXPRODUCT_H

#include "AmxTiles.h"
#include "MatrixProduct.h"

namespace attn {

class AmxProduct {
public:
  using Value = mlir::Value;

  AmxProduct(KernelBuilder &b, const ProductOperands &operands);

  /// Whether the target has AMX, and the factors are bf16, not in panels.
  static bool canEmit(KernelBuilder &b, const ProductOperands &operands);

  /// Writes the whole product, on the threads there are.
  void emit();

private:
  /// One row after the other, from the weight as it is.
  void emitFewRows();
  void emitManyRows();
  /// The sums of a row, for so many vectors of columns from `column` on.
  llvm::SmallVector<Value> emitRowSums(Value row, Value column,
                                       int64_t vectors);
  /// Lays out the task's panels of the weight, of 32 columns each.
  void emitPack();
  void emitPackRows();
  void emitPackColumns(Value panel);
  /// Computes 32 rows of the task's columns.
  void emitRows(Value row);
  /// Adds the products of some steps of the depth to the sums of these rows.
  void emitSteps(Value row, Value step, Value count);
  /// Copies 32 rows of the input, past the last one the last.
  void emitCopy(Value row, Value step, Value count);
  void emitEpilogues(Value row, Value panel);
  /// 32 elements of a row that runs along the depth, 0 past the last.
  Value loadDepth(Value memref, Value row, Value step);
  /// What follows from the sums of a row and 16 columns from `column` on.
  void emitEpilogue(Value sum, Value bias, Value row, Value column);
  Value loadBias(Value column);
  /// Where a panel is in memory.
  Value placeOf(Value panel) { return b.sub(panel, firstPanel); }

  // Vectors of 16 columns, of which nothing past the last one is read.
  bool reachesPast() const;
  Value emitInside(Value column);
  Value loadInside(Value memref, llvm::ArrayRef<Value> indices, Value column);

  KernelBuilder &b;
  ProductOperands operands;
  AmxTiles tiles;
  /// Steps of the depth, panels, and most panels of a task.
  int64_t steps, panels, mostPanels;
  // Of the task that is being written: [steps, 2] tiles of rows, [panels,
  // steps, 2] tiles of the weight, and [panels, 32, 32] sums.
  Value rowMemory, panelMemory, sumMemory;
  Value firstPanel, endPanel;
};

/// Writes a product of at most `mostRows` rows, in tiles where that can be.
void emitProduct(KernelBuilder &b, const ProductOperands &operands,
                 int64_t mostRows = std::numeric_limits<int64_t>::max());

} // namespace attn

#endif // ATTN_LIB_CONVERSION_AMXPRODUCT_H
