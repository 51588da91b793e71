// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys and values as a step of decoding reads them from memory: those of f32 in
// another type.

#ifndef ATTN_LIB_TRANSFORMS_STOREDKEYS_H
#define ATTN_LIB_TRANSFORMS_STOREDKEYS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace attn {

/// The type of `value`, a tensor, with elements of `stored` instead of f32.
mlir::RankedTensorType getStoredType(mlir::Value value, mlir::FloatType stored);

/// `value` in that type. A product that nothing else reads rounds its sums
/// itself.
mlir::Value createStored(mlir::OpBuilder &builder, mlir::Value value,
                         mlir::FloatType stored);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_STOREDKEYS_H
