// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Masks that compare the index of a key with that of the query, or with a
// length: causality, windows and lengths.

#include "AttentionMask.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool AttentionMask::addIndex(const Element &element, int64_t factor,
                             IndexSum &sum) {
  Element e = elements.forward(element);
  // In fewer bits, indices wrap around.
  Type type = getElementTypeOrSelf(e.value);
  if (!type.isIndex() &&
      !(type.isInteger() && type.getIntOrFloatBitWidth() >= 32))
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
  if (!e.isTensor() && isOutside)
    sum.values.push_back({e.value, factor});
  else if (e.isTensor() || isFor(e, axes.batch))
    sum.elements.push_back({e, factor});
  else
    return false;
  return true;
}

/// Whether `element` can be computed anew from no axes but those in `list`.
bool AttentionMask::isFor(const Element &element, ArrayRef<unsigned> list) {
  AxisList used, allowed = elements.axes.resolve(list);
  return collectAxes(element, used) &&
         llvm::all_of(elements.axes.resolve(used), [&](unsigned axis) {
           return llvm::is_contained(allowed, axis);
         });
}

/// Whether `first` has the values and elements that `second` has, `sign` times,
/// and each as often.
bool AttentionMask::haveSameValues(const IndexSum &first,
                                   const IndexSum &second, int64_t sign) {
  auto areAll = [sign](const auto &as, auto bs, auto areSame) {
    return as.size() == bs.size() && llvm::all_of(as, [&](const auto &a) {
             auto *found = llvm::find_if(bs, [&](const auto &b) {
               return a.second == sign * b.second && areSame(a.first, b.first);
             });
             if (found == bs.end())
               return false;
             bs.erase(found);
             return true;
           });
  };
  return areAll(first.values, second.values, std::equal_to<Value>()) &&
         areAll(first.elements, second.elements,
                [&](const Element &a, const Element &b) {
                  return elements.areSame(a, b);
                });
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

/// If `factor` times `e` is the larger of two numbers: makes it the first of
/// these, or the second.
bool AttentionMask::matchOne(unsigned which, Element &e, int64_t &factor) {
  Element both = elements.forward(e);
  bool isMagnitude = static_cast<bool>(both.getOp<math::AbsIOp>());
  bool isLarger = isMagnitude || both.getOp<arith::MaxSIOp>();
  if (factor > 0 ? !isLarger : !both.getOp<arith::MinSIOp>())
    return false;
  e = elements.operand(both, isMagnitude ? 0 : which - 1);
  if (isMagnitude && which == 2)
    factor = -factor;
  return true;
}

/// The sum that is at most 0 where a condition on indices keeps a key.
std::optional<AttentionMask::IndexSum>
AttentionMask::matchBound(const MaskTerm &term) {
  Element condition = elements.forward(term.element);
  auto compare = condition.getOp<arith::CmpIOp>();
  if (!compare || axes.keys.size() != 1)
    return std::nullopt;
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
    return std::nullopt;
  int64_t sign = isLess == term.isNegated ? -1 : 1;
  IndexSum sum;
  sum.constant = isStrict != term.isNegated;
  bool areTwo = false;
  for (unsigned side : {0, 1}) {
    Element e = elements.operand(condition, side);
    int64_t factor = side == 0 ? sign : -sign;
    if (term.bounded != 0 && !areTwo)
      areTwo = isSigned && matchOne(term.bounded, e, factor);
    IndexSum plain;
    if (!addIndex(e, factor, sum) || !addIndex(e, /*factor=*/1, plain))
      return std::nullopt;
    // Of unsigned numbers, differences wrap around.
    if (!isSigned &&
        (!plain.values.empty() || !plain.elements.empty() ||
         plain.constant < 0 ||
         llvm::any_of(
             plain.indices, [](auto index) { return index.second < 0; })))
      return std::nullopt;
  }
  if (areTwo != (term.bounded != 0))
    return std::nullopt;
  return sum;
}

/// Takes a condition that compares the index of a key with that of the query,
/// or with a length.
bool AttentionMask::takeBound(const MaskTerm &term) {
  std::optional<IndexSum> sum = matchBound(term);
  if (!sum)
    return false;
  if (takeDistance(*sum, term))
    return true;
  unsigned key = axes.keys.front();
  if (!lengths && sum->elements.size() == 1 && sum->values.empty() &&
      sum->constant == 1 && hasIndices(sum->indices, {{key, 1}})) {
    auto [element, factor] = sum->elements.front();
    if (factor != -1 || !element.isTensor() ||
        !getElementTypeOrSelf(element.value).isInteger(32) ||
        term.excluded != -kInfinity)
      return false;
    lengths = {*sum, term, {}};
    return true;
  }
  return false;
}

/// Takes a condition that bounds two numbers. A bound that cannot be taken is
/// left as the whole condition, of which the other is a part.
bool AttentionMask::takeBothBounds(const MaskTerm &term) {
  if (term.bounded != 0)
    return false;
  MaskTerm first = term, second = term;
  first.bounded = 1;
  second.bounded = 2;
  return matchBound(first) && takeParts({first, second});
}

/// Whether `value` is a size, or a sum of such: not less than 0.
static bool isNotNegative(Value value) {
  if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    return isNotNegative(cast.getIn());
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    return isNotNegative(sum.getLhs()) && isNotNegative(sum.getRhs());
  return value.getDefiningOp<tensor::DimOp>() != nullptr;
}

/// Takes what keeps a key where one of two bounds does, of which one never
/// keeps a key that the other does not.
bool AttentionMask::takeEither(const MaskTerm &first, const MaskTerm &second) {
  std::optional<IndexSum> a = matchBound(first), b = matchBound(second);
  if (!a || !b || !a->elements.empty() || !b->elements.empty() ||
      !hasIndices(a->indices, b->indices))
    return false;
  // The smaller sum keeps more.
  auto isAtMost = [](const IndexSum &x, const IndexSum &y) {
    auto isIn = [](ArrayRef<std::pair<Value, int64_t>> values) {
      return [values](std::pair<Value, int64_t> value) {
        return llvm::is_contained(values, value);
      };
    };
    return x.constant <= y.constant && llvm::all_of(y.values, isIn(x.values)) &&
           llvm::all_of(x.values, [&](std::pair<Value, int64_t> value) {
             return isIn(y.values)(value) ||
                    (value.second < 0 && isNotNegative(value.first));
           });
  };
  if (isAtMost(*a, *b))
    return takeBound(first);
  return isAtMost(*b, *a) && takeBound(second);
}

/// Takes a bound of the distance of a key from the query, where `sum` is at
/// most 0: of two on the same side the narrower counts.
bool AttentionMask::takeDistance(const IndexSum &sum, const MaskTerm &term) {
  if (isKept(term))
    return false;
  unsigned key = axes.keys.front();
  for (unsigned query : axes.queries) {
    bool isAfter = hasIndices(sum.indices, {{key, 1}, {query, -1}});
    bool isBefore = hasIndices(sum.indices, {{key, -1}, {query, 1}});
    if ((!isAfter && !isBefore) || !canCount(query) ||
        !llvm::all_of(sum.elements, [&](const auto &element) {
          return isFor(element.first, axes.batch);
        }))
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
        bound->term.excluded != -kInfinity ||
        !haveSameValues(bound->sum, sum, /*sign=*/1))
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
      !matchPattern(e.value, m_Constant(&constant)) || constant.isSplat() ||
      (!term.isAdded && !constant.getElementType().isInteger(1)))
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
  MaskTerm condition = term;
  if (term.isAdded)
    condition.excluded = -kInfinity;
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
        condition.excluded = std::max(condition.excluded, added);
      kept.push_back(added == 0);
    }
  }
  condition.isAdded = false;
  condition.excluded = raiseToLeast(condition.excluded);
  if (isKept(condition))
    return false;
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
    bound.term.excluded = condition.excluded;
    return bound;
  };
  if (most < keys - 1)
    after = bind(-most);
  if (least > 1 - queries)
    before = bind(least);
  return true;
}

//===----------------------------------------------------------------------===//
// What bounds become
//===----------------------------------------------------------------------===//

/// Where no key is left, finite scores of excluded keys count after all: bounds
/// do not say so.
bool AttentionMask::hasFiniteBound() const {
  return llvm::any_of(ArrayRef{after, before},
                      [](const std::optional<Bound> &bound) {
                        return bound && bound->term.excluded != -kInfinity;
                      });
}

/// Whether it is known that each query keeps a key, if there are any: where
/// bounds are all there is, the first one, or the one at its own index.
bool AttentionMask::keepsOne() const {
  if (!terms.empty() || lengths)
    return false;
  if (!before)
    return after->sum.constant <= 0 && after->sum.elements.empty() &&
           llvm::all_of(after->sum.values, [](std::pair<Value, int64_t> value) {
             return value.second < 0 && isNotNegative(value.first);
           });
  auto keepsOwn = [](const std::optional<Bound> &bound) {
    return !bound || (bound->sum.values.empty() &&
                      bound->sum.elements.empty() && bound->sum.constant <= 0);
  };
  int64_t queries = elements.axes.getStaticSize(before->query);
  int64_t keys = elements.axes.getStaticSize(axes.keys);
  return keepsOwn(after) && keepsOwn(before) &&
         !ShapedType::isDynamic(queries) && !ShapedType::isDynamic(keys) &&
         queries <= keys;
}

/// Whether it can be found out at little cost if each query keeps a key: by
/// bounds, and masks of keys, but none for each query. Not where it is known
/// that one does not.
bool AttentionMask::canGuard() {
  guardBounds.clear();
  bool isKnown = true;
  for (const std::optional<Bound> &bound : {after, before}) {
    if (!bound)
      continue;
    // A constant mask has no indices.
    if (bound->sum.indices.empty() || !bound->sum.elements.empty())
      return false;
    isKnown &= bound->sum.values.empty();
    guardBounds.push_back(bound->sum);
  }
  guardTerms = terms;
  if (lengths)
    guardTerms.push_back(lengths->term);
  if (before)
    isKnown &=
        guardTerms.empty() &&
        !ShapedType::isDynamic(elements.axes.getStaticSize(before->query)) &&
        !ShapedType::isDynamic(elements.axes.getStaticSize(axes.keys));
  else
    isKnown &= after->sum.constant > 0;
  return !isKnown && llvm::all_of(guardTerms, [&](const MaskTerm &term) {
    AxisList used;
    return collectAxes(term.element, used) &&
           llvm::none_of(elements.axes.resolve(used), [&](unsigned axis) {
             return llvm::is_contained(axes.queries, axis);
           });
  });
}

void AttentionMask::drop(std::optional<Bound> &bound) {
  // Two bounds of one constant are one mask.
  if (llvm::none_of(terms, [&](const MaskTerm &term) {
        return term.step == bound->term.step &&
               term.depth == bound->term.depth &&
               elements.areSame(term.element, bound->term.element);
      }))
    terms.push_back(bound->term);
  bound.reset();
}

/// Leaves to the mask what excludes a key before a finite score takes its place
/// there: where no other key is left, that one counts.
void AttentionMask::dropReplaced() {
  for (std::optional<Bound> *bound : {&after, &before, &lengths})
    if (*bound && llvm::any_of(terms, [&](const MaskTerm &term) {
          const MaskTerm &earlier = (*bound)->term;
          return !term.isAdded && !term.isOffset &&
                 term.excluded != -kInfinity &&
                 std::pair(term.step, term.depth) <
                     std::pair(earlier.step, earlier.depth);
        }))
      drop(*bound);
}

/// Finds where queries stand, so that both bounds are windows around it; what
/// cannot be is left to a mask.
void AttentionMask::joinBounds() {
  if (after && before) {
    // key - query + after <= 0 and query - key + before <= 0.
    bool areOpposite = haveSameValues(after->sum, before->sum, /*sign=*/-1);
    if (!areOpposite || before->sum.constant > -after->sum.constant)
      drop(before);
  }
  if (!after && !before)
    return;
  band.emplace();
  band->query = after ? after->query : before->query;
  const IndexSum &sum = after ? after->sum : before->sum;
  int64_t sign = after ? -1 : 1;
  for (auto [value, factor] : sum.values)
    band->values.push_back({value, sign * factor});
  for (const auto &[element, factor] : sum.elements)
    band->elements.push_back({element, sign * factor});
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
