// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InstructionSet.h"
#include "KernelBuilder.h"

using namespace mlir;
using namespace attn;

namespace {

class Avx2 : public InstructionSet {
  Value emitFma(KernelBuilder &b, Value x, Value y, Value z) const override {
    return vector::FMAOp::create(b, x, y, z);
  }
};

} // namespace

const InstructionSet &attn::getAvx2() {
  static const Avx2 set;
  return set;
}
