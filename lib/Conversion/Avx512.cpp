// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InstructionSet.h"
#include "KernelBuilder.h"
#include "VectorMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;

namespace {

class Avx512 : public InstructionSet {
  int64_t getRegisters() const override { return 32; }

  Value emitFma(KernelBuilder &b, Value x, Value y, Value z) const override {
    return vector::FMAOp::create(b, x, y, z);
  }

  /// 2^x = 2^(x - ⌊x⌋) · 2^⌊x⌋: one instruction gives the first exponent, and
  /// one multiplies by the second power, with underflow and -∞ as they should
  /// be.
  Value emitExp2(KernelBuilder &b, Value x) const override {
    if (cast<VectorType>(x.getType()).getNumElements() != 16)
      return InstructionSet::emitExp2(b, x);
    // x less what is rounded down to 0 bits after the point.
    constexpr int32_t roundDown = 1, currentRounding = 4;
    Value fraction = call(b, "llvm.x86.avx512.mask.reduce.ps.512",
                          {x, integer(b, roundDown, 32), x, integer(b, -1, 16),
                           integer(b, currentRounding, 32)});
    Value power = emitPolynomial(b, fraction, kExp2FromFloor);
    return call(
        b, "llvm.x86.avx512.mask.scalef.ps.512",
        {power, x, power, integer(b, -1, 16), integer(b, currentRounding, 32)});
  }

  static Value integer(KernelBuilder &b, int32_t value, unsigned bits) {
    return arith::ConstantOp::create(
        b, b.getIntegerAttr(b.getIntegerType(bits), value));
  }

  static Value call(KernelBuilder &b, StringRef name, ValueRange arguments) {
    return LLVM::CallIntrinsicOp::create(b, arguments[0].getType(),
                                         b.getStringAttr(name), arguments)
        .getResult(0);
  }
};

} // namespace

const InstructionSet &attn::getAvx512() {
  static const Avx512 set;
  return set;
}
