// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of arguments that a function relies on to be equal: the compiled code
// does not check them, so whoever calls it has to.

#ifndef ATTN_LIB_CONVERSION_EQUALSIZES_H
#define ATTN_LIB_CONVERSION_EQUALSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace attn {

/// Dimensions that have to be of one size.
struct EqualSizes {
  /// Pairs of an argument and a dimension of it, in order.
  llvm::SmallVector<std::pair<unsigned, int64_t>> places;
  /// The size, where it is known.
  std::optional<int64_t> value;
};

/// What names of sizes (attn.sizes) and the operations on tensors in the
/// function's entry block ask of dynamic dimensions of its arguments. Sizes
/// whose origin cannot be followed to an argument or a constant are passed
/// over.
llvm::SmallVector<EqualSizes> collectEqualSizes(mlir::func::FuncOp function);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_EQUALSIZES_H
