// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words in which verifiers speak of shapes: what was expected, what came.

#ifndef ATTN_LIB_IR_SHAPECHECKS_H
#define ATTN_LIB_IR_SHAPECHECKS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace attn {

/// A dimension that has to be as given; ShapedType::kDynamic asks nothing.
using ExpectedShape = llvm::ArrayRef<int64_t>;

/// The type of a tensor or memref.
inline mlir::ShapedType typeOf(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType());
}

/// Whether the dimensions may be equal at run time.
bool areCompatible(int64_t a, int64_t b);

/// Checks that `type` has the rank of `expected` and that no static dimension
/// contradicts it. The message names the operand or result, e.g. "expected
/// 'bias' of shape [256], got 'tensor<255xf32>'".
mlir::LogicalResult checkShape(mlir::Operation *op, llvm::StringRef name,
                               mlir::ShapedType type, ExpectedShape expected);

/// Checks that `type` has the given rank.
mlir::LogicalResult checkRank(mlir::Operation *op, llvm::StringRef name,
                              mlir::ShapedType type, int64_t rank);

/// Checks that the last dimension of `type` is static.
mlir::LogicalResult checkStaticWidth(mlir::Operation *op, llvm::StringRef name,
                                     mlir::ShapedType type);

/// Checks that all types have the element type of the first.
mlir::LogicalResult checkSameElementType(
    mlir::Operation *op,
    llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> values);

/// Checks that all types but the first have the element type of the first, or
/// f32: what is summed in f32 may be kept so.
mlir::LogicalResult checkSameElementTypeOrF32(
    mlir::Operation *op,
    llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> values);

/// The same with bf16 where the first is of f32: what is stored to be read
/// later may be rounded.
mlir::LogicalResult checkSameElementTypeOrBF16(
    mlir::Operation *op,
    llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> values);

} // namespace attn

#endif // ATTN_LIB_IR_SHAPECHECKS_H
