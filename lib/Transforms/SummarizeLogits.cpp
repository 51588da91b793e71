// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a function give its logits in blocks, with a summary of each.

#include "StaticWidths.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attn {
#define GEN_PASS_DEF_SUMMARIZELOGITS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

struct SummarizeLogits
    : public attn::impl::SummarizeLogitsBase<SummarizeLogits> {
  using SummarizeLogitsBase::SummarizeLogitsBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    ModuleOp module = getOperation();
    if (width <= 0)
      return module.emitError()
             << "expected blocks of a positive width, got " << width;
    auto func = module.lookupSymbol<func::FuncOp>(function);
    if (!func || func.isExternal() || !func.getBody().hasOneBlock())
      return module.emitError() << "expected a function '" << function
                                << "' with a body of one block";
    if (!SymbolTable::symbolKnownUseEmpty(func, module))
      return func.emitError() << "expected no use of '" << function
                              << "', whose results are about to change";
    auto terminator = cast<func::ReturnOp>(func.front().getTerminator());
    LinearOp linear = findLogits(terminator);
    if (!linear)
      return func.emitError()
             << "expected '" << function
             << "' to return first an attn.linear of rank 3 and f32, without "
                "residual, activation or transposed weight";
    OpBuilder builder(terminator);
    LogitsOp logits = createLogits(builder, linear);
    SmallVector<Value> results(logits.getResults());
    llvm::append_range(results, terminator.getOperands().drop_front());
    terminator->setOperands(results);
    func.setFunctionType(builder.getFunctionType(
        func.getArgumentTypes(), ValueRange(results).getTypes()));
    func.removeResAttrsAttr();
    if (linear.use_empty())
      linear.erase();
    return success();
  }

  /// The product that is returned first, if it has the right form.
  static LinearOp findLogits(func::ReturnOp terminator) {
    if (terminator.getNumOperands() == 0)
      return {};
    auto linear = terminator.getOperand(0).getDefiningOp<LinearOp>();
    if (!linear || linear.getResidual() || linear.getActivation() ||
        linear.getTransposed() || !hasStaticWidths(linear))
      return {};
    auto type = cast<ShapedType>(linear.getOut().getType());
    auto input = cast<ShapedType>(linear.getInput().getType());
    return type.getRank() == 3 && type.getElementType().isF32() &&
                   input.getElementType().isF32()
               ? linear
               : LinearOp();
  }

  LogitsOp createLogits(OpBuilder &builder, LinearOp linear) {
    Location loc = linear.getLoc();
    Value rows = tensor::CollapseShapeOp::create(
        builder, loc, linear.getInput(),
        ArrayRef<ReassociationIndices>{{0, 1}, {2}});
    Value count = tensor::DimOp::create(builder, loc, rows, 0);
    int64_t columns = cast<ShapedType>(linear.getOut().getType()).getDimSize(2);
    int64_t blocks = llvm::divideCeil(columns, width.getValue());
    Type f32 = builder.getF32Type();
    OpFoldResult numBlocks = builder.getIndexAttr(blocks);
    SmallVector<Value> outs = {tensor::EmptyOp::create(
        builder, loc,
        ArrayRef<OpFoldResult>{numBlocks, count, builder.getIndexAttr(width)},
        f32)};
    for (int i = 0; i < 2; ++i)
      outs.push_back(tensor::EmptyOp::create(
          builder, loc, ArrayRef<OpFoldResult>{numBlocks, count}, f32));
    return LogitsOp::create(builder, loc, ValueRange(outs).getTypes(), rows,
                            linear.getWeight(), linear.getScales(),
                            linear.getBias(), outs,
                            builder.getI64IntegerAttr(columns));
  }
};

} // namespace
