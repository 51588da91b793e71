// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assertions of what operations take for granted of sizes and of indices.

#ifndef ATTN_LIB_TRANSFORMS_ASSERTIONS_H
#define ATTN_LIB_TRANSFORMS_ASSERTIONS_H

#include "Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Writes what has to hold before the operations of one function.
class Assertions {
public:
  explicit Assertions(mlir::func::FuncOp function)
      : builder(function.getLoc(), function.getContext()),
        entry(&function.front()) {}

  void add(mlir::Operation *op);

private:
  void addDim(mlir::tensor::DimOp op);
  void addCast(mlir::tensor::CastOp op);
  void addExpandShape(mlir::tensor::ExpandShapeOp op);
  void addReshape(mlir::tensor::ReshapeOp op);
  void addConcat(mlir::tensor::ConcatOp op);
  void addPad(mlir::tensor::PadOp op);
  void addElementwise(mlir::Operation *op);
  void addStructured(mlir::linalg::LinalgOp op);
  void addSlice(mlir::OffsetSizeAndStrideOpInterface op, mlir::Value whole);
  void addInserted(mlir::tensor::InsertSliceOp op);
  void addElement(mlir::Operation *op, mlir::Value tensor,
                  mlir::ValueRange indices);

  void require(mlir::Value condition, const llvm::Twine &message);
  void requireNotNegative(mlir::OpFoldResult number, const llvm::Twine &what);
  void requireEqual(const SizeProduct &size, const SizeProduct &expected,
                    const llvm::Twine &message);
  void requireFit(mlir::ShapedType type, mlir::ValueRange unknown);
  void requireNoOverflow(const SizeProduct &product,
                         const llvm::Twine &message);
  void requireSameCount(const SizeProduct &before, const SizeProduct &after,
                        const llvm::Twine &message);
  void requireSameShape(llvm::ArrayRef<mlir::Value> tensors);

  static SizeProduct toProduct(mlir::OpFoldResult size);
  mlir::Value getValue(mlir::OpFoldResult size) {
    return mlir::getValueOrCreateConstantIndexOp(builder, builder.getLoc(),
                                                 size);
  }
  mlir::Value getValue(const SizeProduct &size) {
    return createProduct(builder, builder.getLoc(), size,
                         builder.getIndexType());
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b) {
    return builder.createOrFold<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value either(mlir::Value a, mlir::Value b) {
    return builder.createOrFold<mlir::arith::OrIOp>(a, b);
  }
  /// A size, or what it is of that has it.
  static std::string describe(const SizeProduct &size,
                              const llvm::Twine &place);
  static std::string describe(int64_t dim, unsigned operand);
  mlir::Value isWithoutLoops(mlir::linalg::LinalgOp op);
  mlir::Value getLimit(mlir::Value index, mlir::linalg::LinalgOp body);

  mlir::ImplicitLocOpBuilder builder;
  mlir::Block *entry;
  /// The operation that is looked at.
  mlir::Operation *current = nullptr;
  /// Sizes that are the same in all operations that follow in the function.
  llvm::SmallVector<std::pair<SizeProduct, SizeProduct>> known;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ASSERTIONS_H
