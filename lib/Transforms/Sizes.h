// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of tensors, taken from as far up as they are known.

#ifndef ATTN_LIB_TRANSFORMS_SIZES_H
#define ATTN_LIB_TRANSFORMS_SIZES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

namespace attn {

/// The sizes of the tensor `value`. They do not depend on operations that only
/// pass a shape on (cores, elementwise arithmetic, `tensor.empty`), so that
/// these can go when nothing uses what they compute.
llvm::SmallVector<mlir::OpFoldResult>
getSizes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

/// A dimension of a tensor, or without one an index: what a size is.
using SizeOrigin = std::pair<mlir::Value, std::optional<int64_t>>;

/// Where the size of a dimension comes from, as far up as it is passed on. Two
/// sizes of one origin are the same.
SizeOrigin getSizeOrigin(mlir::Value tensor, int64_t dim);

/// An empty tensor of the sizes given.
mlir::Value createEmpty(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_SIZES_H
