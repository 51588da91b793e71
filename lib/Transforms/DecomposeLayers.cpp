// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rewrites layers as cores.

#include "Sizes.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include <cmath>

namespace attn {
#define GEN_PASS_DEF_DECOMPOSELAYERS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

using Sizes = SmallVector<OpFoldResult>;

/// Replaces `op` by values that may have more precise types than its results.
static void replace(PatternRewriter &rewriter, Operation *op,
                    MutableArrayRef<Value> values) {
  for (auto [value, result] : llvm::zip_equal(values, op->getResults()))
    if (value.getType() != result.getType())
      value = tensor::CastOp::create(rewriter, op->getLoc(), result.getType(),
                                     value);
  rewriter.replaceOp(op, values);
}

namespace {

/// Builds the cores of one layer out of its group of weights.
class CoreBuilder {
public:
  CoreBuilder(PatternRewriter &rewriter, Operation *layer, SymbolRefAttr group,
              SymbolTableCollection &symbols)
      : rewriter(rewriter), loc(layer->getLoc()), name(group),
        group(symbols.lookupNearestSymbolFrom<WeightsOp>(layer, group)),
        symbols(symbols) {}

  /// The operation that declares a weight; none if the group lacks it.
  WeightOp find(StringRef weight) {
    return symbols.lookupSymbolIn<WeightOp>(group,
                                            rewriter.getStringAttr(weight));
  }

  /// The value of a weight; none if the group lacks it.
  Value weight(StringRef weight) {
    WeightOp op = find(weight);
    if (!op)
      return {};
    SmallVector<FlatSymbolRefAttr> path(name.getNestedReferences());
    path.push_back(FlatSymbolRefAttr::get(op.getSymNameAttr()));
    return GetWeightOp::create(
        rewriter, loc, op.getStoredType(),
        SymbolRefAttr::get(name.getRootReference(), path));
  }

  /// `input` times the weight named `prefix`weight, plus `prefix`bias.
  Value linear(Value input, const Twine &prefix, Value residual = {},
               ActivationAttr activation = {}) {
    std::string weightName = (prefix + "weight").str();
    Sizes sizes = getSizes(rewriter, loc, input);
    sizes.back() =
        rewriter.getIndexAttr(find(weightName).getLogicalType().getDimSize(0));
    Value matrix = weight(weightName);
    Value bias = weight((prefix + "bias").str());
    Value out = empty(sizes, input);
    return LinearOp::create(rewriter, loc, out.getType(), input, matrix,
                            /*scales=*/Value(), bias, residual, out, activation)
        .getResult(0);
  }

  Value normalize(Value input, FloatAttr epsilon) {
    Value scale = weight("norm.weight"), bias = weight("norm.bias");
    Value out = empty(getSizes(rewriter, loc, input), input);
    return LayerNormOp::create(rewriter, loc, out.getType(), input, scale, bias,
                               out, epsilon)
        .getResult(0);
  }

  /// Attention of `input` to `memory`, before the projection that ends it; and
  /// its probabilities.
  std::pair<Value, Value> attend(Value input, Value memory, Value lengths,
                                 int64_t heads, bool causal) {
    Value query = linear(input, "q."), key = linear(memory, "k.");
    Value value = linear(memory, "v.");
    Sizes querySizes = getSizes(rewriter, loc, query);
    Sizes scoreSizes = {querySizes[0], rewriter.getIndexAttr(heads),
                        querySizes[1], getSizes(rewriter, loc, key)[1]};
    int64_t inner = cast<RankedTensorType>(query.getType()).getDimSize(2);
    int64_t headSize = inner / heads;
    double scale = 1 / std::sqrt(static_cast<double>(headSize));

    Value scoresOut = empty(scoreSizes, query);
    Value scores =
        ScoresOp::create(rewriter, loc, scoresOut.getType(), query, key,
                         lengths, scoresOut, heads, APFloat(scale), causal,
                         /*window_before=*/IntegerAttr(),
                         /*window_after=*/IntegerAttr())
            .getResult(0);
    Value softmaxOut = empty(scoreSizes, query);
    Value probabilities = SoftmaxOp::create(rewriter, loc, softmaxOut.getType(),
                                            scores, softmaxOut)
                              .getResult(0);
    Value out = empty(querySizes, query);
    Value context = WeightedSumOp::create(rewriter, loc, out.getType(),
                                          probabilities, value, out)
                        .getResult(0);
    return {context, probabilities};
  }

private:
  Value empty(ArrayRef<OpFoldResult> sizes, Value like) {
    return createEmpty(rewriter, loc, sizes, getElementTypeOrSelf(like));
  }

  PatternRewriter &rewriter;
  Location loc;
  SymbolRefAttr name;
  WeightsOp group;
  SymbolTableCollection &symbols;
};

/// A pattern that looks up weights.
template <typename LayerOp>
struct LayerPattern : public OpRewritePattern<LayerOp> {
  LayerPattern(MLIRContext *context, SymbolTableCollection &symbols)
      : OpRewritePattern<LayerOp>(context), symbols(symbols) {}

  LogicalResult matchAndRewrite(LayerOp op,
                                PatternRewriter &rewriter) const override {
    CoreBuilder cores(rewriter, op, op.getWeights(), symbols);
    SmallVector<Value> values = build(op, cores, rewriter);
    replace(rewriter, op, values);
    return success();
  }

  virtual SmallVector<Value> build(LayerOp op, CoreBuilder &cores,
                                   PatternRewriter &rewriter) const = 0;

  SymbolTableCollection &symbols;
};

struct DecomposeEmbedding : public LayerPattern<EmbeddingOp> {
  using LayerPattern::LayerPattern;

  SmallVector<Value> build(EmbeddingOp op, CoreBuilder &cores,
                           PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    Sizes sizes = getSizes(rewriter, op.getLoc(), op.getIds());
    sizes.push_back(rewriter.getIndexAttr(type.getDimSize(2)));
    Value table = cores.weight("table"), positions = cores.weight("positions");
    Value out =
        createEmpty(rewriter, op.getLoc(), sizes, type.getElementType());
    return {LookupOp::create(rewriter, op.getLoc(), out.getType(), op.getIds(),
                             table, /*scales=*/Value(), positions,
                             /*offsets=*/Value(), out, op.getScaleAttr(),
                             /*rows=*/IntegerAttr())
                .getResult(0)};
  }
};

/// Self- and cross-attention differ in what keys and values are taken from.
template <typename AttentionOp>
struct DecomposeAttention : public LayerPattern<AttentionOp> {
  using LayerPattern<AttentionOp>::LayerPattern;

  SmallVector<Value> build(AttentionOp op, CoreBuilder &cores,
                           PatternRewriter &rewriter) const override {
    bool pre = op.getNorm() == NormPlacement::Pre, causal = false;
    Value input = op.getInput();
    Value x = pre ? cores.normalize(input, op.getEpsilonAttr()) : input;
    Value memory = x;
    if constexpr (std::is_same_v<AttentionOp, CrossAttentionOp>)
      memory = op.getMemory();
    else
      causal = op.getCausal();
    auto [context, probabilities] =
        cores.attend(x, memory, op.getLengths(), op.getHeads(), causal);
    Value result = cores.linear(context, "out.", /*residual=*/input);
    if (!pre)
      result = cores.normalize(result, op.getEpsilonAttr());
    if (op.getProbabilities())
      return {result, probabilities};
    return {result};
  }
};

struct DecomposeFeedForward : public LayerPattern<FeedForwardOp> {
  using LayerPattern::LayerPattern;

  SmallVector<Value> build(FeedForwardOp op, CoreBuilder &cores,
                           PatternRewriter &rewriter) const override {
    bool pre = op.getNorm() == NormPlacement::Pre;
    Value input = op.getInput();
    Value x = pre ? cores.normalize(input, op.getEpsilonAttr()) : input;
    Value inner =
        cores.linear(x, "in.", /*residual=*/{}, op.getActivationAttr());
    Value result = cores.linear(inner, "out.", /*residual=*/input);
    return {pre ? result : cores.normalize(result, op.getEpsilonAttr())};
  }
};

struct DecomposeNormalize : public LayerPattern<NormalizeOp> {
  using LayerPattern::LayerPattern;

  SmallVector<Value> build(NormalizeOp op, CoreBuilder &cores,
                           PatternRewriter &rewriter) const override {
    return {cores.normalize(op.getInput(), op.getEpsilonAttr())};
  }
};

struct DecomposeProject : public LayerPattern<ProjectOp> {
  using LayerPattern::LayerPattern;

  SmallVector<Value> build(ProjectOp op, CoreBuilder &cores,
                           PatternRewriter &rewriter) const override {
    return {cores.linear(op.getInput(), "")};
  }
};

/// A look-up: which bucket each distance has is known here.
struct DecomposeDistanceBiases : public OpRewritePattern<DistanceBiasesOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DistanceBiasesOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto farthest = static_cast<int64_t>(op.getMaxDistance());
    SmallVector<int64_t> buckets;
    for (int64_t distance = -farthest; distance <= farthest; ++distance)
      buckets.push_back(op.getBucket(distance));
    auto type = RankedTensorType::get(static_cast<int64_t>(buckets.size()),
                                      rewriter.getI64Type());
    Value known = arith::ConstantOp::create(
        rewriter, loc, DenseElementsAttr::get(type, ArrayRef(buckets)));
    Sizes sizes = {getSizes(rewriter, loc, op.getTable())[1],
                   rewriter.getIndexAttr(type.getDimSize(0))};
    Value out = tensor::EmptyOp::create(
        rewriter, loc, sizes, op.getTable().getType().getElementType());
    AffineMap perHead = rewriter.getMultiDimIdentityMap(2);
    AffineMap maps[] = {perHead.getMinorSubMap(1), perHead};
    SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
    Value result = linalg::GenericOp::create(
                       rewriter, loc, out.getType(), known, out, maps, loops,
                       [&](OpBuilder &b, Location loc, ValueRange arguments) {
                         Value bucket = arith::IndexCastOp::create(
                             b, loc, b.getIndexType(), arguments[0]);
                         Value head = linalg::IndexOp::create(b, loc, 0);
                         Value bias = tensor::ExtractOp::create(
                             b, loc, op.getTable(), ValueRange{bucket, head});
                         linalg::YieldOp::create(b, loc, bias);
                       })
                       .getResult(0);
    SmallVector<Value> values = {result};
    replace(rewriter, op, values);
    return success();
  }
};

struct DecomposeLayers
    : public attn::impl::DecomposeLayersBase<DecomposeLayers> {
  void runOnOperation() override {
    SymbolTableCollection symbols;
    RewritePatternSet patterns(&getContext());
    patterns.add<DecomposeEmbedding, DecomposeAttention<SelfAttentionOp>,
                 DecomposeAttention<CrossAttentionOp>, DecomposeFeedForward,
                 DecomposeNormalize, DecomposeProject>(&getContext(), symbols);
    patterns.add<DecomposeDistanceBiases>(&getContext());
    // In program order, so that a layer finds its input decomposed and takes
    // sizes from above it.
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
