// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether the widths of a linear layer are known, as they are unless it was a
// product of dynamic sizes.

#ifndef ATTN_LIB_TRANSFORMS_STATICWIDTHS_H
#define ATTN_LIB_TRANSFORMS_STATICWIDTHS_H

#include "attn/IR/AttnOps.h"

namespace attn {

inline bool hasStaticWidths(LinearOp linear) {
  auto isStatic = [](mlir::Value value) {
    auto type = llvm::cast<mlir::ShapedType>(value.getType());
    return !mlir::ShapedType::isDynamic(type.getShape().back());
  };
  return isStatic(linear.getInput()) && isStatic(linear.getOut());
}

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_STATICWIDTHS_H
