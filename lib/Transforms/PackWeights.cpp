// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores the weights of matrix products in panels.

#include "WeightSymbols.h"
#include "attn/Transforms/Passes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <tuple>

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
      : module(module), panel(panel),
        hasTiles(hasTiles && panel == WeightOp::kTilePanel) {}

  void run() {
    module->walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && linear.hasStaticWidths()) {
        collect(linear.getWeightMutable(),
                {linear.getBiasMutable(), linear.getScalesMutable()},
                linear.getTransposed());
      } else if (auto logits = dyn_cast<LogitsOp>(op)) {
        collectPlain(logits);
      } else if (auto greatest = dyn_cast<GreatestOp>(op)) {
        collectPlain(greatest);
        MutableOperandRange estimate = greatest.getEstimateMutable();
        // Scales and bias; the bounds between them are of panels as they are.
        if (!estimate.empty())
          collect(
              estimate[0],
              {estimate.slice(1, 1), estimate.slice(4, estimate.size() - 4)},
              /*isTransposed=*/false);
      } else if (auto lookup = dyn_cast<LookupOp>(op)) {
        // So that a table which is the weight of a product too is there once.
        if (lookup.getScales())
          collect(lookup.getTableMutable(), {lookup.getScalesMutable()},
                  /*isTransposed=*/false);
      } else if (auto mlp = dyn_cast<MlpOp>(op)) {
        // Tiles do not tell how wide the hidden matrix is, if not exactly.
        if (isInTiles(mlp.getWeight()) &&
            mlp.getHiddenWidth() % (WeightOp::kTileRows * kPair) != 0)
          return;
        collect(mlp.getHiddenWeightMutable(), {mlp.getHiddenBiasMutable()},
                mlp.getHiddenTransposed());
        collect(mlp.getWeightMutable(), {mlp.getBiasMutable()},
                mlp.getTransposed());
      }
    });
    module->walk([&](LookupOp lookup) { collectTable(lookup); });
    findOtherUses();
    for (auto &[use, operands] : operandsOf)
      pack(use, operands);
    eraseUnused(replaced.getArrayRef(), module, symbols);
  }

private:
  /// Numbers of bf16 that a tile has side by side.
  static constexpr int64_t kPair = 2;
  /// The same of i8, whose panels are in tiles whatever the target: one layout
  /// is what all instructions for them take.
  static constexpr int64_t kFour = 4;

  bool isInTiles(Value weight) {
    return hasTiles && getElementTypeOrSelf(weight).isBF16();
  }
  /// How operands read a weight: which, in panels of how many columns, and
  /// whether it is transposed.
  using Use = std::tuple<Operation *, int64_t, unsigned>;

  static bool canPack(WeightOp weight) {
    return weight && !weight.getSinusoidal() && !weight.getPanel();
  }

  /// Notes the operands of one product that have to change, a matrix and what
  /// has an element for each column of it, if they all can.
  void collect(OpOperand &weightOperand, ArrayRef<MutableOperandRange> vectors,
               bool isTransposed) {
    auto type = dyn_cast<RankedTensorType>(weightOperand.get().getType());
    if (!type || type.getRank() != 2)
      return;
    WeightOp weight = getWeight(weightOperand.get(), symbols);
    if (!canPack(weight))
      return;
    int64_t width =
        type.getElementType().isInteger() ? WeightOp::kTilePanel : panel;
    SmallVector<std::pair<Use, OpOperand *>> found = {
        {{weight, width, isTransposed}, &weightOperand}};
    for (const MutableOperandRange &range : vectors)
      for (OpOperand &operand : range) {
        WeightOp vector = getWeight(operand.get(), symbols);
        if (!canPack(vector))
          return;
        found.push_back({{vector, width, false}, &operand});
      }
    for (auto [use, operand] : found)
      operandsOf[use].push_back(operand);
  }

  /// The same of a product that knows no transposed weight.
  template <typename ProductOp> void collectPlain(ProductOp op) {
    collect(op.getWeightMutable(), {op.getBiasMutable(), op.getScalesMutable()},
            /*isTransposed=*/false);
  }

  /// Lets a lookup read its table as a product reads it, if one of f32 does: so
  /// it is there once, where the two have the same panels. A table that is
  /// rounded for the product stays as exact as it is.
  void collectTable(LookupOp lookup) {
    OpOperand &operand = lookup.getTableMutable();
    WeightOp table = getWeight(operand.get(), symbols);
    if (lookup.getScales() || !canPack(table))
      return;
    for (const Use &use : llvm::make_first_range(operandsOf)) {
      auto [op, width, isTransposed] = use;
      auto weight = cast<WeightOp>(op);
      RankedTensorType type = weight.getLogicalType();
      if (isTransposed || weight.getMeasure() ||
          !type.getElementType().isF32() ||
          weight.getSourcesAttr() != table.getSourcesAttr() ||
          type.getShape() != table.getLogicalType().getShape())
        continue;
      if (table.getLogicalType() != type) {
        replaced.insert(table);
        table = getOrCreateWeight(table, (table.getSymName() + ".f32").str(),
                                  table.getSourcesAttr(), type, {}, symbols);
        readOther(operand, table);
      }
      operandsOf[{table, width, false}].push_back(&operand);
      return;
    }
  }

  /// Finds the weights that something else reads too. They stay as they are,
  /// and get a second symbol.
  void findOtherUses() {
    llvm::DenseSet<OpOperand *> packed;
    llvm::DenseMap<Operation *, int64_t> ways;
    for (auto &[use, operands] : operandsOf) {
      packed.insert_range(operands);
      ++ways[std::get<0>(use)];
    }
    module->walk([&](GetWeightOp get) {
      if (llvm::any_of(get->getUses(),
                       [&](OpOperand &use) { return !packed.contains(&use); }))
        usedOtherwise.insert(getWeight(get.getResult(), symbols));
    });
    // A layer uses all weights of its group.
    DenseSet<SymbolRefAttr> uses = collectSymbolUses(module);
    for (auto [weight, count] : ways) {
      auto group = cast<WeightsOp>(weight->getParentOp());
      if (uses.contains(FlatSymbolRefAttr::get(group.getSymNameAttr())) ||
          count > 1)
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

  void pack(Use use, ArrayRef<OpOperand *> operands) {
    auto [op, width, isTransposed] = use;
    auto weight = cast<WeightOp>(op);
    Builder builder(module.getContext());
    WeightStorage storage;
    storage.measure = weight.getMeasureAttr();
    storage.panel = builder.getI64IntegerAttr(width);
    if (isTransposed) {
      storage.transposed = builder.getUnitAttr();
      for (OpOperand *operand : operands)
        clearTransposed(*operand);
    }
    bool isInteger = weight.getLogicalType().getElementType().isInteger();
    if (isInteger || (weight.getLogicalType().getRank() == 2 &&
                      isInTiles(operands.front()->get())))
      storage.group = builder.getI64IntegerAttr(isInteger ? kFour : kPair);

    for (OpOperand *operand : operands)
      if (auto lookup = dyn_cast<LookupOp>(operand->getOwner());
          lookup && *operand == lookup.getTableMutable())
        lookup.setRows(weight.getLogicalType().getDimSize(0));

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
    for (OpOperand *operand : operands)
      readOther(*operand, second);
  }

  ModuleOp module;
  int64_t panel;
  bool hasTiles;
  SymbolTableCollection symbols;
  /// The operands of matrix products that read a weight.
  llvm::MapVector<Use, SmallVector<OpOperand *>> operandsOf;
  llvm::DenseSet<Operation *> usedOtherwise;
  /// Tables in whose place others are read.
  llvm::SetVector<Operation *> replaced;
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
    WeightPacker(getOperation(), width, target && target.hasBFloat16Products())
        .run();
  }
};

} // namespace
