// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds to products of which the greatest is wanted what bounds them.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"

namespace attn {
#define GEN_PASS_DEF_ESTIMATEGREATEST
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

class Estimator {
public:
  explicit Estimator(SymbolTableCollection &symbols) : symbols(symbols) {}

  void run(GreatestOp op) {
    WeightOp weight = getWeight(op.getWeight(), symbols);
    if (!weight || !op.getEstimate().empty() || weight.getSinusoidal() ||
        weight.getPanel() || !weight.getLogicalType().getElementType().isF32())
      return;
    if (op.getBias() && !getWeight(op.getBias(), symbols))
      return;
    RankedTensorType type = weight.getLogicalType();
    auto i8 = IntegerType::get(op.getContext(), 8);
    SmallVector<Value> estimate = {
        getWeightLike(op, weight, "i8", type.clone(i8), {})};
    for (RowMeasure measure :
         {RowMeasure::Scales, RowMeasure::Norms, RowMeasure::Errors})
      estimate.push_back(
          getWeightLike(op, weight, stringifyRowMeasure(measure),
                        type.clone(ArrayRef<int64_t>{type.getDimSize(0)}),
                        RowMeasureAttr::get(op.getContext(), measure)));
    if (op.getBias())
      estimate.push_back(op.getBias());
    op.getEstimateMutable().assign(estimate);
  }

private:
  /// The value of a weight of the same sources.
  Value getWeightLike(GreatestOp op, WeightOp weight, StringRef suffix,
                      RankedTensorType type, RowMeasureAttr measure) {
    WeightStorage storage;
    storage.measure = measure;
    std::string name = (weight.getSymName() + "." + suffix).str();
    WeightOp like = getOrCreateWeight(weight, name, weight.getSourcesAttr(),
                                      type, storage, symbols);
    auto get = op.getWeight().getDefiningOp<GetWeightOp>();
    OpBuilder builder(op);
    return GetWeightOp::create(
        builder, op.getLoc(), like.getStoredType(),
        replaceLeaf(get.getWeightAttr(), like.getSymNameAttr()));
  }

  SymbolTableCollection &symbols;
};

struct EstimateGreatest
    : public attn::impl::EstimateGreatestBase<EstimateGreatest> {
  using EstimateGreatestBase::EstimateGreatestBase;

  void runOnOperation() override {
    auto target =
        getOperation()->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    if (!always && (!target || !target.multipliesIntegersFaster()))
      return;
    SymbolTableCollection symbols;
    Estimator estimator(symbols);
    getOperation()->walk([&](GreatestOp op) { estimator.run(op); });
  }
};

} // namespace
