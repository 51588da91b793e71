// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's TensorScatter, which updates a cache of keys or values. Upstream has
// nothing that writes at computed places and is sure to do so in place: so this
// becomes an operation of attn.

#include "OnnxCall.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// The product of the sizes of some dimensions.
static OpFoldResult multiply(TensorBuilder &tensors,
                             ArrayRef<OpFoldResult> sizes) {
  OpFoldResult product = tensors.constantSize(1);
  for (OpFoldResult size : sizes)
    product = tensors.multiply(product, size);
  return product;
}

/// Checks the cache and what is written to it along `axis`.
static LogicalResult checkUpdate(OnnxCall &call, const SizedTensor &cache,
                                 const SizedTensor &update, int64_t axis) {
  if (axis == 0)
    return call.fail("expected an 'axis' after that of the batch, got 0");
  for (int64_t dim = 0; dim < cache.rank(); ++dim) {
    std::optional<int64_t> has = getConstantIntValue(cache.sizes[dim]);
    std::optional<int64_t> added = getConstantIntValue(update.sizes[dim]);
    if (!has || !added)
      continue;
    if (dim == axis && *added > *has)
      return call.fail("expected an update of at most " + llvm::Twine(*has) +
                       " along axis " + llvm::Twine(axis) + ", got " +
                       llvm::Twine(*added));
    if (dim != axis && *added != *has)
      return call.fail("expected an update of size " + llvm::Twine(*has) +
                       " along axis " + llvm::Twine(dim) + ", got " +
                       llvm::Twine(*added));
  }
  return success();
}

/// Where each of `entries` is written first, as i32. What is outside of a cache
/// of `size` is its end; in a circular one, places begin there again.
static FailureOr<SizedTensor> getPositions(OnnxCall &call,
                                           const TensorSizes &entries,
                                           OpFoldResult size, bool isCircular) {
  TensorBuilder &tensors = call.tensors;
  OpBuilder &builder = tensors.builder;
  Type type = builder.getI64Type();
  SizedTensor indices = tensors.fill(entries[0], tensors.scalar(type, 0));
  if (call.input(2))
    indices = call.asTensor(call.input(2));
  if (indices.rank() != 1 || indices.elementType() != type)
    return call.fail("expected one INT64 for each entry of the batch as "
                     "'write_indices'");
  std::optional<int64_t> given = getConstantIntValue(indices.sizes[0]);
  std::optional<int64_t> batch = getConstantIntValue(entries[0]);
  if (given && batch && *given != *batch)
    return call.fail("expected " + llvm::Twine(*batch) +
                     " 'write_indices', one for each entry of the batch, got " +
                     llvm::Twine(*given));
  indices.sizes[0] = entries[0];
  Value end = call.asInteger(size);
  if (isCircular)
    end = builder.createOrFold<arith::MaxSIOp>(tensors.location, end,
                                               tensors.scalar(type, 1));
  SizedTensor column =
      tensors.reshape(indices, {entries[0], tensors.constantSize(1)});
  SizedTensor positions = tensors.map(
      column, entries, builder.getI32Type(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        // Unsigned: below 0 is outside as well.
        Value place = arguments[0];
        if (isCircular)
          place = arith::RemUIOp::create(b, loc, place, end);
        else
          place = arith::MinUIOp::create(b, loc, place, end);
        return arith::TruncIOp::create(b, loc, b.getI32Type(), place);
      });
  return tensors.reshape(positions, multiply(tensors, entries));
}

FailureOr<OnnxValues> attn::importTensorScatter(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  OpBuilder &builder = tensors.builder;
  StringRef mode = call.string("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return call.fail("expected 'mode' linear or circular, got " + mode);
  SizedTensor cache = call.asTensor(call.input(0));
  SizedTensor update = call.asTensor(call.input(1));
  Type type = cache.elementType();
  if (cache.rank() != update.rank() || update.elementType() != type ||
      !(type.isF32() || type.isF16() || type.isBF16()))
    return call.fail("expected a cache and an update of FLOAT, FLOAT16 or "
                     "BFLOAT16, both of one type and rank");
  FailureOr<int64_t> axis = call.axis(call.integer("axis", -2), cache.rank());
  if (failed(axis) || failed(checkUpdate(call, cache, update, *axis)))
    return failure();

  // A size that one of them does not know is that of the other.
  for (int64_t dim = 0; dim < cache.rank(); ++dim)
    if (dim != *axis) {
      bool isKnown = getConstantIntValue(cache.sizes[dim]).has_value();
      OpFoldResult size = isKnown ? cache.sizes[dim] : update.sizes[dim];
      cache.sizes[dim] = update.sizes[dim] = size;
    }
  for (SizedTensor *tensor : {&cache, &update})
    tensor->value = builder.createOrFold<tensor::CastOp>(
        tensors.location, tensors.getType(tensor->sizes, type), tensor->value);

  // What is before the axis are entries, what is after it is one row.
  ArrayRef<OpFoldResult> sizes(cache.sizes);
  OpFoldResult width = multiply(tensors, sizes.drop_front(*axis + 1));
  if (!getConstantIntValue(width))
    return call.fail("expected known sizes of the cache after axis " +
                     llvm::Twine(*axis));
  TensorSizes entries = {
      sizes[0], multiply(tensors, sizes.take_front(*axis).drop_front())};
  auto flatten = [&](const SizedTensor &tensor) {
    return tensors.reshape(
        tensor, {multiply(tensors, entries), tensor.sizes[*axis], width});
  };
  SizedTensor rows = flatten(update), result = flatten(cache);
  FailureOr<SizedTensor> positions =
      getPositions(call, entries, sizes[*axis], mode == "circular");
  if (failed(positions))
    return failure();
  auto append = [&](Value at) {
    result.value =
        CacheAppendOp::create(builder, tensors.location, result.value.getType(),
                              rows.value, at, /*rows=*/Value(), result.value)
            .getResult(0);
  };
  append(positions->value);
  if (mode == "circular") {
    // What the end has cut off begins before the first place.
    Value end = tensors.asIndex(sizes[*axis]);
    SizedTensor earlier = tensors.map(
        *positions, positions->sizes, builder.getI32Type(),
        [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
          Value size = arith::IndexCastOp::create(b, loc, b.getI32Type(), end);
          return arith::SubIOp::create(b, loc, arguments[0], size);
        });
    append(earlier.value);
  }
  return OnnxValues{tensors.reshape(result, cache.sizes)};
}
