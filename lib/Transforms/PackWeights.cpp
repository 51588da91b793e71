// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores the weights of matrix products in panels.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace attn {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Packs the weights of all matrix products of a module.
class WeightPacker {
public:
  WeightPacker(ModuleOp module, int64_t panel)
      : module(module), panel(Builder(module).getI64IntegerAttr(panel)) {}

  void run() {
    module->walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op)) {
        collect(linear.getWeightMutable(), linear.getBiasMutable(),
                linear.getTransposed());
      } else if (auto mlp = dyn_cast<MlpOp>(op)) {
        collect(mlp.getHiddenWeightMutable(), mlp.getHiddenBiasMutable(),
                mlp.getHiddenTransposed());
        collect(mlp.getWeightMutable(), mlp.getBiasMutable(),
                mlp.getTransposed());
      }
    });
    findOtherUses();
    for (auto &[weight, operands] : operandsOf)
      pack(cast<WeightOp>(weight), operands);
  }

private:
  /// Notes the operands of one product that have to change, if they all can.
  void collect(OpOperand &weightOperand, const MutableOperandRange &biasOperand,
               bool isTransposed) {
    auto type = dyn_cast<RankedTensorType>(weightOperand.get().getType());
    if (!type || type.getRank() != 2 || isTransposed)
      return;
    auto canPack = [](WeightOp weight) {
      return weight && !weight.getSinusoidal() && !weight.getPanel();
    };
    WeightOp weight = getWeight(weightOperand.get(), symbols);
    if (!canPack(weight))
      return;
    if (!biasOperand.empty()) {
      WeightOp bias = getWeight(biasOperand[0].get(), symbols);
      if (!canPack(bias))
        return;
      operandsOf[bias].push_back(&biasOperand[0]);
    }
    operandsOf[weight].push_back(&weightOperand);
  }

  /// Finds the weights that something else reads too. They stay as they are,
  /// and get a second symbol.
  void findOtherUses() {
    llvm::DenseSet<OpOperand *> packed;
    for (auto &[weight, operands] : operandsOf)
      packed.insert_range(operands);
    module->walk([&](GetWeightOp get) {
      if (llvm::any_of(get->getUses(),
                       [&](OpOperand &use) { return !packed.contains(&use); }))
        usedOtherwise.insert(getWeight(get.getResult(), symbols));
    });
    // A layer uses all weights of its group.
    DenseSet<SymbolRefAttr> uses = collectSymbolUses(module);
    for (auto &[weight, operands] : operandsOf) {
      auto group = cast<WeightsOp>(weight->getParentOp());
      if (uses.contains(FlatSymbolRefAttr::get(group.getSymNameAttr())))
        usedOtherwise.insert(weight);
    }
  }

  void pack(WeightOp weight, ArrayRef<OpOperand *> operands) {
    if (!usedOtherwise.contains(weight)) {
      weight.setPanelAttr(panel);
      for (OpOperand *operand : operands)
        operand->get().setType(weight.getStoredType());
      return;
    }
    WeightOp second = getOrCreateWeight(
        weight, (weight.getSymName() + ".packed").str(),
        weight.getSourcesAttr(), weight.getLogicalType(), panel, symbols);
    for (OpOperand *operand : operands) {
      auto get = operand->get().getDefiningOp<GetWeightOp>();
      OpBuilder builder(get);
      operand->set(GetWeightOp::create(
          builder, get.getLoc(), second.getStoredType(),
          replaceLeaf(get.getWeightAttr(), second.getSymNameAttr())));
      if (get->use_empty())
        get.erase();
    }
  }

  ModuleOp module;
  IntegerAttr panel;
  SymbolTableCollection symbols;
  /// The operands of matrix products that read a weight, as matrix or as bias.
  llvm::MapVector<Operation *, SmallVector<OpOperand *>> operandsOf;
  llvm::DenseSet<Operation *> usedOtherwise;
};

struct PackWeights : public attn::impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    int64_t width = panel;
    if (width < 0) {
      getOperation().emitError()
          << "expected panels of a positive width, got " << width;
      return signalPassFailure();
    }
    if (width == 0) {
      auto target =
          getOperation()->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
      if (!target) {
        getOperation().emitError()
            << "expected the module attribute '" << AttnDialect::kTargetAttr
            << "', which says how wide panels are; hint: or give the width as "
               "the option 'panel'";
        return signalPassFailure();
      }
      width = target.getPanelWidth();
    }
    WeightPacker(getOperation(), width).run();
  }
};

} // namespace
