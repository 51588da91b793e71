// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionMask.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Takes what can be taken of a term that is the same as all of `parts`. Where
/// that is nothing, the term stays whole.
bool AttentionMask::takeParts(ArrayRef<MaskTerm> parts) {
  auto old = std::tuple(after, before, lengths, biases, distance, terms);
  SmallVector<MaskTerm> rest;
  for (const MaskTerm &part : parts)
    if (!take(part, /*isPart=*/true))
      rest.push_back(part);
  if (rest.size() == parts.size()) {
    std::tie(after, before, lengths, biases, distance, terms) = old;
    return false;
  }
  llvm::append_range(terms, rest);
  return true;
}

bool AttentionMask::takeAdded(const MaskTerm &term, bool isPart) {
  Element e = elements.plain(term.element);
  // The same number for all keys changes nothing. As part of a sum, it may be
  // what keeps that small.
  if (std::optional<double> constant = elements.getConstant(e)) {
    if (*constant == 0)
      return true;
    hasChanged = true;
    return !isPart && std::isfinite(*constant * term.factor);
  }
  MaskTerm first = term, second = term;
  Operation *op = e.value.getDefiningOp();
  if (!op)
    return false;
  // A condition as a number: factor · c, or factor · (1 - c).
  bool isComplement = isa<arith::SubFOp>(op) &&
                      elements.getConstant(elements.operand(e, 0)) == 1.0;
  Element number = isComplement ? elements.plain(elements.operand(e, 1)) : e;
  if (auto cast = number.getOp<arith::UIToFPOp>();
      cast && getElementTypeOrSelf(cast.getIn().getType()).isInteger(1) &&
      term.factor <= kLargestExcluded) {
    first.element = elements.operand(number, 0);
    first.isAdded = false;
    first.isNegated = !isComplement;
    first.excluded = term.factor;
    return takeParts(first);
  }
  if (isa<arith::AddFOp, arith::SubFOp>(op)) {
    first.element = elements.operand(e, 0);
    second.element = elements.operand(e, 1);
    if (isa<arith::SubFOp>(op))
      second.factor = -second.factor;
    return takeParts({first, second});
  }
  if (isa<arith::MulFOp>(op))
    for (unsigned index : {0, 1})
      if (std::optional<double> factor =
              elements.getConstant(elements.operand(e, index))) {
        first.element = elements.operand(e, 1 - index);
        first.factor *= *factor;
        return takeParts(first);
      }
  SmallVector<MaskTerm, 2> exclusions = matchExclusions(term);
  if (exclusions.size() == 2)
    return takeEither(exclusions[0], exclusions[1]);
  if (exclusions.size() == 1)
    return takeParts(exclusions);
  if (isa<arith::SelectOp>(op))
    return takeFilled(term);
  return takeConstantBand(term);
}

/// The terms that exclude keys as the added `term` does, and add nothing else:
/// where there are two, a key is excluded only by both. None if there is more
/// to the term.
SmallVector<MaskTerm, 2> AttentionMask::matchExclusions(const MaskTerm &term) {
  Element e = elements.plain(term.element);
  MaskTerm result = term;
  result.isAdded = false;
  if (e.getOp<arith::MulFOp>()) {
    // Only where a condition, as a number, holds.
    for (unsigned index : {0, 1}) {
      Element number = elements.plain(elements.operand(e, index));
      auto cast = number.getOp<arith::UIToFPOp>();
      if (!cast || !getElementTypeOrSelf(cast.getIn().getType()).isInteger(1))
        continue;
      MaskTerm other = term;
      other.element = elements.operand(e, 1 - index);
      SmallVector<MaskTerm, 2> exclusions = matchExclusions(other);
      if (exclusions.size() != 1 || !std::isfinite(exclusions[0].excluded))
        return {};
      result.element = elements.operand(number, 0);
      result.isNegated = true;
      result.excluded = exclusions[0].excluded;
      exclusions.push_back(result);
      return exclusions;
    }
    return {};
  }
  if (!e.getOp<arith::SelectOp>())
    return {};
  std::optional<double> ifTrue = elements.getConstant(elements.operand(e, 1));
  std::optional<double> ifFalse = elements.getConstant(elements.operand(e, 2));
  if (!ifTrue || !ifFalse || (*ifTrue == 0) == (*ifFalse == 0))
    return {};
  result.element = elements.operand(e, 0);
  result.isNegated = *ifFalse == 0;
  result.excluded = (result.isNegated ? *ifTrue : *ifFalse) * term.factor;
  if (result.excluded > kLargestExcluded)
    return {};
  return {result};
}

/// Takes a mask in which numbers are replaced by one that excludes keys.
bool AttentionMask::takeFilled(const MaskTerm &term) {
  Element e = elements.plain(term.element);
  for (unsigned index : {1, 2}) {
    std::optional<double> constant =
        elements.getConstant(elements.operand(e, index));
    if (!constant || *constant * term.factor > kLargestExcluded)
      continue;
    MaskTerm condition = term, rest = term;
    rest.element = elements.operand(e, 3 - index);
    ++rest.depth;
    condition.element = elements.operand(e, 0);
    condition.isAdded = false;
    condition.isNegated = index == 1;
    condition.excluded = *constant * term.factor;
    // Where `rest` and another number are 0 together: if `rest` is not, it
    // excludes the key itself.
    Element zero = elements.forward(condition.element);
    auto compare = zero.getOp<arith::CmpFOp>();
    if (compare && compare.getPredicate() == arith::CmpFPredicate::OEQ &&
        elements.getConstant(elements.operand(zero, 1)) == 0.0 &&
        condition.isNegated && !matchExclusions(rest).empty()) {
      Element sum = elements.plain(elements.operand(zero, 0));
      if (sum.getOp<arith::AddFOp>())
        for (unsigned side : {0, 1})
          if (elements.areSame(elements.operand(sum, side), rest.element)) {
            condition.element = elements.operand(sum, 1 - side);
            condition.isNegated = false;
            break;
          }
    }
    return takeParts({condition, rest});
  }
  return false;
}

/// What a comparison of a constant with one of two others comes to: the
/// condition that chooses between the two, if there is one, and whether the
/// comparison holds where that does, and where it does not.
std::optional<AttentionMask::Comparison>
AttentionMask::matchComparison(const Element &element) {
  auto floats = element.getOp<arith::CmpFOp>();
  auto integers = element.getOp<arith::CmpIOp>();
  if (!floats && !integers)
    return std::nullopt;
  struct Choice {
    Element condition;
    double ifTrue, ifFalse;
  };
  auto matchChoice = [&](const Element &operand) -> std::optional<Choice> {
    Element e = elements.plain(operand);
    if (std::optional<double> constant = elements.getConstant(e))
      return Choice{{}, *constant, *constant};
    Operation *op = e.value.getDefiningOp();
    if (isa_and_present<arith::UIToFPOp, arith::ExtUIOp>(op) &&
        getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
      return Choice{elements.operand(e, 0), 1, 0};
    if (!isa_and_present<arith::SelectOp>(op))
      return std::nullopt;
    auto ifTrue = elements.getConstant(elements.operand(e, 1));
    auto ifFalse = elements.getConstant(elements.operand(e, 2));
    if (!ifTrue || !ifFalse)
      return std::nullopt;
    return Choice{elements.operand(e, 0), *ifTrue, *ifFalse};
  };
  std::optional<Choice> lhs = matchChoice(elements.operand(element, 0));
  std::optional<Choice> rhs = matchChoice(elements.operand(element, 1));
  if (!lhs || !rhs || (lhs->condition && rhs->condition))
    return std::nullopt;
  auto compare = [&](double a, double b) {
    if (floats)
      return arith::applyCmpPredicate(floats.getPredicate(), APFloat(a),
                                      APFloat(b));
    auto toInteger = [](double value) {
      return APInt(64, static_cast<int64_t>(value), /*isSigned=*/true);
    };
    return arith::applyCmpPredicate(integers.getPredicate(), toInteger(a),
                                    toInteger(b));
  };
  return Comparison{lhs->condition ? lhs->condition : rhs->condition,
                    compare(lhs->ifTrue, rhs->ifTrue),
                    compare(lhs->ifFalse, rhs->ifFalse)};
}

/// The two conditions that have to hold both for `term` to keep a score.
std::optional<std::pair<MaskTerm, MaskTerm>>
AttentionMask::matchConjunction(const MaskTerm &term) {
  Element e = elements.forward(term.element);
  bool isBoth = term.isNegated ? static_cast<bool>(e.getOp<arith::OrIOp>())
                               : static_cast<bool>(e.getOp<arith::AndIOp>());
  if (!isBoth && !e.getOp<arith::SelectOp>())
    return std::nullopt;
  MaskTerm first = term, second = term;
  first.element = elements.operand(e, 0);
  second.element = elements.operand(e, 1);
  if (isBoth)
    return std::pair(first, second);
  // c ? x : false, c ? false : x; negated, c ? x : true, c ? true : x.
  for (unsigned index : {1, 2}) {
    auto other = elements.getConstant(elements.operand(e, 3 - index));
    if (!other || (*other != 0) != term.isNegated)
      continue;
    first.isNegated = index == 2;
    second.element = elements.operand(e, index);
    return std::pair(first, second);
  }
  return std::nullopt;
}

bool AttentionMask::takeCondition(const MaskTerm &term) {
  Element e = elements.forward(term.element);
  if (std::optional<double> constant = elements.getConstant(e))
    return (*constant != 0) != term.isNegated;
  MaskTerm first = term;
  Operation *op = e.value.getDefiningOp();
  if (!op)
    return false;
  if (isa<arith::XOrIOp>(op)) {
    for (unsigned index : {0, 1})
      if (std::optional<double> constant =
              elements.getConstant(elements.operand(e, index))) {
        first.element = elements.operand(e, 1 - index);
        first.isNegated ^= *constant != 0;
        return takeParts(first);
      }
    return false;
  }
  if (std::optional<Comparison> comparison = matchComparison(e)) {
    if (comparison->ifTrue == comparison->ifFalse)
      return comparison->ifTrue != term.isNegated;
    first.element = comparison->condition;
    first.isNegated ^= !comparison->ifTrue;
    return takeParts(first);
  }
  if (auto parts = matchConjunction(term))
    return takeParts({parts->first, parts->second});
  return takeBound(term) || takeConstantBand(term);
}

bool AttentionMask::take(const MaskTerm &term, bool isPart) {
  if (!term.isAdded)
    return takeCondition(term);
  return takeAdded(term, isPart) || takeBias(term);
}

/// Adds to `used` the axes that `element` depends on; fails if it cannot be
/// computed anew.
bool AttentionMask::collectAxes(const Element &element, AxisList &used) {
  auto use = [&](ArrayRef<unsigned> list) {
    for (unsigned axis : elements.axes.resolve(list))
      if (!llvm::is_contained(used, axis))
        used.push_back(axis);
  };
  if (element.isTensor()) {
    Element source = elements.getSources(element, /*widen=*/false).back();
    use(flatten(source.layout));
    tensors.push_back(source.value);
    return true;
  }
  if (!getBodyOwner(element.value))
    return true;
  if (std::optional<Element> source = elements.step(element))
    return collectAxes(*source, used);
  if (auto index = element.value.getDefiningOp<linalg::IndexOp>()) {
    use(element.layout[index.getDim()]);
    return elements.axes.resolve(element.layout[index.getDim()]).size() <= 1;
  }
  return allOperands(element, [&](const Element &operand) {
    return collectAxes(operand, used);
  });
}

bool AttentionMask::allOperands(
    const Element &element, llvm::function_ref<bool(const Element &)> holds) {
  Operation *op = element.value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || op->getNumResults() != 1 ||
      !isMemoryEffectFree(op))
    return false;
  // What it extracts from is read as a whole.
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  if (extract)
    tensors.push_back(extract.getTensor());
  unsigned first = extract ? 1 : 0;
  return llvm::all_of(llvm::seq(first, op->getNumOperands()), [&](unsigned i) {
    return holds(elements.operand(element, i));
  });
}

LogicalResult AttentionMask::analyze(ArrayRef<MaskTerm> steps) {
  // A finite score replaces what an earlier step excluded, so that one has to
  // be done before, and nothing of it can be left to bounds.
  bool isReplaced = false;
  for (auto [place, given] : llvm::enumerate(steps)) {
    MaskTerm step = given;
    step.step = place;
    if (isReplaced || !take(step, /*isPart=*/false)) {
      terms.push_back(step);
      isReplaced |= !step.isAdded && step.excluded != -kInfinity;
    }
  }
  auto isFinite = [](const MaskTerm &term) {
    return !term.isAdded && term.excluded != -kInfinity;
  };
  hasChanged |= llvm::any_of(terms, isFinite) ||
                (after && isFinite(after->term)) ||
                (before && isFinite(before->term));
  if (hasReplacing() && !keepsOne()) {
    if (canGuard()) {
      unguarded = std::make_shared<AttentionMask>(*this);
      unguarded->isFallback = true;
      unguarded->dropReplacing();
      if (failed(unguarded->finish()))
        return failure();
      llvm::append_range(tensors, unguarded->tensors);
      // Beside a key, what is excluded has no weight, however far below.
      for (MaskTerm &term : terms)
        if (!term.isAdded)
          term.excluded = -kInfinity;
    } else {
      dropReplacing();
    }
  }
  return finish();
}

/// Makes of terms and bounds what attention has; fails if they use other axes.
LogicalResult AttentionMask::finish() {
  joinBounds();
  dropBiases();
  // Parts of one step stay in their order.
  SmallVector<MaskTerm> sorted;
  for (const MaskTerm &term : terms) {
    auto *place = llvm::upper_bound(
        sorted, term, [](const MaskTerm &a, const MaskTerm &b) {
          return std::pair(a.step, a.depth) < std::pair(b.step, b.depth);
        });
    sorted.insert(place, term);
  }
  terms = std::move(sorted);
  AxisList used;
  for (const MaskTerm &term : terms) {
    if (!collectAxes(term.element, used))
      return failure();
    // Where it may be read from, so that no axis turns out to be several later.
    if (auto tensor = elements.getTensor(term.element, /*widen=*/true))
      (void)elements.getSources(*tensor, /*widen=*/true);
  }
  for (const MaskTerm &term : biases)
    if (!collectAxes(term.element, used))
      return failure();
  if (lengths && !collectAxes(lengths->term.element, used))
    return failure();
  // Some may have turned out to be several.
  axes.resolve(elements.axes);
  return success(llvm::all_of(elements.axes.resolve(used), [&](unsigned axis) {
    return llvm::is_contained(axes.batch, axis) ||
           llvm::is_contained(axes.queries, axis) ||
           llvm::is_contained(axes.keys, axis);
  }));
}
