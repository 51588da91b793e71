// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

/// The first operand that is an element: what tensor.extract reads is a whole.
static unsigned firstElement(Operation *op) {
  return isa<tensor::ExtractOp>(op) ? 1 : 0;
}

void ElementCloner::collect(const Element &given) {
  Element element = inlines ? elements.forward(given) : given;
  if (element.isTensor()) {
    inputs.push_back(elements.getSources(element, /*widen=*/false).back());
  } else if (!getBodyOwner(element.value)) {
    return;
  } else if (std::optional<Element> source = elements.step(element)) {
    collect(*source);
  } else if (!element.getOp<linalg::IndexOp>()) {
    Operation *op = element.value.getDefiningOp();
    for (unsigned i = firstElement(op); i < op->getNumOperands(); ++i)
      collect(elements.operand(element, i));
  }
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
  Element element = inlines ? elements.forward(given) : given;
  if (element.isTensor())
    return arguments[next++];
  if (!getBodyOwner(element.value))
    return element.value;
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
  SmallVector<Value> operands(op->getOperands().take_front(firstElement(op)));
  for (unsigned i = firstElement(op); i < op->getNumOperands(); ++i)
    operands.push_back(
        clone(builder, loc, elements.operand(element, i), arguments));
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  return copy->getResult(0);
}
