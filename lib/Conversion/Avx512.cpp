// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InstructionSet.h"
#include "KernelBuilder.h"
#include "VectorMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

namespace {

class Avx512 : public InstructionSet {
  int64_t getRegisters() const override { return 32; }

  Value emitFma(KernelBuilder &b, Value x, Value y, Value z) const override {
    return vector::FMAOp::create(b, x, y, z);
  }

  Value emitFloor(KernelBuilder &b, Value x) const override {
    return math::FloorOp::create(b, x);
  }

  Value emitExp2(KernelBuilder &b, Value x) const override {
    if (cast<VectorType>(x.getType()).getNumElements() != 16)
      return InstructionSet::emitExp2(b, x);
    return emitAvx512Exp2(b, x, kExp2FromFloor);
  }
};

} // namespace

static Value integer(KernelBuilder &b, int32_t value, unsigned bits) {
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(b.getIntegerType(bits), value));
}

static Value call(KernelBuilder &b, StringRef name, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, arguments[0].getType(),
                                       b.getStringAttr(name), arguments)
      .getResult(0);
}

/// 2^x = 2^(x - ⌊x⌋) · 2^⌊x⌋: one instruction gives the first exponent, and one
/// multiplies by the second power. Where that is below the smallest normal
/// number it is masked out: the processor takes a hundred times as long for it.
Value attn::emitAvx512Exp2(KernelBuilder &b, Value x,
                           ArrayRef<double> coefficients) {
  // x less what is rounded down to 0 bits after the point.
  constexpr int32_t roundDown = 1, currentRounding = 4;
  Value fraction = call(b, "llvm.x86.avx512.mask.reduce.ps.512",
                        {x, integer(b, roundDown, 32), x, integer(b, -1, 16),
                         integer(b, currentRounding, 32)});
  Value power = emitPolynomial(b, fraction, coefficients);
  // A NaN passes.
  Value isNormal = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, x,
                                         b.splat(16, -126.0));
  Value mask = vector::BitCastOp::create(
      b, VectorType::get({1}, b.getI16Type()), isNormal);
  mask = vector::ExtractOp::create(b, mask, ArrayRef<int64_t>{0});
  return call(
      b, "llvm.x86.avx512.mask.scalef.ps.512",
      {power, x, b.splat(16, 0.0), mask, integer(b, currentRounding, 32)});
}

const InstructionSet &attn::getAvx512() {
  static const Avx512 set;
  return set;
}
