// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of a decoder that passes are told by name, and what they must
// be.

#ifndef ATTN_LIB_TRANSFORMS_DECODERFUNCTIONS_H
#define ATTN_LIB_TRANSFORMS_DECODERFUNCTIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// The function `name` of `module`, whose body is one block; otherwise failure,
/// after a message.
mlir::FailureOr<mlir::func::FuncOp> lookupFunction(mlir::ModuleOp module,
                                                   llvm::StringRef name);

/// Fails, after a message, where something in `module` uses `function`: whose
/// results are about to change must not be called.
mlir::LogicalResult checkUnused(mlir::func::FuncOp function,
                                mlir::ModuleOp module);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_DECODERFUNCTIONS_H
