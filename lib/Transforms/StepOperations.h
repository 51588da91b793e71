// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each operation of a whole-sentence decoder becomes in a step.

#ifndef ATTN_LIB_TRANSFORMS_STEPOPERATIONS_H
#define ATTN_LIB_TRANSFORMS_STEPOPERATIONS_H

#include "StepBuilder.h"

namespace attn {

/// Makes an operation that depends on the tokens one of new positions. An error
/// if it does more than to treat each position alone, or to attend to those
/// before.
mlir::LogicalResult deriveOperation(StepBuilder &b, mlir::Operation *op);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_STEPOPERATIONS_H
