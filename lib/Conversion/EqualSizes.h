// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of arguments that a function relies on to be equal: the compiled code
// does not check them, so whoever calls it has to.

#ifndef ATTN_LIB_CONVERSION_EQUALSIZES_H
#define ATTN_LIB_CONVERSION_EQUALSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <tuple>

namespace attn {

/// Dimensions that have to be of one size.
struct EqualSizes {
  /// A dimension of an argument, which is to be so much more.
  struct Place {
    unsigned argument;
    int64_t dim;
    int64_t more;

    bool operator<(const Place &other) const {
      return std::tie(argument, dim, more) <
             std::tie(other.argument, other.dim, other.more);
    }
  };
  /// In order.
  llvm::SmallVector<Place> places;
  /// The size, where it is known.
  std::optional<int64_t> value;
};

/// What names of sizes (attn.sizes), assertions, and the operations on tensors
/// in the function's entry block ask of dynamic dimensions of its arguments.
/// Sizes whose origin cannot be followed to an argument or a constant are
/// passed over.
llvm::SmallVector<EqualSizes> collectEqualSizes(mlir::func::FuncOp function);

/// Erases assertions that `collectEqualSizes` has taken.
void eraseAssertedSizes(mlir::func::FuncOp function);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_EQUALSIZES_H
