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
          .Case<LinearOp, LogitsOp>([&](auto product) {
            quantize(product.getInput(), product.getWeightMutable());
          })
          .Case([&](MlpOp mlp) {
            quantize(mlp.getInput(), mlp.getHiddenWeightMutable());
            quantize(mlp.getInput(), mlp.getWeightMutable());
          });
    });
    eraseUnused(replaced.getArrayRef(), module, symbols);
  }

private:
  void quantize(Value input, OpOperand &operand) {
    WeightOp weight = getWeight(operand.get(), symbols);
    if (!weight || weight.getSinusoidal() || weight.getPanel() ||
        !getElementTypeOrSelf(input).isF32() ||
        !getElementTypeOrSelf(operand.get()).isF32())
      return;
    std::string name;
    llvm::raw_string_ostream(name) << weight.getSymName() << '.' << element;
    WeightOp narrow = getOrCreateWeight(weight, name, weight.getSourcesAttr(),
                                        weight.getLogicalType().clone(element),
                                        WeightStorage(), symbols);
    auto get = operand.get().getDefiningOp<GetWeightOp>();
    OpBuilder builder(get);
    operand.set(GetWeightOp::create(
        builder, get.getLoc(), narrow.getStoredType(),
        replaceLeaf(get.getWeightAttr(), narrow.getSymNameAttr())));
    if (get->use_empty())
      get.erase();
    replaced.insert(weight);
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
    if (type != "bf16") {
      getOperation().emitError()
          << "expected 'bf16' as element type of weights, got '" << type << "'";
      return signalPassFailure();
    }
    WeightQuantizer(getOperation(), builder.getBF16Type()).run();
  }
};

} // namespace
