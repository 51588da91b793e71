// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of sizes, of which some are known only at run time: what divides
// which, and where the dimensions of two shapes begin to be equal again.

#ifndef ATTN_IR_SIZEPRODUCT_H
#define ATTN_IR_SIZEPRODUCT_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

namespace attn {

/// A dimension of a tensor, or without one an index: what a size is.
using SizeOrigin = std::pair<mlir::Value, std::optional<int64_t>>;

/// The dimension that `index` is the size of by a `tensor.dim`, if it is known
/// which one and the tensor has it.
std::optional<std::pair<mlir::Value, int64_t>> getDimOf(mlir::Value index);

/// A product of sizes: a number times sizes that are not known.
struct SizeProduct {
  int64_t number = 1;
  llvm::SmallVector<SizeOrigin, 4> unknown;

  SizeProduct() = default;
  explicit SizeProduct(int64_t number) : number(number) {}
  explicit SizeProduct(SizeOrigin size) : unknown({size}) {}
  /// The product of what `sizes` are products of.
  explicit SizeProduct(llvm::ArrayRef<mlir::OpFoldResult> sizes);

  void multiply(const SizeProduct &other);

  bool isOne() const { return number == 1 && unknown.empty(); }

  /// Whether both are the same, whatever the sizes are.
  bool equals(const SizeProduct &other) const;

  /// Takes out of both the sizes that are not known and are in both.
  void cancel(SizeProduct &other);

  /// Takes out what `other` is a product of; whether that is in here at all.
  bool divideBy(SizeProduct other);
};

/// Dimensions of two shapes that have as many elements together.
using DimGroup =
    std::pair<mlir::ReassociationIndices, mlir::ReassociationIndices>;

/// Divides the dimensions of two shapes of as many elements into groups of as
/// many elements on both sides; one that has nothing on a side consists of
/// ones.
llvm::SmallVector<DimGroup> groupDims(llvm::ArrayRef<SizeProduct> from,
                                      llvm::ArrayRef<SizeProduct> to);
llvm::SmallVector<DimGroup> groupDims(llvm::ArrayRef<mlir::OpFoldResult> from,
                                      llvm::ArrayRef<mlir::OpFoldResult> to);

} // namespace attn

#endif // ATTN_IR_SIZEPRODUCT_H
