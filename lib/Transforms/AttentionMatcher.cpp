// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionMatcher.h"
#include "Uses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool AttentionMatcher::match(Value tensor, Operation *product) {
  root = elements.get(tensor);
  Element e = elements.plain(root);
  if (e.value.getDefiningOp() == product)
    return matchWeightedSum(e, product, /*divisor=*/nullptr);
  // The sum of what is not normalised yet, divided by the sum of weights.
  auto quotient = matchQuotient(e);
  if (!quotient)
    return false;
  Element sum = elements.plain(quotient->first);
  return sum.value.getDefiningOp() == product &&
         matchWeightedSum(sum, product, &quotient->second);
}

/// Drops what was found of one product's operands as probabilities.
void AttentionMatcher::forget() {
  guards.clear();
  steps.clear();
  stages.clear();
  scoreFactor.reset();
  resultFactor.reset();
  softcap.reset();
  least.reset();
  sinks = Element();
  base = 1;
}

bool AttentionMatcher::matchWeightedSum(const Element &sum, Operation *product,
                                        const Element *divisor) {
  std::optional<Contraction> contraction = elements.matchContraction(sum);
  if (!contraction || elements.getConstant(contraction->init) != 0.0)
    return false;
  axes.keys = contraction->reduced;
  for (bool isFirst : {true, false}) {
    probabilities = isFirst ? contraction->lhs : contraction->rhs;
    value = isFirst ? contraction->rhs : contraction->lhs;
    forget();
    if (divisor && !isDivisor(skipZeroSum(*divisor), probabilities))
      continue;
    std::optional<Element> x =
        divisor ? matchExponential(probabilities) : matchProbabilities();
    if (x && (!sinks || base == 1) && matchScores(*x, base) &&
        areGuardsImplied())
      break;
    scores = nullptr;
  }
  if (!scores || (divisor ? !isOnlyFor(softmax, root.value.getDefiningOp())
                          : !findShown()))
    return false;

  queries = getSources(query, /*isScaled=*/true);
  keys = getSources(key, /*isScaled=*/true);
  values = getSources(value, /*isScaled=*/false);
  if (sinks) {
    std::optional<Element> tensor = elements.getTensor(sinks, /*widen=*/true);
    if (!tensor)
      return false;
    sinkSources = getSources(*tensor, /*isScaled=*/false);
  }
  for (std::optional<AttentionFactor> *factor : {&scoreFactor, &resultFactor})
    if (*factor && !resolveFactor(**factor))
      return false;
  axes.resolve(elements.axes);
  mask.emplace(elements, axes, static_cast<bool>(sinks), least);
  if (failed(mask->analyze(steps)))
    return false;
  SmallVector<Value> read(mask->getTensors());
  llvm::append_values(read, query.value, key.value, value.value);
  for (const Source &source : sinkSources)
    read.push_back(source.element.value);
  for (const std::optional<AttentionFactor> &factor :
       {scoreFactor, resultFactor})
    if (factor)
      read.push_back(factor->element.value);
  if (llvm::any_of(read,
                   [&](Value tensor) { return dependsOn(tensor, scores); }))
    return false;
  if (!shown)
    findStage();
  return chooseForm(chooseType()).has_value();
}

/// Whether the softmax is only for the root, or for probabilities that are used
/// elsewhere too. Scores may be: they are computed again.
bool AttentionMatcher::findShown() {
  shown = Element();
  shownStage.reset();
  if (isOnlyFor(softmax, root.value.getDefiningOp()))
    return true;
  if (resultFactor)
    return false;
  shown = elements.getSources(probabilities, /*widen=*/false).back();
  return isOnlyFor(softmax, shown.value.getDefiningOp());
}

/// Whether `value` is returned, perhaps in another shape or type.
static bool isReturned(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    return user->hasTrait<OpTrait::IsTerminator>() ||
           ((isReshape(user) || isa<arith::ExtFOp, arith::TruncFOp>(user)) &&
            isReturned(user->getResult(0)));
  });
}

/// Finds scores before the softmax that are returned: then they are a result of
/// attention, too. Those that go into other computations, such as a softmax of
/// its own, are computed there.
void AttentionMatcher::findStage() {
  AxisList wanted = axes.batch;
  llvm::append_range(wanted, axes.queries);
  llvm::append_range(wanted, axes.keys);
  llvm::sort(wanted);
  for (const Stage &stage : stages) {
    std::optional<Element> tensor =
        elements.getTensor(stage.element, /*widen=*/false);
    if (!tensor)
      continue;
    Element source = elements.getSources(*tensor, /*widen=*/false).back();
    AxisList present = elements.axes.resolve(flatten(source.layout));
    llvm::sort(present);
    if (present != wanted || !source.value.getDefiningOp() ||
        !isReturned(source.value))
      continue;
    // Further in, there is nothing but the scale, and a cap that is not out.
    if (stage.steps == steps.size())
      shownStage =
          softcap && !stage.isInCap ? ScoreStage::Capped : ScoreStage::Scaled;
    else if (stage.steps == 0 && mask->isExact())
      shownStage = ScoreStage::Masked;
    else
      continue;
    shown = source;
    return;
  }
}

/// Follows scores up to a matrix product, collecting masks and scale.
bool AttentionMatcher::matchScores(const Element &element, double factor) {
  // A cap that was divided by may be rounded. Scores without a factor that is
  // further out are nothing that attention has.
  if (std::abs(factor - 1) < 1e-6 && !scoreFactor)
    stages.push_back({element, steps.size(), softcap.has_value()});
  Element e = elements.plain(element);
  Operation *op = e.value.getDefiningOp();
  if (!op)
    return false;
  if (std::optional<Contraction> contraction = elements.matchContraction(e))
    return matchProduct(*contraction, factor);

  if (isa<arith::MulFOp>(op)) {
    for (unsigned index : {0, 1})
      if (auto constant = elements.getConstant(elements.operand(e, index)))
        return matchScores(elements.operand(e, 1 - index), factor * *constant);
    return matchFactor(e, 0, factor) || matchFactor(e, 1, factor);
  }
  if (isa<arith::DivFOp>(op)) {
    auto constant = elements.getConstant(elements.operand(e, 1));
    return constant ? matchScores(elements.operand(e, 0), factor / *constant)
                    : matchFactor(e, 0, factor);
  }
  if (std::optional<Element> raised = matchLeast(e))
    return !softcap && factor == 1 && steps.empty() &&
           matchScores(*raised, factor);
  if (isa<math::TanhOp>(op)) {
    // What is inside is multiplied by the cap too, and nothing is added there.
    size_t outside = steps.size();
    if (softcap || factor == 0 || !std::isfinite(factor))
      return false;
    softcap = std::abs(factor);
    if (matchScores(elements.operand(e, 0), factor) && steps.size() == outside)
      return true;
    softcap.reset();
    return false;
  }
  size_t before = steps.size(), stagesBefore = stages.size();
  auto matchRest = [&](unsigned index, const MaskTerm &step) {
    steps.push_back(step);
    if (matchScores(elements.operand(e, index), factor))
      return true;
    steps.truncate(before);
    stages.truncate(stagesBefore);
    return false;
  };
  if (isa<arith::AddFOp>(op))
    return matchRest(0, {elements.operand(e, 1), /*isAdded=*/true, factor}) ||
           matchRest(1, {elements.operand(e, 0), /*isAdded=*/true, factor});
  if (isa<arith::SubFOp>(op))
    return matchRest(0, {elements.operand(e, 1), /*isAdded=*/true, -factor});
  if (!isa<arith::SelectOp>(op))
    return false;
  for (unsigned index : {1, 2}) {
    auto excluded = elements.getConstant(elements.operand(e, 3 - index));
    if (excluded && *excluded * factor <= kLargestExcluded)
      return matchRest(index, {elements.operand(e, 0), /*isAdded=*/false,
                               /*factor=*/1, /*isNegated=*/index == 2,
                               *excluded * factor});
  }
  return false;
}

/// The scores that `element` is, or a number where they are less, which leaves
/// nothing of the scores it is added to: `least`.
std::optional<Element> AttentionMatcher::matchLeast(const Element &element) {
  constexpr double kLeast = -1e30;
  auto isLeast = [&](const Element &number) {
    std::optional<double> constant = elements.getConstant(number);
    if (least || !constant || *constant > kLeast || !std::isfinite(*constant))
      return false;
    least = constant;
    return true;
  };
  if (element.getOp<arith::MaximumFOp>() || element.getOp<arith::MaxNumFOp>())
    for (unsigned index : {0, 1})
      if (isLeast(elements.operand(element, 1 - index)))
        return elements.operand(element, index);
  if (!element.getOp<arith::SelectOp>())
    return std::nullopt;
  Element condition = elements.forward(elements.operand(element, 0));
  auto compare = condition.getOp<arith::CmpFOp>();
  using Predicate = arith::CmpFPredicate;
  if (compare &&
      llvm::is_contained(
          {Predicate::OGT, Predicate::OGE, Predicate::UGT, Predicate::UGE},
          compare.getPredicate()) &&
      elements.areSame(elements.operand(condition, 0),
                       elements.operand(element, 1)) &&
      elements.getConstant(elements.operand(condition, 1)) ==
          elements.getConstant(elements.operand(element, 2)) &&
      isLeast(elements.operand(element, 2)))
    return elements.operand(element, 1);
  return std::nullopt;
}

/// Scores are operand `index` of what computes `element`, and multiplied by the
/// other one, or divided. Nothing is added further in.
bool AttentionMatcher::matchFactor(const Element &element, unsigned index,
                                   double factor) {
  if (scoreFactor)
    return false;
  size_t outside = steps.size();
  scoreFactor = {elements.operand(element, 1 - index),
                 isa<arith::DivFOp>(element.value.getDefiningOp())};
  if (matchScores(elements.operand(element, index), factor) &&
      steps.size() == outside)
    return true;
  steps.truncate(outside);
  scoreFactor.reset();
  return false;
}

/// Finds the tensor of the factor, or the one number that it is. Whether
/// queries or results can be multiplied by it: it is the same for all keys.
bool AttentionMatcher::resolveFactor(AttentionFactor &factor) {
  Element &element = factor.element;
  if (std::optional<Element> tensor = elements.getTensor(element, true))
    element = elements.getSources(*tensor, /*widen=*/true).back();
  else if (!getBodyOwner(element.value))
    element.layout.clear();
  else
    return false;
  axes.resolve(elements.axes);
  AxisList present = elements.axes.resolve(flatten(element.layout));
  return llvm::all_of(present, [&](unsigned axis) {
    return llvm::is_contained(axes.batch, axis) ||
           llvm::is_contained(axes.queries, axis);
  });
}

bool AttentionMatcher::matchProduct(const Contraction &contraction,
                                    double factor) {
  for (bool isFirst : {true, false}) {
    query = isFirst ? contraction.lhs : contraction.rhs;
    key = isFirst ? contraction.rhs : contraction.lhs;
    if (!classify(contraction))
      continue;
    if (elements.getConstant(contraction.init) != 0.0)
      steps.push_back({contraction.init, /*isAdded=*/true, factor});
    scores = contraction.op;
    scale = factor;
    return true;
  }
  return false;
}

/// Finds what each axis is for, by the operands that have it.
bool AttentionMatcher::classify(const Contraction &contraction) {
  auto flat = [&](const Element &element) {
    return elements.axes.resolve(flatten(element.layout));
  };
  // Where they were repeated for heads that share them, keys and values have
  // fewer axes.
  // Reading one may split axes of the other.
  Element keySource = getSources(key, /*isScaled=*/true).back().element;
  Element valueSource = getSources(value, /*isScaled=*/false).back().element;
  AxisList inKeys = flat(keySource), inValues = flat(valueSource);
  AxisList ofQuery = flat(query), ofKey = flat(key), ofValue = flat(value);
  AxisList ofOut = flat(root);
  AttentionAxes found;
  found.keys = elements.axes.resolve(axes.keys);
  AxisList reduced = elements.axes.resolve(contraction.reduced);
  auto has = [](const AxisList &list, unsigned axis) {
    return llvm::is_contained(list, axis);
  };

  auto isShared = [&](unsigned axis) {
    return !has(inKeys, axis) && !has(inValues, axis) &&
           !ShapedType::isDynamic(elements.axes.getStaticSize(axis));
  };
  for (AxisList *list : {&ofKey, &ofValue})
    llvm::erase_if(*list, [&](unsigned axis) {
      return has(ofOut, axis) && has(ofQuery, axis) && isShared(axis);
    });

  for (unsigned axis : ofOut) {
    bool inQuery = has(ofQuery, axis), inKey = has(ofKey, axis);
    bool inValue = has(ofValue, axis);
    if (inQuery && inKey && inValue)
      found.batch.push_back(axis);
    else if (inQuery && !inKey && !inValue)
      found.queries.push_back(axis);
    else if (!inQuery && !inKey && inValue)
      found.width.push_back(axis);
    else
      return false;
  }
  for (unsigned axis : ofQuery)
    if (!has(ofOut, axis)) {
      if (!has(ofKey, axis) || has(ofValue, axis) || !has(reduced, axis))
        return false;
      found.depth.push_back(axis);
    }
  auto isKnown = [&](unsigned axis) {
    return has(found.keys, axis) || has(found.batch, axis) ||
           has(found.depth, axis) || has(found.width, axis);
  };
  if (found.depth.size() != reduced.size() || !llvm::all_of(ofKey, isKnown) ||
      !llvm::all_of(ofValue, isKnown) ||
      !llvm::all_of(found.keys, [&](unsigned axis) {
        return has(ofKey, axis) && has(ofValue, axis);
      }))
    return false;
  // The width of a head is part of the code.
  for (const AxisList &list : {found.depth, found.width}) {
    int64_t size = elements.axes.getStaticSize(list);
    if (ShapedType::isDynamic(size) || size == 0)
      return false;
  }
  axes = found;
  return true;
}
