// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InstructionSet.h"
#include "KernelBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

namespace {

class Avx2 : public InstructionSet {
  Value emitFma(KernelBuilder &b, Value x, Value y, Value z) const override {
    return vector::FMAOp::create(b, x, y, z);
  }

  Value emitFloor(KernelBuilder &b, Value x) const override {
    return math::FloorOp::create(b, x);
  }
};

} // namespace

const InstructionSet &attn::getAvx2() {
  static const Avx2 set;
  return set;
}
