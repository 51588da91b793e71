// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Simplifies what front ends compute of dynamic sizes.

#include "Sizes.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_SIMPLIFYSHAPES
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Compares sizes with what no size is, and with themselves.
struct DecideComparison : public OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<bool> result = decide(op);
    if (!result)
      return rewriter.notifyMatchFailure(op, "not known");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, rewriter.getBoolAttr(*result));
    return success();
  }

private:
  static std::optional<bool> decide(arith::CmpIOp op) {
    using Predicate = arith::CmpIPredicate;
    Predicate predicate = op.getPredicate();
    Value size = op.getLhs();
    if (!size.getType().isIntOrIndex() || size.getType().isInteger(1))
      return std::nullopt;
    if ((predicate == Predicate::eq || predicate == Predicate::ne) &&
        getIndexProduct(size).equals(getIndexProduct(op.getRhs())))
      return predicate == Predicate::eq;
    std::optional<int64_t> number = getConstantIntValue(op.getRhs());
    if (!number || !isSizeLike(size))
      return std::nullopt;
    if (*number < 0) {
      if (llvm::is_contained({Predicate::eq, Predicate::slt, Predicate::sle},
                             predicate))
        return false;
      if (llvm::is_contained({Predicate::ne, Predicate::sgt, Predicate::sge},
                             predicate))
        return true;
    }
    if (*number == 0 && predicate == Predicate::slt)
      return false;
    if (*number == 0 && predicate == Predicate::sge)
      return true;
    return std::nullopt;
  }
};

/// What is left of a product of sizes that is divided by a part of it.
template <typename DivOp> struct CancelSizes : public OpRewritePattern<DivOp> {
  using OpRewritePattern<DivOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    SizeProduct product = getIndexProduct(op.getLhs());
    SizeProduct divisor = getIndexProduct(op.getRhs());
    if (!isSizeLike(op.getLhs()) || !isSizeLike(op.getRhs()) ||
        divisor.number == 0 || divisor.isOne() || !product.divideBy(divisor))
      return rewriter.notifyMatchFailure(op, "nothing that cancels out");
    rewriter.replaceOp(
        op, createProduct(rewriter, op.getLoc(), product, op.getType()));
    return success();
  }
};

/// The larger of two sizes that are the same.
struct MergeSizes : public OpRewritePattern<arith::MaxUIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MaxUIOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isIntOrIndex() ||
        !getIndexProduct(op.getLhs()).equals(getIndexProduct(op.getRhs())))
      return rewriter.notifyMatchFailure(op, "not known to be the same");
    rewriter.replaceOp(op, op.getLhs());
    return success();
  }
};

/// Splits and merges the dimensions whose sizes tell that they belong together.
struct GroupReshape : public OpRewritePattern<tensor::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
    auto type = dyn_cast<RankedTensorType>(op.getType());
    auto list = op.getShape().getDefiningOp<tensor::FromElementsOp>();
    if (!source || !type || !list || source.getRank() == 0 ||
        type.getRank() == 0)
      return rewriter.notifyMatchFailure(op, "a shape that is not listed");
    SmallVector<SizeProduct> from, to;
    for (int64_t dim : llvm::seq(source.getRank()))
      from.push_back(getSizeProduct(op.getSource(), dim));
    for (auto [size, element] :
         llvm::zip_equal(type.getShape(), list.getElements()))
      to.push_back(ShapedType::isDynamic(size) ? getIndexProduct(element)
                                               : SizeProduct(size));
    SmallVector<ReassociationIndices> merged, split;
    for (const DimGroup &group : groupDims(from, to)) {
      if (group.first.empty() || group.second.empty())
        return rewriter.notifyMatchFailure(op, "sizes that have no partner");
      merged.push_back(group.first);
      split.push_back(group.second);
    }
    auto collapsed =
        tensor::CollapseShapeOp::inferCollapsedType(source, merged);
    auto middle = tensor::CollapseShapeOp::inferCollapsedType(type, split);
    if (!tensor::CastOp::areCastCompatible(collapsed, middle))
      return rewriter.notifyMatchFailure(op, "sizes that contradict");

    Location loc = op.getLoc();
    Value tensor = op.getSource();
    if (collapsed != source)
      tensor = tensor::CollapseShapeOp::create(rewriter, loc, tensor, merged);
    if (tensor.getType() != middle)
      tensor = tensor::CastOp::create(rewriter, loc, middle, tensor);
    if (tensor.getType() != type)
      tensor = tensor::ExpandShapeOp::create(rewriter, loc, type, tensor, split,
                                             getSizes(rewriter, type, list));
    rewriter.replaceOp(op, tensor);
    return success();
  }

private:
  /// What the list says of dimensions that are dynamic.
  static SmallVector<OpFoldResult> getSizes(OpBuilder &builder,
                                            RankedTensorType type,
                                            tensor::FromElementsOp list) {
    SmallVector<OpFoldResult> sizes =
        getAsIndexOpFoldResult(builder.getContext(), type.getShape());
    for (auto [dim, size] : llvm::enumerate(sizes)) {
      Value element = list.getElements()[dim];
      if (!type.isDynamicDim(dim))
        continue;
      if (!element.getType().isIndex())
        element = arith::IndexCastOp::create(builder, list.getLoc(),
                                             builder.getIndexType(), element);
      size = element;
    }
    return sizes;
  }
};

/// Reads elements that a body extracts where its loops are as an operand.
struct ExtractAsOperand : public OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    for (auto extract : op.getBody()->getOps<tensor::ExtractOp>()) {
      std::optional<AffineMap> map = getMap(op, extract);
      if (!map)
        continue;
      replace(op, extract, *map, rewriter);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no element where the loops are");
  }

private:
  /// The loop that `index` is the index of, or 0 where `size`, which that is to
  /// be compared with, is 1.
  static linalg::IndexOp getLoop(Value index, const SizeProduct &size) {
    auto select = index.getDefiningOp<arith::SelectOp>();
    if (!select)
      return index.getDefiningOp<linalg::IndexOp>();
    auto compare = select.getCondition().getDefiningOp<arith::CmpIOp>();
    if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq ||
        getConstantIntValue(compare.getRhs()) != 1 ||
        getConstantIntValue(select.getTrueValue()) != 0 ||
        !getIndexProduct(compare.getLhs()).equals(size))
      return {};
    return select.getFalseValue().getDefiningOp<linalg::IndexOp>();
  }

  /// How the loops index the tensor, if all its dimensions have the sizes of
  /// loops.
  static std::optional<AffineMap> getMap(linalg::GenericOp op,
                                         tensor::ExtractOp extract) {
    Value tensor = extract.getTensor();
    if (op->isAncestor(tensor.getParentRegion()->getParentOp()))
      return std::nullopt;
    MLIRContext *context = op.getContext();
    SmallVector<AffineExpr> indices;
    for (auto [dim, index] : llvm::enumerate(extract.getIndices())) {
      SizeProduct size = getSizeProduct(tensor, static_cast<int64_t>(dim));
      if (size.isOne() && getConstantIntValue(index) == 0) {
        indices.push_back(getAffineConstantExpr(0, context));
        continue;
      }
      linalg::IndexOp loop = getLoop(index, size);
      if (!loop || loop->getParentOp() != op)
        return std::nullopt;
      std::optional<SizeProduct> runs = getLoopSize(op, loop.getDim());
      if (!runs || !runs->equals(size))
        return std::nullopt;
      indices.push_back(getAffineDimExpr(loop.getDim(), context));
    }
    return AffineMap::get(op.getNumLoops(), 0, indices, context);
  }

  static void replace(linalg::GenericOp op, tensor::ExtractOp extract,
                      AffineMap map, PatternRewriter &rewriter) {
    SmallVector<Value> inputs(op.getInputs());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps.insert(maps.begin() + static_cast<int64_t>(inputs.size()), map);
    inputs.push_back(extract.getTensor());
    auto wider = linalg::GenericOp::create(
        rewriter, op.getLoc(), op.getResultTypes(), inputs, op.getOutputs(),
        maps, op.getIteratorTypesArray());
    Region &body = wider.getRegion();
    rewriter.inlineRegionBefore(op.getRegion(), body, body.begin());
    Value element =
        body.front().insertArgument(static_cast<unsigned>(inputs.size()) - 1,
                                    extract.getType(), extract.getLoc());
    rewriter.replaceOp(extract, element);
    rewriter.replaceOp(op, wider.getResults());
  }
};

struct SimplifyShapes : public attn::impl::SimplifyShapesBase<SimplifyShapes> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    // Sizes before what they tell of tensors.
    for (bool isOnTensors : {false, true}) {
      RewritePatternSet patterns(context);
      patterns.add<DecideComparison, CancelSizes<arith::DivSIOp>,
                   CancelSizes<arith::FloorDivSIOp>,
                   CancelSizes<arith::DivUIOp>, MergeSizes>(context);
      arith::IndexCastOp::getCanonicalizationPatterns(patterns, context);
      cf::AssertOp::getCanonicalizationPatterns(patterns, context);
      if (isOnTensors)
        patterns.add<GroupReshape, ExtractAsOperand>(context);
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
  }
};

} // namespace
