// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes elementary functions by arithmetic.

#include "VectorMath.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDMATH
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

struct ExpandMath : attn::impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    auto target =
        getOperation()->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    if (!target)
      return;
    getOperation().walk([&](Operation *op) {
      if (!isa<math::ExpOp, math::TanhOp>(op) ||
          !op->getResult(0).getType().isF32())
        return;
      OpBuilder builder(op);
      KernelBuilder b(op->getLoc(), builder, target);
      Value x = op->getOperand(0);
      op->replaceAllUsesWith(
          ValueRange(isa<math::ExpOp>(op) ? emitExp(b, x) : emitTanh(b, x)));
      op->erase();
    });
  }
};

} // namespace
