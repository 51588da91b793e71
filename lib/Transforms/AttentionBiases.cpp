// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Biases that depend on how far a key is from the query: of such, the operand
// of attn.sdpa has one for each distance, and none for each score.

#include "AttentionMask.h"
#include "ElementCloner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace attn;

/// Elements that are looked at for one bias: one that is computed from more
/// stays in the mask.
static constexpr int64_t kMostElements = 500;

/// Whether `element` does not depend on where query and key are, but by how far
/// they are apart. Adds what it depends on.
bool AttentionMask::isByDistance(const Element &element, Distance &distance) {
  if (++distance.visited > kMostElements)
    return false;
  Element e = elements.forward(element);
  unsigned key = axes.keys.front();
  auto isPlace = [&](unsigned axis) {
    return axis == key || llvm::is_contained(axes.queries, axis);
  };
  auto useTensor = [&](const Element &tensor) {
    AxisList used = elements.axes.resolve(flatten(tensor.layout));
    tensors.push_back(tensor.value);
    llvm::append_range(distance.others, used);
    return llvm::none_of(used, isPlace);
  };
  if (e.isTensor())
    return useTensor(e);
  if (!getBodyOwner(e.value))
    return true;
  IndexSum sum;
  if (addIndex(e, /*factor=*/1, sum)) {
    llvm::erase_if(sum.indices, [&](std::pair<unsigned, int64_t> index) {
      if (!isPlace(index.first))
        distance.others.push_back(index.first);
      return !isPlace(index.first);
    });
    for (const auto &[part, factor] : sum.elements)
      if (part.isTensor() ? !useTensor(part)
                          : !collectAxes(part, distance.others))
        return false;
    if (sum.indices.empty())
      return true;
    for (unsigned axis : axes.queries)
      for (int64_t sign : {1, -1})
        if (hasIndices(sum.indices, {{key, sign}, {axis, -sign}}) &&
            (distance.query.empty() || distance.query == AxisList{axis}) &&
            canCount(axis)) {
          distance.query = {axis};
          return true;
        }
    return false;
  }
  return allOperands(e, [&](const Element &operand) {
    return isByDistance(operand, distance);
  });
}

/// Takes what depends on the distance, and on no place but by it. A large
/// factor is that of a part which another one keeps small: they stay together.
/// What asserts something is not computed anew for each distance.
bool AttentionMask::takeBias(const MaskTerm &term) {
  Distance found;
  if (least || axes.keys.size() != 1 ||
      std::abs(term.factor) >= -kLargestExcluded ||
      !isByDistance(term.element, found) || found.query.empty() ||
      (!biases.empty() && distance.query != found.query))
    return false;
  ElementCloner cloner(elements, /*loops=*/{}, /*inlines=*/true);
  cloner.collect(term.element);
  AxisList read = cloner.getInputAxes();
  if (llvm::is_contained(read, axes.keys.front()) ||
      llvm::is_contained(read, found.query.front()))
    return false;
  llvm::append_range(found.others, distance.others);
  distance = found;
  biases.push_back(term);
  return true;
}

/// Whether `value` is a size, of which it is known that it is not huge.
static bool isSize(Value value) {
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  return value.getDefiningOp<tensor::DimOp>() != nullptr;
}

void AttentionMask::dropBiases() {
  if (!band || (band->query == distance.query && band->elements.empty() &&
                llvm::all_of(band->values, [](std::pair<Value, int64_t> value) {
                  return isSize(value.first);
                })))
    return;
  llvm::append_range(terms, biases);
  biases.clear();
}

bool AttentionMask::areBiases(ArrayRef<AxisList> scores) {
  return !biases.empty() && scores[3].size() == 1 &&
         llvm::all_of(elements.axes.resolve(distance.others),
                      [&](unsigned axis) {
                        return llvm::is_contained(scores[1], axis);
                      });
}

namespace {

/// The distances between keys and queries, as indices.
struct Distances {
  /// How many keys come before the queries.
  Value before;
  /// Without these, the least distance of a key from a query, and the largest.
  Value first, last;
  /// With these, the largest in either direction, and how many have a bias.
  Value farthest, count;
};

} // namespace

static Distances measureDistances(OpBuilder &builder, Location loc,
                                  Value position, Value queries, Value keys) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto add = [&](Value a, Value b) {
    return builder.createOrFold<arith::AddIOp>(loc, a, b);
  };
  auto subtract = [&](Value a, Value b) {
    return builder.createOrFold<arith::SubIOp>(loc, a, b);
  };
  auto larger = [&](Value a, Value b) {
    return builder.createOrFold<arith::MaxSIOp>(loc, a, b);
  };
  auto smaller = [&](Value a, Value b) {
    return builder.createOrFold<arith::MinSIOp>(loc, a, b);
  };
  auto multiply = [&](Value a, Value b) {
    return builder.createOrFold<arith::MulIOp>(loc, a, b);
  };
  Value before = index(0);
  if (position)
    before = builder.createOrFold<arith::IndexCastOp>(
        loc, builder.getIndexType(), position);
  Value one = index(1);
  Value last = subtract(keys, one), first = subtract(one, queries);
  // Of the first query the last key is farthest, or the first key of the last.
  Value farthest = subtract(
      larger(larger(add(before, queries), subtract(keys, before)), one), one);
  // None where there is no query or no key.
  Value count = multiply(add(add(farthest, farthest), one),
                         multiply(smaller(queries, one), smaller(keys, one)));
  return {before, first, last, farthest, count};
}

Value AttentionMask::buildBiases(OpBuilder &builder, Location loc,
                                 ArrayRef<AxisList> scores) {
  if (!areBiases(scores))
    return {};
  auto size = [&](const AxisList &list) {
    return getValueOrCreateConstantIndexOp(
        builder, loc, elements.axes.getSize(builder, loc, list));
  };
  Value position = buildKeysBefore(builder, loc);
  Value queries = size(scores[2]), keys = size(scores[3]);
  const Distances distances =
      measureDistances(builder, loc, position, queries, keys);
  AxisList heads = elements.axes.resolve(scores[1]);
  AxisList places = elements.axes.add(ShapedType::kDynamic), loops = heads;
  llvm::append_range(loops, places);
  ElementCloner cloner(elements, loops, /*inlines=*/true);
  for (const MaskTerm &term : biases)
    cloner.collect(term.element);
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs = cloner.getInputs(builder, loc, maps);
  maps.push_back(builder.getMultiDimIdentityMap(loops.size()));
  SmallVector<OpFoldResult> sizes;
  Layout single;
  for (unsigned axis : heads) {
    single.push_back({axis});
    sizes.push_back(elements.axes.getSize(builder, loc, {axis}));
  }
  single.push_back(places);
  sizes.push_back(getAsOpFoldResult(distances.count));
  Type type = builder.getF32Type();
  Value init = createEmpty(builder, loc, sizes, type);
  SmallVector<utils::IteratorType> iterators(loops.size(),
                                             utils::IteratorType::parallel);
  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    // Whichever query it is: here, the first. Where there is no such distance,
    // the nearest that there is, so that no table is read outside.
    Value place = linalg::IndexOp::create(b, loc, heads.size());
    place = arith::SubIOp::create(b, loc, place, distances.farthest);
    place = arith::AddIOp::create(b, loc, place, distances.before);
    place = arith::MinSIOp::create(b, loc, place, distances.last);
    place = arith::MaxSIOp::create(b, loc, place, distances.first);
    cloner.fix(scores[3].front(), place);
    cloner.fix(distance.query.front(),
               arith::ConstantIndexOp::create(b, loc, 0));
    Value sum;
    for (const MaskTerm &term : biases) {
      Value value = cloner.clone(b, loc, term.element, arguments);
      value = convertScalarToDtype(b, loc, value, type, /*isUnsigned=*/false);
      if (term.factor != 1) {
        Value factor = arith::ConstantOp::create(
            b, loc, b.getF32FloatAttr(static_cast<float>(term.factor)));
        value = arith::MulFOp::create(b, loc, value, factor);
      }
      sum = sum ? arith::AddFOp::create(b, loc, sum, value) : value;
    }
    linalg::YieldOp::create(b, loc, sum);
  };
  Value result = linalg::GenericOp::create(builder, loc, init.getType(), inputs,
                                           init, maps, iterators, body)
                     .getResult(0);
  elements.axes.note(places, result, static_cast<int64_t>(heads.size()));
  return elements.axes.rearrange(builder, loc, result, single,
                                 {scores[1], places});
}
