// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

/// Whether a tensor is read where an element of it is wanted.
bool ElementCloner::isRead(const Element &element) const {
  return !inlines &&
         llvm::all_of(
             elements.axes.resolve(flatten(element.layout)),
             [&](unsigned axis) { return llvm::is_contained(loops, axis); });
}

/// The element further up that is cloned in place of `element`.
Element ElementCloner::skipMoves(Element element) {
  while (inlines || element.isTensor()) {
    if (element.isTensor() && !isRead(element))
      element = elements.getSources(element, /*widen=*/false).back();
    std::optional<Element> next;
    if (!isRead(element))
      next = elements.stepToComputed(element);
    if (!next)
      break;
    element = *next;
  }
  return element;
}

void ElementCloner::collect(const Element &given) {
  Element element = skipMoves(given);
  if (!getBodyOwner(element.value) && !element.isTensor())
    return;
  if (!collected.insert(elements.keyOf(element)).second)
    return;
  if (element.isTensor()) {
    inputs.push_back(elements.getSources(element, /*widen=*/false).back());
  } else if (std::optional<Element> source = elements.step(element)) {
    collect(*source);
  } else {
    for (Value operand : element.value.getDefiningOp()->getOperands())
      if (!isReadWhole(element, operand))
        collect({operand, element.layout});
  }
}

AxisList ElementCloner::getInputAxes() {
  AxisList used;
  for (const Element &input : inputs)
    llvm::append_range(used, elements.axes.resolve(flatten(input.layout)));
  return used;
}

SmallVector<Value> ElementCloner::getInputs(OpBuilder &builder, Location loc,
                                            SmallVectorImpl<AffineMap> &maps) {
  SmallVector<Value> values;
  for (const Element &input : inputs) {
    Layout single;
    SmallVector<AffineExpr> indices;
    for (unsigned axis : elements.axes.resolve(flatten(input.layout))) {
      single.push_back({axis});
      indices.push_back(builder.getAffineDimExpr(getLoop(axis)));
    }
    values.push_back(elements.axes.rearrange(builder, loc, input.value,
                                             input.layout, single));
    maps.push_back(
        AffineMap::get(loops.size(), 0, indices, builder.getContext()));
  }
  return values;
}

Value ElementCloner::clone(OpBuilder &builder, Location loc,
                           const Element &given, ValueRange arguments) {
  Element element = skipMoves(given);
  if (!getBodyOwner(element.value) && !element.isTensor())
    return element.value;
  auto place = clones.find(elements.keyOf(element));
  if (place != clones.end())
    return place->second;
  auto build = [&]() -> Value {
    if (element.isTensor())
      return arguments[next++];
    if (std::optional<Element> source = elements.step(element))
      return clone(builder, loc, *source, arguments);
    if (auto index = element.getOp<linalg::IndexOp>()) {
      AxisList list = elements.axes.resolve(element.layout[index.getDim()]);
      if (list.empty())
        return arith::ConstantIndexOp::create(builder, loc, 0);
      if (Value place = fixed.lookup(list.front()))
        return place;
      return linalg::IndexOp::create(builder, loc, getLoop(list.front()));
    }
    Operation *op = element.value.getDefiningOp();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(
          isReadWhole(element, operand)
              ? operand
              : clone(builder, loc, {operand, element.layout}, arguments));
    Operation *copy = builder.clone(*op);
    copy->setOperands(operands);
    return copy->getResult(0);
  };
  return clones[elements.keyOf(element)] = build();
}
