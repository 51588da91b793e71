// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that choose elements by indices.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static LogicalResult expectIndices(OnnxCall &call, const OnnxValue &indices) {
  if (isa<IntegerType>(indices.type()) && !indices.type().isInteger(1))
    return success();
  return call.fail("expected integers as indices");
}

static LogicalResult expectElements(OnnxCall &call, OpFoldResult size) {
  if (!isSize(size, 0))
    return success();
  return call.fail("expected something to choose from, got a size of 0");
}

static FailureOr<OnnxValues> importGather(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  OnnxValue data = call.input(0), indices = call.input(1);
  FailureOr<int64_t> axis = call.axis(call.integer("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  if (failed(expectIndices(call, indices)))
    return failure();
  // One size of many.
  if (data.isFew() && data.rank() == 1 && indices.isFew() &&
      llvm::all_of(indices.elements(), [](Value index) {
        return getConstantIntValue(index).has_value();
      })) {
    SmallVector<Value> chosen;
    for (Value element : indices.elements()) {
      FailureOr<int64_t> index =
          call.axis(*getConstantIntValue(element), data.elements().size());
      if (failed(index))
        return failure();
      chosen.push_back(data.elements()[*index]);
    }
    return OnnxValues{OnnxValue::few(data.type(), chosen, indices.shape())};
  }
  SizedTensor tensor = call.asTensor(data);
  if (failed(expectElements(call, tensor.sizes[*axis])))
    return failure();
  return OnnxValues{call.tensors.gather(tensor, call.asTensor(indices), *axis)};
}

/// The loop of `dim`, which goes as far as `asked`, as a place in a dimension
/// of size `has`: the last one there is, if that is known only at run time.
static Value placeOfLoop(OpBuilder &b, Location loc, int64_t dim,
                         OpFoldResult asked, OpFoldResult has) {
  Value index = linalg::IndexOp::create(b, loc, dim);
  if (asked == has || (getConstantIntValue(asked) && getConstantIntValue(has)))
    return index;
  Value extent = getValueOrCreateConstantIndexOp(b, loc, has);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value last = arith::SubIOp::create(b, loc, extent, one);
  return arith::MinSIOp::create(b, loc, index, last);
}

/// Along one axis, from the element's own place in all others.
static FailureOr<OnnxValues> importGatherElements(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)) ||
      failed(expectIndices(call, call.input(1))))
    return failure();
  SizedTensor data = call.asTensor(call.input(0));
  SizedTensor indices = call.asTensor(call.input(1));
  FailureOr<int64_t> axis = call.axis(call.integer("axis", 0), data.rank());
  if (failed(axis) || failed(expectElements(call, data.sizes[*axis])))
    return failure();
  if (indices.rank() != data.rank())
    return call.fail("expected indices of rank " + llvm::Twine(data.rank()) +
                     ", as the data, got " + llvm::Twine(indices.rank()));
  for (auto [dim, size] : llvm::enumerate(data.sizes)) {
    std::optional<int64_t> has = getConstantIntValue(size);
    std::optional<int64_t> asked = getConstantIntValue(indices.sizes[dim]);
    if (int64_t(dim) != *axis && has && asked && *asked > *has)
      return call.fail("expected at most " + llvm::Twine(*has) +
                       " indices along axis " + llvm::Twine(dim) + ", got " +
                       llvm::Twine(*asked));
  }
  Value extent = call.tensors.asIndex(data.sizes[*axis]);
  return OnnxValues{call.tensors.map(
      indices, indices.sizes, data.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        SmallVector<Value> at;
        for (int64_t dim = 0; dim < data.rank(); ++dim)
          at.push_back(dim == *axis
                           ? TensorBuilder::place(b, loc, arguments[0], extent)
                           : placeOfLoop(b, loc, dim, indices.sizes[dim],
                                         data.sizes[dim]));
        return tensor::ExtractOp::create(b, loc, data.value, at);
      })};
}

/// The last dimension of the indices is a place in some dimensions of the data,
/// after `batch_dims` that both have.
static FailureOr<OnnxValues> importGatherND(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)) ||
      failed(expectIndices(call, call.input(1))))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor data = call.asTensor(call.input(0));
  SizedTensor indices = call.asTensor(call.input(1));
  int64_t batch = call.integer("batch_dims", 0), leading = indices.rank() - 1;
  std::optional<int64_t> count =
      indices.rank() ? getConstantIntValue(indices.sizes.back()) : std::nullopt;
  if (batch < 0 || !count || *count < 1 || batch > leading ||
      batch + *count > data.rank())
    return call.fail("expected indices whose last dimension has a known size "
                     "from 1 to the rank of the data without 'batch_dims'");
  for (int64_t dim = 0; dim < batch; ++dim) {
    std::optional<int64_t> has = getConstantIntValue(data.sizes[dim]);
    std::optional<int64_t> asked = getConstantIntValue(indices.sizes[dim]);
    if (has && asked && *has != *asked)
      return call.fail("expected dimension " + llvm::Twine(dim) +
                       " of the data and the indices to be equal, got " +
                       llvm::Twine(*has) + " and " + llvm::Twine(*asked));
  }
  TensorSizes sizes(ArrayRef(indices.sizes).drop_back());
  llvm::append_range(sizes, ArrayRef(data.sizes).drop_front(batch + *count));

  // For each dimension that is chosen from, its indices; one for all of the
  // elements that stay together.
  SmallVector<SizedTensor> chosen;
  SmallVector<Value> extents;
  SmallVector<OpFoldResult> offsets(indices.rank(), tensors.constantSize(0));
  TensorSizes part = indices.sizes;
  part.back() = tensors.constantSize(1);
  TensorSizes flat(ArrayRef(indices.sizes).drop_back());
  flat.resize(sizes.size(), tensors.constantSize(1));
  for (int64_t i = 0; i < *count; ++i) {
    if (failed(expectElements(call, data.sizes[batch + i])))
      return failure();
    offsets.back() = tensors.constantSize(i);
    SizedTensor slice = tensors.slice(indices, offsets, part,
                                      SmallVector<int64_t>(indices.rank(), 1));
    chosen.push_back(tensors.reshape(slice, flat));
    extents.push_back(tensors.asIndex(data.sizes[batch + i]));
  }
  return OnnxValues{tensors.map(
      chosen, sizes, data.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        SmallVector<Value> at;
        for (int64_t dim = 0; dim < data.rank(); ++dim) {
          int64_t i = dim - batch;
          at.push_back(
              i < 0 ? placeOfLoop(b, loc, dim, sizes[dim], data.sizes[dim])
              : i < *count
                  ? TensorBuilder::place(b, loc, arguments[i], extents[i])
                  : linalg::IndexOp::create(b, loc, leading + i - *count));
        }
        return tensor::ExtractOp::create(b, loc, data.value, at);
      })};
}

/// One of two values: the second one at the index, along a new axis.
static FailureOr<OnnxValues> importOneHot(OnnxCall &call) {
  if (failed(call.expectInputs(3, 3)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor indices = call.asTensor(call.input(0));
  FailureOr<TensorSizes> depth = call.asSizes(call.input(1), "depth");
  SizedTensor values = call.asTensor(call.input(2));
  FailureOr<int64_t> axis =
      call.axis(call.integer("axis", -1), indices.rank() + 1);
  if (failed(depth) || failed(axis) ||
      failed(expectIndices(call, call.input(0))))
    return failure();
  if (depth->size() != 1 || values.rank() != 1 ||
      getConstantIntValue(values.sizes[0]).value_or(2) != 2)
    return call.fail("expected one 'depth' and two 'values'");
  OpFoldResult extent = depth->front();
  TensorSizes sizes = indices.sizes;
  sizes.insert(sizes.begin() + *axis, extent);
  SmallVector<AffineExpr> places;
  for (int64_t dim = 0; dim <= indices.rank(); ++dim)
    if (dim != *axis)
      places.push_back(tensors.builder.getAffineDimExpr(dim));
  indices = tensors.gather(
      indices, sizes,
      AffineMap::get(sizes.size(), 0, places, tensors.builder.getContext()));
  Value size = tensors.asIndex(extent);
  Value pair[2];
  for (int64_t place : {0, 1})
    pair[place] = tensor::ExtractOp::create(
        tensors.builder, tensors.location, values.value,
        tensors.asIndex(tensors.constantSize(place)));
  return OnnxValues{tensors.map(
      indices, sizes, values.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        Value index = TensorBuilder::fromEnd(b, loc, arguments[0], size);
        Value isChosen =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, index,
                                  linalg::IndexOp::create(b, loc, *axis));
        return arith::SelectOp::create(b, loc, isChosen, pair[1], pair[0]);
      })};
}

OnnxOperator attn::findGatherOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("Gather", importGather)
      .Case("GatherElements", importGatherElements)
      .Case("GatherND", importGatherND)
      .Case("OneHot", importOneHot)
      .Default(nullptr);
}
