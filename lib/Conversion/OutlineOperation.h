// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_CONVERSION_OUTLINEOPERATION_H
#define ATTN_LIB_CONVERSION_OUTLINEOPERATION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn {

/// Moves `op`, of `caller`, to a private function of its own before `caller`,
/// which is called in its place. What it uses becomes arguments, and constants
/// are copied, as code depends on them. `op` has no results; the name of the
/// function ends with `suffix`.
mlir::func::FuncOp outlineOperation(mlir::Operation *op,
                                    mlir::func::FuncOp caller,
                                    llvm::StringRef suffix,
                                    mlir::SymbolTable &symbols);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_OUTLINEOPERATION_H
