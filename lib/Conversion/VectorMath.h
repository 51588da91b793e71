// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions on vectors of f32, in the same steps for every width,
// so that a result does not depend on where in a row it stands.

#ifndef ATTN_LIB_CONVERSION_VECTORMATH_H
#define ATTN_LIB_CONVERSION_VECTORMATH_H

#include "KernelBuilder.h"

namespace attn {

/// e^x within 2 ulp; 0 below -86.9 (-∞ too), +∞ above 88.7, NaN for NaN.
mlir::Value emitExp(KernelBuilder &b, mlir::Value x);

/// 2^x within 2 ulp for x <= 0; 0 below -126 (-∞ too), NaN for NaN.
mlir::Value emitExp2(KernelBuilder &b, mlir::Value x);

/// 1 / sum, for the sum of the weights of a softmax; 0 where there was nothing
/// to sum, so that a query that sees no key gives 0. Scalars.
mlir::Value emitInverse(KernelBuilder &b, mlir::Value sum);

/// The activation function on a vector.
mlir::Value emitActivation(KernelBuilder &b, Activation activation,
                           mlir::Value x);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_VECTORMATH_H
