// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls the C library for mathematics that LLVM has no intrinsic of.

#include "attn/Conversion/Passes.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/MathToFuncs/MathToFuncs.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace attn {
#define GEN_PASS_DEF_CALLLIBM
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {

struct CallLibm : attn::impl::CallLibmBase<CallLibm> {
  void runOnOperation() override {
    WalkResult found = getOperation().walk([](Operation *op) {
      return isa_and_present<math::MathDialect>(op->getDialect())
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (!found.wasInterrupted())
      return;
    OpPassManager passes(ModuleOp::getOperationName());
    math::MathExpandOpsPassOptions expanded;
    expanded.opMnemonics = {"clampf"};
    passes.addPass(math::createMathExpandOpsPass(expanded));
    passes.addPass(createConvertMathToFuncs());
    passes.addPass(createConvertMathToLibmPass());
    passes.addPass(createConvertToLLVMPass());
    if (failed(runPipeline(passes, getOperation())))
      signalPassFailure();
  }
};

} // namespace
