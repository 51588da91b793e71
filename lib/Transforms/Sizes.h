// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of tensors, taken from as far up as they are known.

#ifndef ATTN_LIB_TRANSFORMS_SIZES_H
#define ATTN_LIB_TRANSFORMS_SIZES_H

#include "attn/IR/SizeProduct.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace attn {

/// The sizes of the tensor `value`. They do not depend on operations that only
/// pass a shape on (cores, elementwise arithmetic, `tensor.empty`), so that
/// these can go when nothing uses what they compute.
llvm::SmallVector<mlir::OpFoldResult>
getSizes(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);

/// Where the size of a dimension comes from, as far up as it is passed on. Two
/// sizes of one origin are the same.
SizeOrigin getSizeOrigin(mlir::Value tensor, int64_t dim);

/// So many operations after each other compute a size; more are not followed.
constexpr unsigned kMostSizeSteps = 10;

/// What the size of a dimension is a product of, and what an integer is.
SizeProduct getSizeProduct(mlir::Value tensor, int64_t dim);
SizeProduct getIndexProduct(mlir::Value index, unsigned depth = kMostSizeSteps);

/// The product as an integer of `type`.
mlir::Value createProduct(mlir::OpBuilder &builder, mlir::Location loc,
                          const SizeProduct &product, mlir::Type type);

/// How often the loop of the structured operation runs; none if no operand
/// has a dimension of that size.
std::optional<SizeProduct> getLoopSize(mlir::linalg::LinalgOp op,
                                       unsigned loop);

/// Whether `index`, of 64 bits, is computed from nothing but sizes of tensors,
/// numbers and conditions in a way that gives nothing negative: what is
/// multiplied so does not overflow.
bool isSizeLike(mlir::Value index, unsigned depth = kMostSizeSteps);

/// An empty tensor of the sizes given.
mlir::Value createEmpty(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Type elementType);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_SIZES_H
