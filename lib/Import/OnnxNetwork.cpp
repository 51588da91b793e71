// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that sum, and those of networks that are made of others.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> wrap(FailureOr<OnnxValue> value) {
  if (failed(value))
    return failure();
  return OnnxValues{*value};
}

static FailureOr<OnnxValues> importMatMul(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  return wrap(call.matmul(call.input(0), call.input(1)));
}

/// alpha · A · B + beta · C, of matrices that may be transposed.
static FailureOr<OnnxValues> importGemm(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  OnnxValue operands[2];
  for (auto [index, name] :
       llvm::enumerate(ArrayRef<StringRef>{"transA", "transB"})) {
    SizedTensor matrix = call.asTensor(call.input(index));
    if (matrix.rank() != 2)
      return call.fail("expected matrices, got a tensor of rank " +
                       llvm::Twine(matrix.rank()));
    operands[index] = call.integer(name, 0) != 0
                          ? call.tensors.transpose(matrix, {1, 0})
                          : matrix;
  }
  FailureOr<OnnxValue> result = call.matmul(operands[0], operands[1]);
  auto scale = [&](OnnxValue value, StringRef name) -> FailureOr<OnnxValue> {
    double factor = call.number(name, 1);
    if (factor == 1)
      return value;
    return call.elementwise("Mul",
                            {value, call.constant(value.type(), factor)});
  };
  if (succeeded(result))
    result = scale(*result, "alpha");
  if (failed(result) || !call.input(2)) {
    (void)call.find("beta");
    return wrap(result);
  }
  FailureOr<OnnxValue> added = scale(call.input(2), "beta");
  if (failed(added))
    return failure();
  return wrap(call.elementwise("Add", {*result, *added}));
}

static FailureOr<OnnxValues> importSoftmax(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  bool isOld = call.opset() < 13;
  FailureOr<int64_t> axis =
      call.axis(call.integer("axis", isOld ? 1 : -1), tensor.rank());
  if (failed(axis))
    return failure();
  if (!isa<FloatType>(tensor.elementType()))
    return call.fail("expected an operand of floats");
  if (!isOld)
    return OnnxValues{call.softmax(tensor, *axis)};
  // Before version 13, all dimensions from the axis on were one.
  TensorSizes sizes(2, call.tensors.constantSize(1));
  for (auto [dim, size] : llvm::enumerate(tensor.sizes)) {
    OpFoldResult &product = sizes[int64_t(dim) >= *axis];
    product = call.tensors.multiply(product, size);
  }
  SizedTensor rows = call.tensors.reshape(tensor, sizes);
  return OnnxValues{call.reshape(call.softmax(rows, 1), tensor.sizes)};
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// The lowest number of a type.
static double getLowest(Type type) {
  if (isa<FloatType>(type))
    return -std::numeric_limits<double>::infinity();
  return -std::ldexp(1.0, type.getIntOrFloatBitWidth() - 1);
}

static SizedTensor sum(OnnxCall &call, const SizedTensor &tensor,
                       ArrayRef<int64_t> axes) {
  Type type = tensor.elementType();
  return call.tensors.reduce(
      tensor, axes, call.tensors.scalar(type, 0),
      [&](OpBuilder &b, Location loc, Value total, Value x) -> Value {
        if (isa<FloatType>(type))
          return arith::AddFOp::create(b, loc, total, x);
        return arith::AddIOp::create(b, loc, total, x);
      });
}

/// The mean, in the type of `tensor`, which is of floats.
static FailureOr<OnnxValue> mean(OnnxCall &call, const SizedTensor &tensor,
                                 ArrayRef<int64_t> axes) {
  OpFoldResult count = call.tensors.constantSize(1);
  for (int64_t axis : axes)
    count = call.tensors.multiply(count, tensor.sizes[axis]);
  OnnxValue divisor =
      call.cast(OnnxValue::scalar(call.asInteger(count)), tensor.elementType());
  return call.elementwise("Div", {sum(call, tensor, axes), divisor});
}

static SizedTensor maximum(OnnxCall &call, const SizedTensor &tensor,
                           ArrayRef<int64_t> axes) {
  Type type = tensor.elementType();
  return call.tensors.reduce(
      tensor, axes, call.tensors.scalar(type, getLowest(type)),
      [&](OpBuilder &b, Location loc, Value total, Value x) -> Value {
        if (isa<FloatType>(type))
          return arith::MaximumFOp::create(b, loc, total, x);
        return arith::MaxSIOp::create(b, loc, total, x);
      });
}

static FailureOr<OnnxValues> importReduction(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  auto given = call.integersOf(1, "axes");
  if (failed(given))
    return failure();
  SmallVector<int64_t> axes;
  bool keepsAll = call.integer("noop_with_empty_axes", 0) != 0;
  bool keepsDims = call.integer("keepdims", 1) != 0;
  for (int64_t value : given->value_or(SmallVector<int64_t>())) {
    FailureOr<int64_t> axis = call.axis(value, tensor.rank());
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
  }
  if (axes.empty() && keepsAll)
    return OnnxValues{tensor};
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(tensor.rank()));

  // Narrow floats are summed as f32.
  Type type = tensor.elementType();
  bool isFloat = isa<FloatType>(type);
  if (type.isInteger(1) || (!isFloat && call.node.operation == "ReduceMean"))
    return call.fail("expected an operand of numbers that " +
                     call.node.operation + " is defined for");
  FailureOr<OnnxValue> result = OnnxValue();
  if (call.node.operation == "ReduceMax") {
    result = OnnxValue(maximum(call, tensor, axes));
  } else {
    Type wide = isFloat && type.getIntOrFloatBitWidth() < 32
                    ? Type(call.tensors.builder.getF32Type())
                    : type;
    SizedTensor operand = call.cast(tensor, wide).tensor();
    result = call.node.operation == "ReduceMean"
                 ? mean(call, operand, axes)
                 : FailureOr<OnnxValue>(OnnxValue(sum(call, operand, axes)));
    if (failed(result))
      return failure();
    result = call.cast(*result, type);
  }
  if (keepsDims)
    return wrap(result);
  TensorSizes sizes;
  for (auto [dim, size] : llvm::enumerate(tensor.sizes))
    if (!llvm::is_contained(axes, int64_t(dim)))
      sizes.push_back(size);
  return OnnxValues{call.reshape(*result, sizes)};
}

/// (x - mean) / √(variance + epsilon) · scale + bias over the dimensions from
/// the axis on, in f32; also the mean and the inverse of the deviation.
static FailureOr<OnnxValues> importLayerNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  OnnxValue x = call.input(0);
  Type type = x.type(), wide = call.tensors.builder.getF32Type();
  FailureOr<int64_t> axis = call.axis(call.integer("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  double epsilon = call.number("epsilon", 1e-5);
  if (call.integer("stash_type", 1) != 1 || !isa<FloatType>(type))
    return call.fail("expected floats that are normalised as FLOAT");
  if (type.isF64())
    wide = type;
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(*axis, x.rank()));

  // Each step fails if one before did.
  FailureOr<OnnxValue> value = call.cast(x, wide);
  auto apply = [&](StringRef operation, FailureOr<OnnxValue> a,
                   FailureOr<OnnxValue> b) -> FailureOr<OnnxValue> {
    if (failed(a) || failed(b))
      return failure();
    return call.elementwise(operation, {*a, *b});
  };
  auto average = [&](FailureOr<OnnxValue> a) -> FailureOr<OnnxValue> {
    if (failed(a))
      return failure();
    return mean(call, call.asTensor(*a), axes);
  };
  FailureOr<OnnxValue> centre = average(value);
  FailureOr<OnnxValue> centred = apply("Sub", value, centre);
  FailureOr<OnnxValue> variance = average(apply("Mul", centred, centred));
  variance = apply("Add", variance, call.constant(wide, epsilon));
  if (failed(variance))
    return failure();
  FailureOr<OnnxValue> deviation = call.elementwise("Sqrt", *variance);
  FailureOr<OnnxValue> result = apply("Div", centred, deviation);
  if (failed(result))
    return failure();
  result = apply("Mul", call.cast(*result, type), call.input(1));
  if (call.input(2))
    result = apply("Add", result, call.input(2));
  FailureOr<OnnxValue> inverse = call.elementwise("Reciprocal", *deviation);
  if (failed(result) || failed(inverse))
    return failure();
  return OnnxValues{*result, *centre, *inverse};
}

OnnxOperator attn::findNetworkOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("MatMul", importMatMul)
      .Case("Gemm", importGemm)
      .Case("Softmax", importSoftmax)
      .Cases({"ReduceMax", "ReduceMean", "ReduceSum"}, importReduction)
      .Case("LayerNormalization", importLayerNormalization)
      .Case("Attention", importAttention)
      .Case("TensorScatter", importTensorScatter)
      .Default(nullptr);
}
