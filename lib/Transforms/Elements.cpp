// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace mlir::linalg;
using namespace attn;

//===----------------------------------------------------------------------===//
// What an operation is
//===----------------------------------------------------------------------===//

static bool isStructured(LinalgOp op) {
  return op && op.hasPureTensorSemantics() &&
         op->getNumResults() == op.getNumDpsInits();
}

bool attn::isElementwise(Operation *op) {
  if (auto structured = dyn_cast<LinalgOp>(op))
    return isStructured(structured) && structured.isAllParallelLoops();
  return OpTrait::hasElementwiseMappableTraits(op) && op->getNumResults() == 1;
}

bool attn::isReshape(Operation *op) {
  return isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
      op);
}

/// Whether `type` is one that scores may be kept in.
static bool isComputed(Type type) {
  return getElementTypeOrSelf(type).isF32() ||
         getElementTypeOrSelf(type).isF16() ||
         getElementTypeOrSelf(type).isBF16();
}

static bool isConversion(Operation *op) {
  return isa_and_present<arith::ExtFOp, arith::TruncFOp>(op) &&
         isComputed(op->getOperand(0).getType()) &&
         isComputed(op->getResult(0).getType());
}

bool attn::isReadWhole(const Element &element, Value operand) {
  return !element.isTensor() && isa<TensorType>(operand.getType());
}

LinalgOp attn::getBodyOwner(Value value) {
  Operation *parent = value.getParentBlock()->getParentOp();
  return dyn_cast_or_null<LinalgOp>(parent);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Element Elements::get(Value tensor) {
  return {tensor, axes.add(cast<RankedTensorType>(tensor.getType()))};
}

/// The axes of the loops of `op`, given those of its result; without any for
/// loops that the result does not have.
std::optional<Layout> Elements::getLoops(LinalgOp op, OpResult result,
                                         ArrayRef<AxisList> layout) {
  AffineMap map = op.getIndexingMapMatchingResult(result);
  llvm::SmallBitVector isKnown(op.getNumLoops());
  Layout loops(op.getNumLoops());
  for (auto [list, expression] : llvm::zip(layout, map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expression);
    // A dimension that was reduced and kept has one index.
    if (!loop && list.empty())
      continue;
    if (!loop || isKnown.test(loop.getPosition()))
      return std::nullopt;
    loops[loop.getPosition()] = list;
    isKnown.set(loop.getPosition());
  }
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  if (!llvm::all_of(parallel, [&](unsigned loop) { return isKnown[loop]; }))
    return std::nullopt;
  return loops;
}

/// The axes of an operand of `op`.
std::optional<Layout> Elements::getLayout(LinalgOp op, OpOperand &operand,
                                          ArrayRef<AxisList> loops) {
  auto type = cast<RankedTensorType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Layout layout(type.getRank());
  llvm::SmallDenseSet<unsigned> used;
  for (auto [dim, expression] : llvm::enumerate(map.getResults())) {
    // Of a dimension of size 1 there is but one element, for every index of
    // the loop; of others a constant index picks one.
    if (type.getDimSize(dim) == 1)
      continue;
    auto loop = dyn_cast<AffineDimExpr>(expression);
    if (!loop)
      return std::nullopt;
    // No axis runs along a diagonal.
    if (!used.insert(loop.getPosition()).second)
      return std::nullopt;
    layout[dim] = loops[loop.getPosition()];
    axes.note(layout[dim], operand.get(), static_cast<int64_t>(dim));
  }
  return layout;
}

std::optional<Element> Elements::stepReshape(const Element &element) {
  Value value = element.value;
  if (auto op = value.getDefiningOp<tensor::CastOp>()) {
    auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
    if (!source)
      return std::nullopt;
    for (auto [dim, list] : llvm::enumerate(element.layout))
      axes.note(list, op.getSource(), static_cast<int64_t>(dim));
    return Element{op.getSource(), element.layout};
  }
  if (auto op = value.getDefiningOp<tensor::ExpandShapeOp>()) {
    Layout layout;
    for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
      AxisList &list = layout.emplace_back();
      for (int64_t part : group) {
        axes.note(element.layout[part], value, part);
        llvm::append_range(list, element.layout[part]);
      }
      axes.note(list, op.getSrc(), static_cast<int64_t>(dim));
    }
    return Element{op.getSrc(), layout};
  }
  auto op = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!op)
    return std::nullopt;
  Layout layout(op.getSrcType().getRank());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    std::optional<Layout> parts =
        axes.split(element.layout[dim], op.getSrc(), group);
    if (!parts)
      return std::nullopt;
    for (auto [part, list] : llvm::zip(group, *parts))
      layout[part] = list;
  }
  return Element{op.getSrc(), layout};
}

std::optional<Element> Elements::step(const Element &element) {
  if (auto argument = dyn_cast<BlockArgument>(element.value)) {
    LinalgOp op = getBodyOwner(argument);
    if (!op)
      return std::nullopt;
    OpOperand *operand = op.getMatchingOpOperand(argument);
    // Where elements are added up, the destination holds a sum so far.
    if (op.isDpsInit(operand) && !op.isAllParallelLoops())
      return std::nullopt;
    if (!isa<RankedTensorType>(operand->get().getType()))
      return Element{operand->get(), {}};
    std::optional<Layout> layout = getLayout(op, *operand, element.layout);
    if (!layout)
      return std::nullopt;
    return Element{operand->get(), *layout};
  }
  if (!element.isTensor())
    return std::nullopt;
  if (std::optional<Element> source = stepReshape(element))
    return source;
  if (auto op = element.getOp<tensor::SplatOp>())
    return Element{op.getInput(), {}};
  auto op = element.getOp<LinalgOp>();
  if (!op || !isElementwise(op))
    return std::nullopt;
  auto result = cast<OpResult>(element.value);
  std::optional<Layout> loops = getLoops(op, result, element.layout);
  if (!loops)
    return std::nullopt;
  OpOperand *init = op.getDpsInitOperand(result.getResultNumber());
  return Element{op.getMatchingYieldValue(init)->get(), *loops};
}

std::optional<Element> Elements::stepToComputed(const Element &element) {
  std::optional<Element> next = step(element);
  LinalgOp owner = next ? getBodyOwner(next->value) : LinalgOp();
  if (!owner)
    return next;
  // The index of a dimension that several axes share is that of no loop.
  bool canCompute =
      llvm::all_of(owner.getBlock()->without_terminator(), [&](Operation &op) {
        auto index = dyn_cast<IndexOp>(op);
        return op.getNumRegions() == 0 && op.getNumResults() == 1 &&
               isMemoryEffectFree(&op) &&
               (!index ||
                axes.resolve(next->layout[index.getDim()]).size() <= 1);
      });
  return canCompute ? next : std::nullopt;
}

Element Elements::forward(Element element) {
  while (std::optional<Element> next = step(element))
    element = *next;
  return element;
}

Element Elements::plain(const Element &element) {
  Element result = forward(element);
  while (isConversion(result.value.getDefiningOp()))
    result = forward(operand(result, 0));
  return result;
}

Element Elements::operand(const Element &element, unsigned index) const {
  return {element.value.getDefiningOp()->getOperand(index), element.layout};
}

/// One step further up, with `widen` also past a conversion. What was rounded
/// stays rounded.
std::optional<Element> Elements::stepOrWiden(const Element &element,
                                             bool widen) {
  std::optional<Element> next = step(element);
  if (!next && widen && element.getOp<arith::ExtFOp>() &&
      isConversion(element.value.getDefiningOp()))
    return operand(element, 0);
  return next;
}

std::optional<Element> Elements::getTensor(Element element, bool widen) {
  while (!element.isTensor()) {
    std::optional<Element> next = stepOrWiden(element, widen);
    if (!next)
      return std::nullopt;
    element = *next;
  }
  return element;
}

SmallVector<Element> Elements::getSources(Element element, bool widen) {
  SmallVector<Element> sources;
  for (std::optional<Element> next = element; next;) {
    sources.push_back(*next);
    next = stepOrWiden(*next, widen);
    if (next)
      next = getTensor(*next, widen);
  }
  return sources;
}

/// Whether both have the same name and mean the same, apart from what is said
/// of precision.
static bool areAlike(Operation *a, Operation *b) {
  if (a->getName() != b->getName() ||
      a->getNumOperands() != b->getNumOperands() || a->getNumRegions() ||
      b->getNumRegions() || !isMemoryEffectFree(a))
    return false;
  NamedAttrList ofA(a->getAttrDictionary()), ofB(b->getAttrDictionary());
  ofA.erase("fastmath");
  ofB.erase("fastmath");
  return ofA.getDictionary(a->getContext()) ==
         ofB.getDictionary(b->getContext());
}

bool Elements::areSame(const Element &first, const Element &second) {
  Element a = plain(first), b = plain(second);
  if (a.value == b.value &&
      axes.resolveAll(a.layout) == axes.resolveAll(b.layout))
    return true;
  if (a.isTensor() && a.value == b.value)
    return false;
  if (std::optional<double> constant = getConstant(a))
    return constant == getConstant(b);
  // Scalars from outside of all bodies are the same everywhere.
  if (!a.isTensor() && !getBodyOwner(a.value))
    return a.value == b.value;
  Operation *opA = a.value.getDefiningOp(), *opB = b.value.getDefiningOp();
  if (!opA || !opB)
    return false;
  if ((a.isTensor() && !isElementwise(opA)) ||
      (b.isTensor() && !isElementwise(opB)) || !areAlike(opA, opB))
    return false;
  if (auto index = dyn_cast<IndexOp>(opA))
    return axes.resolve(a.layout[index.getDim()]) ==
           axes.resolve(b.layout[index.getDim()]);
  return llvm::all_of(llvm::seq(opA->getNumOperands()), [&](unsigned i) {
    Element ofA = operand(a, i), ofB = operand(b, i);
    return isReadWhole(a, ofA.value) ? ofA.value == ofB.value
                                     : areSame(ofA, ofB);
  });
}

//===----------------------------------------------------------------------===//
// Sums and other reductions
//===----------------------------------------------------------------------===//

/// `value` before any conversion to a wider type.
static Value skipConversions(Value value) {
  while (isConversion(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// Whether the body of `op` adds a product of its two inputs to what is there.
static bool addsProduct(LinalgOp op) {
  Value yielded = op.getMatchingYieldValue(op.getDpsInitOperand(0))->get();
  auto sum = skipConversions(yielded).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  BlockArgument total = op.getRegionOutputArgs()[0];
  ArrayRef<BlockArgument> inputs = op.getRegionInputArgs();
  for (unsigned index : {0, 1}) {
    auto product = sum->getOperand(1 - index).getDefiningOp<arith::MulFOp>();
    if (skipConversions(sum->getOperand(index)) != total || !product)
      continue;
    Value lhs = skipConversions(product.getLhs());
    Value rhs = skipConversions(product.getRhs());
    return (lhs == inputs[0] && rhs == inputs[1]) ||
           (lhs == inputs[1] && rhs == inputs[0]);
  }
  return false;
}

std::optional<Contraction> Elements::matchContraction(const Element &element) {
  auto op = element.getOp<LinalgOp>();
  if (!isStructured(op) || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      op.getNumReductionLoops() + op.getNumParallelLoops() !=
          op.getNumLoops() ||
      !addsProduct(op) || !isComputed(op->getResult(0).getType()))
    return std::nullopt;
  std::optional<Layout> loops =
      getLoops(op, cast<OpResult>(element.value), element.layout);
  if (!loops)
    return std::nullopt;

  Contraction contraction;
  contraction.op = op;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (auto [loop, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (type != utils::IteratorType::reduction)
      continue;
    (*loops)[loop] = axes.add(sizes[loop]);
    llvm::append_range(contraction.reduced, (*loops)[loop]);
  }
  std::pair<Element *, OpOperand *> operands[] = {
      {&contraction.lhs, op.getDpsInputOperand(0)},
      {&contraction.rhs, op.getDpsInputOperand(1)},
      {&contraction.init, op.getDpsInitOperand(0)}};
  for (auto [target, operand] : operands) {
    std::optional<Layout> layout = getLayout(op, *operand, *loops);
    if (!layout || !isComputed(operand->get().getType()))
      return std::nullopt;
    *target = {operand->get(), *layout};
  }
  return contraction;
}

std::optional<Reduction> Elements::matchReduction(const Element &element,
                                                  ArrayRef<unsigned> reduced) {
  auto op = element.getOp<LinalgOp>();
  if (!isStructured(op) || op.getNumReductionLoops() != 1 ||
      op.getNumParallelLoops() + 1 != op.getNumLoops())
    return std::nullopt;
  std::optional<Layout> loops =
      getLoops(op, cast<OpResult>(element.value), element.layout);
  if (!loops)
    return std::nullopt;
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  // What is added up over a dimension of size 1 is not what other axes give.
  bool isSingle = op.getStaticLoopRanges()[reductions.front()] == 1;
  if (isSingle != reduced.empty())
    return std::nullopt;
  (*loops)[reductions.front()] = AxisList(reduced);

  // Of several results, as of a maximum and its index, each stands for itself.
  unsigned number = cast<OpResult>(element.value).getResultNumber();
  OpOperand *init = op.getDpsInitOperand(number);
  BlockArgument total = op.getRegionOutputArgs()[number];
  Operation *combiner = op.getMatchingYieldValue(init)->get().getDefiningOp();
  std::optional<Layout> layout = getLayout(op, *init, *loops);
  if (!combiner || combiner->getNumOperands() != 2 || !layout)
    return std::nullopt;
  for (unsigned index : {0, 1})
    if (combiner->getOperand(index) == total)
      return Reduction{combiner,
                       {combiner->getOperand(1 - index), *loops},
                       {init->get(), *layout}};
  return std::nullopt;
}

Value attn::convert(OpBuilder &builder, Location loc, Value tensor,
                    Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == element)
    return tensor;
  if (element.getIntOrFloatBitWidth() > type.getElementTypeBitWidth())
    return arith::ExtFOp::create(builder, loc, type.clone(element), tensor);
  return arith::TruncFOp::create(builder, loc, type.clone(element), tensor);
}

void Elements::replace(OpBuilder &builder, Location loc, Element old,
                       Value tensor, ArrayRef<AxisList> layout) const {
  auto type = cast<RankedTensorType>(old.value.getType());
  tensor = axes.rearrange(builder, loc, tensor, layout, old.layout);
  tensor = convert(builder, loc, tensor, type.getElementType());
  if (tensor.getType() != type)
    tensor = tensor::CastOp::create(builder, loc, type, tensor);
  old.value.replaceAllUsesWith(tensor);
}
