// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where queries stand among the keys, and how many keys there are, as operands
// of attn.sdpa.

#include "AttentionMask.h"
#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

bool AttentionMask::isPossible(ArrayRef<AxisList> scores) {
  return !band || llvm::all_of(band->elements, [&](const auto &element) {
    return isFor(element.first, scores.front());
  });
}

std::optional<Element> AttentionMask::getLengths(ArrayRef<AxisList> scores) {
  if (!lengths)
    return std::nullopt;
  Element source = elements
                       .getSources(lengths->sum.elements.front().first,
                                   /*widen=*/false)
                       .back();
  if (flatten(elements.axes.resolveAll(source.layout)) != scores.front())
    return std::nullopt;
  return source;
}

Value AttentionMask::buildLengths(OpBuilder &builder, Location loc,
                                  ArrayRef<AxisList> scores) {
  std::optional<Element> source = getLengths(scores);
  if (!source)
    return {};
  return elements.axes.rearrange(builder, loc, source->value, source->layout,
                                 scores.take_front());
}

/// `value`, an integer, as one of `type`.
static Value toInteger(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(b, loc, type, value);
  return convertScalarToDtype(b, loc, value, type, /*isUnsigned=*/false);
}

Value AttentionMask::buildKeysBefore(OpBuilder &builder, Location loc) {
  if (!band || (band->constant == 0 && band->values.empty()))
    return {};
  Type type = builder.getI32Type();
  Value position = arith::ConstantOp::create(
      builder, loc, builder.getI32IntegerAttr(band->constant));
  for (auto [value, factor] : band->values) {
    value = toInteger(builder, loc, value, type);
    Value times = arith::ConstantOp::create(builder, loc,
                                            builder.getI32IntegerAttr(factor));
    position = arith::AddIOp::create(
        builder, loc, position,
        arith::MulIOp::create(builder, loc, value, times));
  }
  return position;
}

Value AttentionMask::buildPositions(OpBuilder &builder, Location loc,
                                    ArrayRef<AxisList> scores) {
  Value position = buildKeysBefore(builder, loc);
  if (!band || band->elements.empty()) {
    if (!position)
      return {};
    OpFoldResult batch = elements.axes.getSize(builder, loc, scores.front());
    return tensor::SplatOp::create(builder, loc, position,
                                   ArrayRef<OpFoldResult>(batch));
  }
  AxisList loops = elements.axes.resolve(scores.front());
  ElementCloner cloner(elements, loops);
  for (const auto &[element, factor] : band->elements)
    cloner.collect(element);
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs = cloner.getInputs(builder, loc, maps);
  maps.push_back(builder.getMultiDimIdentityMap(loops.size()));
  Layout single = llvm::map_to_vector<4>(
      loops, [](unsigned axis) { return AxisList{axis}; });
  Type type = builder.getI32Type();
  Value init = createEmpty(builder, loc,
                           elements.axes.getSizes(builder, loc, single), type);
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::parallel);
  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    Type wide = b.getI64Type();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, loc, value, 64);
    };
    Value sum = position ? toInteger(b, loc, position, wide) : constant(0);
    for (const auto &[element, factor] : band->elements) {
      Value value =
          toInteger(b, loc, cloner.clone(b, loc, element, arguments), wide);
      value = arith::MulIOp::create(b, loc, value, constant(factor));
      sum = arith::AddIOp::create(b, loc, sum, value);
    }
    // Beyond that there are neither queries nor keys.
    sum = arith::MaxSIOp::create(b, loc, sum, constant(INT32_MIN));
    sum = arith::MinSIOp::create(b, loc, sum, constant(INT32_MAX));
    linalg::YieldOp::create(
        b, loc, ValueRange(arith::TruncIOp::create(b, loc, type, sum)));
  };
  Value result = linalg::GenericOp::create(builder, loc, init.getType(), inputs,
                                           init, maps, iterators, body)
                     .getResult(0);
  return elements.axes.rearrange(builder, loc, result, single,
                                 scores.take_front());
}
