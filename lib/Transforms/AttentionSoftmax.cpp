// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The softmax of an attention, in as many steps as it was written.

#include "AttentionMatcher.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The largest of all `x`, or of these and the sink.
std::optional<Reduction> AttentionMatcher::matchLargest(const Element &element,
                                                        const Element &x) {
  Element e = elements.plain(element);
  if (sinks && isa_and_present<arith::MaximumFOp, arith::MaxNumFOp>(
                   e.value.getDefiningOp()))
    for (unsigned index : {0, 1})
      if (elements.areSame(elements.operand(e, index), sinks)) {
        e = elements.plain(elements.operand(e, 1 - index));
        break;
      }
  std::optional<Reduction> reduction = elements.matchReduction(e, axes.keys);
  if (!reduction ||
      !isa<arith::MaximumFOp, arith::MaxNumFOp>(reduction->combiner))
    return std::nullopt;
  std::optional<double> init = elements.getConstant(reduction->init);
  if (!init || *init > kLargestExcluded ||
      !elements.areSame(reduction->input, x))
    return std::nullopt;
  return reduction;
}

/// Whether `element` does not depend on the key.
bool AttentionMatcher::isSameForKeys(const Element &element) {
  Element e = elements.plain(element);
  auto hasKeys = [&](ArrayRef<unsigned> list) {
    return llvm::any_of(elements.axes.resolve(list), [&](unsigned axis) {
      return llvm::is_contained(elements.axes.resolve(axes.keys), axis);
    });
  };
  Operation *op = e.value.getDefiningOp();
  if (e.isTensor() && !hasKeys(flatten(e.layout)))
    return true;
  if (!e.isTensor() && !getBodyOwner(e.value))
    return true;
  if (auto index = e.getOp<linalg::IndexOp>())
    return !hasKeys(e.layout[index.getDim()]);
  return op && OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::all_of(llvm::seq(op->getNumOperands()), [&](unsigned i) {
           return isSameForKeys(elements.operand(e, i));
         });
}

/// The power of a constant that `element` is. What is subtracted from all
/// scores of a query alike cancels out in their softmax.
std::optional<AttentionMatcher::Power>
AttentionMatcher::matchPower(const Element &element) {
  Element e = elements.plain(element);
  if (!e.getOp<math::ExpOp>() && !e.getOp<math::Exp2Op>() &&
      !e.getOp<math::PowFOp>())
    return std::nullopt;
  Power power = {e, elements.operand(e, 0), /*base=*/1, {}};
  if (e.getOp<math::Exp2Op>())
    power.base = M_LN2;
  if (e.getOp<math::PowFOp>()) {
    std::optional<double> constant = elements.getConstant(power.scores);
    if (!constant || !(*constant > 1))
      return std::nullopt;
    power.base = std::log(*constant);
    power.scores = elements.operand(e, 1);
  }
  for (;;) {
    Element e = elements.plain(power.scores);
    double factor = 1;
    if (e.getOp<arith::MulFOp>())
      for (unsigned index : {0, 1})
        if (auto constant = elements.getConstant(elements.operand(e, index))) {
          factor = *constant;
          e = elements.plain(elements.operand(e, 1 - index));
          break;
        }
    if (!e.getOp<arith::SubFOp>() || !isSameForKeys(elements.operand(e, 1)))
      return power;
    power.base *= factor;
    power.scores = elements.operand(e, 0);
    power.shifts.push_back(elements.operand(e, 1));
  }
}

/// The operation on tensors that computes `element`.
static Operation *getOwner(const Element &element) {
  if (linalg::LinalgOp owner = getBodyOwner(element.value))
    return owner;
  return element.value.getDefiningOp();
}

/// The scores x of which `element` is exp(x - shift).
std::optional<Element>
AttentionMatcher::matchExponential(const Element &element) {
  Element e = elements.plain(element);
  // A weight of 0 is that of a key which is excluded.
  if (e.getOp<arith::SelectOp>())
    for (unsigned index : {1, 2})
      if (elements.getConstant(elements.operand(e, 3 - index)) == 0.0) {
        steps.push_back({elements.operand(e, 0), /*isAdded=*/false,
                         /*factor=*/1, /*isNegated=*/index == 2,
                         -std::numeric_limits<double>::infinity()});
        e = elements.plain(elements.operand(e, index));
        break;
      }
  std::optional<Power> power = matchPower(e);
  if (!power)
    return std::nullopt;
  softmax = getOwner(power->element);
  for (const Element &shift : power->shifts)
    if (auto largest = matchLargest(shift, power->scores))
      softmax = largest->combiner->getParentOp();
  base = power->base;
  return power->scores;
}

/// The scores x of which `element` is exp(x - log Σ exp(x)), where both may be
/// shifted.
std::optional<Element>
AttentionMatcher::matchLogarithm(const Element &element) {
  std::optional<Power> power = matchPower(element);
  if (!power || power->base != 1)
    return std::nullopt;
  // A sum of shifts is several.
  SmallVector<Element> shifts;
  for (const Element &shift : power->shifts) {
    Element e = elements.plain(shift);
    if (e.getOp<arith::AddFOp>())
      llvm::append_values(shifts, elements.operand(e, 0),
                          elements.operand(e, 1));
    else
      shifts.push_back(e);
  }
  for (size_t i = 0; i < shifts.size(); ++i) {
    Element logarithm = elements.plain(shifts[i]);
    if (!logarithm.getOp<math::LogOp>())
      continue;
    Element sum = elements.plain(elements.operand(logarithm, 0));
    if (sum.getOp<math::AbsFOp>())
      sum = elements.plain(elements.operand(sum, 0));
    std::optional<Reduction> reduction = matchSum(sum);
    if (!reduction)
      continue;
    std::optional<Power> weight = matchPower(reduction->input);
    shifts.erase(shifts.begin() + i);
    if (!weight || weight->base != 1 ||
        !elements.areSame(weight->scores, power->scores) ||
        !llvm::all_of_zip(shifts, weight->shifts,
                          [&](const Element &a, const Element &b) {
                            return elements.areSame(a, b);
                          }))
      return std::nullopt;
    softmax = reduction->combiner->getParentOp();
    return power->scores;
  }
  return std::nullopt;
}

/// The sum over the keys that `element` is.
std::optional<Reduction> AttentionMatcher::matchSum(const Element &element) {
  std::optional<Reduction> reduction =
      elements.matchReduction(elements.plain(element), axes.keys);
  if (!reduction || !isa<arith::AddFOp>(reduction->combiner) ||
      elements.getConstant(reduction->init) != 0.0)
    return std::nullopt;
  return reduction;
}

/// Whether `sum` is the sum of `element` over the keys.
bool AttentionMatcher::isSumOf(const Element &sum, const Element &element) {
  std::optional<Reduction> reduction = matchSum(sum);
  return reduction && elements.areSame(reduction->input, element);
}

/// Dividend and divisor.
std::optional<std::pair<Element, Element>>
AttentionMatcher::matchQuotient(const Element &element) {
  Element e = elements.plain(element);
  if (e.getOp<arith::DivFOp>())
    return std::pair(elements.operand(e, 0), elements.operand(e, 1));
  if (!e.getOp<arith::MulFOp>())
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    Element factor = elements.plain(elements.operand(e, index));
    if (factor.getOp<arith::DivFOp>() &&
        elements.getConstant(elements.operand(factor, 0)) == 1.0)
      return std::pair(elements.operand(e, 1 - index),
                       elements.operand(factor, 1));
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Queries without a key
//===----------------------------------------------------------------------===//

/// What `element` was before it was widened to compare it: any wider type has
/// the number, too.
Element AttentionMatcher::skipExtensions(const Element &element) {
  Element e = elements.forward(element);
  while (e.getOp<arith::ExtFOp>())
    e = elements.forward(elements.operand(e, 0));
  return e;
}

/// Whether `element` says that all of `scores` are -∞, for each query.
bool AttentionMatcher::isNoneLeft(const Element &element,
                                  const Element &scores) {
  // Not any that is not, or all that are.
  auto skipNot = [&](Element e, bool &isNegated) {
    std::optional<Choice> choice = elements.matchChoice(e);
    if (choice && choice->ifTrue != choice->ifFalse) {
      isNegated = choice->ifTrue == 0;
      e = choice->condition;
    }
    return elements.forward(e);
  };
  bool isOutside = false, isInside = false;
  std::optional<Reduction> reduction =
      elements.matchReduction(skipNot(element, isOutside), axes.keys);
  if (!reduction || !isa<arith::OrIOp, arith::AndIOp>(reduction->combiner))
    return false;
  bool isAny = isa<arith::OrIOp>(reduction->combiner);
  std::optional<double> init = elements.getConstant(reduction->init);
  Element e = skipNot(reduction->input, isInside);
  auto compare = e.getOp<arith::CmpFOp>();
  if (!compare || !init || (*init == 0) != isAny ||
      elements.getConstant(elements.operand(e, 1)) !=
          -std::numeric_limits<double>::infinity())
    return false;
  using Predicate = arith::CmpFPredicate;
  if (compare.getPredicate() == Predicate::UNE ||
      compare.getPredicate() == Predicate::ONE)
    isInside = !isInside;
  else if (compare.getPredicate() != Predicate::OEQ &&
           compare.getPredicate() != Predicate::UEQ)
    return false;
  return isOutside == isAny && isInside == isAny &&
         elements.areSame(skipExtensions(elements.operand(e, 0)), scores);
}

/// Whether `element` says that `number` is not a number: so is the softmax of
/// scores that are all -∞. One that is of another origin stays one.
bool AttentionMatcher::isNaNOf(const Element &element, const Element &number) {
  Element e = elements.forward(element);
  auto compare = e.getOp<arith::CmpFOp>();
  if (!compare || (compare.getPredicate() != arith::CmpFPredicate::UNO &&
                   compare.getPredicate() != arith::CmpFPredicate::UNE))
    return false;
  return elements.areSame(elements.operand(e, 0), elements.operand(e, 1)) &&
         elements.areSame(elements.operand(e, 0), number);
}

/// Whether `element` says that `number` is infinite.
bool AttentionMatcher::isInfinite(const Element &element,
                                  const Element &number) {
  Element e = elements.forward(element);
  auto compare = e.getOp<arith::CmpFOp>();
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OEQ)
    return false;
  std::optional<double> constant = elements.getConstant(elements.operand(e, 1));
  if (!constant || !std::isinf(*constant))
    return false;
  // Others may have been replaced before.
  Element compared = skipExtensions(elements.operand(e, 0));
  for (Element kept = number;; kept = elements.operand(kept, 2)) {
    if (elements.areSame(compared, kept))
      return true;
    kept = elements.plain(kept);
    if (!kept.getOp<arith::SelectOp>())
      return false;
  }
}

/// The mask of which `element` says that it is -∞ for all keys, by its largest.
std::optional<Element>
AttentionMatcher::matchLargestIsExcluded(const Element &element) {
  Element e = elements.forward(element);
  auto compare = e.getOp<arith::CmpFOp>();
  if (!compare || (compare.getPredicate() != arith::CmpFPredicate::OEQ &&
                   compare.getPredicate() != arith::CmpFPredicate::UEQ))
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    if (elements.getConstant(elements.operand(e, 1 - index)) !=
        -std::numeric_limits<double>::infinity())
      continue;
    std::optional<Reduction> reduction = elements.matchReduction(
        elements.plain(elements.operand(e, index)), axes.keys);
    if (reduction &&
        isa<arith::MaximumFOp, arith::MaxNumFOp>(reduction->combiner))
      return reduction->input;
  }
  return std::nullopt;
}

/// Whether each guard is about a mask that is added to the scores: then a query
/// that it stands for is left without a key.
bool AttentionMatcher::areGuardsImplied() {
  return llvm::all_of(guards, [&](const Element &guard) {
    std::optional<double> constant = elements.getConstant(guard);
    // A mask that excludes nothing.
    if (constant && *constant != -std::numeric_limits<double>::infinity())
      return true;
    return llvm::any_of(steps, [&](const MaskTerm &step) {
      return step.isAdded && step.factor > 0 &&
             elements.areSame(step.element, guard);
    });
  });
}

/// The sum of weights that `divisor` is, unless that is 0, as where no key is
/// left: then a number, by which 0 is divided.
Element AttentionMatcher::skipZeroSum(const Element &divisor) {
  Element e = elements.plain(divisor);
  if (!e.getOp<arith::SelectOp>())
    return e;
  Element condition = elements.forward(elements.operand(e, 0));
  auto compare = condition.getOp<arith::CmpFOp>();
  if (!compare || elements.getConstant(elements.operand(condition, 1)) != 0.0)
    return e;
  using Predicate = arith::CmpFPredicate;
  bool isZero = llvm::is_contained({Predicate::OEQ, Predicate::UEQ},
                                   compare.getPredicate());
  if (!isZero &&
      !llvm::is_contained({Predicate::ONE, Predicate::UNE, Predicate::OGT},
                          compare.getPredicate()))
    return e;
  Element sum = elements.operand(e, isZero ? 2 : 1);
  std::optional<double> other =
      elements.getConstant(elements.operand(e, isZero ? 1 : 2));
  return other && *other != 0 &&
                 elements.areSame(elements.operand(condition, 0), sum)
             ? sum
             : e;
}

/// The scores whose softmax over the keys that are kept is `element`, which is
/// 0 for others: these are not in the sum either.
std::optional<Element> AttentionMatcher::matchKept(const Element &element) {
  for (unsigned index : {1, 2}) {
    auto quotient = matchQuotient(elements.operand(element, index));
    if (!quotient ||
        elements.getConstant(elements.operand(element, 3 - index)) != 0.0)
      continue;
    std::optional<Reduction> reduction =
        matchSum(skipZeroSum(quotient->second));
    if (!reduction)
      continue;
    Element weight = elements.plain(reduction->input);
    if (weight.getOp<arith::SelectOp>() &&
        elements.areSame(elements.operand(weight, 0),
                         elements.operand(element, 0)) &&
        elements.areSame(elements.operand(weight, index), quotient->first) &&
        elements.getConstant(elements.operand(weight, 3 - index)) == 0.0)
      return matchExponential(weight);
  }
  return std::nullopt;
}

/// The scores whose softmax over the keys `probabilities` are, also times what
/// is the same for all keys, by which the result can be multiplied: a factor of
/// each head. One that is 1 is left out.
std::optional<Element> AttentionMatcher::matchProbabilities() {
  if (std::optional<Element> scores = matchSoftmax(probabilities))
    return scores;
  Element e = elements.plain(probabilities);
  bool isDivided = static_cast<bool>(e.getOp<arith::DivFOp>());
  if (!isDivided && !e.getOp<arith::MulFOp>())
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    Element factor = elements.operand(e, 1 - index);
    if ((isDivided && index == 1) || !isSameForKeys(factor))
      continue;
    forget();
    std::optional<Element> scores = matchSoftmax(elements.operand(e, index));
    if (!scores)
      continue;
    if (elements.getConstant(factor) == 1.0)
      probabilities = elements.operand(e, index);
    else
      resultFactor = {factor, isDivided};
    return scores;
  }
  return std::nullopt;
}

/// The scores whose softmax over the keys is `element`.
std::optional<Element> AttentionMatcher::matchSoftmax(const Element &element) {
  Element e = elements.plain(element);
  if (e.getOp<arith::SelectOp>())
    if (std::optional<Element> scores = matchKept(e))
      return scores;
  // Probabilities are finite.
  if (e.getOp<arith::SelectOp>() &&
      isInfinite(elements.operand(e, 0), elements.operand(e, 2)))
    return matchSoftmax(elements.operand(e, 2));
  // Zero where no key is left: as `attn.sdpa` has it.
  if (e.getOp<arith::SelectOp>() &&
      elements.getConstant(elements.operand(e, 1)) == 0.0) {
    std::optional<Element> scores = matchSoftmax(elements.operand(e, 2));
    if (scores && isNoneLeft(elements.operand(e, 0), *scores))
      return scores;
    if (scores && isNaNOf(elements.operand(e, 0), elements.operand(e, 2)))
      return scores;
    std::optional<Element> guard =
        matchLargestIsExcluded(elements.operand(e, 0));
    if (!scores || !guard)
      return std::nullopt;
    guards.push_back(*guard);
    return scores;
  }
  if (auto softmax = e.getOp<linalg::SoftmaxOp>()) {
    const AxisList &list = e.layout[softmax.getDimension()];
    if (elements.axes.resolve(list) != elements.axes.resolve(axes.keys))
      return std::nullopt;
    this->softmax = softmax;
    return Element{softmax.getInput(), e.layout};
  }
  if (e.getOp<tensor::ExtractSliceOp>())
    return matchSinkColumn(e);
  if (std::optional<Element> scores = matchLogarithm(e))
    return scores;
  auto quotient = matchQuotient(e);
  if (!quotient || !isDivisor(skipZeroSum(quotient->second), quotient->first))
    return std::nullopt;
  return matchExponential(quotient->first);
}
