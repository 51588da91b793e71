// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The instruction set that every x86-64 processor has, and what the others
// share with it.

#include "InstructionSet.h"
#include "KernelBuilder.h"
#include "VectorMath.h"

using namespace mlir;
using namespace attn;

const InstructionSet &InstructionSet::get(TargetAttr target) {
  static const InstructionSet sse;
  if (target.hasFeature("avx512f") && target.hasFeature("avx512dq"))
    return getAvx512();
  if (target.hasFeature("avx2") && target.hasFeature("fma"))
    return getAvx2();
  return sse;
}

Value InstructionSet::emitFma(KernelBuilder &b, Value x, Value y,
                              Value z) const {
  // Without the instruction, an fma is a library call for each lane.
  return arith::AddFOp::create(b, arith::MulFOp::create(b, x, y), z);
}

Value InstructionSet::emitFloor(KernelBuilder &b, Value x) const {
  // Without the instruction, a library call for each lane as well.
  auto splat = [&, lanes = cast<VectorType>(x.getType()).getNumElements()](
                   double value) { return b.splat(lanes, value); };
  Value shifted = arith::AddFOp::create(b, x, splat(kIntegerRounder));
  Value nearest = arith::SubFOp::create(b, shifted, splat(kIntegerRounder));
  Value isAbove =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, nearest, x);
  Value excess = arith::SelectOp::create(b, isAbove, splat(1.0), splat(0.0));
  return arith::SubFOp::create(b, nearest, excess);
}

/// 2^x = 2^(x - ⌊x⌋) · 2^⌊x⌋. Vectors take few registers and steps, so that the
/// processor computes several of them at a time.
Value InstructionSet::emitExp2(KernelBuilder &b, Value x) const {
  auto splat = [&, lanes = cast<VectorType>(x.getType()).getNumElements()](
                   double value) { return b.splat(lanes, value); };
  // What is lower is 0 too. A NaN passes.
  Value low = splat(-127.0);
  Value isLow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, low);
  Value bounded = arith::SelectOp::create(b, isLow, low, x);

  Value n = emitFloor(b, bounded);
  Value f = arith::SubFOp::create(b, bounded, n);
  Value shifted = arith::AddFOp::create(b, n, splat(kExponentRounder));
  return arith::MulFOp::create(b, emitPolynomial(b, f, kExp2FromFloor),
                               emitPowerOf2(b, shifted));
}
