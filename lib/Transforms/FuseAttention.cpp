// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuses softmax and the two matrix products around it.

#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_FUSEATTENTION
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

struct FuseWeightedSum : public OpRewritePattern<WeightedSumOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(WeightedSumOp op,
                                PatternRewriter &rewriter) const override {
    auto softmax = op.getProbabilities().getDefiningOp<SoftmaxOp>();
    if (!softmax)
      return rewriter.notifyMatchFailure(op, "no softmax before it");
    auto scores = softmax.getInput().getDefiningOp<ScoresOp>();
    if (!scores)
      return rewriter.notifyMatchFailure(op, "no scores before the softmax");

    OpResult probabilities = softmax->getResult(0);
    SmallVector<Value> outs = {op.getOut()};
    if (!probabilities.hasOneUse()) {
      // The fused operation stands where the sum stood.
      DominanceInfo dominance;
      for (Operation *user : probabilities.getUsers())
        if (user != op && !dominance.properlyDominates(op, user))
          return rewriter.notifyMatchFailure(
              op, "the softmax is used before the sum");
      outs.push_back(softmax.getOut());
    }
    auto sdpa = SdpaOp::create(
        rewriter, op.getLoc(), ValueRange(outs).getTypes(), scores.getQuery(),
        scores.getKey(), op.getValue(), /*mask=*/Value(), scores.getLengths(),
        /*positions=*/Value(), /*rows=*/Value(), /*slopes=*/Value(),
        /*biases=*/Value(), /*sinks=*/Value(),
        /*query_offsets=*/Value(), /*key_offsets=*/Value(), outs,
        scores.getHeadsAttr(), scores.getScaleAttr(), scores.getCausalAttr(),
        scores.getWindowBeforeAttr(), scores.getWindowAfterAttr(),
        /*softcap=*/FloatAttr(), /*shown_heads=*/DenseI64ArrayAttr(),
        /*shown_mean=*/UnitAttr(), /*shown_stage=*/ScoreStageAttr());
    if (outs.size() == 2)
      rewriter.replaceAllUsesExcept(probabilities, sdpa->getResult(1), op);
    rewriter.replaceOp(op, sdpa->getResult(0));
    return success();
  }
};

struct FuseAttention : public attn::impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseWeightedSum>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
