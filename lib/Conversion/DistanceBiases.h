// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The biases by distance of an `attn.sdpa`, as kernels read them: in units of
// log 2, and on either side of those that are given the outermost again, as
// often as a vector has lanes. So those of a run of keys are one load, at
// whatever distance it is.

#ifndef ATTN_LIB_CONVERSION_DISTANCEBIASES_H
#define ATTN_LIB_CONVERSION_DISTANCEBIASES_H

#include "KernelBuilder.h"

namespace attn {

/// The type that `biases` [H, 2R+1] have for kernels: [H, 2R+1 and twice a
/// vector's lanes], of f32.
mlir::MemRefType getPaddedBiasesType(KernelBuilder &b, mlir::Value biases);

/// Writes `padded`, of that type, from `biases`.
void emitPaddedBiases(KernelBuilder &b, mlir::Value biases, mlir::Value padded);

/// A vector of the biases of a head, for a key that is `distance` after the
/// query, and for the keys after that.
mlir::Value loadBiases(KernelBuilder &b, mlir::Value padded, mlir::Value head,
                       mlir::Value distance);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_DISTANCEBIASES_H
