// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes chains of elementwise operations in one loop.

#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Whether nothing is computed more often than before where the operation that
/// gives the operand becomes a part of the one that reads it.
static bool isComputedOnce(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  return producer && consumer && producer->hasOneUse() &&
         producer->getBlock() == consumer->getBlock() &&
         consumer.getMatchingIndexingMap(operand).isPermutation();
}

namespace {

/// As upstream's pattern, but without those that come with it: they give each
/// result memory of its own, where one may have been computed in that of an
/// operand, as loops need it.
struct FuseProducers : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp consumer,
                                PatternRewriter &rewriter) const override {
    for (OpOperand *operand : consumer.getDpsInputOperands()) {
      if (!linalg::areElementwiseOpsFusable(operand) ||
          !isComputedOnce(operand))
        continue;
      auto fused = linalg::fuseElementwiseOps(rewriter, operand);
      if (failed(fused))
        continue;
      SmallVector<Value> results;
      for (Value result : consumer.getResults())
        results.push_back(fused->replacements.lookup(result));
      rewriter.replaceOp(consumer, results);
      return success();
    }
    return failure();
  }
};

struct FuseElementwise
    : public attn::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseProducers>(&getContext());
    linalg::populateEraseUnnecessaryInputsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
