// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxWindows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

FailureOr<Windows> Windows::read(OnnxCall &call, const SizedTensor &input,
                                 ArrayRef<int64_t> kernel) {
  Windows windows(call, kernel, ArrayRef(input.sizes).drop_front(2));
  if (failed(windows.readAttributes()))
    return failure();
  return windows;
}

FailureOr<SmallVector<int64_t>>
Windows::readIntegers(OnnxCall &call, StringRef name, int64_t least,
                      int64_t otherwise, size_t count) {
  SmallVector<int64_t> values =
      call.integers(name).value_or(SmallVector<int64_t>(count, otherwise));
  if (values.size() != count ||
      llvm::any_of(values, [&](int64_t value) { return value < least; }))
    return call.fail("expected '" + name + "' of " + Twine(count) +
                     " integers of at least " + Twine(least));
  return values;
}

LogicalResult Windows::readAttributes() {
  size_t count = kernel.size();
  StringRef autoPad = call->string("auto_pad", "NOTSET");
  bool isSame = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!isSame && autoPad != "NOTSET" && autoPad != "VALID")
    return call->fail("expected 'auto_pad' NOTSET, VALID, SAME_UPPER or "
                      "SAME_LOWER, got " +
                      autoPad);
  SmallVector<int64_t> pads;
  const std::tuple<SmallVector<int64_t> *, StringRef, int64_t, int64_t, size_t>
      attributes[] = {{&strides, "strides", 1, 1, count},
                      {&dilations, "dilations", 1, 1, count},
                      {&pads, "pads", 0, 0, 2 * count}};
  for (auto [values, name, least, otherwise, number] : attributes) {
    FailureOr<SmallVector<int64_t>> given =
        readIntegers(*call, name, least, otherwise, number);
    if (failed(given))
      return failure();
    *values = *given;
  }
  before.assign(pads.begin(), pads.begin() + count);
  after.assign(pads.begin() + count, pads.end());
  return isSame ? padAlike(autoPad == "SAME_UPPER") : expectInside();
}

/// A window that is larger than what there is has no place.
LogicalResult Windows::expectInside() {
  for (size_t dim = 0; dim < kernel.size(); ++dim) {
    std::optional<int64_t> size = getConstantIntValue(inputs[dim]);
    if (size && before[dim] + *size + after[dim] < getExtent(dim))
      return call->fail("expected windows of at most " +
                        Twine(before[dim] + *size + after[dim]) +
                        " along dimension " + Twine(2 + dim) + ", got " +
                        Twine(getExtent(dim)));
  }
  return success();
}

/// As many windows as steps over the input: half of the padding on each side,
/// and of an odd number one more after or before.
LogicalResult Windows::padAlike(bool isMoreAfter) {
  for (size_t dim = 0; dim < kernel.size(); ++dim) {
    std::optional<int64_t> size = getConstantIntValue(inputs[dim]);
    int64_t step = strides[dim];
    if (!size && step != 1)
      return call->fail("expected an input of known sizes to pad for steps of "
                        "more than 1");
    // Of steps of 1, any size needs the same.
    int64_t last = size ? (llvm::divideCeil(*size, step) - 1) * step : 0;
    int64_t total =
        std::max<int64_t>(last + getExtent(dim) - size.value_or(1), 0);
    int64_t less = total / 2;
    before[dim] = isMoreAfter ? less : total - less;
    after[dim] = total - before[dim];
  }
  return success();
}

bool Windows::areInside() const {
  auto isNone = [](int64_t pad) { return pad == 0; };
  return !reachesBeyond && llvm::all_of(before, isNone) &&
         llvm::all_of(after, isNone);
}

SizedTensor Windows::padBy(const SizedTensor &input, ArrayRef<int64_t> first,
                           ArrayRef<int64_t> last, Value value) const {
  TensorBuilder &tensors = call->tensors;
  TensorSizes zeros(input.rank() - kernel.size(), tensors.constantSize(0));
  TensorSizes sizesBefore = zeros, sizesAfter = zeros;
  for (auto [one, other] : llvm::zip(first, last)) {
    sizesBefore.push_back(tensors.constantSize(one));
    sizesAfter.push_back(tensors.constantSize(other));
  }
  return tensors.pad(input, sizesBefore, sizesAfter, value);
}

SizedTensor Windows::pad(SizedTensor input, Value value, Value beyond) const {
  if (areInside())
    return input;
  input = padBy(input, before, after, value);
  if (!reachesBeyond)
    return input;
  SmallVector<int64_t> none(kernel.size(), 0);
  return padBy(
      input, none,
      llvm::map_to_vector(strides, [](int64_t step) { return step - 1; }),
      beyond);
}

/// How many places the kernel has along a dimension.
OpFoldResult Windows::count(unsigned dim, OpFoldResult padded) const {
  TensorBuilder &tensors = call->tensors;
  OpBuilder &b = tensors.builder;
  Location loc = tensors.location;
  Value step = tensors.asIndex(tensors.constantSize(strides[dim]));
  int64_t reach = getExtent(dim) - 1;
  Value places =
      tensors.asIndex(tensors.subtract(padded, tensors.constantSize(reach)));
  if (reachesBeyond || reach != before[dim] + after[dim])
    places = b.createOrFold<arith::MaxSIOp>(
        loc, places, tensors.asIndex(tensors.constantSize(0)));
  if (strides[dim] != 1)
    places = b.createOrFold<arith::CeilDivSIOp>(loc, places, step);
  if (!reachesBeyond)
    return getAsOpFoldResult(places);
  Value starts = tensors.asIndex(
      tensors.add(inputs[dim], tensors.constantSize(before[dim])));
  return getAsOpFoldResult(b.createOrFold<arith::MinSIOp>(
      loc, places, b.createOrFold<arith::CeilDivSIOp>(loc, starts, step)));
}

SizedTensor Windows::gather(const SizedTensor &padded) const {
  Builder &b = call->tensors.builder;
  size_t spatial = kernel.size();
  TensorSizes sizes = {padded.sizes[0], padded.sizes[1]};
  for (size_t dim = 0; dim < spatial; ++dim)
    sizes.push_back(count(dim, padded.sizes[3 + dim]));
  sizes.push_back(padded.sizes[2]);
  for (int64_t extent : kernel)
    sizes.push_back(call->tensors.constantSize(extent));
  SmallVector<AffineExpr> places = {b.getAffineDimExpr(0),
                                    b.getAffineDimExpr(1),
                                    b.getAffineDimExpr(2 + spatial)};
  for (size_t dim = 0; dim < spatial; ++dim)
    places.push_back(b.getAffineDimExpr(2 + dim) * strides[dim] +
                     b.getAffineDimExpr(3 + spatial + dim) * dilations[dim]);
  return call->tensors.gather(
      padded, sizes, AffineMap::get(sizes.size(), 0, places, b.getContext()));
}
