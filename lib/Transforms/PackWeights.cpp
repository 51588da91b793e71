// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores the weights of matrix products in panels.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PointerIntPair.h"

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
  /// Matrices of bf16 are stored in tiles if the target `hasTiles`, and panels
  /// are as wide as those.
  WeightPacker(ModuleOp module, int64_t panel, bool hasTiles)
      : module(module), panel(Builder(module).getI64IntegerAttr(panel)),
        hasTiles(hasTiles && panel == 2 * WeightOp::kTileRows) {}

  void run() {
    module->walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op)) {
        collect(linear.getWeightMutable(), linear.getBiasMutable(),
                linear.getTransposed());
      } else if (auto logits = dyn_cast<LogitsOp>(op)) {
        collect(logits.getWeightMutable(), logits.getBiasMutable(),
                /*isTransposed=*/false);
      } else if (auto mlp = dyn_cast<MlpOp>(op)) {
        // Tiles do not tell how wide the hidden matrix is, if not exactly.
        if (isInTiles(mlp.getWeight()) &&
            mlp.getHiddenWidth() % (WeightOp::kTileRows * kPair) != 0)
          return;
        collect(mlp.getHiddenWeightMutable(), mlp.getHiddenBiasMutable(),
                mlp.getHiddenTransposed());
        collect(mlp.getWeightMutable(), mlp.getBiasMutable(),
                mlp.getTransposed());
      }
    });
    findOtherUses();
    for (auto &[place, operands] : operandsOf)
      pack(cast<WeightOp>(place.getPointer()), place.getInt(), operands);
  }

private:
  /// Numbers of bf16 that a tile has side by side.
  static constexpr int64_t kPair = 2;

  bool isInTiles(Value weight) {
    return hasTiles && getElementTypeOrSelf(weight).isBF16();
  }
  /// Notes the operands of one product that have to change, if they all can.
  void collect(OpOperand &weightOperand, const MutableOperandRange &biasOperand,
               bool isTransposed) {
    auto type = dyn_cast<RankedTensorType>(weightOperand.get().getType());
    if (!type || type.getRank() != 2)
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
      operandsOf[{bias, false}].push_back(&biasOperand[0]);
    }
    operandsOf[{weight, isTransposed}].push_back(&weightOperand);
  }

  /// Finds the weights that something else reads too. They stay as they are,
  /// and get a second symbol.
  void findOtherUses() {
    llvm::DenseSet<OpOperand *> packed;
    for (auto &[place, operands] : operandsOf)
      packed.insert_range(operands);
    module->walk([&](GetWeightOp get) {
      if (llvm::any_of(get->getUses(),
                       [&](OpOperand &use) { return !packed.contains(&use); }))
        usedOtherwise.insert(getWeight(get.getResult(), symbols));
    });
    // A layer uses all weights of its group.
    DenseSet<SymbolRefAttr> uses = collectSymbolUses(module);
    for (auto &[place, operands] : operandsOf) {
      Operation *weight = place.getPointer();
      auto group = cast<WeightsOp>(weight->getParentOp());
      if (uses.contains(FlatSymbolRefAttr::get(group.getSymNameAttr())) ||
          operandsOf.contains({weight, !place.getInt()}))
        usedOtherwise.insert(weight);
    }
  }

  /// What is packed is no longer transposed.
  static void clearTransposed(OpOperand &operand) {
    if (auto linear = dyn_cast<LinearOp>(operand.getOwner()))
      linear.setTransposed(false);
    else if (auto mlp = cast<MlpOp>(operand.getOwner());
             operand == mlp.getWeightMutable())
      mlp.setTransposed(false);
    else
      mlp.setHiddenTransposed(false);
  }

  void pack(WeightOp weight, bool isTransposed,
            ArrayRef<OpOperand *> operands) {
    WeightStorage storage;
    storage.panel = panel;
    Builder builder(module.getContext());
    if (isTransposed) {
      storage.transposed = builder.getUnitAttr();
      for (OpOperand *operand : operands)
        clearTransposed(*operand);
    }
    if (weight.getLogicalType().getRank() == 2 &&
        isInTiles(operands.front()->get()))
      storage.group = builder.getI64IntegerAttr(kPair);

    if (!usedOtherwise.contains(weight)) {
      weight.setPanelAttr(storage.panel);
      weight.setGroupAttr(storage.group);
      weight.setTransposedAttr(storage.transposed);
      for (OpOperand *operand : operands)
        operand->get().setType(weight.getStoredType());
      return;
    }
    WeightOp second = getOrCreateWeight(
        weight, (weight.getSymName() + ".packed").str(),
        weight.getSourcesAttr(), weight.getLogicalType(), storage, symbols);
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
  bool hasTiles;
  SymbolTableCollection symbols;
  /// The operands of matrix products that read a weight, as matrix, which may
  /// be transposed, or as bias.
  llvm::MapVector<llvm::PointerIntPair<Operation *, 1, bool>,
                  SmallVector<OpOperand *>>
      operandsOf;
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
    auto target =
        getOperation()->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    if (width == 0) {
      if (!target) {
        getOperation().emitError()
            << "expected the module attribute '" << AttnDialect::kTargetAttr
            << "', which says how wide panels are; hint: or give the width as "
               "the option 'panel'";
        return signalPassFailure();
      }
      width = target.getPanelWidth();
    }
    WeightPacker(getOperation(), width, target && target.hasTiles()).run();
  }
};

} // namespace
