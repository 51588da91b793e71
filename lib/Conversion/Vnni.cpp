// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IntegerDot.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;

namespace {

/// The instruction (vpdpbusd) multiplies u8 by i8. The weights become u8, by
/// 128 more: what that adds to a sum is the same for all columns of a row, and
/// known from the row alone.
class Vnni : public IntegerDot {
  unsigned getRowBits() const override { return 8; }

  int64_t getSums() const override { return 1; }

  SmallVector<Value> emitDot(KernelBuilder &b, ArrayRef<Value> sums,
                             Value weights, Value row) const override {
    auto bytes = cast<VectorType>(weights.getType());
    Value sign = arith::ConstantOp::create(
        b, DenseElementsAttr::get(bytes, llvm::APInt(8, getBias())));
    Value numbers = repeatRow(b, row, b.lanes());
    StringRef name = b.lanes() == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                     : "llvm.x86.avx512.vpdpbusd.256";
    Value biased = arith::XOrIOp::create(b, weights, sign);
    return {LLVM::CallIntrinsicOp::create(b, sums[0].getType(),
                                          b.getStringAttr(name),
                                          ValueRange{sums[0], biased, numbers})
                .getResult(0)};
  }

  Value emitTotal(KernelBuilder &, ArrayRef<Value> sums) const override {
    return sums[0];
  }

  int64_t getBias() const override { return 128; }
};

} // namespace

const IntegerDot &attn::getVnni() {
  static const Vnni dot;
  return dot;
}
