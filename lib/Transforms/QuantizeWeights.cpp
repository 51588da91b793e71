// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores the weights of matrix products in fewer bits.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

class WeightQuantizer {
public:
  WeightQuantizer(ModuleOp module, Type element)
      : module(module), element(element) {}

  void run() {
    module->walk([&](Operation *op) {
      llvm::TypeSwitch<Operation *>(op)
          .Case<LinearOp, LogitsOp, GreatestOp>([&](auto product) {
            bool isTransposed = false;
            if constexpr (std::is_same_v<decltype(product), LinearOp>) {
              isTransposed = product.getTransposed();
              if (!product.hasStaticWidths())
                return;
            }
            if (element.isInteger() && isTransposed)
              return;
            if (Value scales = quantizeFactor(product.getInput(),
                                              product.getWeightMutable()))
              product.getScalesMutable().assign(scales);
          })
          .Case([&](LookupOp lookup) {
            if (!element.isInteger())
              return;
            if (Value scales = quantize(lookup.getTableMutable()))
              lookup.getScalesMutable().assign(scales);
          })
          .Case([&](MlpOp mlp) {
            // There is none of integers.
            if (element.isInteger())
              return;
            quantizeFactor(mlp.getInput(), mlp.getHiddenWeightMutable());
            quantizeFactor(mlp.getInput(), mlp.getWeightMutable());
          });
    });
    eraseUnused(replaced.getArrayRef(), module, symbols);
  }

private:
  /// quantize, of a product of f32.
  Value quantizeFactor(Value input, OpOperand &operand) {
    if (!getElementTypeOrSelf(input).isF32() ||
        !getElementTypeOrSelf(operand.get()).isF32())
      return {};
    return quantize(operand);
  }

  /// Makes the operand a weight of fewer bits, if it can be; gives its scales,
  /// if that has any.
  Value quantize(OpOperand &operand) {
    WeightOp weight = getWeight(operand.get(), symbols);
    if (!weight || weight.getSinusoidal() || weight.getPanel() ||
        weight.getLogicalType().getElementType().isInteger())
      return {};
    auto get = operand.get().getDefiningOp<GetWeightOp>();
    RankedTensorType type = weight.getLogicalType();
    std::string name;
    llvm::raw_string_ostream(name) << weight.getSymName() << '.' << element;
    WeightOp narrow =
        getOrCreateWeight(weight, name, weight.getSourcesAttr(),
                          type.clone(element), /*storage=*/{}, symbols);
    Value scales;
    if (element.isInteger()) {
      WeightStorage storage;
      storage.measure =
          RowMeasureAttr::get(module.getContext(), RowMeasure::Scales);
      scales = getWeightLike(
          get, weight, name + ".scales",
          RankedTensorType::get({type.getDimSize(0)},
                                Float32Type::get(module.getContext())),
          storage, symbols);
    }
    readOther(operand, narrow);
    replaced.insert(weight);
    return scales;
  }

  ModuleOp module;
  Type element;
  SymbolTableCollection symbols;
  llvm::SetVector<Operation *> replaced;
};

struct QuantizeWeights
    : public attn::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    Builder builder(&getContext());
    if (type != "bf16" && type != "i8") {
      getOperation().emitError()
          << "expected 'bf16' or 'i8' as element type of weights, got '" << type
          << "'";
      return signalPassFailure();
    }
    Type element = builder.getBF16Type();
    if (type == "i8")
      element = builder.getI8Type();
    WeightQuantizer(getOperation(), element).run();
  }
};

} // namespace
