// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that tell sizes, take sizes, or change nothing else.

#include "OnnxCall.h"
#include "attn/IR/SizeProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> importConstant(OnnxCall &call) {
  Builder &builder = call.tensors.builder;
  auto rowOf = [&](Type type, const auto &values) {
    SmallVector<Value> scalars;
    for (auto value : values)
      scalars.push_back(call.tensors.scalar(type, value));
    return OnnxValues{OnnxValue::row(type, scalars)};
  };
  if (const OnnxAttribute *tensor = call.find("value"))
    return onlyResult(call.constant(tensor->tensor));
  if (const OnnxAttribute *number = call.find("value_float"))
    return OnnxValues{call.constant(builder.getF32Type(), number->number)};
  if (const OnnxAttribute *integer = call.find("value_int"))
    return OnnxValues{OnnxValue::scalar(
        call.asInteger(call.tensors.constantSize(integer->integer)))};
  if (const OnnxAttribute *numbers = call.find("value_floats"))
    return rowOf(builder.getF32Type(), numbers->numbers);
  if (const OnnxAttribute *integers = call.find("value_ints"))
    return rowOf(builder.getI64Type(), integers->integers);
  return call.fail("expected a tensor, numbers or integers as its value");
}

static FailureOr<OnnxValues> importShape(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorSizes sizes = call.sizesOf(call.input(0));
  int64_t rank = sizes.size();
  auto clamp = [&](int64_t place) {
    return std::clamp<int64_t>(place < 0 ? place + rank : place, 0, rank);
  };
  int64_t start = clamp(call.integer("start", 0));
  int64_t end = clamp(call.integer("end", rank));
  SmallVector<Value> elements;
  for (int64_t dim = start; dim < end; ++dim)
    elements.push_back(call.asInteger(sizes[dim]));
  return OnnxValues{
      OnnxValue::row(call.tensors.builder.getI64Type(), elements)};
}

static FailureOr<OnnxValues> importSize(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  OpFoldResult count = call.tensors.constantSize(1);
  for (OpFoldResult size : call.sizesOf(call.input(0)))
    count = call.tensors.multiply(count, size);
  return OnnxValues{OnnxValue::scalar(call.asInteger(count))};
}

static FailureOr<OnnxValues> importConstantOfShape(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  FailureOr<TensorSizes> sizes = call.asSizes(call.input(0), "shape");
  if (failed(sizes))
    return failure();
  OnnxValue value = call.constant(call.tensors.builder.getF32Type(), 0);
  if (const OnnxAttribute *attribute = call.find("value")) {
    FailureOr<OnnxValue> given = call.constant(attribute->tensor);
    if (failed(given))
      return failure();
    value = *given;
  }
  if (value.elements().size() != 1)
    return call.fail("expected 'value' of one element");
  // What sizes are compared with, or made of.
  Value element = value.elements().front();
  std::optional<int64_t> count =
      sizes->size() == 1 ? getConstantIntValue(sizes->front()) : std::nullopt;
  if (count && *count >= 0 && *count <= OnnxCall::kFew &&
      isa<IntegerType>(element.getType()))
    return OnnxValues{
        OnnxValue::row(element.getType(), SmallVector<Value>(*count, element))};
  return OnnxValues{call.tensors.fill(*sizes, value.elements().front())};
}

/// Ones on a diagonal.
static FailureOr<OnnxValues> importEyeLike(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  TensorSizes sizes = call.sizesOf(call.input(0));
  if (sizes.size() != 2)
    return call.fail("expected a matrix, got a tensor of rank " +
                     llvm::Twine(sizes.size()));
  Type type = call.input(0).type();
  if (call.has("dtype"))
    type = getElementType(tensors.builder.getContext(),
                          OnnxType(call.integer("dtype", 0)));
  if (!type)
    return call.fail("expected 'dtype' to be a type that attn has");
  Value one = tensors.scalar(type, 1), zero = tensors.scalar(type, 0);
  Value shift = tensors.asIndex(tensors.constantSize(call.integer("k", 0)));
  return OnnxValues{tensors.map(
      {}, sizes, type, [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        Value row = linalg::IndexOp::create(b, loc, 0);
        Value column = linalg::IndexOp::create(b, loc, 1);
        Value isOne =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, column,
                                  arith::AddIOp::create(b, loc, row, shift));
        return arith::SelectOp::create(b, loc, isOne, one, zero);
      })};
}

static FailureOr<OnnxValues> importRange(OnnxCall &call) {
  if (failed(call.expectInputs(3, 3)))
    return failure();
  constexpr StringLiteral names[] = {"start", "limit", "delta"};
  SmallVector<OpFoldResult> bounds;
  for (auto [index, name] : llvm::enumerate(names)) {
    FailureOr<TensorSizes> bound = call.asSizes(call.input(index), name);
    if (failed(bound))
      return failure();
    if (bound->size() != 1)
      return call.fail("expected '" + name + "' to be one integer, got " +
                       llvm::Twine(bound->size()));
    bounds.push_back(bound->front());
  }
  auto [start, limit, delta] = std::tuple(bounds[0], bounds[1], bounds[2]);
  if (isSize(delta, 0))
    return call.fail("expected a 'delta' that is not 0");
  TensorBuilder &tensors = call.tensors;
  OpFoldResult count = tensors.subtract(limit, start);
  if (isSize(start, 0))
    count = limit;
  if (!isSize(delta, 1) || !isSize(start, 0) || getConstantIntValue(count)) {
    OpBuilder &b = tensors.builder;
    Value steps = b.createOrFold<arith::CeilDivSIOp>(
        tensors.location, tensors.asIndex(count), tensors.asIndex(delta));
    count = getAsOpFoldResult(b.createOrFold<arith::MaxSIOp>(
        tensors.location, steps, tensors.asIndex(tensors.constantSize(0))));
  }
  SizedTensor range = tensors.iota(start, count, delta);
  return OnnxValues{call.cast(range, call.input(0).type())};
}

/// `tensor` with its one size that is not known as what it has to be for as
/// many elements as a tensor of `shape` has.
static FailureOr<SizedTensor> fixSize(OnnxCall &call, SizedTensor tensor,
                                      const TensorSizes &shape) {
  SizeProduct have(tensor.sizes), want(shape);
  have.cancel(want);
  if (!want.unknown.empty() || have.unknown.size() != 1 || have.number == 0)
    return tensor;
  if (want.number % have.number != 0)
    return call.fail("expected a shape of as many elements as the input has");
  TensorBuilder &tensors = call.tensors;
  Value unknown = have.unknown.front().first;
  int64_t number = want.number / have.number;
  tensors.known.numbers.push_back({unknown, number});
  for (OpFoldResult &size : tensor.sizes)
    if (size == OpFoldResult(unknown))
      size = tensors.constantSize(number);
  tensor.value = tensors.builder.createOrFold<tensor::CastOp>(
      tensors.location, tensors.getType(tensor.sizes, tensor.elementType()),
      tensor.value);
  return tensor;
}

/// Sizes may copy one of the input (0), and one may be what is left (-1).
static FailureOr<OnnxValues> importReshape(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  FailureOr<TensorSizes> sizes = call.asSizes(call.input(1), "shape");
  if (failed(sizes))
    return failure();
  TensorSizes given = call.sizesOf(call.input(0));
  bool allowsZero = call.integer("allowzero", 0) != 0;
  std::optional<size_t> left;
  TensorSizes others;
  for (auto [dim, size] : llvm::enumerate(*sizes)) {
    if (isSize(size, 0) && !allowsZero) {
      if (dim >= given.size())
        return call.fail("expected a size to copy at dimension " +
                         llvm::Twine(dim) + ", got an input of rank " +
                         llvm::Twine(given.size()));
      size = given[dim];
    }
    if (isSize(size, -1)) {
      if (left)
        return call.fail("expected one size of -1 at most, got two");
      left = dim;
    } else {
      others.push_back(size);
    }
  }
  std::optional<OpFoldResult> rest = call.tensors.divide(given, others);
  std::optional<int64_t> one = rest ? getConstantIntValue(*rest) : std::nullopt;
  bool isEmpty =
      llvm::any_of(others, [](OpFoldResult size) { return isSize(size, 0); });
  if (!rest && !(isEmpty && !left && llvm::any_of(given, [](OpFoldResult size) {
                   return getConstantIntValue(size).value_or(0) == 0;
                 })))
    return call.fail("expected a shape of as many elements as the input has");
  if (rest && !left && one && *one != 1)
    return call.fail("expected a shape of as many elements as the input has");
  if (left)
    (*sizes)[*left] = *rest;
  if (left || one || !rest)
    return OnnxValues{call.reshape(call.input(0), *sizes)};
  // Exporters that trace take sizes of their example for constants.
  FailureOr<SizedTensor> fixed =
      fixSize(call, call.asTensor(call.input(0)), *sizes);
  if (failed(fixed))
    return failure();
  return OnnxValues{call.reshape(*fixed, *sizes)};
}

static FailureOr<OnnxValues> importFlatten(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorSizes given = call.sizesOf(call.input(0));
  int64_t rank = given.size(), axis = call.integer("axis", 1);
  if (axis < -rank || axis > rank)
    return call.fail("expected 'axis' up to " + llvm::Twine(rank) + ", got " +
                     llvm::Twine(axis));
  axis = axis < 0 ? axis + rank : axis;
  TensorSizes sizes(2, call.tensors.constantSize(1));
  for (int64_t dim = 0; dim < rank; ++dim)
    sizes[dim >= axis] = call.tensors.multiply(sizes[dim >= axis], given[dim]);
  return OnnxValues{call.reshape(call.input(0), sizes)};
}

static FailureOr<OnnxValues> importSqueeze(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  auto axes = call.integersOf(1, "axes");
  if (failed(axes))
    return failure();
  TensorSizes given = call.sizesOf(call.input(0)), sizes;
  SmallVector<int64_t> dropped;
  if (*axes) {
    for (int64_t value : **axes) {
      FailureOr<int64_t> axis = call.axis(value, given.size());
      if (failed(axis))
        return failure();
      if (std::optional<int64_t> size = getConstantIntValue(given[*axis]);
          size && *size != 1)
        return call.fail("expected a dimension of size 1 to leave out, got " +
                         llvm::Twine(*size));
      dropped.push_back(*axis);
    }
  } else {
    for (auto [dim, size] : llvm::enumerate(given)) {
      if (!getConstantIntValue(size))
        return call.fail("expected 'axes' where a size is not known");
      if (isSize(size, 1))
        dropped.push_back(dim);
    }
  }
  for (auto [dim, size] : llvm::enumerate(given))
    if (!llvm::is_contained(dropped, int64_t(dim)))
      sizes.push_back(size);
  return OnnxValues{call.reshape(call.input(0), sizes)};
}

static FailureOr<OnnxValues> importUnsqueeze(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  auto axes = call.integersOf(1, "axes");
  if (failed(axes))
    return failure();
  if (!*axes)
    return call.fail("expected 'axes', got none");
  TensorSizes given = call.sizesOf(call.input(0));
  TensorSizes sizes(given.size() + (*axes)->size());
  for (int64_t value : **axes) {
    FailureOr<int64_t> axis = call.axis(value, sizes.size());
    if (failed(axis))
      return failure();
    if (sizes[*axis])
      return call.fail("expected each of 'axes' once, got " +
                       llvm::Twine(value) + " again");
    sizes[*axis] = call.tensors.constantSize(1);
  }
  auto *next = given.begin();
  for (OpFoldResult &size : sizes)
    if (!size)
      size = *next++;
  return OnnxValues{call.reshape(call.input(0), sizes)};
}

static FailureOr<OnnxValues> importExpand(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  FailureOr<TensorSizes> target = call.asSizes(call.input(1), "shape");
  if (failed(target))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  std::optional<TensorSizes> sizes =
      call.tensors.broadcast({tensor.sizes, *target});
  if (!sizes)
    return call.fail("expected a shape that the input can be broadcast to");
  return OnnxValues{call.tensors.expand(tensor, *sizes)};
}

OnnxOperator attn::findShapeOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("Constant", importConstant)
      .Case("Shape", importShape)
      .Case("Size", importSize)
      .Case("ConstantOfShape", importConstantOfShape)
      .Case("EyeLike", importEyeLike)
      .Case("Range", importRange)
      .Case("Reshape", importReshape)
      .Case("Flatten", importFlatten)
      .Case("Squeeze", importSqueeze)
      .Case("Unsqueeze", importUnsqueeze)
      .Case("Expand", importExpand)
      .Default(nullptr);
}
