// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises layer normalisation that is written in upstream operations.

#include "Elements.h"
#include "Uses.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace attn {
#define GEN_PASS_DEF_RAISELAYERNORM
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Matches one normalisation, up to one tensor.
class LayerNormMatcher {
public:
  /// Whether `tensor` is a normalised tensor whose squares `op` adds up.
  bool match(Value tensor, Operation *op);

  /// Replaces the root; returns its definition, which is unused.
  Operation *replace();

private:
  Element skipRounding(const Element &element);
  std::optional<Element> matchDifference(const Element &element);
  std::optional<Reduction> matchMean(const Element &element);
  std::optional<Element> matchSquare(const Element &element);
  std::optional<Element> matchMeanSquare(const Element &element, Operation *op);
  std::optional<Element> matchVariance(const Element &element, Operation *op);
  bool matchDeviation(const Element &centred, const Element &deviation,
                      Operation *op);
  bool matchReciprocal(const Element &centred, const Element &element,
                       Operation *op);
  bool matchNormalized(const Element &element, Operation *op);
  bool matchCentred(const Element &element, const Element &variance,
                    Operation *op);
  bool matchScaled(const Element &element, Operation *op);
  std::optional<Element> pick(const Element &element, bool isVector,
                              Operation *op);

  Elements elements;
  /// Weight and bias may be missing.
  Element root, input, weight, bias;
  /// The axis of rows that are normalised, and its size.
  AxisList width;
  int64_t size = 0;
  double epsilon = 0;
};

} // namespace

/// Whether the numbers of `value` are floats that f32 has, too.
static bool isFloat(Value value) {
  Type type = getElementTypeOrSelf(value);
  return type.isF32() || type.isF16() || type.isBF16();
}

/// `element` before it was widened, to f64 too, or rounded.
Element LayerNormMatcher::skipRounding(const Element &element) {
  Element e = elements.plain(element);
  while (e.getOp<arith::ExtFOp>() || e.getOp<arith::TruncFOp>())
    e = elements.plain(elements.operand(e, 0));
  return e;
}

/// The sum that `element` is, divided by the number of its addends.
std::optional<Reduction> LayerNormMatcher::matchMean(const Element &element) {
  Element e = skipRounding(element), sum;
  auto count = static_cast<double>(size);
  if (e.getOp<arith::DivFOp>() &&
      elements.getConstant(elements.operand(e, 1)) == count)
    sum = elements.operand(e, 0);
  for (unsigned index : {0, 1})
    if (e.getOp<arith::MulFOp>()) {
      // A reciprocal is rounded.
      std::optional<double> factor =
          elements.getConstant(elements.operand(e, index));
      if (factor && std::abs(*factor * count - 1) < 1e-6)
        sum = elements.operand(e, 1 - index);
    }
  if (!sum)
    return std::nullopt;
  std::optional<Reduction> reduction =
      elements.matchReduction(skipRounding(sum), width);
  if (!reduction || !isa<arith::AddFOp>(reduction->combiner) ||
      elements.getConstant(reduction->init) != 0.0)
    return std::nullopt;
  return reduction;
}

/// Whether `deviation` is √(variance(x) + epsilon), or its reciprocal root,
/// where `centred` is x - mean(x).
bool LayerNormMatcher::matchDeviation(const Element &centred,
                                      const Element &deviation, Operation *op) {
  Element sum = skipRounding(elements.operand(deviation, 0));
  if (!sum.getOp<arith::AddFOp>())
    return false;
  for (unsigned index : {0, 1})
    if (std::optional<double> constant =
            elements.getConstant(elements.operand(sum, index))) {
      epsilon = *constant;
      return matchCentred(centred, elements.operand(sum, 1 - index), op);
    }
  return false;
}

/// Whether `element` is 1 / √(variance(x) + epsilon).
bool LayerNormMatcher::matchReciprocal(const Element &centred,
                                       const Element &element, Operation *op) {
  Element e = skipRounding(element);
  if (e.getOp<arith::DivFOp>() &&
      elements.getConstant(elements.operand(e, 0)) == 1.0) {
    Element divisor = skipRounding(elements.operand(e, 1));
    return divisor.getOp<math::SqrtOp>() &&
           matchDeviation(centred, divisor, op);
  }
  return e.getOp<math::RsqrtOp>() && matchDeviation(centred, e, op);
}

/// (x - mean(x)) / √(variance(x) + epsilon), also by the reciprocal, which may
/// have been multiplied by the weight before.
bool LayerNormMatcher::matchNormalized(const Element &element, Operation *op) {
  Element e = skipRounding(element);
  if (e.getOp<arith::DivFOp>()) {
    Element divisor = skipRounding(elements.operand(e, 1));
    return divisor.getOp<math::SqrtOp>() &&
           matchDeviation(elements.operand(e, 0), divisor, op);
  }
  if (!e.getOp<arith::MulFOp>())
    return false;
  for (unsigned index : {0, 1}) {
    Element factor = skipRounding(elements.operand(e, index));
    Element centred = elements.operand(e, 1 - index);
    if (matchReciprocal(centred, factor, op))
      return true;
    if (weight || !factor.getOp<arith::MulFOp>())
      continue;
    for (unsigned other : {1, 0}) {
      std::optional<Element> w =
          pick(elements.operand(factor, other), /*isVector=*/true, op);
      if (w &&
          matchReciprocal(centred, elements.operand(factor, 1 - other), op)) {
        weight = *w;
        return true;
      }
    }
  }
  return false;
}

/// The x of which `element` is x - mean(x).
std::optional<Element>
LayerNormMatcher::matchDifference(const Element &element) {
  Element e = skipRounding(element);
  if (!e.getOp<arith::SubFOp>())
    return std::nullopt;
  std::optional<Reduction> mean = matchMean(elements.operand(e, 1));
  Element x = elements.operand(e, 0);
  if (!mean || !elements.areSame(skipRounding(mean->input), skipRounding(x)))
    return std::nullopt;
  return x;
}

/// The x of which `element` is x².
std::optional<Element> LayerNormMatcher::matchSquare(const Element &element) {
  Element e = skipRounding(element);
  bool isSquare = false;
  if (e.getOp<arith::MulFOp>())
    isSquare = elements.areSame(elements.operand(e, 0), elements.operand(e, 1));
  else if (e.getOp<math::PowFOp>() || e.getOp<math::FPowIOp>())
    isSquare = elements.getConstant(elements.operand(e, 1)) == 2.0;
  return isSquare ? std::optional(elements.operand(e, 0)) : std::nullopt;
}

/// The x of which `element` is the mean of squares that `op` adds up.
std::optional<Element> LayerNormMatcher::matchMeanSquare(const Element &element,
                                                         Operation *op) {
  std::optional<Reduction> squares = matchMean(element);
  if (!squares || squares->combiner->getParentOp() != op)
    return std::nullopt;
  return matchSquare(squares->input);
}

/// The x of which `element` is the variance: the mean of (x - mean(x))², or
/// that of x² without mean(x)², which rounding may make negative, so that 0 may
/// be the least.
std::optional<Element> LayerNormMatcher::matchVariance(const Element &element,
                                                       Operation *op) {
  if (std::optional<Element> centred = matchMeanSquare(element, op))
    return matchDifference(*centred);
  Element e = skipRounding(element);
  if (e.getOp<arith::MaximumFOp>() || e.getOp<arith::MaxNumFOp>())
    for (unsigned index : {0, 1})
      if (elements.getConstant(elements.operand(e, index)) == 0.0) {
        e = skipRounding(elements.operand(e, 1 - index));
        break;
      }
  if (!e.getOp<arith::SubFOp>())
    return std::nullopt;
  std::optional<Element> x = matchMeanSquare(elements.operand(e, 0), op);
  std::optional<Element> average = matchSquare(elements.operand(e, 1));
  std::optional<Reduction> mean = average ? matchMean(*average) : std::nullopt;
  if (!x || !mean ||
      !elements.areSame(skipRounding(*x), skipRounding(mean->input)))
    return std::nullopt;
  return x;
}

/// Whether `variance` is that of x, where `element` is x - mean(x). Each may
/// have been computed by itself, the variance more precisely.
bool LayerNormMatcher::matchCentred(const Element &element,
                                    const Element &variance, Operation *op) {
  std::optional<Element> x = matchDifference(element);
  std::optional<Element> other = matchVariance(variance, op);
  if (!x || !other || !elements.areSame(skipRounding(*x), skipRounding(*other)))
    return false;
  input = *x;
  return true;
}

/// The tensor furthest up that has the element: the axis of the width alone, or
/// all axes of the root, that one last.
std::optional<Element> LayerNormMatcher::pick(const Element &element,
                                              bool isVector, Operation *op) {
  std::optional<Element> tensor = elements.getTensor(element, /*widen=*/true);
  if (!tensor)
    return std::nullopt;
  auto sorted = [&](const Layout &layout) {
    AxisList list = elements.axes.resolve(flatten(layout));
    llvm::sort(list);
    return list;
  };
  SmallVector<Element> sources = elements.getSources(*tensor, /*widen=*/true);
  for (const Element &source : llvm::reverse(sources)) {
    if (!isFloat(source.value))
      continue;
    bool hasAxes =
        isVector ? elements.axes.resolve(flatten(source.layout)) == width
                 : sorted(source.layout) == sorted(root.layout) &&
                       !source.layout.empty() &&
                       elements.axes.resolve(source.layout.back()) == width;
    if (hasAxes && !dependsOn(source.value, op))
      return source;
  }
  return std::nullopt;
}

/// What is normalised, perhaps times a weight.
bool LayerNormMatcher::matchScaled(const Element &element, Operation *op) {
  auto take = [&](const Element &normalized) {
    if (!matchNormalized(normalized, op))
      return false;
    std::optional<Element> x = pick(input, /*isVector=*/false, op);
    if (x)
      input = *x;
    return x.has_value();
  };
  Element product = elements.plain(element);
  if (product.getOp<arith::MulFOp>())
    for (unsigned factor : {1, 0}) {
      std::optional<Element> w =
          pick(elements.operand(product, factor), /*isVector=*/true, op);
      if (w && take(elements.operand(product, 1 - factor))) {
        weight = *w;
        return true;
      }
    }
  return take(product);
}

bool LayerNormMatcher::match(Value tensor, Operation *op) {
  // What is reshaped may be used otherwise, too.
  if (isReshape(tensor.getDefiningOp()))
    return false;
  root = elements.get(tensor);
  if (root.layout.empty() || !isFloat(tensor))
    return false;
  width = elements.axes.resolve(root.layout.back());
  size = elements.axes.getStaticSize(width);
  if (width.size() != 1 || ShapedType::isDynamic(size) || size == 0)
    return false;
  Element sum = elements.plain(root);
  if (sum.getOp<arith::AddFOp>())
    for (unsigned added : {1, 0}) {
      std::optional<Element> b =
          pick(elements.operand(sum, added), /*isVector=*/true, op);
      if (b && matchScaled(elements.operand(sum, 1 - added), op)) {
        bias = *b;
        return true;
      }
    }
  return matchScaled(sum, op);
}

Operation *LayerNormMatcher::replace() {
  Operation *old = root.value.getDefiningOp();
  OpBuilder builder(old);
  Location loc = old->getLoc();
  const Axes &axes = elements.axes;
  Layout layout = axes.resolveAll(input.layout);
  Type type = builder.getF32Type();
  auto arrange = [&](const Element &element, ArrayRef<AxisList> to) {
    Value tensor =
        axes.rearrange(builder, loc, element.value, element.layout, to);
    return convert(builder, loc, tensor, type);
  };
  auto arrangeVector = [&](const Element &element, float missing) -> Value {
    if (element)
      return arrange(element, {width});
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(RankedTensorType::get({size}, type), missing));
  };
  Value out = tensor::EmptyOp::create(
      builder, loc, axes.getSizes(builder, loc, layout), type);
  auto norm =
      LayerNormOp::create(builder, loc, out.getType(), arrange(input, layout),
                          arrangeVector(weight, 1), arrangeVector(bias, 0), out,
                          builder.getF64FloatAttr(epsilon));
  elements.replace(builder, loc, root, norm->getResult(0), layout);
  return old;
}

namespace {

struct RaiseLayerNorm : public attn::impl::RaiseLayerNormBase<RaiseLayerNorm> {
  void runOnOperation() override {
    resolveSizes(getOperation());
    raiseReductions<LayerNormMatcher>(getOperation());
  }
};

} // namespace
