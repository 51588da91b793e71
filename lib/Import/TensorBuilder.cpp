// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TensorBuilder.h"
#include "attn/IR/SizeProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;

Type SizedTensor::elementType() const {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

bool attn::isSize(OpFoldResult size, int64_t value) {
  return getConstantIntValue(size) == value;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value TensorBuilder::asIndex(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, location, size);
}

RankedTensorType TensorBuilder::getType(ArrayRef<OpFoldResult> sizes,
                                        Type element) {
  SmallVector<int64_t> shape = llvm::map_to_vector(sizes, [](OpFoldResult s) {
    return (s ? getConstantIntValue(s) : std::nullopt)
        .value_or(ShapedType::kDynamic);
  });
  return RankedTensorType::get(shape, element);
}

/// A constant as an attribute, whichever way it came to be.
static OpFoldResult simplify(Value value) { return getAsOpFoldResult(value); }

/// `a` and `b`, in any order, combined once.
template <typename OpTy>
OpFoldResult TensorBuilder::combine(OpFoldResult a, OpFoldResult b,
                                    decltype(KnownSizes::sums) &known) {
  if (OpFoldResult size =
          known.lookup({b.getOpaqueValue(), a.getOpaqueValue()}))
    return size;
  OpFoldResult &size = known[{a.getOpaqueValue(), b.getOpaqueValue()}];
  if (!size)
    size =
        simplify(builder.createOrFold<OpTy>(location, asIndex(a), asIndex(b)));
  return size;
}

OpFoldResult TensorBuilder::add(OpFoldResult a, OpFoldResult b) {
  // One column more, and one less, is the same again.
  std::optional<int64_t> constant = getConstantIntValue(b);
  if (auto value = dyn_cast<Value>(a); value && constant)
    if (auto sum = value.getDefiningOp<arith::AddIOp>())
      if (std::optional<int64_t> other = getConstantIntValue(sum.getRhs()))
        return add(sum.getLhs(), constantSize(*other + *constant));
  return combine<arith::AddIOp>(a, b, known.sums);
}

OpFoldResult TensorBuilder::subtract(OpFoldResult a, OpFoldResult b) {
  if (a == b)
    return constantSize(0);
  if (std::optional<int64_t> constant = getConstantIntValue(b))
    return add(a, constantSize(-*constant));
  // What is added to what is taken away.
  if (auto value = dyn_cast<Value>(a))
    if (auto sum = value.getDefiningOp<arith::AddIOp>())
      for (unsigned index : {0, 1})
        if (getAsOpFoldResult(sum->getOperand(index)) == b)
          return getAsOpFoldResult(sum->getOperand(1 - index));
  return simplify(
      builder.createOrFold<arith::SubIOp>(location, asIndex(a), asIndex(b)));
}

OpFoldResult TensorBuilder::multiply(OpFoldResult a, OpFoldResult b) {
  return combine<arith::MulIOp>(a, b, known.products);
}

OpFoldResult TensorBuilder::maximum(OpFoldResult a, OpFoldResult b) {
  return simplify(
      builder.createOrFold<arith::MaxSIOp>(location, asIndex(a), asIndex(b)));
}

std::optional<OpFoldResult>
TensorBuilder::divide(ArrayRef<OpFoldResult> dividends,
                      ArrayRef<OpFoldResult> divisors) {
  SizeProduct dividend(dividends), divisor(divisors);
  dividend.cancel(divisor);
  auto productOf = [&](const SizeProduct &product) {
    OpFoldResult result = constantSize(product.number);
    for (const SizeOrigin &size : product.unknown)
      result = multiply(result, size.first);
    return result;
  };
  if (divisor.number == 0)
    return std::nullopt;
  if (divisor.unknown.empty() && dividend.number % divisor.number == 0) {
    dividend.number /= divisor.number;
    return productOf(dividend);
  }
  if (divisor.unknown.empty() && dividend.unknown.empty())
    return std::nullopt;
  return simplify(builder.createOrFold<arith::DivUIOp>(
      location, asIndex(productOf(dividend)), asIndex(productOf(divisor))));
}

Value TensorBuilder::scalar(Type type, double value) {
  TypedAttr attribute;
  if (isa<FloatType>(type))
    attribute = builder.getFloatAttr(type, value);
  else
    attribute = builder.getIntegerAttr(type, static_cast<int64_t>(value));
  return arith::ConstantOp::create(builder, location, attribute);
}

//===----------------------------------------------------------------------===//
// Elements in their place
//===----------------------------------------------------------------------===//

Value TensorBuilder::empty(ArrayRef<OpFoldResult> sizes, Type element) {
  return tensor::EmptyOp::create(builder, location, sizes, element);
}

SizedTensor TensorBuilder::fill(ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value value = linalg::FillOp::create(builder, location, scalar,
                                       empty(sizes, scalar.getType()))
                    .getResult(0);
  return {value, TensorSizes(sizes)};
}

SizedTensor TensorBuilder::generic(ArrayRef<Value> inputs, Value init,
                                   ArrayRef<OpFoldResult> sizes,
                                   ArrayRef<AffineMap> maps,
                                   ArrayRef<utils::IteratorType> iterators,
                                   Body body) {
  auto op = linalg::GenericOp::create(
      builder, location, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(b, loc, body(b, loc, arguments));
      });
  return {op.getResult(0), TensorSizes(sizes)};
}

bool TensorBuilder::isAtMostOne(OpFoldResult size) {
  auto unknown = dyn_cast<Value>(size);
  return unknown ? known.atMostOne.contains(unknown) : isSize(size, 1);
}

/// The tensor with the one that there is of each of its first dimensions which
/// is repeated to `targets`: what is repeated has to be there.
SizedTensor TensorBuilder::takeRepeated(SizedTensor tensor,
                                        ArrayRef<OpFoldResult> targets) {
  for (auto [dim, target] : llvm::enumerate(targets))
    if (OpFoldResult size = tensor.sizes[dim];
        isAtMostOne(size) && !isSize(size, 1) && size != target)
      tensor = sliceAxis(tensor, static_cast<int64_t>(dim), constantSize(0),
                         constantSize(1));
  return tensor;
}

/// Where an operand that is broadcast to `sizes`, the last loops but `loops`,
/// is read.
AffineMap TensorBuilder::broadcastMap(const SizedTensor &operand,
                                      ArrayRef<OpFoldResult> sizes,
                                      unsigned loops) {
  SmallVector<AffineExpr> results;
  size_t first = sizes.size() - operand.rank();
  for (auto [dim, size] : llvm::enumerate(operand.sizes)) {
    bool isRepeated = isSize(size, 1) && !isSize(sizes[first + dim], 1);
    results.push_back(isRepeated ? builder.getAffineConstantExpr(0)
                                 : builder.getAffineDimExpr(first + dim));
  }
  return AffineMap::get(loops, 0, results, builder.getContext());
}

/// Elements in the place of `init`, whose element is the last argument.
SizedTensor TensorBuilder::mapInto(Value init, ArrayRef<SizedTensor> operands,
                                   ArrayRef<OpFoldResult> sizes, Body body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const SizedTensor &given : operands) {
    SizedTensor operand = takeRepeated(given, sizes.take_back(given.rank()));
    inputs.push_back(operand.value);
    maps.push_back(broadcastMap(operand, sizes, sizes.size()));
  }
  maps.push_back(builder.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return generic(inputs, init, sizes, maps, iterators, body);
}

SizedTensor TensorBuilder::map(ArrayRef<SizedTensor> operands,
                               ArrayRef<OpFoldResult> sizes, Type element,
                               Body body) {
  return mapInto(empty(sizes, element), operands, sizes,
                 [&](OpBuilder &b, Location loc, ValueRange arguments) {
                   return body(b, loc, arguments.drop_back());
                 });
}

SizedTensor TensorBuilder::update(const SizedTensor &tensor,
                                  ArrayRef<SizedTensor> operands, Body body) {
  return mapInto(tensor.value, operands, tensor.sizes, body);
}

std::optional<TensorSizes>
TensorBuilder::broadcast(ArrayRef<TensorSizes> shapes) {
  size_t rank = 0;
  for (const TensorSizes &shape : shapes)
    rank = std::max(rank, shape.size());
  TensorSizes result;
  for (size_t dim = 0; dim < rank; ++dim) {
    OpFoldResult chosen;
    for (const TensorSizes &shape : shapes) {
      if (dim + shape.size() < rank)
        continue;
      OpFoldResult size = shape[dim + shape.size() - rank];
      std::optional<int64_t> had = getConstantIntValue(chosen);
      std::optional<int64_t> value = getConstantIntValue(size);
      if (!chosen || had == 1 || (value != 1 && isAtMostOne(chosen)) ||
          (!had && value && *value != 1))
        chosen = size;
      else if (had && value && *value != 1 && *value != *had)
        return std::nullopt;
    }
    result.push_back(chosen);
  }
  return result;
}

SizedTensor TensorBuilder::expand(const SizedTensor &tensor,
                                  ArrayRef<OpFoldResult> sizes) {
  if (ArrayRef<OpFoldResult>(tensor.sizes) == sizes)
    return tensor;
  return map(
      tensor, sizes, tensor.elementType(),
      [](OpBuilder &, Location, ValueRange arguments) { return arguments[0]; });
}

SizedTensor TensorBuilder::transpose(const SizedTensor &tensor,
                                     ArrayRef<int64_t> permutation) {
  TensorSizes sizes;
  for (int64_t dim : permutation)
    sizes.push_back(tensor.sizes[dim]);
  Value value = linalg::TransposeOp::create(builder, location, tensor.value,
                                            empty(sizes, tensor.elementType()),
                                            permutation)
                    ->getResult(0);
  return {value, sizes};
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// The product of the sizes of some dimensions, if all are known.
static int64_t getStaticSize(ArrayRef<OpFoldResult> sizes,
                             ArrayRef<int64_t> dims) {
  int64_t product = 1;
  for (int64_t dim : dims) {
    std::optional<int64_t> size = getConstantIntValue(sizes[dim]);
    if (!size)
      return ShapedType::kDynamic;
    product *= *size;
  }
  return product;
}

SizedTensor TensorBuilder::reshape(const SizedTensor &tensor,
                                   ArrayRef<OpFoldResult> sizes) {
  if (ArrayRef<OpFoldResult>(tensor.sizes) == sizes)
    return tensor;
  Type element = tensor.elementType();
  Value value = tensor.value;
  SmallVector<ReassociationIndices> merged, split;
  SmallVector<int64_t> before, after;
  if (tensor.rank() != 0 && !sizes.empty()) {
    for (const auto &[source, target] : groupDims(tensor.sizes, sizes)) {
      merged.push_back(source);
      split.push_back(target);
      before.push_back(getStaticSize(tensor.sizes, source));
      after.push_back(getStaticSize(sizes, target));
    }
  }
  // Several on both sides are merged first.
  if (merged.size() != size_t(tensor.rank()))
    value = tensor::CollapseShapeOp::create(
        builder, location, RankedTensorType::get(before, element), value,
        merged);
  // What was unknown may be known now, or be told from what is not.
  auto type = RankedTensorType::get(after, element);
  if (value.getType() != type)
    value = tensor::CastOp::create(builder, location, type, value);
  if (split.size() != sizes.size())
    value = tensor::ExpandShapeOp::create(
        builder, location, getType(sizes, element), value, split, sizes);
  return {value, TensorSizes(sizes)};
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Whether there are no elements: of nothing, an offset may be outside, which
/// upstream takes for an error.
static bool isEmpty(ArrayRef<OpFoldResult> sizes) {
  return llvm::any_of(sizes, [](OpFoldResult size) { return isSize(size, 0); });
}

SizedTensor TensorBuilder::tile(const SizedTensor &tensor,
                                ArrayRef<OpFoldResult> repeats) {
  // A dimension of repeats before each that is repeated.
  TensorSizes once, repeated, result;
  for (auto [size, count] : llvm::zip(tensor.sizes, repeats)) {
    if (!isSize(count, 1)) {
      once.push_back(constantSize(1));
      repeated.push_back(count);
    }
    once.push_back(size);
    repeated.push_back(size);
    result.push_back(isSize(count, 1) ? size : multiply(count, size));
  }
  return reshape(expand(reshape(tensor, once), repeated), result);
}

SizedTensor TensorBuilder::concatenate(ArrayRef<SizedTensor> tensors,
                                       int64_t axis) {
  TensorSizes sizes = tensors.front().sizes;
  OpFoldResult total = sizes[axis];
  for (const SizedTensor &tensor : tensors.drop_front()) {
    // The other sizes are equal, and may be known of one part only.
    for (auto [size, other] : llvm::zip(sizes, tensor.sizes))
      if (getConstantIntValue(other))
        size = other;
    sizes[axis] = add(total, tensor.sizes[axis]);
    total = sizes[axis];
  }
  SizedTensor result = {empty(sizes, tensors.front().elementType()), sizes};
  OpFoldResult offset = constantSize(0);
  for (const SizedTensor &tensor : tensors) {
    if (isEmpty(tensor.sizes))
      continue;
    TensorSizes part = sizes;
    part[axis] = tensor.sizes[axis];
    RankedTensorType type = getType(part, tensor.elementType());
    Value source = tensor.value;
    if (source.getType() != type)
      source = tensor::CastOp::create(builder, location, type, source);
    result = insertAxis({source, part}, result, axis, offset);
    offset = add(offset, tensor.sizes[axis]);
  }
  return result;
}

SizedTensor TensorBuilder::slice(const SizedTensor &tensor,
                                 ArrayRef<OpFoldResult> offsets,
                                 ArrayRef<OpFoldResult> sizes,
                                 ArrayRef<int64_t> steps) {
  if (isEmpty(sizes))
    return {empty(sizes, tensor.elementType()), TensorSizes(sizes)};
  SmallVector<OpFoldResult> strides =
      llvm::map_to_vector(steps, [&](int64_t step) -> OpFoldResult {
        return builder.getIndexAttr(step);
      });
  Value value = tensor::ExtractSliceOp::create(
      builder, location, getType(sizes, tensor.elementType()), tensor.value,
      offsets, sizes, strides);
  return {value, TensorSizes(sizes)};
}

SizedTensor TensorBuilder::sliceAxis(const SizedTensor &tensor, int64_t axis,
                                     OpFoldResult offset, OpFoldResult size) {
  SmallVector<OpFoldResult> offsets(tensor.rank(), constantSize(0));
  offsets[axis] = offset;
  TensorSizes sizes = tensor.sizes;
  sizes[axis] = size;
  return slice(tensor, offsets, sizes, SmallVector<int64_t>(tensor.rank(), 1));
}

SizedTensor TensorBuilder::insertAxis(const SizedTensor &part,
                                      const SizedTensor &tensor, int64_t axis,
                                      OpFoldResult offset) {
  SmallVector<OpFoldResult> offsets(tensor.rank(), constantSize(0));
  SmallVector<OpFoldResult> strides(tensor.rank(), constantSize(1));
  offsets[axis] = offset;
  Value value =
      tensor::InsertSliceOp::create(builder, location, part.value, tensor.value,
                                    offsets, part.sizes, strides);
  return {value, tensor.sizes};
}

SizedTensor TensorBuilder::pad(const SizedTensor &tensor,
                               ArrayRef<OpFoldResult> before,
                               ArrayRef<OpFoldResult> after, Value value) {
  TensorSizes sizes;
  for (auto [size, first, last] : llvm::zip(tensor.sizes, before, after))
    sizes.push_back(add(add(first, size), last));
  SizedTensor filled = fill(sizes, value);
  if (isEmpty(tensor.sizes))
    return filled;
  SmallVector<OpFoldResult> strides(sizes.size(), constantSize(1));
  Value result = tensor::InsertSliceOp::create(
      builder, location, tensor.value, filled.value,
      SmallVector<OpFoldResult>(before), tensor.sizes, strides);
  return {result, sizes};
}

Value TensorBuilder::fromEnd(OpBuilder &builder, Location location,
                             Value integer, Value extent) {
  Value zero = arith::ConstantIndexOp::create(builder, location, 0);
  Value index = arith::IndexCastOp::create(builder, location,
                                           builder.getIndexType(), integer);
  Value isNegative = arith::CmpIOp::create(
      builder, location, arith::CmpIPredicate::slt, index, zero);
  return arith::SelectOp::create(
      builder, location, isNegative,
      arith::AddIOp::create(builder, location, index, extent), index);
}

Value TensorBuilder::place(OpBuilder &builder, Location location, Value integer,
                           Value extent) {
  Value zero = arith::ConstantIndexOp::create(builder, location, 0);
  Value one = arith::ConstantIndexOp::create(builder, location, 1);
  Value index = fromEnd(builder, location, integer, extent);
  Value last = arith::SubIOp::create(builder, location, extent, one);
  index = arith::MinSIOp::create(builder, location, index, last);
  return arith::MaxSIOp::create(builder, location, index, zero);
}

SizedTensor TensorBuilder::gather(const SizedTensor &tensor,
                                  const SizedTensor &indices, int64_t axis) {
  TensorSizes sizes(ArrayRef(tensor.sizes).take_front(axis));
  llvm::append_range(sizes, indices.sizes);
  llvm::append_range(sizes, ArrayRef(tensor.sizes).drop_front(axis + 1));
  unsigned loops = sizes.size();
  SmallVector<AffineExpr> places;
  for (int64_t dim = 0; dim < indices.rank(); ++dim)
    places.push_back(builder.getAffineDimExpr(axis + dim));
  AffineMap maps[] = {AffineMap::get(loops, 0, places, builder.getContext()),
                      builder.getMultiDimIdentityMap(loops)};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  Value extent = asIndex(tensor.sizes[axis]);
  return generic(
      indices.value, empty(sizes, tensor.elementType()), sizes, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        Value index = place(b, loc, arguments[0], extent);
        SmallVector<Value> at;
        for (int64_t dim = 0; dim < tensor.rank(); ++dim) {
          int64_t loop = dim < axis ? dim : dim - 1 + indices.rank();
          at.push_back(dim == axis ? index
                                   : linalg::IndexOp::create(b, loc, loop));
        }
        return tensor::ExtractOp::create(b, loc, tensor.value, at);
      });
}

SizedTensor TensorBuilder::gather(const SizedTensor &tensor,
                                  ArrayRef<OpFoldResult> sizes,
                                  AffineMap places) {
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return generic(
      tensor.value, empty(sizes, tensor.elementType()), sizes,
      {places, builder.getMultiDimIdentityMap(sizes.size())}, iterators,
      [](OpBuilder &, Location, ValueRange arguments) { return arguments[0]; });
}

SizedTensor TensorBuilder::iota(OpFoldResult start, OpFoldResult count,
                                OpFoldResult step) {
  Type type = builder.getI64Type();
  Value first = asIndex(start), stride = asIndex(step);
  return map({}, count, type,
             [&](OpBuilder &b, Location loc, ValueRange) -> Value {
               Value index = linalg::IndexOp::create(b, loc, 0);
               if (!isSize(step, 1))
                 index = arith::MulIOp::create(b, loc, index, stride);
               if (!isSize(start, 0))
                 index = arith::AddIOp::create(b, loc, index, first);
               return arith::IndexCastOp::create(b, loc, type, index);
             });
}
