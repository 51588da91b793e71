// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operators of ONNX that others are made of.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// Whether an integer is the size of a tensor, and therefore not negative.
static bool isSizeOfTensor(Value integer) {
  auto cast = integer.getDefiningOp<arith::IndexCastOp>();
  return cast && cast.getIn().getDefiningOp<tensor::DimOp>();
}

/// Exporters ask of sizes whether they are -1, which stands for "as it was".
static bool neverEqual(Value a, Value b) {
  std::optional<int64_t> value = getConstantIntValue(b);
  return value && *value < 0 && isSizeOfTensor(a);
}

/// What `operation` gives for operands of these types; null if it is not
/// defined for them.
static Type getResultType(StringRef operation, TypeRange types, Location loc) {
  Block block;
  SmallVector<Location> locations(types.size(), loc);
  block.addArguments(types, locations);
  OpBuilder builder(loc.getContext());
  builder.setInsertionPointToEnd(&block);
  Value result = ScalarBuilder(builder, loc)
                     .build(operation, ValueRange(block.getArguments()));
  Type type = result ? result.getType() : Type();
  // Uses come after what they use.
  while (!block.empty())
    block.back().erase();
  return type;
}

FailureOr<OnnxValue> OnnxCall::elementwise(StringRef operation,
                                           ArrayRef<OnnxValue> operands) {
  SmallVector<Type> types(llvm::map_range(
      operands, [](const OnnxValue &value) { return value.type(); }));
  Type type = getResultType(operation, types, tensors.location);
  if (!type) {
    std::string got;
    llvm::raw_string_ostream os(got);
    llvm::interleaveComma(types, os);
    return fail("expected operands that " + operation +
                " is defined for, got " + got);
  }
  return map(operands, type, [&](ScalarBuilder &scalars, ValueRange at) {
    if (operation == "Equal" &&
        (neverEqual(at[0], at[1]) || neverEqual(at[1], at[0])))
      return scalars.constant(type, 0);
    return scalars.build(operation, at);
  });
}

/// A few scalars, repeated to `shape` as of a tensor.
static OnnxValue broadcastFew(const OnnxValue &value, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 0);
  size_t missing = shape.size() - value.rank();
  for (auto [dim, stride] : llvm::enumerate(value.strides()))
    if (value.shape()[dim] != 1)
      strides[missing + dim] = stride;
  return value.view(shape, strides);
}

FailureOr<OnnxValue> OnnxCall::map(ArrayRef<OnnxValue> operands, Type type,
                                   ScalarBody body) {
  SmallVector<TensorSizes> shapes(llvm::map_range(
      operands, [&](const OnnxValue &value) { return sizesOf(value); }));
  std::optional<TensorSizes> sizes = tensors.broadcast(shapes);
  if (!sizes) {
    std::string got;
    llvm::raw_string_ostream os(got);
    llvm::interleaveComma(operands, os, [&](const OnnxValue &value) {
      os << tensors.getType(sizesOf(value), value.type());
    });
    return fail("expected sizes that can be broadcast, got " + got);
  }

  std::optional<SmallVector<int64_t>> shape = getConstantIntValues(*sizes);
  if (shape && computeProduct(*shape) <= kFew &&
      llvm::all_of(operands, std::mem_fn(&OnnxValue::isFew))) {
    SmallVector<OnnxValue> aligned(
        llvm::map_range(operands, [&](const OnnxValue &value) {
          return broadcastFew(value, *shape);
        }));
    ScalarBuilder scalars(tensors.builder, tensors.location);
    SmallVector<Value> results;
    for (int64_t i = 0, end = computeProduct(*shape); i < end; ++i)
      results.push_back(body(
          scalars, llvm::map_to_vector(aligned, [&](const OnnxValue &value) {
            return value.elements()[i];
          })));
    return OnnxValue::few(type, results, *shape);
  }

  // One scalar for all is used as it is.
  SmallVector<SizedTensor> inputs;
  for (const OnnxValue &value : operands)
    if (value.elements().size() != 1)
      inputs.push_back(asTensor(value));
  return OnnxValue(tensors.map(
      inputs, *sizes, type,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        SmallVector<Value> at;
        size_t next = 0;
        for (const OnnxValue &value : operands)
          at.push_back(value.elements().size() == 1 ? value.elements().front()
                                                    : arguments[next++]);
        ScalarBuilder scalars(b, loc);
        return body(scalars, at);
      }));
}

OnnxValue OnnxCall::cast(const OnnxValue &value, Type type) {
  if (value.type() == type)
    return value;
  if (value.isFew()) {
    ScalarBuilder scalars(tensors.builder, tensors.location);
    SmallVector<Value> results(
        llvm::map_range(value.elements(), [&](Value element) {
          return scalars.cast(element, type);
        }));
    return OnnxValue::few(type, results, value.shape());
  }
  return OnnxValue(
      tensors.map(value.tensor(), value.tensor().sizes, type,
                  [&](OpBuilder &b, Location loc, ValueRange arguments) {
                    return ScalarBuilder(b, loc).cast(arguments[0], type);
                  }));
}

OnnxValue OnnxCall::softmax(const SizedTensor &tensor, int64_t axis) {
  Type type = tensor.elementType();
  // A sum of many small numbers in 16 bits loses most of them.
  Type wide = type.getIntOrFloatBitWidth() < 32
                  ? Type(tensors.builder.getF32Type())
                  : type;
  SizedTensor operand = cast(tensor, wide).tensor();
  return cast(tensors.softmax(operand, axis), type);
}

SizedTensor OnnxCall::sum(const SizedTensor &tensor, ArrayRef<int64_t> axes) {
  Type type = tensor.elementType();
  return tensors.reduce(tensor, axes, tensors.scalar(type, 0),
                        [&](OpBuilder &b, Location loc, Value total, Value x) {
                          return ScalarBuilder(b, loc).build("Add", {total, x});
                        });
}

Value OnnxCall::extreme(Type type, bool isLowest) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (isa<FloatType>(type))
    return tensors.scalar(type, isLowest ? -kInfinity : kInfinity);
  if (type.isInteger(1))
    return tensors.scalar(type, !isLowest);
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isLowest ? APInt::getSignedMinValue(width)
                         : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(tensors.builder, tensors.location,
                                   IntegerAttr::get(type, value));
}

SizedTensor OnnxCall::extreme(const SizedTensor &tensor, ArrayRef<int64_t> axes,
                              bool isGreatest) {
  Type type = tensor.elementType();
  bool isBool = type.isInteger(1);
  StringRef combiner = isGreatest ? isBool ? "Or" : "Max"
                       : isBool   ? "And"
                                  : "Min";
  return tensors.reduce(tensor, axes, extreme(type, isGreatest),
                        [&](OpBuilder &b, Location loc, Value total, Value x) {
                          return ScalarBuilder(b, loc).build(combiner,
                                                             {total, x});
                        });
}

FailureOr<OnnxValue> OnnxCall::mean(const SizedTensor &tensor,
                                    ArrayRef<int64_t> axes) {
  OpFoldResult count = tensors.constantSize(1);
  for (int64_t axis : axes)
    count = tensors.multiply(count, tensor.sizes[axis]);
  OnnxValue divisor =
      cast(OnnxValue::scalar(asInteger(count)), tensor.elementType());
  return elementwise("Div", {sum(tensor, axes), divisor});
}

OnnxValue OnnxCall::reshape(const OnnxValue &value,
                            ArrayRef<OpFoldResult> sizes) {
  if (std::optional<SmallVector<int64_t>> shape = getConstantIntValues(sizes);
      shape && value.isFew())
    return OnnxValue::few(value.type(), value.elements(), *shape);
  return OnnxValue(tensors.reshape(asTensor(value), sizes));
}

FailureOr<OnnxValue> OnnxCall::matmul(const OnnxValue &left,
                                      const OnnxValue &right) {
  SizedTensor a = asTensor(left), b = asTensor(right);
  if (a.rank() == 0 || b.rank() == 0)
    return fail("expected operands of rank 1 at least, got a scalar");
  if (a.elementType() != b.elementType() || a.elementType().isInteger(1) ||
      a.elementType().isUnsignedInteger())
    return fail("expected operands of one type of numbers");
  // Vectors are matrices of one row, or of one column.
  bool isRow = a.rank() == 1, isColumn = b.rank() == 1;
  OpFoldResult one = tensors.constantSize(1);
  if (isRow)
    a = tensors.reshape(a, {one, a.sizes[0]});
  if (isColumn)
    b = tensors.reshape(b, {b.sizes[0], one});
  std::optional<int64_t> depth = getConstantIntValue(a.sizes[a.rank() - 1]);
  std::optional<int64_t> other = getConstantIntValue(b.sizes[b.rank() - 2]);
  std::optional<TensorSizes> batch =
      tensors.broadcast({TensorSizes(ArrayRef(a.sizes).drop_back(2)),
                         TensorSizes(ArrayRef(b.sizes).drop_back(2))});
  if ((depth && other && *depth != *other) || !batch) {
    std::string got;
    llvm::raw_string_ostream(got)
        << a.value.getType() << " and " << b.value.getType();
    return fail("expected sizes of matrices that can be multiplied, got " +
                got);
  }
  SizedTensor result = tensors.multiply(a, b, *batch);
  TensorSizes sizes = result.sizes;
  if (isColumn)
    sizes.pop_back();
  if (isRow)
    sizes.erase(sizes.begin() + batch->size());
  return OnnxValue(tensors.reshape(result, sizes));
}
