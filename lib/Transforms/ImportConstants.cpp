// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns constants that matrix products and lookups read into weights.

#include "Elements.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringSet.h"

namespace attn {
#define GEN_PASS_DEF_IMPORTCONSTANTS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Smaller constants stay where they are: they cost nothing there.
static constexpr int64_t kFewestElements = 64;

/// Whether numbers are there to be stored otherwise, and enough of them.
static bool isTaken(ElementsAttr elements) {
  auto type = dyn_cast<RankedTensorType>(elements.getType());
  if (!type || type.getNumElements() < kFewestElements)
    return false;
  Type element = type.getElementType();
  return isa<DenseElementsAttr, DenseResourceElementsAttr>(elements) &&
         (element.isF32() || element.isF16() || element.isBF16());
}

/// Whether `op` only moves the numbers of its first operand, or rounds them, to
/// a tensor.
static bool isMove(Operation *op) {
  if (op->getNumResults() != 1)
    return false;
  if (isReshape(op) ||
      isa<tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp,
          linalg::CopyOp, arith::ExtFOp, arith::TruncFOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumParallelLoops() != generic.getNumLoops() ||
      generic.getNumDpsInputs() != 1)
    return false;
  Value result = generic.getBody()->getTerminator()->getOperand(0);
  while (auto *conversion = result.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::TruncFOp>(conversion))
      return false;
    result = conversion->getOperand(0);
  }
  return result ==
         generic.getMatchingBlockArgument(generic.getDpsInputOperand(0));
}

/// Whether `op` adds up products: it has two factors.
static bool isProduct(Operation *op) {
  auto structured = dyn_cast_if_present<linalg::LinalgOp>(op);
  return structured && structured.getNumReductionLoops() > 0 &&
         structured.getNumDpsInputs() == 2;
}

/// What `value` was before it was only moved.
static Value skipMoves(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isMove(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Whether `operand` is an input of what adds it to the product of something
/// with a constant, as a bias. Scores are no such product: what is added to
/// them may be a mask, which it is worth to know.
static bool isAddedToLinear(OpOperand &operand) {
  Operation *op = operand.getOwner();
  Operation *body = op;
  if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    Block *block = structured.getBlock();
    if (structured.getNumParallelLoops() != structured.getNumLoops() ||
        !llvm::hasNItems(*block, 2))
      return false;
    body = &block->front();
  }
  if (!isa<arith::AddFOp>(body))
    return false;
  return llvm::any_of(op->getOperands(), [&](Value other) {
    Operation *product = skipMoves(other).getDefiningOp();
    return other != operand.get() && isProduct(product) &&
           llvm::any_of(product->getOperands().take_front(2), [](Value factor) {
             Operation *source = skipMoves(factor).getDefiningOp();
             return isa_and_present<arith::ConstantOp, GetWeightOp>(source);
           });
  });
}

/// Whether `use` is what is done with a weight. What sums begin with is none if
/// it is a splat.
static bool isUseOfWeight(OpOperand &use, bool isSplat) {
  Operation *op = use.getOwner();
  if (isProduct(op))
    return !isSplat;
  if (isa<LinearOp, MlpOp, LookupOp>(op))
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&use);
  return isa<tensor::ExtractOp, tensor::GatherOp>(op) || isAddedToLinear(use);
}

/// Whether nothing is done with `value`, perhaps after it was moved, but what
/// is done with weights.
static bool isWeight(Value value, bool isSplat) {
  return !value.use_empty() &&
         llvm::all_of(value.getUses(), [&](OpOperand &use) {
           Operation *op = use.getOwner();
           return isMove(op) ? use.getOperandNumber() == 0 &&
                                   isWeight(op->getResult(0), isSplat)
                             : isUseOfWeight(use, isSplat);
         });
}

/// The same numbers in another shape.
static ElementsAttr reshape(ElementsAttr elements, ShapedType type) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return cast<DenseElementsAttr>(elements).reshape(type);
}

namespace {

class ConstantImporter {
public:
  explicit ConstantImporter(ModuleOp module) : module(module), symbols(module) {
    if (auto known =
            module->getAttrOfType<DictionaryAttr>(AttnDialect::kConstantsAttr))
      llvm::append_range(values, known.getValue());
    for (NamedAttribute value : values)
      names.insert(value.getName());
    module->walk([&](WeightOp weight) {
      if (auto sources = weight.getSources())
        names.insert_range(sources->getAsValueRange<StringAttr>());
    });
  }

  void run() {
    SmallVector<arith::ConstantOp> constants;
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](arith::ConstantOp constant) {
        auto elements = dyn_cast<ElementsAttr>(constant.getValue());
        if (elements && isTaken(elements) &&
            isWeight(constant, elements.isSplat()))
          constants.push_back(constant);
      });
    for (arith::ConstantOp constant : constants)
      take(constant, constant, cast<ElementsAttr>(constant.getValue()));
    if (group)
      module->setAttr(AttnDialect::kConstantsAttr,
                      DictionaryAttr::get(module.getContext(), values));
  }

private:
  /// Replaces `value`, which is `elements`, and what it is reshaped to: so that
  /// a product reads a weight and nothing that is computed from it.
  void take(arith::ConstantOp constant, Value value, ElementsAttr elements) {
    for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
      if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user))
        continue;
      auto type = cast<RankedTensorType>(user->getResult(0).getType());
      if (type.hasStaticShape())
        take(constant, user->getResult(0), reshape(elements, type));
    }
    if (!value.use_empty()) {
      OpBuilder builder(constant);
      value.replaceAllUsesWith(
          GetWeightOp::create(builder, constant.getLoc(), elements.getType(),
                              getWeight(constant.getLoc(), elements)));
    }
    value.getDefiningOp()->erase();
  }

  /// The symbol of a weight whose value is `elements`.
  SymbolRefAttr getWeight(Location loc, ElementsAttr elements) {
    SymbolRefAttr &weight = weights[elements];
    if (weight)
      return weight;
    OpBuilder builder(module.getContext());
    if (!group) {
      group = WeightsOp::create(builder, module.getLoc(), "constants");
      symbols.insert(group, module.getBody()->begin());
    }
    // A name that no tensor of the weights file has, as far as one is read.
    std::string number, name;
    do {
      number = std::to_string(count++);
      name = "constants." + number;
    } while (!names.insert(name).second);
    builder.setInsertionPointToEnd(&group.getBody().front());
    auto symbol = builder.getStringAttr(number);
    WeightOp::create(builder, loc, symbol, /*visibility=*/StringAttr(),
                     builder.getStrArrayAttr({name}), /*sinusoidal=*/false,
                     cast<RankedTensorType>(elements.getType()));
    values.push_back(builder.getNamedAttr(name, elements));
    weight = SymbolRefAttr::get(group.getSymNameAttr(),
                                FlatSymbolRefAttr::get(symbol));
    return weight;
  }

  ModuleOp module;
  SymbolTable symbols;
  /// Made with the first weight.
  WeightsOp group;
  llvm::DenseMap<Attribute, SymbolRefAttr> weights;
  /// Of the weights, by the name of their source.
  SmallVector<NamedAttribute> values;
  /// Sources of weights, those of others too.
  llvm::StringSet<> names;
  /// How many names were tried.
  int64_t count = 0;
};

struct ImportConstants
    : public attn::impl::ImportConstantsBase<ImportConstants> {
  void runOnOperation() override { ConstantImporter(getOperation()).run(); }
};

} // namespace
