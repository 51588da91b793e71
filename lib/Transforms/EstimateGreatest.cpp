// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds to products of which the greatest is wanted what bounds them.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace attn {
#define GEN_PASS_DEF_ESTIMATEGREATEST
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static void addEstimate(GreatestOp op, SymbolTableCollection &symbols) {
  WeightOp weight = getWeight(op.getWeight(), symbols);
  if (!weight || !op.getEstimate().empty() || weight.getSinusoidal() ||
      weight.getPanel())
    return;
  Type element = weight.getLogicalType().getElementType();
  if (!element.isF32() && !element.isBF16())
    return;
  if (op.getBias() && !getWeight(op.getBias(), symbols))
    return;
  auto get = op.getWeight().getDefiningOp<GetWeightOp>();
  auto getLike = [&](StringRef suffix, RankedTensorType type,
                     RowMeasureAttr measure) {
    WeightStorage storage;
    storage.measure = measure;
    return getWeightLike(get, weight,
                         (weight.getSymName() + "." + suffix).str(), type,
                         storage, symbols);
  };
  RankedTensorType type = weight.getLogicalType();
  Type i8 = IntegerType::get(op.getContext(), 8);
  Type f32 = Float32Type::get(op.getContext());
  SmallVector<Value> estimate = {getLike("i8", type.clone(i8), {})};
  const int64_t rows = type.getDimSize(0);
  const int64_t bounds = llvm::divideCeil(rows, WeightOp::kBoundedRows);
  for (auto [measure, size] : {std::pair(RowMeasure::Scales, rows),
                               std::pair(RowMeasure::Norms, bounds),
                               std::pair(RowMeasure::Errors, bounds)})
    estimate.push_back(getLike(stringifyRowMeasure(measure),
                               type.clone({size}, f32),
                               RowMeasureAttr::get(op.getContext(), measure)));
  if (op.getBias())
    estimate.push_back(op.getBias());
  op.getEstimateMutable().assign(estimate);
}

namespace {

struct EstimateGreatest
    : public attn::impl::EstimateGreatestBase<EstimateGreatest> {
  using EstimateGreatestBase::EstimateGreatestBase;

  void runOnOperation() override {
    SymbolTableCollection symbols;
    getOperation()->walk([&](GreatestOp op) { addEstimate(op, symbols); });
  }
};

} // namespace
