// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes each loop of a function that has many a function of its own.

#include "OutlineOperation.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINELOOPS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

struct OutlineLoops : attn::impl::OutlineLoopsBase<OutlineLoops> {
  using OutlineLoopsBase::OutlineLoopsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto caller : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      SmallVector<linalg::LinalgOp> loops;
      caller.walk([&](linalg::LinalgOp loop) {
        if (loop.hasPureBufferSemantics())
          loops.push_back(loop);
      });
      if (loops.size() < atLeast)
        continue;
      for (linalg::LinalgOp loop : loops) {
        func::FuncOp function =
            outlineOperation(loop, caller, "_loop", symbols);
        // LLVM would put each back where it is called.
        function->setAttr("passthrough",
                          Builder(caller).getStrArrayAttr({"noinline"}));
      }
    }
  }
};

} // namespace
