// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightSymbols.h"

using namespace mlir;
using namespace attn;

WeightOp attn::getWeight(Value value, SymbolTableCollection &symbols) {
  auto get = value ? value.getDefiningOp<GetWeightOp>() : GetWeightOp();
  if (!get)
    return {};
  return symbols.lookupNearestSymbolFrom<WeightOp>(get, get.getWeightAttr());
}

SymbolRefAttr attn::replaceLeaf(SymbolRefAttr path, StringAttr name) {
  SmallVector<FlatSymbolRefAttr> nested(path.getNestedReferences());
  if (nested.empty())
    return SymbolRefAttr::get(name);
  nested.back() = FlatSymbolRefAttr::get(name);
  return SymbolRefAttr::get(path.getRootReference(), nested);
}

WeightOp attn::getOrCreateWeight(WeightOp like, StringRef name,
                                 ArrayAttr sources, RankedTensorType type,
                                 WeightStorage storage,
                                 SymbolTableCollection &symbols) {
  auto group = cast<WeightsOp>(like->getParentOp());
  for (auto other : group.getBody().getOps<WeightOp>())
    if (other.getSourcesAttr() == sources && other.getType() == type &&
        other.getMeasureAttr() == storage.measure &&
        other.getPanelAttr() == storage.panel &&
        other.getGroupAttr() == storage.group &&
        other.getTransposedAttr() == storage.transposed &&
        other.getSinusoidal() == like.getSinusoidal())
      return other;
  OpBuilder builder(like.getContext());
  WeightOp weight = WeightOp::create(
      builder, like.getLoc(), builder.getStringAttr(name),
      like.getSymVisibilityAttr(), sources, like.getSinusoidalAttr(),
      storage.measure, storage.transposed, storage.panel, storage.group,
      TypeAttr::get(type));
  // The symbol table makes the name unique.
  symbols.getSymbolTable(group).insert(weight,
                                       std::next(Block::iterator(like)));
  return weight;
}

Value attn::getOther(OpBuilder &builder, GetWeightOp get, WeightOp other) {
  return GetWeightOp::create(
      builder, get.getLoc(), other.getStoredType(),
      replaceLeaf(get.getWeightAttr(), other.getSymNameAttr()));
}

void attn::readOther(OpOperand &operand, WeightOp other) {
  auto get = operand.get().getDefiningOp<GetWeightOp>();
  OpBuilder builder(get);
  operand.set(getOther(builder, get, other));
  if (get->use_empty())
    get.erase();
}

Value attn::getWeightLike(GetWeightOp get, WeightOp weight, StringRef name,
                          RankedTensorType type, WeightStorage storage,
                          SymbolTableCollection &symbols) {
  WeightOp like = getOrCreateWeight(weight, name, weight.getSourcesAttr(), type,
                                    storage, symbols);
  OpBuilder builder(get);
  return getOther(builder, get, like);
}

std::string attn::joinNames(ArrayRef<WeightOp> weights) {
  auto names = llvm::map_to_vector(
      weights, [](WeightOp weight) { return weight.getSymName(); });
  // What follows the first dot, if all names agree in it.
  StringRef suffix = names.front();
  suffix = suffix.drop_front(std::min(suffix.find('.'), suffix.size()));
  if (!llvm::all_of(names,
                    [&](StringRef name) { return name.ends_with(suffix); }))
    suffix = "";
  std::string joined;
  for (StringRef name : names)
    joined += (joined.empty() ? "" : "_") + name.drop_back(suffix.size()).str();
  return joined + suffix.str();
}

DenseSet<SymbolRefAttr> attn::collectSymbolUses(ModuleOp module) {
  DenseSet<SymbolRefAttr> uses;
  module->walk([&](Operation *op) {
    op->getAttrDictionary().walk(
        [&](SymbolRefAttr symbol) { uses.insert(symbol); });
  });
  return uses;
}

void attn::eraseUnused(ArrayRef<Operation *> weights, ModuleOp module,
                       SymbolTableCollection &symbols) {
  if (weights.empty())
    return;
  DenseSet<SymbolRefAttr> uses = collectSymbolUses(module);
  for (Operation *op : weights) {
    auto weight = cast<WeightOp>(op);
    auto group = cast<WeightsOp>(weight->getParentOp());
    auto groupName = FlatSymbolRefAttr::get(group.getSymNameAttr());
    auto name =
        SymbolRefAttr::get(group.getSymNameAttr(),
                           {FlatSymbolRefAttr::get(weight.getSymNameAttr())});
    // A layer uses the group as a whole.
    if (!uses.contains(groupName) && !uses.contains(name))
      symbols.getSymbolTable(group).erase(weight);
  }
}
