// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuses the two linear layers of a feed-forward.

#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_FUSEFEEDFORWARD
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

struct FuseLinears : public OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    auto hidden = op.getInput().getDefiningOp<LinearOp>();
    if (!hidden || op.getActivation())
      return rewriter.notifyMatchFailure(op, "not the second of two");
    if (!hidden.getActivation() || hidden.getResidual())
      return rewriter.notifyMatchFailure(op, "no hidden activation");
    if (!hidden->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the hidden activation is used");
    if (!op.hasStaticWidths() || !hidden.hasStaticWidths())
      return rewriter.notifyMatchFailure(op, "widths that are not known");
    if (op.getScales() || hidden.getScales())
      return rewriter.notifyMatchFailure(op, "weights of integers");
    if (getElementTypeOrSelf(hidden.getInput()) !=
        getElementTypeOrSelf(op.getInput()))
      return rewriter.notifyMatchFailure(op, "another type inside");
    if (getElementTypeOrSelf(op.getOut()).isBF16() &&
        getElementTypeOrSelf(op.getInput()).isF32())
      return rewriter.notifyMatchFailure(op, "a result that is rounded");
    rewriter.replaceOpWithNewOp<MlpOp>(
        op, op->getResultTypes(), hidden.getInput(), hidden.getWeight(),
        hidden.getBias(), op.getWeight(), op.getBias(), op.getResidual(),
        op.getOut(), hidden.getActivationAttr(), hidden.getTransposedAttr(),
        op.getTransposedAttr());
    return success();
  }
};

struct FuseFeedForward
    : public attn::impl::FuseFeedForwardBase<FuseFeedForward> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseLinears>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
