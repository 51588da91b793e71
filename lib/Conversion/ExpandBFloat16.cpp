// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding to bf16 on processors that have no instruction for it, and of what
// none has one for.

#include "attn/Conversion/Passes.h"
#include "attn/IR/AttnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_EXPANDBFLOAT16
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// `element`, one for each of `numbers`.
static Type typeLike(Type numbers, Type element) {
  auto vector = dyn_cast<VectorType>(numbers);
  return vector ? Type(vector.clone(element)) : element;
}

static Type integersLike(Type numbers, unsigned bits) {
  return typeLike(numbers, IntegerType::get(numbers.getContext(), bits));
}

/// The number as i32, for each of `numbers`.
static Value createConstant(ImplicitLocOpBuilder &b, Type numbers,
                            int32_t value) {
  TypedAttr attribute = b.getI32IntegerAttr(value);
  if (auto shaped = dyn_cast<ShapedType>(integersLike(numbers, 32)))
    attribute = DenseElementsAttr::get(shaped, value);
  return arith::ConstantOp::create(b, attribute);
}

namespace {

/// Adds half of the last place, or a little less where that place is even, and
/// cuts. Upstream's pattern of the kind selects among bf16, which LLVM turns
/// into the library calls again.
struct ExpandTruncF : public OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Value numbers = op.getIn();
    Type type = numbers.getType();
    if (!getElementTypeOrSelf(type).isF32() ||
        !getElementTypeOrSelf(op.getType()).isBF16() || isa<TensorType>(type))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto constant = [&](int32_t value) {
      return createConstant(b, type, value);
    };
    Value bits = arith::BitcastOp::create(b, integersLike(type, 32), numbers);
    Value high = arith::ShRUIOp::create(b, bits, constant(16));
    Value isOdd = arith::AndIOp::create(b, high, constant(1));
    Value half = arith::AddIOp::create(b, isOdd, constant(0x7fff));
    Value rounded = arith::ShRUIOp::create(
        b, arith::AddIOp::create(b, bits, half), constant(16));
    Value isNaN =
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, numbers, numbers);
    Value quiet = arith::OrIOp::create(b, high, constant(0x40));
    rounded = arith::SelectOp::create(b, isNaN, quiet, rounded);
    Value narrow = arith::TruncIOp::create(b, integersLike(type, 16), rounded);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), narrow);
    return success();
  }
};

/// No processor rounds f64 to bf16. Of f32 in between, those that are not exact
/// are odd: then rounding twice gives what rounding once does.
struct SplitTruncF : public OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    Value numbers = op.getIn();
    Type type = numbers.getType();
    if (!getElementTypeOrSelf(type).isF64() ||
        !getElementTypeOrSelf(op.getType()).isBF16() || isa<TensorType>(type))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type between = typeLike(type, b.getF32Type());
    Type integers = integersLike(type, 32);
    Value nearest = arith::TruncFOp::create(b, between, numbers);
    Value exact = arith::ExtFOp::create(b, type, nearest);
    Value isLarger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                           math::AbsFOp::create(b, exact),
                                           math::AbsFOp::create(b, numbers));
    Value isOther =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, exact, numbers);
    Value bits = arith::BitcastOp::create(b, integers, nearest);
    bits = arith::SubIOp::create(b, bits,
                                 arith::ExtUIOp::create(b, integers, isLarger));
    bits = arith::OrIOp::create(b, bits,
                                arith::ExtUIOp::create(b, integers, isOther));
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(
        op, op.getType(), arith::BitcastOp::create(b, between, bits));
    return success();
  }
};

/// LLVM carries what it widens through a loop as f32, and then rounds it as
/// above. Bits stay bits.
struct ExpandExtF : public OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Value numbers = op.getIn();
    Type type = numbers.getType();
    if (!getElementTypeOrSelf(type).isBF16() ||
        !getElementTypeOrSelf(op.getType()).isF32() || isa<TensorType>(type))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value bits = arith::ExtUIOp::create(
        b, integersLike(type, 32),
        arith::BitcastOp::create(b, integersLike(type, 16), numbers));
    bits = arith::ShLIOp::create(b, bits, createConstant(b, type, 16));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), bits);
    return success();
  }
};

/// LLVM selects among bf16 as among f32, and rounds what it got.
struct ExpandSelect : public OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SelectOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isBF16() || isa<TensorType>(type))
      return failure();
    auto toInteger = [&](Value value) {
      return arith::BitcastOp::create(rewriter, op.getLoc(),
                                      integersLike(type, 16), value);
    };
    Value selected = arith::SelectOp::create(
        rewriter, op.getLoc(), op.getCondition(), toInteger(op.getTrueValue()),
        toInteger(op.getFalseValue()));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, selected);
    return success();
  }
};

/// The one function that upstream's pass leaves to processors.
struct ExpandFma : public OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isBF16() || isa<TensorType>(type))
      return failure();
    Type wide = typeLike(type, rewriter.getF32Type());
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(
          arith::ExtFOp::create(rewriter, op.getLoc(), wide, operand));
    Value sum = math::FmaOp::create(rewriter, op.getLoc(), wide, operands,
                                    op->getAttrs());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, sum);
    return success();
  }
};

struct ExpandBFloat16 : public attn::impl::ExpandBFloat16Base<ExpandBFloat16> {
  void runOnOperation() override {
    auto target =
        getOperation()->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    RewritePatternSet patterns(&getContext());
    patterns.add<SplitTruncF>(&getContext());
    if (!target || !target.hasFeature("avx512bf16"))
      patterns.add<ExpandTruncF, ExpandExtF, ExpandFma, ExpandSelect>(
          &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
