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

Value InstructionSet::emitExp2(KernelBuilder &b, Value x) const {
  auto splat = [&, lanes = cast<VectorType>(x.getType()).getNumElements()](
                   double value) { return b.splat(lanes, value); };
  Value low = splat(-126.0);
  Value isTiny = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, low);
  Value clamped = arith::SelectOp::create(b, isTiny, low, x);

  // x = n + f, |f| <= 1/2.
  Value shifted = arith::AddFOp::create(b, clamped, splat(kIntegerRounder));
  Value n = arith::SubFOp::create(b, shifted, splat(kIntegerRounder));
  Value f = arith::SubFOp::create(b, clamped, n);
  Value result = arith::MulFOp::create(b, emitPolynomial(b, f, kExp2Centered),
                                       emitPowerOf2(b, shifted, /*offset=*/0));
  return arith::SelectOp::create(b, isTiny, splat(0.0), result);
}
