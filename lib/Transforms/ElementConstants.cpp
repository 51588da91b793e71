// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements that are constants, or one of two constants by a condition.

#include "Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace attn;

/// The number of a type of float that is nearest to `value`.
static double round(double value, Type type) {
  APFloat number(value);
  bool losesInfo = false;
  number.convert(
      cast<FloatType>(getElementTypeOrSelf(type)).getFloatSemantics(),
      APFloat::rmNearestTiesToEven, &losesInfo);
  return number.convertToDouble();
}

std::optional<double> Elements::getConstant(const Element &element) {
  Element e = plain(element);
  Attribute attribute;
  if (matchPattern(e.value, m_Constant(&attribute))) {
    if (auto elements = dyn_cast<DenseElementsAttr>(attribute);
        elements && elements.isSplat())
      attribute = elements.getSplatValue<Attribute>();
    if (auto number = dyn_cast<FloatAttr>(attribute))
      return number.getValueAsDouble();
    // Beyond 2^53 not all integers are numbers of a double.
    auto number = dyn_cast<IntegerAttr>(attribute);
    if (number && number.getValue().isSignedIntN(54))
      return static_cast<double>(number.getValue().getSExtValue());
    return std::nullopt;
  }
  // What front ends leave unfolded in a scale.
  Operation *op = e.value.getDefiningOp();
  if (!op || !isa<math::SqrtOp, math::RsqrtOp, arith::DivFOp, arith::MulFOp,
                  arith::NegFOp, arith::SIToFPOp, arith::UIToFPOp,
                  arith::IndexCastOp, arith::ExtFOp, arith::TruncFOp>(op))
    return std::nullopt;
  // The first decides first: a long chain of squares is looked at once.
  std::optional<double> a = getConstant(operand(e, 0));
  if (!a)
    return std::nullopt;
  std::optional<double> b =
      op->getNumOperands() == 2 ? getConstant(operand(e, 1)) : 0.0;
  if (!b)
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([&](math::SqrtOp) { return std::sqrt(*a); })
      .Case([&](math::RsqrtOp) { return 1 / std::sqrt(*a); })
      .Case([&](arith::DivFOp) { return *a / *b; })
      .Case([&](arith::MulFOp) { return *a * *b; })
      .Case([&](arith::NegFOp) { return -*a; })
      .Case([&](arith::TruncFOp) { return round(*a, e.value.getType()); })
      .Case([&](arith::UIToFPOp op) {
        Type type = getElementTypeOrSelf(op.getIn());
        return *a < 0 ? *a + std::exp2(type.getIntOrFloatBitWidth()) : *a;
      })
      .Default([&](Operation *) { return *a; });
}

/// What `op`, a difference or a comparison, as xor is of conditions, comes to
/// for two constants.
static double apply(Operation *op, double lhs, double rhs) {
  auto toInteger = [&](double value) {
    Type type = getElementTypeOrSelf(op->getOperand(0));
    return APInt(type.isIndex() ? 64 : type.getIntOrFloatBitWidth(),
                 static_cast<int64_t>(value), /*isSigned=*/true,
                 /*implicitTrunc=*/true);
  };
  return llvm::TypeSwitch<Operation *, double>(op)
      .Case([&](arith::CmpFOp op) {
        return arith::applyCmpPredicate(op.getPredicate(), APFloat(lhs),
                                        APFloat(rhs));
      })
      .Case([&](arith::CmpIOp op) {
        return arith::applyCmpPredicate(op.getPredicate(), toInteger(lhs),
                                        toInteger(rhs));
      })
      .Case([&](arith::XOrIOp) { return (lhs != 0) != (rhs != 0); })
      .Case([&](arith::SubFOp) { return lhs - rhs; });
}

std::optional<Choice> Elements::matchChoice(const Element &element) {
  Element e = plain(element);
  if (std::optional<double> constant = getConstant(e))
    return Choice{{}, *constant, *constant};
  auto isCondition = [](Value value) {
    return getElementTypeOrSelf(value).isInteger(1);
  };
  auto matchOperand = [&](unsigned index) {
    Element input = operand(e, index);
    std::optional<Choice> choice = matchChoice(input);
    if (!choice && isCondition(input.value))
      choice = Choice{input, 1, 0};
    return choice;
  };
  auto choose = [&](double ifTrue, double ifFalse) {
    std::optional<Choice> by = matchOperand(0);
    return Choice{by->condition, by->ifTrue != 0 ? ifTrue : ifFalse,
                  by->ifFalse != 0 ? ifTrue : ifFalse};
  };
  Operation *op = e.value.getDefiningOp();
  if (isa_and_present<arith::UIToFPOp, arith::ExtUIOp>(op) &&
      isCondition(op->getOperand(0)))
    return choose(1, 0);
  if (isa_and_present<arith::SelectOp>(op)) {
    std::optional<double> ifTrue = getConstant(operand(e, 1));
    std::optional<double> ifFalse = getConstant(operand(e, 2));
    if (!ifTrue || !ifFalse)
      return std::nullopt;
    return choose(*ifTrue, *ifFalse);
  }
  if (!isa_and_present<arith::CmpFOp, arith::CmpIOp, arith::SubFOp>(op) &&
      !(isa_and_present<arith::XOrIOp>(op) && isCondition(e.value)))
    return std::nullopt;
  std::optional<Choice> lhs = matchOperand(0), rhs = matchOperand(1);
  if (!lhs || !rhs || (lhs->condition && rhs->condition))
    return std::nullopt;
  return Choice{lhs->condition ? lhs->condition : rhs->condition,
                apply(op, lhs->ifTrue, rhs->ifTrue),
                apply(op, lhs->ifFalse, rhs->ifFalse)};
}
