// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operands of attn.sdpa that masks become.

#include "AttentionMask.h"
#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What a finite score of excluded keys becomes, as a number to add: so low
/// that the score itself counts no more, but that scaling does not overflow.
static constexpr double kFarBelow = -1e30;

/// The lowest of such numbers: of several, each is as far below as it was.
static constexpr double kFarthestBelow = -1e38;

SmallVector<MaskTerm> AttentionMask::getMaskTerms(ArrayRef<AxisList> scores) {
  SmallVector<MaskTerm> result = terms;
  if (lengths && !getLengths(scores))
    result.push_back(lengths->term);
  if (!areBiases(scores))
    llvm::append_range(result, biases);
  return result;
}

/// The dimensions of a mask that depends on the axes `used`: each has all axes
/// of scores or, where none is used, none. Keys are not repeated.
static Layout getTarget(ArrayRef<AxisList> scores, ArrayRef<unsigned> used) {
  Layout target(scores);
  for (AxisList &list : MutableArrayRef(target).drop_back())
    if (llvm::none_of(list, [&](unsigned axis) {
          return llvm::is_contained(used, axis);
        }))
      list.clear();
  return target;
}

static bool haveSameAxes(ArrayRef<AxisList> a, ArrayRef<AxisList> b) {
  AxisList ofA = flatten(a), ofB = flatten(b);
  llvm::sort(ofA);
  llvm::sort(ofB);
  return ofA == ofB;
}

int64_t AttentionMask::countRepeats(ArrayRef<AxisList> scores) {
  int64_t repeats = lengths && !getLengths(scores);
  repeats += !biases.empty() && !areBiases(scores);
  for (const MaskTerm &term : getMaskTerms(scores)) {
    AxisList used;
    collectAxes(term.element, used);
    repeats += flatten(getTarget(scores, used)).size() > used.size();
  }
  return repeats;
}

/// The tensor that a term consists of, if it is one that needs no arithmetic
/// and was not repeated before some.
Value AttentionMask::findMask(OpBuilder &builder, Location loc,
                              const MaskTerm &term, ArrayRef<AxisList> scores,
                              Type narrow) {
  if (term.isAdded ? (least || term.factor != 1)
                   : (term.isNegated || term.excluded != -kInfinity))
    return {};
  std::optional<Element> element =
      elements.getTensor(term.element, term.isAdded);
  if (!element)
    return {};
  AxisList used;
  collectAxes(*element, used);
  const Layout target = getTarget(scores, used);
  SmallVector<Element> sources = elements.getSources(*element, term.isAdded);
  for (const Element &source : llvm::reverse(sources)) {
    Type type = getElementTypeOrSelf(source.value);
    if (!type.isInteger(1) &&
        !(term.isAdded && (type.isF32() || type == narrow)))
      continue;
    Layout layout = elements.axes.resolveAll(source.layout);
    if (haveSameAxes(target, layout))
      return elements.axes.rearrange(builder, loc, source.value, layout,
                                     target);
  }
  return {};
}

/// A scalar as a condition: a number is true if it is not 0.
static Value buildCondition(OpBuilder &builder, Location loc, Value value) {
  if (value.getType().isInteger(1))
    return value;
  Value zero = arith::ConstantOp::create(builder, loc,
                                         builder.getZeroAttr(value.getType()));
  if (isa<FloatType>(value.getType()))
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, value,
                                 zero);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

static Value buildNot(OpBuilder &builder, Location loc, Value condition) {
  return arith::XOrIOp::create(
      builder, loc, condition,
      arith::ConstantIntOp::create(builder, loc, 1, 1));
}

namespace {

/// What a mask of numbers has for excluded keys.
class ExcludedNumbers {
public:
  explicit ExcludedNumbers(ArrayRef<MaskTerm> parts) {
    for (const MaskTerm &part : parts) {
      if (part.isAdded) {
        isAdding = true;
        continue;
      }
      nearest = std::max(nearest, part.excluded);
      isReplacing |= !part.isOffset && part.excluded != -kInfinity;
    }
  }

  double get(const MaskTerm &part) const {
    // What is only added to scores is as it was, and what is that low already
    // stays beside numbers that may be as low.
    if (!isReplacing || part.excluded == -kInfinity ||
        (isAdding && !part.isOffset && part.excluded <= kFarBelow))
      return part.excluded;
    return std::max(kFarBelow * (part.excluded / nearest), kFarthestBelow);
  }

private:
  double nearest = -kInfinity;
  bool isReplacing = false, isAdding = false;
};

} // namespace

/// The element of a mask that a part of it is computed from.
using ElementOf = llvm::function_ref<Value(const MaskTerm &)>;

/// One element of a mask of conditions: whether no part excludes the key.
static Value buildFlag(OpBuilder &b, Location loc, ArrayRef<MaskTerm> parts,
                       ElementOf elementOf) {
  Value mask;
  for (const MaskTerm &part : parts) {
    Value kept = buildCondition(b, loc, elementOf(part));
    if (part.isNegated)
      kept = buildNot(b, loc, kept);
    mask = mask ? arith::AndIOp::create(b, loc, mask, kept) : kept;
  }
  return mask;
}

static Value createNumber(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(static_cast<float>(value)));
}

/// One element of a mask of numbers, part by part.
static Value buildNumber(OpBuilder &b, Location loc, ArrayRef<MaskTerm> parts,
                         ElementOf elementOf) {
  const ExcludedNumbers numbers(parts);
  Value mask;
  for (const MaskTerm &part : parts) {
    Value value = elementOf(part);
    if (part.isAdded) {
      value = convertScalarToDtype(b, loc, value, b.getF32Type(),
                                   /*isUnsigned=*/false);
      if (part.factor != 1)
        value = arith::MulFOp::create(b, loc, value,
                                      createNumber(b, loc, part.factor));
      mask = mask ? arith::AddFOp::create(b, loc, mask, value) : value;
      continue;
    }
    value = buildCondition(b, loc, value);
    Value kept = mask ? mask : createNumber(b, loc, 0);
    Value excluded = createNumber(b, loc, numbers.get(part));
    if (part.isOffset && mask)
      excluded = arith::AddFOp::create(b, loc, mask, excluded);
    if (part.isNegated)
      std::swap(kept, excluded);
    mask = arith::SelectOp::create(b, loc, value, kept, excluded);
  }
  return mask;
}

Value AttentionMask::buildMask(OpBuilder &builder, Location loc,
                               ArrayRef<AxisList> scores, Type narrow) {
  SmallVector<MaskTerm> parts = getMaskTerms(scores);
  if (parts.empty())
    return {};
  if (parts.size() == 1)
    if (Value mask = findMask(builder, loc, parts.front(), scores, narrow))
      return mask;

  AxisList used;
  for (const MaskTerm &part : parts)
    collectAxes(part.element, used);
  Layout target = getTarget(scores, used);
  AxisList loops = flatten(target);
  // What only this mask is computed from is not needed elsewhere.
  ElementCloner cloner(elements, loops, /*inlines=*/isFallback);
  // The first step comes last.
  std::reverse(parts.begin(), parts.end());
  for (const MaskTerm &part : parts)
    cloner.collect(part.element);

  bool isCondition = llvm::all_of(parts, [](const MaskTerm &part) {
    return !part.isAdded && part.excluded == -kInfinity;
  });
  Type type = isCondition ? Type(builder.getI1Type()) : builder.getF32Type();
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs = cloner.getInputs(builder, loc, maps);
  maps.push_back(builder.getMultiDimIdentityMap(loops.size()));
  Layout single = llvm::map_to_vector<4>(
      loops, [](unsigned axis) { return AxisList{axis}; });
  Value init = createEmpty(builder, loc,
                           elements.axes.getSizes(builder, loc, single), type);
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::parallel);

  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    auto build = isCondition ? buildFlag : buildNumber;
    Value mask = build(b, loc, parts, [&](const MaskTerm &part) {
      return cloner.clone(b, loc, part.element, arguments);
    });
    if (least && !isCondition)
      mask =
          arith::MaximumFOp::create(b, loc, mask, createNumber(b, loc, *least));
    linalg::YieldOp::create(b, loc, mask);
  };
  Value mask = linalg::GenericOp::create(builder, loc, init.getType(), inputs,
                                         init, maps, iterators, body)
                   .getResult(0);
  return elements.axes.rearrange(builder, loc, mask, single, target);
}

/// Writes two reductions: whether a query keeps a key, for as many queries as
/// have to be looked at, and whether all of these do.
class AttentionMask::GuardBuilder {
public:
  GuardBuilder(AttentionMask &mask, OpBuilder &builder, Location loc)
      : mask(mask), builder(builder), loc(loc), axes(mask.elements.axes),
        query(axes.resolve(mask.band->query)),
        keys(axes.resolve(mask.axes.keys)) {
    // Where keys are bound on one side alone, the first query keeps the fewest.
    isFirst = mask.guardBounds.size() == 1 &&
              llvm::all_of(mask.guardBounds.front().indices, [&](auto index) {
                return isKey(index.first) == (index.second == 1);
              });
    for (const MaskTerm &term : mask.guardTerms)
      mask.collectAxes(term.element, loops);
    loops = axes.resolve(loops);
    llvm::erase_if(
        loops, [&](unsigned axis) { return llvm::is_contained(keys, axis); });
    if (!isFirst)
      llvm::append_range(loops, query);
    numQueryLoops = static_cast<unsigned>(loops.size());
    llvm::append_range(loops, keys);
    Layout single = llvm::map_to_vector<4>(
        loops, [](unsigned axis) { return AxisList{axis}; });
    sizes = axes.getSizes(builder, loc, single);
  }

  Value run() {
    Value each = buildAnyKey();
    auto allKeep = [](OpBuilder &b, Location loc, ValueRange arguments) {
      Value all = arith::AndIOp::create(b, loc, arguments[0], arguments[1]);
      linalg::YieldOp::create(b, loc, all);
    };
    SmallVector<utils::IteratorType> iterators(numQueryLoops,
                                               utils::IteratorType::reduction);
    Value all = fill({}, true);
    all = linalg::GenericOp::create(builder, loc, all.getType(), each, all,
                                    {mapFirst(numQueryLoops, numQueryLoops),
                                     mapFirst(numQueryLoops, 0)},
                                    iterators, allKeep)
              .getResult(0);
    return tensor::ExtractOp::create(builder, loc, all, ValueRange());
  }

private:
  bool isKey(unsigned axis) { return axes.resolve({axis}) == keys; }

  /// Whether each query that is looked at keeps any key, a tensor of i1.
  Value buildAnyKey() {
    ElementCloner cloner(mask.elements, loops);
    for (const MaskTerm &term : mask.guardTerms)
      cloner.collect(term.element);
    SmallVector<AffineMap> maps;
    SmallVector<Value> inputs = cloner.getInputs(builder, loc, maps);
    // The loops have to have sizes that operands tell: those of an empty
    // tensor.
    inputs.push_back(createEmpty(builder, loc, sizes, builder.getI1Type()));
    maps.push_back(mapFirst(loops.size(), loops.size()));
    maps.push_back(mapFirst(loops.size(), numQueryLoops));
    SmallVector<utils::IteratorType> iterators(numQueryLoops,
                                               utils::IteratorType::parallel);
    iterators.append(keys.size(), utils::IteratorType::reduction);

    auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
      Value kept = arith::ConstantIntOp::create(b, loc, 1, 1);
      for (const IndexSum &bound : mask.guardBounds)
        kept =
            b.createOrFold<arith::AndIOp>(loc, kept, buildBound(b, loc, bound));
      for (const MaskTerm &term : mask.guardTerms) {
        Value value = cloner.clone(b, loc, term.element, arguments);
        kept = b.createOrFold<arith::AndIOp>(loc, kept,
                                             buildTerm(b, loc, term, value));
      }
      kept = arith::OrIOp::create(b, loc, kept, arguments.back());
      linalg::YieldOp::create(b, loc, kept);
    };
    Value any = fill(ArrayRef(sizes).take_front(numQueryLoops), false);
    return linalg::GenericOp::create(builder, loc, any.getType(), inputs, any,
                                     maps, iterators, body)
        .getResult(0);
  }

  /// Whether a key is within `bound`.
  Value buildBound(OpBuilder &b, Location loc, const IndexSum &bound) {
    Value sum = arith::ConstantIndexOp::create(b, loc, bound.constant);
    auto addProduct = [&](Value value, int64_t factor) {
      value = getValueOrCreateCastToIndexLike(b, loc, b.getIndexType(), value);
      Value times = arith::ConstantIndexOp::create(b, loc, factor);
      sum = b.createOrFold<arith::AddIOp>(
          loc, sum, b.createOrFold<arith::MulIOp>(loc, value, times));
    };
    for (auto [axis, factor] : bound.indices)
      if (isKey(axis) || !isFirst)
        addProduct(buildIndex(b, loc, isKey(axis) ? keys : query), factor);
    for (auto [value, factor] : bound.values)
      addProduct(value, factor);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, sum,
                                 arith::ConstantIndexOp::create(b, loc, 0));
  }

  /// Whether a key is kept by `term`, whose element is `value` there.
  Value buildTerm(OpBuilder &b, Location loc, const MaskTerm &term,
                  Value value) {
    if (!term.isAdded) {
      Value condition = buildCondition(b, loc, value);
      return term.isNegated ? buildNot(b, loc, condition) : condition;
    }
    // What is added must not exclude the key.
    value = convertScalarToDtype(b, loc, value, b.getF32Type(),
                                 /*isUnsigned=*/false);
    value =
        arith::MulFOp::create(b, loc, value, createNumber(b, loc, term.factor));
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, value,
                                 createNumber(b, loc, kLargestExcluded));
  }

  /// The index of an element along axes that were one before they were split.
  Value buildIndex(OpBuilder &b, Location loc, ArrayRef<unsigned> list) {
    Value index = arith::ConstantIndexOp::create(b, loc, 0);
    for (unsigned axis : list) {
      auto loop = llvm::find(loops, axis) - loops.begin();
      Value size = getValueOrCreateConstantIndexOp(b, loc, sizes[loop]);
      index = b.createOrFold<arith::MulIOp>(loc, index, size);
      index = b.createOrFold<arith::AddIOp>(
          loc, index, linalg::IndexOp::create(b, loc, loop));
    }
    return index;
  }

  /// The first `results` of `count` loops.
  AffineMap mapFirst(size_t count, unsigned results) {
    AffineMap all = builder.getMultiDimIdentityMap(count);
    return AffineMap::get(count, 0, all.getResults().take_front(results),
                          builder.getContext());
  }

  Value fill(ArrayRef<OpFoldResult> sizes, bool value) {
    Value empty = createEmpty(builder, loc, sizes, builder.getI1Type());
    Value constant = arith::ConstantIntOp::create(builder, loc, value, 1);
    return linalg::FillOp::create(builder, loc, constant, empty).getResult(0);
  }

  AttentionMask &mask;
  OpBuilder &builder;
  Location loc;
  Axes &axes;
  AxisList query, keys;
  /// Whether the first query alone is looked at.
  bool isFirst;
  /// The axes of the queries that are looked at, and then those of keys.
  AxisList loops;
  unsigned numQueryLoops;
  SmallVector<OpFoldResult> sizes;
};

Value AttentionMask::buildGuard(OpBuilder &builder, Location loc) {
  return GuardBuilder(*this, builder, loc).run();
}
