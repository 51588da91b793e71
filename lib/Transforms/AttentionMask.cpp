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

//===----------------------------------------------------------------------===//
// Bounds on indices
//===----------------------------------------------------------------------===//

bool AttentionMask::addIndex(const Element &element, int64_t factor,
                             IndexSum &sum) {
  Element e = elements.forward(element);
  if (!getElementTypeOrSelf(e.value).isIntOrIndex())
    return false;
  if (std::optional<double> constant = elements.getConstant(e)) {
    sum.constant += factor * static_cast<int64_t>(*constant);
    return true;
  }
  if (auto index = e.getOp<linalg::IndexOp>()) {
    AxisList list = elements.axes.resolve(e.layout[index.getDim()]);
    if (list.size() > 1)
      return false;
    if (!list.empty())
      sum.indices.push_back({list.front(), factor});
    return true;
  }
  Operation *op = e.value.getDefiningOp();
  if (isa_and_present<arith::AddIOp, arith::SubIOp>(op))
    return addIndex(elements.operand(e, 0), factor, sum) &&
           addIndex(elements.operand(e, 1),
                    isa<arith::SubIOp>(op) ? -factor : factor, sum);
  bool isOutside = !e.isTensor() && !getBodyOwner(e.value);
  if (!isOutside && isa_and_present<arith::IndexCastOp, arith::ExtSIOp>(op))
    return addIndex(elements.operand(e, 0), factor, sum);
  if (e.isTensor())
    sum.elements.push_back({e, factor});
  else if (isOutside)
    sum.values.push_back({e.value, factor});
  return e.isTensor() || isOutside;
}

bool attn::hasIndices(ArrayRef<std::pair<unsigned, int64_t>> indices,
                      ArrayRef<std::pair<unsigned, int64_t>> expected) {
  return indices.size() == expected.size() &&
         llvm::all_of(expected, [&](std::pair<unsigned, int64_t> index) {
           return llvm::is_contained(indices, index);
         });
}

/// Whether the queries may be those of the axis `query` alone: all others have
/// to be heads, of which the number is static.
bool AttentionMask::canCount(unsigned query) {
  AxisList others(axes.queries);
  llvm::erase(others, query);
  return others.size() + 1 == axes.queries.size() &&
         !ShapedType::isDynamic(elements.axes.getStaticSize(others));
}

/// Takes a condition that compares the index of a key with that of the query,
/// or with a length.
bool AttentionMask::takeBound(const MaskTerm &term) {
  Element condition = elements.forward(term.element);
  auto compare = condition.getOp<arith::CmpIOp>();
  if (!compare || axes.keys.size() != 1)
    return false;
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = compare.getPredicate();
  bool isLess = llvm::is_contained(
      {Predicate::sle, Predicate::slt, Predicate::ule, Predicate::ult},
      predicate);
  bool isStrict = llvm::is_contained(
      {Predicate::slt, Predicate::sgt, Predicate::ult, Predicate::ugt},
      predicate);
  bool isSigned = llvm::is_contained(
      {Predicate::sle, Predicate::slt, Predicate::sge, Predicate::sgt},
      predicate);
  if (predicate == Predicate::eq || predicate == Predicate::ne)
    return false;
  // A key is kept where the sum is at most 0.
  int64_t sign = isLess == term.isNegated ? -1 : 1;
  IndexSum sum;
  sum.constant = isStrict != term.isNegated;
  for (unsigned side : {0, 1}) {
    Element e = elements.operand(condition, side);
    IndexSum plain;
    if (!addIndex(e, side == 0 ? sign : -sign, sum) ||
        !addIndex(e, /*factor=*/1, plain))
      return false;
    // Of unsigned numbers, differences wrap around.
    if (!isSigned &&
        (!plain.values.empty() || !plain.elements.empty() ||
         plain.constant < 0 ||
         llvm::any_of(
             plain.indices, [](auto index) { return index.second < 0; })))
      return false;
  }

  if (takeDistance(sum, term))
    return true;
  unsigned key = axes.keys.front();
  if (!lengths && sum.elements.size() == 1 && sum.values.empty() &&
      sum.constant == 1 && hasIndices(sum.indices, {{key, 1}})) {
    auto [element, factor] = sum.elements.front();
    if (factor != -1 || !getElementTypeOrSelf(element.value).isInteger(32) ||
        term.excluded != -kInfinity)
      return false;
    lengths = {sum, term, {}};
    return true;
  }
  return false;
}

/// Takes a bound of the distance of a key from the query, where `sum` is at
/// most 0: of two on the same side the narrower counts.
bool AttentionMask::takeDistance(const IndexSum &sum, const MaskTerm &term) {
  unsigned key = axes.keys.front();
  for (unsigned query : axes.queries) {
    bool isAfter = hasIndices(sum.indices, {{key, 1}, {query, -1}});
    bool isBefore = hasIndices(sum.indices, {{key, -1}, {query, 1}});
    if ((!isAfter && !isBefore) || !sum.elements.empty() || !canCount(query))
      continue;
    std::optional<Bound> &bound = isAfter ? after : before;
    const std::optional<Bound> &other = isAfter ? before : after;
    if (other && other->query != AxisList{query})
      return false;
    if (!bound) {
      bound = {sum, term, {query}};
      return true;
    }
    if (bound->query != AxisList{query} || term.excluded != -kInfinity ||
        bound->term.excluded != -kInfinity || bound->sum.values != sum.values)
      return false;
    if (sum.constant > bound->sum.constant)
      bound = {sum, term, {query}};
    return true;
  }
  return false;
}

/// Takes a constant mask that keeps keys by their distance from the query.
bool AttentionMask::takeConstantBand(const MaskTerm &term) {
  Element e = elements.forward(term.element);
  DenseElementsAttr constant;
  if (after || before || axes.keys.size() != 1 || !e.isTensor() ||
      !matchPattern(e.value, m_Constant(&constant)) || constant.isSplat())
    return false;
  AxisList used = flatten(elements.axes.resolveAll(e.layout));
  if (used.size() != 2 || used.back() != axes.keys.front() ||
      !canCount(used.front()))
    return false;
  ArrayRef<int64_t> shape = constant.getType().getShape();
  int64_t keys = 1;
  for (auto [size, list] : llvm::zip(shape, elements.axes.resolveAll(e.layout)))
    if (list == AxisList{axes.keys.front()})
      keys = size;

  int64_t queries = constant.getNumElements() / keys;
  double excluded = term.isAdded ? -kInfinity : term.excluded;
  SmallVector<bool> kept;
  if (!term.isAdded) {
    for (bool value : constant.getValues<bool>())
      kept.push_back(value != term.isNegated);
  } else {
    for (const APFloat &value : constant.getValues<APFloat>()) {
      double added = FloatAttr::getValueAsDouble(value) * term.factor;
      if (added != 0 && !(added <= kLargestExcluded))
        return false;
      if (added != 0)
        excluded = std::max(excluded, added);
      kept.push_back(added == 0);
    }
  }
  auto distanceOf = [&](size_t position) {
    auto place = static_cast<int64_t>(position);
    return place % keys - place / keys;
  };
  int64_t least = keys, most = -queries;
  for (auto [position, value] : llvm::enumerate(kept))
    if (value) {
      least = std::min(least, distanceOf(position));
      most = std::max(most, distanceOf(position));
    }
  for (auto [position, value] : llvm::enumerate(kept))
    if (value !=
        (least <= distanceOf(position) && distanceOf(position) <= most))
      return false;
  auto bind = [&](int64_t constant) {
    IndexSum sum;
    sum.constant = constant;
    Bound bound = {sum, term, {used.front()}};
    bound.term.excluded = excluded;
    return bound;
  };
  if (most < keys - 1)
    after = bind(-most);
  if (least > 1 - queries)
    before = bind(least);
  return true;
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

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
  if (isa<arith::MulFOp>(op)) {
    for (unsigned index : {0, 1})
      if (std::optional<double> factor =
              elements.getConstant(elements.operand(e, index))) {
        first.element = elements.operand(e, 1 - index);
        first.factor *= *factor;
        return takeParts(first);
      }
    return false;
  }
  if (!isa<arith::SelectOp>(op))
    return takeConstantBand(term);
  std::optional<double> ifTrue = elements.getConstant(elements.operand(e, 1));
  std::optional<double> ifFalse = elements.getConstant(elements.operand(e, 2));
  if (!ifTrue || !ifFalse || (*ifTrue == 0) == (*ifFalse == 0))
    return false;
  first.element = elements.operand(e, 0);
  first.isAdded = false;
  first.isNegated = *ifFalse == 0;
  first.excluded = (first.isNegated ? *ifTrue : *ifFalse) * term.factor;
  return first.excluded <= kLargestExcluded && takeParts(first);
}

bool AttentionMask::takeCondition(const MaskTerm &term) {
  Element e = elements.forward(term.element);
  if (std::optional<double> constant = elements.getConstant(e))
    return (*constant != 0) != term.isNegated;
  MaskTerm first = term, second = term;
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
  if (term.isNegated ? isa<arith::OrIOp>(op) : isa<arith::AndIOp>(op)) {
    first.element = elements.operand(e, 0);
    second.element = elements.operand(e, 1);
    return takeParts({first, second});
  }
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

/// Where no key is left, finite scores of excluded keys count after all. So
/// bounds with such are left to a mask, unless each query keeps a key: where
/// they are all there is, the first one, or the one at its own index.
void AttentionMask::dropReplacing() {
  auto keepsOwn = [](const std::optional<Bound> &bound) {
    return !bound || (bound->sum.values.empty() && bound->sum.constant <= 0);
  };
  bool keepsOne = terms.empty() && !lengths && keepsOwn(after);
  if (before) {
    int64_t queries = elements.axes.getStaticSize(before->query);
    int64_t keys = elements.axes.getStaticSize(axes.keys);
    keepsOne &= keepsOwn(before) && !ShapedType::isDynamic(queries) &&
                !ShapedType::isDynamic(keys) && queries <= keys;
  }
  if (keepsOne)
    return;
  for (std::optional<Bound> *bound : {&after, &before})
    if (*bound && (*bound)->term.excluded != -kInfinity) {
      terms.push_back((*bound)->term);
      bound->reset();
    }
}

/// Finds where queries stand, so that both bounds are windows around it; what
/// cannot be is left to a mask.
void AttentionMask::joinBounds() {
  if (after && before) {
    // key - query + after <= 0 and query - key + before <= 0.
    bool areOpposite =
        after->sum.values.size() == before->sum.values.size() &&
        llvm::all_of(after->sum.values, [&](std::pair<Value, int64_t> value) {
          return llvm::is_contained(before->sum.values,
                                    std::pair(value.first, -value.second));
        });
    if (!areOpposite || before->sum.constant > -after->sum.constant) {
      terms.push_back(before->term);
      before.reset();
    }
  }
  if (!after && !before)
    return;
  band.emplace();
  band->query = after ? after->query : before->query;
  if (after)
    for (auto [value, factor] : after->sum.values)
      band->values.push_back({value, -factor});
  else
    band->values = before->sum.values;
  if (!before) {
    band->constant = -after->sum.constant;
    band->after = 0;
    return;
  }
  band->constant = std::max<int64_t>(before->sum.constant, 0);
  if (after)
    band->constant = std::min(band->constant, -after->sum.constant);
  band->before = band->constant - before->sum.constant;
  if (after)
    band->after = -after->sum.constant - band->constant;
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
  dropReplacing();
  joinBounds();
  dropBiases();
  llvm::sort(terms, [](const MaskTerm &a, const MaskTerm &b) {
    return a.step < b.step;
  });
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
