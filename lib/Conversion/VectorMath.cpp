// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "VectorMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static int64_t lanesOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

/// A number of the type of `like`, a vector or a scalar.
static Value number(KernelBuilder &b, Value like, double value) {
  return isa<VectorType>(like.getType()) ? b.splat(lanesOf(like), value)
                                         : b.scalar(value);
}

/// x · y + z, of vectors or scalars.
static Value fma(KernelBuilder &b, Value x, Value y, Value z) {
  if (isa<VectorType>(x.getType()))
    return b.fma(x, y, z);
  if (b.getTarget().hasFeature("fma"))
    return math::FmaOp::create(b, x, y, z);
  return arith::AddFOp::create(b, arith::MulFOp::create(b, x, y), z);
}

static Value select(KernelBuilder &b, arith::CmpFPredicate predicate, Value x,
                    Value y, Value ifTrue, Value ifFalse) {
  return arith::SelectOp::create(b, arith::CmpFOp::create(b, predicate, x, y),
                                 ifTrue, ifFalse);
}

Value attn::emitPolynomial(KernelBuilder &b, Value x,
                           ArrayRef<double> coefficients) {
  Value result = number(b, x, coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    result = fma(b, result, x, number(b, x, coefficient));
  return result;
}

Value attn::emitPowerOf2(KernelBuilder &b, Value shifted) {
  Type integer = b.getI32Type();
  TypedAttr count = b.getI32IntegerAttr(23);
  if (auto vector = dyn_cast<VectorType>(shifted.getType())) {
    integer = vector.clone(integer);
    count = DenseElementsAttr::get(cast<VectorType>(integer), int32_t{23});
  }
  // What is above the exponent's 8 bits is shifted out, but for a sign of 0.
  Value bits = arith::BitcastOp::create(b, integer, shifted);
  Value places = arith::ConstantOp::create(b, count);
  Value exponent = arith::ShLIOp::create(b, bits, places);
  return arith::BitcastOp::create(b, shifted.getType(), exponent);
}

Value attn::emitExp(KernelBuilder &b, Value x) {
  auto splat = [&](double value) { return number(b, x, value); };
  const double low = -86.9, high = 88.72283;

  // Comparisons are such that a NaN passes through.
  Value clamped =
      select(b, arith::CmpFPredicate::OLT, x, splat(low), splat(low), x);
  clamped = select(b, arith::CmpFPredicate::OGT, clamped, splat(high),
                   splat(high), clamped);

  // n = round(x / ln 2), less 1 for the power below.
  Value rounder = splat(kExponentRounder - 1);
  Value shifted = fma(b, clamped, splat(1.0 / std::log(2.0)), rounder);
  Value n = arith::SubFOp::create(b, shifted, rounder);

  // r = x - n ln 2, in two steps (Cody and Waite, 1980), |r| <= ln(2) / 2.
  Value r = fma(b, n, splat(-0.693359375), clamped);
  r = fma(b, n, splat(2.12194440e-4), r);

  // e^r = 1 + r + r^2 p(r), the coefficients of Cephes' expf.
  Value p = emitPolynomial(b, r,
                           {5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2,
                            8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
  Value result = fma(b, arith::MulFOp::create(b, p, r), r, r);
  result = arith::AddFOp::create(b, result, splat(1.0));

  // Times 2^n, as 2^(n-1) * 2, so that n = 128 does not overflow early.
  result = arith::MulFOp::create(b, result, emitPowerOf2(b, shifted));
  result = arith::AddFOp::create(b, result, result);

  result =
      select(b, arith::CmpFPredicate::OLT, x, splat(low), splat(0.0), result);
  return select(b, arith::CmpFPredicate::OGT, x, splat(high), splat(INFINITY),
                result);
}

/// `x` within -largest..largest; NaN stays.
static Value emitBounded(KernelBuilder &b, Value x, double largest) {
  Value high = number(b, x, largest), low = number(b, x, -largest);
  Value bounded = select(b, arith::CmpFPredicate::OGT, x, high, high, x);
  return select(b, arith::CmpFPredicate::OLT, x, low, low, bounded);
}

Value attn::emitTanh(KernelBuilder &b, Value x) {
  // From here on it is 1.
  Value bounded = emitBounded(b, x, 7.99881172180175781);
  // A quotient of polynomials, as in MLIR's approximation of math.tanh.
  Value square = arith::MulFOp::create(b, bounded, bounded);
  Value p = emitPolynomial(b, square,
                           {4.89352455891786e-3, 6.37261928875436e-4,
                            1.48572235717979e-5, 5.12229709037114e-8,
                            -8.60467152213735e-11, 2.00018790482477e-13,
                            -2.76076847742355e-16});
  Value q = emitPolynomial(b, square,
                           {4.89352518554385e-3, 2.26843463243900e-3,
                            1.18534705686654e-4, 1.19825839466702e-6});
  return arith::DivFOp::create(b, arith::MulFOp::create(b, bounded, p), q);
}

Value attn::emitInLog2(KernelBuilder &b, Value numbers) {
  int64_t lanes = lanesOf(numbers);
  Value scaled =
      arith::MulFOp::create(b, numbers, b.splat(lanes, 1.0 / std::log(2.0)));
  Value bounded = emitBounded(b, scaled, std::numeric_limits<float>::max());
  return select(b, arith::CmpFPredicate::OEQ, math::AbsFOp::create(b, numbers),
                b.splat(lanes, INFINITY), numbers, bounded);
}

/// x · Φ(x), as x · (1/2 + erf(x/√2)/2).
static Value emitGelu(KernelBuilder &b, Value x) {
  // From here on erf/2 is 1/2, and exactly that comes out below, with fused
  // multiply-adds and without.
  Value bounded = emitBounded(b, x, 5.39999819);
  // A quotient of polynomials in x², fitted to erf(x/√2)/2x: relative to that
  // within 1.3e-8, so that what rounding adds is all that counts.
  Value square = arith::MulFOp::create(b, bounded, bounded);
  Value p = emitPolynomial(b, square,
                           {3.98942262e-1, 3.30293439e-2, 4.62896284e-3,
                            1.60694806e-4, 6.32372667e-6, 2.35910989e-8});
  Value q = emitPolynomial(b, square,
                           {1.0, 2.49458745e-1, 2.81800833e-2, 1.83865358e-3,
                            7.11728862e-5, 1.21982737e-6});
  Value halfErf =
      arith::DivFOp::create(b, arith::MulFOp::create(b, p, bounded), q);
  Value half = b.splat(lanesOf(x), 0.5);
  return b.fma(x, halfErf, arith::MulFOp::create(b, x, half));
}

Value attn::emitInverse(KernelBuilder &b, Value sum) {
  Value zero = number(b, sum, 0.0);
  return select(b, arith::CmpFPredicate::OEQ, sum, zero, zero,
                arith::DivFOp::create(b, number(b, sum, 1.0), sum));
}

Value attn::emitInverse(KernelBuilder &b, Value sum, Value base, Value sink) {
  // Relative to the larger of the two, so that no power is above 1.
  Value largest = b.larger(sink, base);
  auto power = [&](Value x) -> Value {
    Value exponent = arith::SubFOp::create(b, x, largest);
    return vector::ExtractOp::create(b, b.exp2(b.splat(b.lanes(), exponent)),
                                     ArrayRef<int64_t>{0});
  };
  Value factor = power(base);
  Value total = arith::AddFOp::create(b, arith::MulFOp::create(b, sum, factor),
                                      power(sink));
  return arith::MulFOp::create(b, factor, emitInverse(b, total));
}

/// x / (1 + e^-t)
static Value emitGated(KernelBuilder &b, Value x, Value t) {
  int64_t lanes = lanesOf(x);
  // e^-|t| is a power of 2 that cannot overflow, and cheaper than any e^t.
  Value magnitude = math::AbsFOp::create(b, t);
  Value e =
      b.exp2(arith::MulFOp::create(b, magnitude, b.splat(lanes, -M_LOG2E)));
  Value zero = b.splat(lanes, 0.0);
  Value numerator = select(b, arith::CmpFPredicate::OLT, t, zero,
                           arith::MulFOp::create(b, x, e), x);
  return arith::DivFOp::create(
      b, numerator, arith::AddFOp::create(b, e, b.splat(lanes, 1.0)));
}

/// (1 + tanh(t)) / 2 is 1 / (1 + e^-2t).
static Value emitGeluTanh(KernelBuilder &b, Value x) {
  const double factor = 2 * M_SQRT2 / std::sqrt(M_PI);
  int64_t lanes = lanesOf(x);
  Value square = arith::MulFOp::create(b, x, x);
  Value both =
      b.fma(square, b.splat(lanes, factor * 0.044715), b.splat(lanes, factor));
  return emitGated(b, x, arith::MulFOp::create(b, x, both));
}

Value attn::emitActivation(KernelBuilder &b, Activation activation, Value x) {
  int64_t lanes = lanesOf(x);
  switch (activation) {
  case Activation::ReLU:
    return select(b, arith::CmpFPredicate::OLT, x, b.splat(lanes, 0.0),
                  b.splat(lanes, 0.0), x);
  case Activation::SiLU:
    return emitGated(b, x, x);
  case Activation::GELU:
    return emitGelu(b, x);
  case Activation::GELUTanh:
    return emitGeluTanh(b, x);
  }
  llvm_unreachable("every activation is handled");
}
