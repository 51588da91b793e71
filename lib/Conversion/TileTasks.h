// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How threads share a product whose weight is in tiles, be they of bf16 or of
// i8: a task has some rows, and panels of columns that stay in the second-level
// cache while the rows go by.

#ifndef ATTN_LIB_CONVERSION_TILETASKS_H
#define ATTN_LIB_CONVERSION_TILETASKS_H

#include "MatrixProduct.h"

namespace attn {

class TileTasks {
public:
  using Value = mlir::Value;

  /// `panelBytes` are those of the weight in one of the `panels`.
  TileTasks(KernelBuilder &b, Value rows, int64_t panels, int64_t panelBytes);

  /// Most panels of a task, at least 1.
  static int64_t getMostPanels(TargetAttr target, int64_t panels,
                               int64_t panelBytes);

  Value getCount() const;
  /// body(row, endRow, panel, endPanel)
  void emitTask(Value task,
                llvm::function_ref<void(Value, Value, Value, Value)> body);

private:
  KernelBuilder &b;
  int64_t panels;
  RowBlocks blocks;
  /// Panels of a task, and tasks for each block of rows.
  Value width, groups;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILETASKS_H
