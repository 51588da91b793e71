// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes projections of one input in one matrix product.

#include "Sizes.h"
#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_FUSEPROJECTIONS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// What projections must have in common: the input, the group of weights, the
/// element types of bias (none without one) and result.
using Key = std::tuple<Value, Operation *, Type, Type>;

struct Projection {
  LinearOp op;
  WeightOp weight, bias;
};

class ProjectionFuser {
public:
  explicit ProjectionFuser(ModuleOp module) : module(module) {}

  void run() {
    module->walk([&](Block *block) {
      llvm::MapVector<Key, SmallVector<Projection>> groups;
      for (auto linear : block->getOps<LinearOp>())
        if (std::optional<Projection> projection = match(linear))
          groups[keyOf(*projection)].push_back(*projection);
      for (auto &[key, projections] : groups)
        if (projections.size() > 1)
          fuse(projections);
    });
    // The parts of concatenations.
    eraseUnused(replaced.getArrayRef(), module, symbols);
  }

private:
  std::optional<Projection> match(LinearOp linear) {
    if (linear.getResults().empty() || linear.isPacked() ||
        linear.getTransposed() || linear.getScales() || linear.getResidual() ||
        linear.getActivation() || !linear.hasStaticWidths())
      return std::nullopt;
    // Where there is nothing, no slice begins.
    if (llvm::is_contained(
            cast<ShapedType>(linear.getOut().getType()).getShape(), 0))
      return std::nullopt;
    auto isPlain = [](WeightOp weight) {
      return weight && weight.getSources() && !weight.getPanel();
    };
    Projection projection = {linear, getWeight(linear.getWeight(), symbols),
                             getWeight(linear.getBias(), symbols)};
    if (!isPlain(projection.weight))
      return std::nullopt;
    if (linear.getBias() &&
        (!isPlain(projection.bias) ||
         projection.bias->getParentOp() != projection.weight->getParentOp()))
      return std::nullopt;
    return projection;
  }

  static Key keyOf(Projection projection) {
    LinearOp linear = projection.op;
    Value bias = linear.getBias();
    return {linear.getInput(), projection.weight->getParentOp(),
            bias ? getElementTypeOrSelf(bias) : Type(),
            getElementTypeOrSelf(linear.getOut())};
  }

  /// The concatenation of weights along dimension 0.
  WeightOp concatenate(ArrayRef<WeightOp> weights) {
    SmallVector<Attribute> sources;
    WeightOp first = weights.front();
    RankedTensorType type = first.getLogicalType();
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = 0;
    for (WeightOp weight : weights) {
      llvm::append_range(sources, weight.getSourcesAttr());
      shape[0] += weight.getLogicalType().getDimSize(0);
      replaced.insert(weight);
    }
    return getOrCreateWeight(first, joinNames(weights),
                             ArrayAttr::get(module.getContext(), sources),
                             type.clone(shape), /*storage=*/{}, symbols);
  }

  Value getConcatenated(OpBuilder &builder, Value first,
                        ArrayRef<WeightOp> weights) {
    return getOther(builder, first.getDefiningOp<GetWeightOp>(),
                    concatenate(weights));
  }

  void fuse(ArrayRef<Projection> projections) {
    LinearOp first = projections.front().op;
    auto weights =
        llvm::map_to_vector(projections, [](Projection p) { return p.weight; });
    auto biases =
        llvm::map_to_vector(projections, [](Projection p) { return p.bias; });

    OpBuilder builder(first);
    Location loc = first.getLoc();
    Value weight = getConcatenated(builder, first.getWeight(), weights);
    Value bias;
    if (first.getBias())
      bias = getConcatenated(builder, first.getBias(), biases);

    SmallVector<OpFoldResult> sizes = getSizes(builder, loc, first.getOut());
    sizes.back() =
        builder.getIndexAttr(cast<ShapedType>(weight.getType()).getDimSize(0));
    Value out =
        createEmpty(builder, loc, sizes, getElementTypeOrSelf(first.getOut()));
    Value fused =
        LinearOp::create(builder, loc, out.getType(), first.getInput(), weight,
                         /*scales=*/Value(), bias, /*residual=*/Value(), out,
                         /*activation=*/{})
            .getResult(0);

    // All slices stand at the fused operation, which comes before every use.
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
    int64_t offset = 0;
    for (Projection projection : projections) {
      LinearOp linear = projection.op;
      auto type = cast<RankedTensorType>(linear.getResult(0).getType());
      int64_t width = type.getShape().back();
      offsets.back() = builder.getIndexAttr(offset);
      sizes.back() = builder.getIndexAttr(width);
      offset += width;
      Value slice = tensor::ExtractSliceOp::create(
          builder, linear.getLoc(), fused, offsets, sizes, strides);
      if (slice.getType() != type)
        slice = tensor::CastOp::create(builder, linear.getLoc(), type, slice);
      linear.getResult(0).replaceAllUsesWith(slice);
    }
    for (Projection projection : projections)
      erase(projection.op);
  }

  /// Erases `linear` and what only it used.
  static void erase(LinearOp linear) {
    SmallVector<Value> operands = {linear.getWeight(), linear.getBias()};
    linear.erase();
    for (Value operand : operands)
      if (operand && operand.use_empty())
        operand.getDefiningOp()->erase();
  }

  ModuleOp module;
  SymbolTableCollection symbols;
  llvm::SetVector<Operation *> replaced;
};

struct FuseProjections
    : public attn::impl::FuseProjectionsBase<FuseProjections> {
  void runOnOperation() override { ProjectionFuser(getOperation()).run(); }
};

} // namespace
