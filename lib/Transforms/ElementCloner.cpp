// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

void ElementCloner::collect(const Element &element) {
  if (element.isTensor()) {
    inputs.push_back(elements.getSources(element, /*widen=*/false).back());
  } else if (!getBodyOwner(element.value)) {
    return;
  } else if (std::optional<Element> source = elements.step(element)) {
    collect(*source);
  } else if (!element.getOp<linalg::IndexOp>()) {
    unsigned count = element.value.getDefiningOp()->getNumOperands();
    for (unsigned i = 0; i < count; ++i)
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
                           const Element &element, ValueRange arguments) {
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
    return linalg::IndexOp::create(builder, loc, getLoop(list.front()));
  }
  Operation *op = element.value.getDefiningOp();
  SmallVector<Value> operands;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    operands.push_back(
        clone(builder, loc, elements.operand(element, i), arguments));
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  return copy->getResult(0);
}
