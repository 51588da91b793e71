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

/// tanh x within 3 ulp; NaN for NaN.
mlir::Value emitTanh(KernelBuilder &b, mlir::Value x);

/// Coefficients of polynomials for 2^f, that of f^0 first: on -1/2..1/2 within
/// 2.6e-9, and on 0..1 within 8.3e-8, relative to 2^f. Both give 1 for 0.
inline constexpr double kExp2Centered[] = {1.0,
                                           6.931472067028329e-1,
                                           2.4022650922289554e-1,
                                           5.550327226669895e-2,
                                           9.61805667843204e-3,
                                           1.3400428177711937e-3,
                                           1.5461444724808513e-4};
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

/// 2^(n + offset), where `shifted` is n + kIntegerRounder. Given as a factor:
/// adding n to the exponent of a number would make a number of a NaN.
mlir::Value emitPowerOf2(KernelBuilder &b, mlir::Value shifted, int32_t offset);

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
