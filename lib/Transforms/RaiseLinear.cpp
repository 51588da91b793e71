// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises linear layers that are written in upstream operations.

#include "Activations.h"
#include "Elements.h"
#include "Uses.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

namespace attn {
#define GEN_PASS_DEF_RAISELINEAR
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Matches one matrix product with what follows it, up to one tensor.
class LinearMatcher {
public:
  /// Whether `tensor` is a linear layer whose matrix product is `op`.
  bool match(Value tensor, Operation *op);

  /// Replaces the root; returns its definition, which is unused.
  Operation *replace();

private:
  bool matchSum(const Element &element, Operation *op,
                SmallVectorImpl<Element> &addends, bool isActivated);
  bool matchActivated(const Element &element, Operation *op);

  bool classify(const Element &first, const Element &second);
  bool takeAddends();
  const Element *pickAddend(ArrayRef<Element> sources,
                            ArrayRef<unsigned> wanted);
  AxisList getAxes(const Element &element) const;
  bool hasDynamicDepth() const {
    return ShapedType::isDynamic(elements.axes.getStaticSize(depth));
  }

  Elements elements;
  Element root;
  Contraction product;
  /// What is added to the product, and to the activation of that.
  SmallVector<Element> inner, outer;
  std::optional<Activation> activation;
  Element input, weight, bias, residual;
  AxisList rows, depth, width;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Follows a sum to the matrix product `op`; what else is added goes to
/// `addends`.
bool LinearMatcher::matchSum(const Element &element, Operation *op,
                             SmallVectorImpl<Element> &addends,
                             bool isActivated) {
  // A bias, a residual, and one of them as the initial value.
  constexpr size_t kLimit = 2;
  Element e = elements.plain(element);
  if (e.value.getDefiningOp() == op) {
    std::optional<Contraction> contraction = elements.matchContraction(e);
    if (!contraction)
      return false;
    product = *contraction;
    if (elements.getConstant(product.init) != 0.0)
      addends.push_back(product.init);
    return addends.size() <= kLimit;
  }
  if (!isActivated && matchActivated(e, op))
    return true;
  size_t before = addends.size();
  if (!e.getOp<arith::AddFOp>() || before == kLimit)
    return false;
  for (unsigned index : {0, 1}) {
    addends.push_back(elements.operand(e, 1 - index));
    if (matchSum(elements.operand(e, index), op, addends, isActivated))
      return true;
    addends.truncate(before);
  }
  return false;
}

bool LinearMatcher::matchActivated(const Element &element, Operation *op) {
  auto found = matchActivation(elements, element);
  if (!found || !matchSum(found->second, op, inner, /*isActivated=*/true))
    return false;
  activation = found->first;
  return true;
}

AxisList LinearMatcher::getAxes(const Element &element) const {
  return elements.axes.resolve(flatten(element.layout));
}

/// The source furthest up with exactly the axes `wanted`, in a type that can be
/// added.
const Element *LinearMatcher::pickAddend(ArrayRef<Element> sources,
                                         ArrayRef<unsigned> wanted) {
  AxisList sorted(wanted);
  llvm::sort(sorted);
  for (const Element &source : llvm::reverse(sources)) {
    AxisList present = getAxes(source);
    llvm::sort(present);
    Type type = getElementTypeOrSelf(source.value);
    if (present == sorted &&
        (type.isF32() || type == getElementTypeOrSelf(input.value)))
      return &source;
  }
  return nullptr;
}

/// Finds out which addend is the bias and which the residual.
bool LinearMatcher::takeAddends() {
  auto take = [&](const Element &addend, bool mayBeBias, bool mayBeResidual) {
    std::optional<Element> tensor = elements.getTensor(addend, /*widen=*/true);
    if (!tensor)
      return false;
    SmallVector<Element> sources = elements.getSources(*tensor, /*widen=*/true);
    if (llvm::any_of(sources, [&](const Element &source) {
          return dependsOn(source.value, product.op);
        }))
      return false;
    const Element *whole = pickAddend(sources, getAxes(root));
    const Element *row = pickAddend(sources, width);
    if (row && mayBeBias && !bias)
      bias = *row;
    else if (whole && mayBeResidual && !residual)
      residual = *whole;
    else
      return false;
    return true;
  };
  // What is added first is the bias, where it could be either.
  for (const Element &addend : llvm::reverse(inner))
    if (!take(addend, /*mayBeBias=*/true, /*mayBeResidual=*/!activation))
      return false;
  for (const Element &addend : llvm::reverse(outer))
    if (!take(addend, /*mayBeBias=*/!activation, /*mayBeResidual=*/true))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Takes `first` as the input and `second` as the weight, if they can be.
bool LinearMatcher::classify(const Element &first, const Element &second) {
  SmallVector<Element> inputs = elements.getSources(first, /*widen=*/true);
  SmallVector<Element> weights = elements.getSources(second, /*widen=*/true);
  AxisList out = getAxes(root);
  depth = elements.axes.resolve(product.reduced);
  auto has = [](ArrayRef<unsigned> list, unsigned axis) {
    return llvm::is_contained(list, axis);
  };
  // Where both were narrower, their products are the same.
  auto typeOf = [](const Element &e) { return getElementTypeOrSelf(e.value); };
  Type type = typeOf(inputs.front());
  for (const Element &source : inputs)
    for (const Element &other : weights)
      if (typeOf(source) == typeOf(other))
        type = typeOf(source);

  auto pick = [&](ArrayRef<Element> sources, auto isGood) -> const Element * {
    for (const Element &source : llvm::reverse(sources))
      if (typeOf(source) == type && isGood(getAxes(source)))
        return &source;
    return nullptr;
  };
  // A weight has no axis of the rows; one that was repeated for a batch is
  // taken from before that.
  AxisList ofInput = getAxes(first);
  const Element *w = pick(weights, [&](const AxisList &list) {
    return llvm::all_of(depth,
                        [&](unsigned axis) { return has(list, axis); }) &&
           llvm::all_of(list, [&](unsigned axis) {
             return has(depth, axis) || (has(out, axis) && !has(ofInput, axis));
           });
  });
  if (!w)
    return false;
  AxisList ofWeight = getAxes(*w);
  rows.clear();
  width.clear();
  for (unsigned axis : out) {
    if (has(ofWeight, axis)) {
      width.push_back(axis);
      continue;
    }
    // The width comes last.
    if (!width.empty() || !has(ofInput, axis))
      return false;
    rows.push_back(axis);
  }
  const Element *x = pick(inputs, [&](const AxisList &list) {
    return list.size() == rows.size() + depth.size() &&
           llvm::all_of(list, [&](unsigned axis) {
             return has(rows, axis) || has(depth, axis);
           });
  });
  if (!x)
    return false;
  // The order of a sum is free: that of the input.
  depth.clear();
  for (unsigned axis : getAxes(*x))
    if (!has(rows, axis))
      depth.push_back(axis);
  for (const AxisList &list : {depth, width}) {
    if (elements.axes.getStaticSize(list) == 0)
      return false;
  }
  input = *x;
  weight = *w;
  return true;
}

bool LinearMatcher::match(Value tensor, Operation *op) {
  root = elements.get(tensor);
  if (!matchSum(root, op, outer, /*isActivated=*/false))
    return false;
  // A vector is the weight only if the other one cannot be.
  bool isPossible = classify(product.lhs, product.rhs);
  if ((!isPossible || width.empty()) && !classify(product.rhs, product.lhs) &&
      (!isPossible || !classify(product.lhs, product.rhs)))
    return false;
  if (!takeAddends() || (hasDynamicDepth() && residual && activation))
    return false;
  return isOnlyFor(op, tensor.getDefiningOp());
}

Operation *LinearMatcher::replace() {
  Operation *old = root.value.getDefiningOp();
  OpBuilder builder(old);
  Location loc = old->getLoc();
  const Axes &axes = elements.axes;

  // Rows in the dimensions that the input has them in.
  Layout leading = axes.resolveAll(input.layout);
  if (!leading.empty() && leading.back() == depth &&
      flatten(ArrayRef(leading).drop_back()) == rows) {
    leading.pop_back();
  } else {
    leading = axes.resolveAll(root.layout);
    if (!leading.empty() && leading.back() == width)
      leading.pop_back();
    else
      leading = llvm::map_to_vector<4>(
          rows, [](unsigned axis) { return AxisList{axis}; });
  }
  auto withLast = [&](const AxisList &last) {
    Layout layout = leading;
    layout.push_back(last);
    return layout;
  };
  auto arrange = [&](const Element &element, ArrayRef<AxisList> to) -> Value {
    if (!element)
      return {};
    return axes.rearrange(builder, loc, element.value, element.layout, to);
  };
  AxisList transposedOrder = depth;
  llvm::append_range(transposedOrder, width);
  bool isTransposed =
      getAxes(weight) == transposedOrder && !width.empty() && !depth.empty();
  Layout outLayout = withLast(width);
  Layout weightLayout = {width, depth};
  if (isTransposed)
    std::swap(weightLayout[0], weightLayout[1]);

  Value x = arrange(input, withLast(depth)), w = arrange(weight, weightLayout);
  Value b = arrange(bias, {width}), r = arrange(residual, outLayout);
  Type outType = getElementTypeOrSelf(root.value);
  if (outType != getElementTypeOrSelf(x) || hasDynamicDepth())
    outType = builder.getF32Type();
  Value out = tensor::EmptyOp::create(
      builder, loc, axes.getSizes(builder, loc, outLayout), outType);
  auto linear = LinearOp::create(
      builder, loc, out.getType(), x, w, /*scales=*/Value(), b, r, out,
      activation ? ActivationAttr::get(builder.getContext(), *activation)
                 : ActivationAttr(),
      isTransposed ? builder.getUnitAttr() : UnitAttr());
  elements.replace(builder, loc, root, linear->getResult(0), outLayout);
  return old;
}

namespace {

struct RaiseLinear : public attn::impl::RaiseLinearBase<RaiseLinear> {
  void runOnOperation() override {
    resolveSizes(getOperation());
    raiseReductions<LinearMatcher>(getOperation());
  }
};

} // namespace
