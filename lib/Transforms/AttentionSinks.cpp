// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention sinks: of each head one more score, which joins the softmax and has
// no value. Some write it as one more column of the scores, of which the
// probabilities are dropped; others add its exponential to the sum of weights.

#include "AttentionMatcher.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace attn;

/// Whether both are known to be the same.
static bool areEqual(const ValueBoundsConstraintSet::Variable &a,
                     const ValueBoundsConstraintSet::Variable &b) {
  FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(a, b);
  return succeeded(equal) && *equal;
}

/// Where a slice begins along the only dimension of which it is a part; none if
/// it is a part of others, too, or leaves some out.
template <typename SliceOp>
static std::optional<OpFoldResult> getBegin(SliceOp slice, Value whole,
                                            int64_t cut) {
  if (slice.getDroppedDims().any() || !slice.hasUnitStride())
    return std::nullopt;
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets();
  SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    auto place = static_cast<int64_t>(dim);
    if (place != cut && (getConstantIntValue(offsets[dim]) != 0 ||
                         !areEqual(size, {whole, place})))
      return std::nullopt;
  }
  return offsets[cut];
}

namespace {
/// Scores and one more column beside them.
struct Columns {
  Value scores, column;
  /// Where the scores begin, and how many there are.
  OpFoldResult begin, size;
};
} // namespace

/// What `value` consists of along the dimension `dim`: two tensors, of which
/// one has the size 1.
static std::optional<Columns> splitColumns(Value value, int64_t dim) {
  auto hasOne = [&](Value part) {
    return cast<RankedTensorType>(part.getType()).getDimSize(dim) == 1;
  };
  if (auto concat = value.getDefiningOp<tensor::ConcatOp>()) {
    if (static_cast<int64_t>(concat.getDim()) != dim ||
        concat.getInputs().size() != 2)
      return std::nullopt;
    Builder builder(value.getContext());
    for (unsigned index : {1, 0}) {
      Value column = concat.getInputs()[index];
      Value scores = concat.getInputs()[1 - index];
      if (hasOne(column))
        return Columns{scores, column, builder.getIndexAttr(1 - index), {}};
    }
    return std::nullopt;
  }
  auto outer = value.getDefiningOp<tensor::InsertSliceOp>();
  if (!outer)
    return std::nullopt;
  auto inner = outer.getDest().getDefiningOp<tensor::InsertSliceOp>();
  if (!inner || !inner.getDest().getDefiningOp<tensor::EmptyOp>())
    return std::nullopt;
  if (!hasOne(outer.getSource()))
    std::swap(outer, inner);
  if (!hasOne(outer.getSource()))
    return std::nullopt;
  std::optional<OpFoldResult> column = getBegin(outer, value, dim);
  std::optional<OpFoldResult> begin = getBegin(inner, value, dim);
  if (!column || !begin)
    return std::nullopt;
  OpFoldResult size = inner.getMixedSizes()[dim];
  bool isAfter = getConstantIntValue(*begin) == 0 && areEqual(*column, size);
  bool isBefore =
      getConstantIntValue(*begin) == 1 && getConstantIntValue(*column) == 0;
  if (!isAfter && !isBefore)
    return std::nullopt;
  return Columns{inner.getSource(), outer.getSource(), *begin, size};
}

std::optional<Element>
AttentionMatcher::matchSinkColumn(const Element &element) {
  auto slice = element.getOp<tensor::ExtractSliceOp>();
  if (!slice || sinks || axes.keys.size() != 1)
    return std::nullopt;
  AxisList keys = axes.keys;
  int64_t dim = 0;
  for (int64_t rank = slice.getType().getRank(); dim < rank; ++dim)
    if (elements.axes.resolve(element.layout[dim]) ==
        elements.axes.resolve(keys))
      break;
  if (dim == slice.getType().getRank())
    return std::nullopt;
  std::optional<OpFoldResult> begin = getBegin(slice, slice.getSource(), dim);
  if (!begin)
    return std::nullopt;

  Layout layout = element.layout;
  layout[dim] = elements.axes.add(slice.getSourceType().getDimSize(dim));
  axes.keys = layout[dim];
  std::optional<Element> all = matchSoftmax({slice.getSource(), layout});
  Element e = all ? elements.plain(*all) : Element();
  // What is the same for all scores changes nothing, such as their largest.
  if (all && e.getOp<arith::SubFOp>())
    if (std::optional<Reduction> largest =
            matchLargest(elements.operand(e, 1), elements.operand(e, 0)))
      e = elements.plain(elements.operand(e, 0));
  AxisList columns = axes.keys;
  axes.keys = keys;
  if (!all || !e.isTensor())
    return std::nullopt;
  int64_t place = llvm::find(e.layout, columns) - e.layout.begin();
  if (place == static_cast<int64_t>(e.layout.size()))
    return std::nullopt;
  std::optional<Columns> parts = splitColumns(e.value, place);
  if (!parts || *begin != parts->begin ||
      !areEqual(slice.getMixedSizes()[dim], {parts->scores, place}))
    return std::nullopt;
  layout = e.layout;
  layout[place].clear();
  sinks = {parts->column, layout};
  layout[place] = keys;
  elements.axes.note(keys, parts->scores, place);
  return Element{parts->scores, layout};
}

bool AttentionMatcher::isDivisor(const Element &divisor,
                                 const Element &dividend) {
  if (isSumOf(divisor, dividend))
    return true;
  Element sum = elements.plain(divisor);
  if (!sum.getOp<arith::AddFOp>() || sinks)
    return false;
  // exp(x - shift), of all scores and of the sink, which has no other shift.
  auto matchShifted = [&](const Element &element)
      -> std::optional<std::pair<Element, Element>> {
    Element e = elements.plain(element);
    if (!e.getOp<math::ExpOp>())
      return std::nullopt;
    e = elements.plain(elements.operand(e, 0));
    if (!e.getOp<arith::SubFOp>())
      return std::nullopt;
    return std::pair(elements.operand(e, 0), elements.operand(e, 1));
  };
  std::optional<Power> power = matchPower(dividend);
  if (!power || power->shifts.size() != 1)
    return false;
  for (unsigned index : {0, 1}) {
    auto added = matchShifted(elements.operand(sum, 1 - index));
    auto weight = matchShifted(dividend);
    if (!added || !weight || !isSumOf(elements.operand(sum, index), dividend) ||
        !elements.areSame(added->second, weight->second))
      continue;
    sinks = added->first;
    return true;
  }
  return false;
}

/// Where sinks are read from, one for each of `heads`; none if they are others.
const Source *AttentionMatcher::pickSinks(ArrayRef<unsigned> heads) {
  return pick(sinkSources, /*type=*/{}, {AxisList(heads)});
}
