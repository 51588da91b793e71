// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementary functions on vectors of f32, in the same steps for every width,
// so that a result does not depend on where in a row it stands.

#ifndef ATTN_LIB_CONVERSION_VECTORMATH_H
#define ATTN_LIB_CONVERSION_VECTORMATH_H

#include "KernelBuilder.h"

namespace attn {

/// e^x within 2 ulp; 0 below -86.9 (-∞ too), +∞ above 88.7, NaN for NaN.
/// Vectors or scalars.
mlir::Value emitExp(KernelBuilder &b, mlir::Value x);

/// tanh x within 3 ulp; NaN for NaN. Vectors or scalars.
mlir::Value emitTanh(KernelBuilder &b, mlir::Value x);

/// Coefficients of a polynomial for 2^f on 0..1, that of f^0 first: within
/// 8.3e-8 relative to 2^f, and 1 for 0.
inline constexpr double kExp2FromFloor[] = {1.0,
                                            6.931513118046088e-1,
                                            2.4016445015502375e-1,
                                            5.579991310390212e-2,
                                            9.017030322287992e-3,
                                            1.8671300699264332e-3};

/// The polynomial's value, by Horner's rule.
mlir::Value emitPolynomial(KernelBuilder &b, mlir::Value x,
                           llvm::ArrayRef<double> coefficients);

/// 1.5 * 2^23: a small number n + this, rounded to f32, has the nearest integer
/// to n in its low bits. Used rather than a conversion to integers, which is
/// undefined for NaN.
inline constexpr double kIntegerRounder = 12582912.0;

/// The same for the exponent of 2^n, of which 127 means 2^0.
inline constexpr double kExponentRounder = kIntegerRounder + 127;

/// 2^n for -127 < n < 128, and 0 for -127, where `shifted` is
/// n + kExponentRounder. Given as a factor: adding n to the exponent of a
/// number would make a number of a NaN.
mlir::Value emitPowerOf2(KernelBuilder &b, mlir::Value shifted);

/// A vector of numbers that are added to scores, in units of log 2. The lowest
/// number stays one: it is meant to be low, not to exclude a key. So does the
/// highest.
mlir::Value emitInLog2(KernelBuilder &b, mlir::Value numbers);

/// 1 / sum, for the sum of the weights of a softmax; 0 where there was nothing
/// to sum, so that a query that sees no key gives 0. Scalars or vectors.
mlir::Value emitInverse(KernelBuilder &b, mlir::Value sum);
/// The same where one more weight joins the sum, and weights are relative to
/// 2^base: 1 / (sum + 2^(sink - base)).
mlir::Value emitInverse(KernelBuilder &b, mlir::Value sum, mlir::Value base,
                        mlir::Value sink);

/// The activation function on a vector.
mlir::Value emitActivation(KernelBuilder &b, Activation activation,
                           mlir::Value x);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_VECTORMATH_H
