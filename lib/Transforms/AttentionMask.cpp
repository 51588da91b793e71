// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionMask.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Takes what can be taken of a term that is the same as all of `parts`. Where
/// that is nothing, the term stays whole.
bool AttentionMask::takeParts(ArrayRef<MaskTerm> parts) {
  std::tuple old(after, before, lengths, biases, distance, terms);
  SmallVector<MaskTerm> rest;
  for (const MaskTerm &part : parts)
    if (!take(part, /*isPart=*/true))
      rest.push_back(part);
  if (rest.size() == parts.size()) {
    getTaken() = old;
    return false;
  }
  llvm::append_range(terms, rest);
  return true;
}

bool AttentionMask::takeAdded(const MaskTerm &term, bool isPart) {
  Element e = elements.plain(term.element);
  // The same number for all keys changes nothing, if there are no other scores.
  // As part of a sum, it may be what keeps that small.
  if (std::optional<double> constant = elements.getConstant(e)) {
    if (*constant == 0)
      return true;
    hasChanged = true;
    return !isPart && !hasSinks && std::isfinite(*constant * term.factor);
  }
  MaskTerm first = term, second = term;
  Operation *op = e.value.getDefiningOp();
  if (!op)
    return false;
  SmallVector<MaskTerm, 2> exclusions = matchExclusions(term);
  if (exclusions.size() == 2)
    return takeEither(exclusions[0], exclusions[1]);
  if (exclusions.size() == 1)
    return takeParts(exclusions);
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
  result.isOffset = true;
  if (e.getOp<arith::MulFOp>()) {
    // Only where a condition, as a number, holds.
    for (unsigned index : {0, 1}) {
      std::optional<Choice> number =
          elements.matchChoice(elements.operand(e, index));
      if (!number || number->ifTrue != 1 || number->ifFalse != 0)
        continue;
      MaskTerm other = term;
      other.element = elements.operand(e, 1 - index);
      SmallVector<MaskTerm, 2> exclusions = matchExclusions(other);
      if (exclusions.size() != 1 || !std::isfinite(exclusions[0].excluded))
        return {};
      result.element = number->condition;
      result.isNegated = true;
      result.excluded = exclusions[0].excluded;
      exclusions.push_back(result);
      return exclusions;
    }
    return {};
  }
  std::optional<Choice> choice = elements.matchChoice(e);
  if (!choice || (choice->ifTrue == 0) == (choice->ifFalse == 0))
    return {};
  result.element = choice->condition;
  result.isNegated = choice->ifFalse == 0;
  result.excluded = raiseToLeast(
      (result.isNegated ? choice->ifTrue : choice->ifFalse) * term.factor);
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
    condition.excluded = raiseToLeast(*constant * term.factor);
    if (isKept(condition))
      return false;
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
  // Where both do not hold, it is added once.
  first.isOffset = second.isOffset = false;
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
  if (std::optional<Choice> choice = elements.matchChoice(e)) {
    bool ifTrue = choice->ifTrue != 0, ifFalse = choice->ifFalse != 0;
    if (ifTrue == ifFalse)
      return ifTrue != term.isNegated;
    MaskTerm part = term;
    part.element = choice->condition;
    part.isNegated ^= !ifTrue;
    return takeParts(part);
  }
  // What a conjunction adds is added once.
  if (term.isOffset && isKept(term))
    return false;
  if (auto parts = matchConjunction(term))
    return takeParts({parts->first, parts->second});
  return takeBound(term) || takeBothBounds(term) || takeConstantBand(term);
}

bool AttentionMask::take(const MaskTerm &term, bool isPart) {
  // Of a longer sum or condition, what is left stays whole.
  constexpr int64_t kMostTerms = 500;
  if (++visited > kMostTerms)
    return false;
  if (!term.isAdded)
    return takeCondition(term);
  return takeAdded(term, isPart) || takeBias(term);
}

/// Adds to `used` the axes that `element` depends on, not those along which it
/// was repeated; fails if it cannot be computed anew.
bool AttentionMask::collectAxes(const Element &element, AxisList &used) {
  std::set<Elements::Key> seen;
  return collectAxes(element, used, seen);
}

bool AttentionMask::collectAxes(const Element &element, AxisList &used,
                                std::set<Elements::Key> &seen) {
  if (!seen.insert(elements.keyOf(element)).second)
    return true;
  auto use = [&](ArrayRef<unsigned> list) {
    for (unsigned axis : elements.axes.resolve(list))
      if (!llvm::is_contained(used, axis))
        used.push_back(axis);
  };
  if (element.isTensor()) {
    Element source = elements.getSources(element, /*widen=*/false).back();
    tensors.push_back(source.value);
    if (std::optional<Element> computed = elements.stepToComputed(source))
      return collectAxes(*computed, used, seen);
    use(flatten(source.layout));
    return true;
  }
  if (!getBodyOwner(element.value))
    return true;
  if (std::optional<Element> source = elements.step(element))
    return collectAxes(*source, used, seen);
  if (auto index = element.value.getDefiningOp<linalg::IndexOp>()) {
    use(element.layout[index.getDim()]);
    return elements.axes.resolve(element.layout[index.getDim()]).size() <= 1;
  }
  return allOperands(element, [&](const Element &operand) {
    return collectAxes(operand, used, seen);
  });
}

bool AttentionMask::allOperands(
    const Element &element, llvm::function_ref<bool(const Element &)> holds) {
  Operation *op = element.value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || op->getNumResults() != 1 ||
      !isMemoryEffectFree(op) || isa<linalg::IndexOp>(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    if (!isReadWhole(element, operand))
      return holds({operand, element.layout});
    tensors.push_back(operand);
    return true;
  });
}

bool AttentionMask::isKept(const MaskTerm &term) const {
  return keepsFinite && !term.isAdded && term.excluded != -kInfinity;
}

void AttentionMask::takeSteps(ArrayRef<MaskTerm> steps) {
  // A finite score replaces what an earlier step excluded, so that one has to
  // be done before, and nothing of it can be left to bounds.
  bool isReplaced = false;
  for (auto [place, given] : llvm::enumerate(steps)) {
    MaskTerm step = given;
    step.step = place;
    step.excluded = raiseToLeast(step.excluded);
    if (isReplaced || !take(step, /*isPart=*/false)) {
      terms.push_back(step);
      isReplaced |= !step.isAdded && step.excluded != -kInfinity;
    }
  }
}

LogicalResult AttentionMask::analyze(ArrayRef<MaskTerm> steps) {
  takeSteps(steps);
  bool isFinite = hasFiniteBound();
  for (const MaskTerm &term : terms)
    isFinite |= !term.isAdded && term.excluded != -kInfinity;
  hasChanged |= isFinite;
  if (isFinite && !(hasFiniteBound() && keepsOne())) {
    AttentionMask whole(elements, axes, hasSinks, least);
    whole.keepsFinite = true;
    whole.takeSteps(steps);
    if (!hasFiniteBound() || !canGuard()) {
      getTaken() = whole.getTaken();
      return finish();
    }
    unguarded = std::make_shared<AttentionMask>(std::move(whole));
    unguarded->isFallback = true;
    if (failed(unguarded->finish()))
      return failure();
    llvm::append_range(tensors, unguarded->tensors);
    // Beside a key, what is excluded has no weight, however far below.
    for (MaskTerm &term : terms)
      if (!term.isAdded)
        term.excluded = -kInfinity;
  }
  return finish();
}

/// Makes of terms and bounds what attention has; fails if they use other axes.
LogicalResult AttentionMask::finish() {
  dropReplaced();
  joinBounds();
  dropBiases();
  // Parts of one step stay in their order, but for -∞, to which others may be
  // added.
  auto placeOf = [](const MaskTerm &term) {
    return std::tuple(term.step, term.depth, term.isAdded ? 0 : term.excluded);
  };
  SmallVector<MaskTerm> sorted;
  for (const MaskTerm &term : terms) {
    auto *place = llvm::upper_bound(sorted, term,
                                    [&](const MaskTerm &a, const MaskTerm &b) {
                                      return placeOf(a) < placeOf(b);
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
  // Some may have turned out to be several, which have no index together.
  axes.resolve(elements.axes);
  Distance known = distance;
  if (!llvm::all_of(terms,
                    [&](const MaskTerm &term) {
                      return collectAxes(term.element, used);
                    }) ||
      !llvm::all_of(biases, [&](const MaskTerm &term) {
        return isByDistance(term.element, known);
      }))
    return failure();
  return success(llvm::all_of(elements.axes.resolve(used), [&](unsigned axis) {
    return llvm::is_contained(axes.batch, axis) ||
           llvm::is_contained(axes.queries, axis) ||
           llvm::is_contained(axes.keys, axis);
  }));
}
