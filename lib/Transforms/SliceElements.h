// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes only what is used of elementwise operations.

#ifndef ATTN_LIB_TRANSFORMS_SLICEELEMENTS_H
#define ATTN_LIB_TRANSFORMS_SLICEELEMENTS_H

#include "mlir/IR/Operation.h"

namespace attn {

/// Replaces slices of the first elements of tensors that are computed by
/// elementwise operations alone, by the same operations on slices: as a mask
/// for as many keys as there may be, of which those that there are are read.
/// Sizes have to be dynamic.
void sliceElements(mlir::Operation *root);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_SLICEELEMENTS_H
