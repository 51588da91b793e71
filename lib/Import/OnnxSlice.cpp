// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operator Slice of ONNX.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdlib>
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Whether `place` is 0 - size: as many places before the end as there are.
static bool isNegated(OpFoldResult place, OpFoldResult size) {
  auto skipCasts = [](Value value) {
    while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    return value;
  };
  auto value = dyn_cast<Value>(place);
  if (!value || !isa<Value>(size))
    return false;
  auto difference = skipCasts(value).getDefiningOp<arith::SubIOp>();
  return difference && getConstantIntValue(difference.getLhs()) == 0 &&
         skipCasts(difference.getRhs()) == skipCasts(cast<Value>(size));
}

/// Whether `size` is known not to be below 0: one of a tensor, or a sum of
/// such.
static bool isNatural(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant >= 0;
  auto value = cast<Value>(size);
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    return isNatural(getAsOpFoldResult(sum.getLhs())) &&
           isNatural(getAsOpFoldResult(sum.getRhs()));
  return value.getDefiningOp<tensor::DimOp>() != nullptr;
}

/// A place in a dimension of `size`, from the end if it is negative, within
/// least..most.
static OpFoldResult clampPlace(TensorBuilder &tensors, OpFoldResult place,
                               OpFoldResult size, OpFoldResult least,
                               OpFoldResult most) {
  OpBuilder &b = tensors.builder;
  Location loc = tensors.location;
  Value zero = tensors.asIndex(tensors.constantSize(0));
  Value at = tensors.asIndex(place), end = tensors.asIndex(size);
  Value isNegative =
      b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, at, zero);
  at = b.createOrFold<arith::SelectOp>(
      loc, isNegative, b.createOrFold<arith::AddIOp>(loc, at, end), at);
  at = b.createOrFold<arith::MaxSIOp>(loc, at, tensors.asIndex(least));
  return getAsOpFoldResult(
      b.createOrFold<arith::MinSIOp>(loc, at, tensors.asIndex(most)));
}

/// A place in a dimension of `size`: from the end if it is negative, and not
/// outside.
static OpFoldResult clampPlace(TensorBuilder &tensors, OpFoldResult place,
                               OpFoldResult size) {
  std::optional<int64_t> value = getConstantIntValue(place);
  if (value == 0 || place == size)
    return place;
  // How exporters write "to the end".
  if (value && *value >= std::numeric_limits<int32_t>::max())
    return size;
  if (isNegated(place, size))
    return tensors.constantSize(0);
  if (value && *value < 0)
    if (OpFoldResult at = tensors.add(size, place); isNatural(at))
      return at;
  return clampPlace(tensors, place, size, tensors.constantSize(0), size);
}

/// A place in a dimension of `size` where steps go down: at least `least`.
static OpFoldResult clampLast(TensorBuilder &tensors, OpFoldResult place,
                              OpFoldResult size, int64_t least) {
  return clampPlace(tensors, place, size, tensors.constantSize(least),
                    tensors.subtract(size, tensors.constantSize(1)));
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

namespace {

class SliceImporter {
public:
  explicit SliceImporter(OnnxCall &call)
      : call(call), tensors(call.tensors), given(call.sizesOf(call.input(0))),
        offsets(given.size(), tensors.constantSize(0)), sizes(given),
        steps(given.size(), 1) {}

  FailureOr<OnnxValues> run() {
    if (failed(readPlaces()))
      return failure();
    OnnxValue data = call.input(0);
    if (isWhole())
      return OnnxValues{data};
    if (std::optional<OnnxValue> few = chooseFew(data))
      return OnnxValues{*few};
    SizedTensor tensor = call.asTensor(data);
    return OnnxValues{goesUp() ? tensors.slice(tensor, offsets, sizes, steps)
                               : gather(tensor)};
  }

private:
  /// Starts or ends: inputs, or attributes in the first versions.
  FailureOr<TensorSizes> readEach(size_t input, StringRef name) {
    if (call.input(input))
      return call.asSizes(call.input(input), name);
    if (call.input(1))
      return call.fail("expected '" + name + "'");
    TensorSizes places;
    for (int64_t place : call.integers(name).value_or(SmallVector<int64_t>()))
      places.push_back(tensors.constantSize(place));
    return places;
  }

  LogicalResult readPlaces() {
    FailureOr<TensorSizes> starts = readEach(1, "starts");
    if (failed(starts))
      return failure();
    FailureOr<TensorSizes> ends = readEach(2, "ends");
    if (failed(ends))
      return failure();
    auto axes = call.integersOf(3, "axes");
    auto givenSteps = call.integersOf(4, "steps");
    if (failed(axes) || failed(givenSteps))
      return failure();
    const size_t count = starts->size();
    if (!*axes)
      *axes = llvm::to_vector(llvm::seq<int64_t>(count));
    if (!*givenSteps)
      *givenSteps = SmallVector<int64_t>(count, 1);
    if (count != ends->size() || count != (*axes)->size() ||
        count != (*givenSteps)->size())
      return call.fail("expected as many starts, ends, axes and steps");
    for (auto [start, end, axis, step] :
         llvm::zip(*starts, *ends, **axes, **givenSteps))
      if (failed(choose(axis, start, end, step)))
        return failure();
    return success();
  }

  /// What there is of one dimension.
  LogicalResult choose(int64_t place, OpFoldResult start, OpFoldResult end,
                       int64_t step) {
    FailureOr<int64_t> axis =
        call.axis(place, static_cast<int64_t>(given.size()));
    if (failed(axis))
      return failure();
    if (step == 0)
      return call.fail("expected steps other than 0");
    OpFoldResult first, last, size;
    if (step > 0) {
      first = clampPlace(tensors, start, given[*axis]);
      last = clampPlace(tensors, end, given[*axis]);
      size = isSize(first, 0) ? last : tensors.subtract(last, first);
    } else {
      first = clampLast(tensors, start, given[*axis], 0);
      last = clampLast(tensors, end, given[*axis], -1);
      size = tensors.subtract(first, last);
    }
    offsets[*axis] = first;
    sizes[*axis] =
        isSize(first, 0) && step == 1 ? size : countSteps(size, step);
    steps[*axis] = step;
    if (auto unknown = dyn_cast<Value>(sizes[*axis]);
        unknown && isSize(given[*axis], 1))
      tensors.known.atMostOne.insert(unknown);
    return success();
  }

  /// Of so many places those a step apart; none of fewer than 0.
  OpFoldResult countSteps(OpFoldResult size, int64_t step) {
    OpBuilder &b = tensors.builder;
    Location loc = tensors.location;
    Value count = b.createOrFold<arith::MaxSIOp>(
        loc, tensors.asIndex(size), tensors.asIndex(tensors.constantSize(0)));
    return getAsOpFoldResult(b.createOrFold<arith::CeilDivSIOp>(
        loc, count, tensors.asIndex(tensors.constantSize(std::abs(step)))));
  }

  bool goesUp() const {
    return llvm::all_of(steps, [](int64_t step) { return step > 0; });
  }

  bool isWhole() const {
    return goesUp() && sizes == given &&
           llvm::all_of(offsets,
                        [](OpFoldResult offset) { return isSize(offset, 0); });
  }

  /// Of few known elements.
  std::optional<OnnxValue> chooseFew(const OnnxValue &data) const {
    auto first = getConstantIntValues(offsets);
    auto shape = getConstantIntValues(sizes);
    if (!data.isFew() || !first || !shape)
      return std::nullopt;
    SmallVector<int64_t> strides = data.strides();
    int64_t offset = 0;
    for (auto [stride, start, step] : llvm::zip(strides, *first, steps)) {
      offset += start * stride;
      stride *= step;
    }
    return data.view(*shape, strides, offset);
  }

  /// What goes down is chosen by its places, an axis after the other.
  SizedTensor gather(SizedTensor result) {
    for (auto [axis, step] : llvm::enumerate(steps))
      if (step != 1 || sizes[axis] != given[axis] || !isSize(offsets[axis], 0))
        result = tensors.gather(result,
                                tensors.iota(offsets[axis], sizes[axis],
                                             tensors.constantSize(step)),
                                static_cast<int64_t>(axis));
    return result;
  }

  OnnxCall &call;
  TensorBuilder &tensors;
  /// Of the tensor, and what is chosen of each dimension.
  TensorSizes given;
  SmallVector<OpFoldResult> offsets;
  TensorSizes sizes;
  SmallVector<int64_t> steps;
};

} // namespace

FailureOr<OnnxValues> attn::importSlice(OnnxCall &call) {
  if (failed(call.expectInputs(1, 5)))
    return failure();
  return SliceImporter(call).run();
}
