// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the values of a decoder depend on.

#ifndef ATTN_LIB_TRANSFORMS_ORIGINS_H
#define ATTN_LIB_TRANSFORMS_ORIGINS_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Block.h"

namespace attn {

/// What a value depends on: on no argument, on arguments that stay the same
/// while tokens are decoded, or on the tokens.
enum class Origin { Constant, Prepared, Token };

/// The origins of all values of a block.
class Origins {
public:
  /// `ids` is the argument of `block` that holds the tokens.
  Origins(mlir::Block &block, mlir::Value ids);

  Origin of(mlir::Value value) const { return origins.lookup(value); }
  Origin of(mlir::Operation &op) const;

private:
  llvm::DenseMap<mlir::Value, Origin> origins;
};

/// Calls `use` for each value from outside that `op` or its regions read.
void forEachUsedValue(mlir::Operation &op,
                      llvm::function_ref<void(mlir::Value)> use);

/// The operations of `block` that compute `values`, in their order. `values`
/// grows by all that these operations read.
llvm::SmallVector<mlir::Operation *>
collectDefinitions(mlir::Block &block, llvm::DenseSet<mlir::Value> &values);

/// Whether `slice` cuts nothing but the last dimension, at constants.
bool isWidthSlice(mlir::tensor::ExtractSliceOp slice);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ORIGINS_H
