// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of ONNX, and operators of networks that are made of others.

#include "OnnxCall.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> importMatMul(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  return onlyResult(call.matmul(call.input(0), call.input(1)));
}

/// ONNX Runtime's alpha · A · B, of which the matrices may be transposed.
static FailureOr<OnnxValues> importFusedMatMul(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  OnnxValue operands[] = {call.input(0), call.input(1)};
  constexpr StringLiteral names[] = {"transA", "transB"};
  for (auto [operand, name] : llvm::zip(operands, names)) {
    int64_t rank = operand.rank();
    if (call.integer(name, 0) == 0 || rank < 2)
      continue;
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(rank));
    std::swap(order[rank - 1], order[rank - 2]);
    operand = call.tensors.transpose(call.asTensor(operand), order);
  }
  for (StringRef name : {"transBatchA", "transBatchB"})
    if (call.integer(name, 0) != 0)
      return call.fail("expected '" + name + "' 0");
  FailureOr<OnnxValue> result = call.matmul(operands[0], operands[1]);
  double factor = call.number("alpha", 1);
  if (succeeded(result) && factor != 1)
    result = call.elementwise("Mul",
                              {*result, call.constant(result->type(), factor)});
  return onlyResult(result);
}

/// alpha · A · B + beta · C, of matrices that may be transposed.
static FailureOr<OnnxValues> importGemm(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  OnnxValue operands[2];
  constexpr StringLiteral names[] = {"transA", "transB"};
  for (auto [index, name] : llvm::enumerate(names)) {
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
    return onlyResult(result);
  }
  FailureOr<OnnxValue> added = scale(call.input(2), "beta");
  if (failed(added))
    return failure();
  return onlyResult(call.elementwise("Add", {*result, *added}));
}

/// ONNX Runtime's, with an activation after it.
static FailureOr<OnnxValues> importFusedGemm(OnnxCall &call) {
  FailureOr<OnnxValues> result = importGemm(call);
  if (failed(result))
    return failure();
  return activate(call, result->front());
}

/// What `build` makes of an operand along an axis.
static FailureOr<OnnxValues> importAlongAxis(
    OnnxCall &call,
    llvm::function_ref<FailureOr<OnnxValue>(const SizedTensor &, int64_t)>
        build) {
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
    return onlyResult(build(tensor, *axis));
  // Before version 13, all dimensions from the axis on were one.
  TensorSizes sizes(2, call.tensors.constantSize(1));
  for (auto [dim, size] : llvm::enumerate(tensor.sizes)) {
    OpFoldResult &product = sizes[int64_t(dim) >= *axis];
    product = call.tensors.multiply(product, size);
  }
  FailureOr<OnnxValue> result = build(call.tensors.reshape(tensor, sizes), 1);
  if (failed(result))
    return failure();
  return OnnxValues{call.reshape(*result, tensor.sizes)};
}

static FailureOr<OnnxValues> importSoftmax(OnnxCall &call) {
  return importAlongAxis(call, [&](const SizedTensor &tensor, int64_t axis) {
    return call.softmax(tensor, axis);
  });
}

/// x - max - log(Σ exp(x - max)): probabilities themselves may be too small.
static FailureOr<OnnxValues> importLogSoftmax(OnnxCall &call) {
  return importAlongAxis(
      call,
      [&](const SizedTensor &tensor, int64_t axis) -> FailureOr<OnnxValue> {
        Type type = tensor.elementType();
        Type wide = type.isF64() ? type : call.tensors.builder.getF32Type();
        SizedTensor x = call.asTensor(call.cast(tensor, wide));
        FailureOr<OnnxValue> shifted =
            call.elementwise("Sub", {x, call.extreme(x, axis, true)});
        if (failed(shifted))
          return failure();
        FailureOr<OnnxValue> powers = call.elementwise("Exp", *shifted);
        if (failed(powers))
          return failure();
        FailureOr<OnnxValue> logarithm =
            call.elementwise("Log", {call.sum(call.asTensor(*powers), axis)});
        if (failed(logarithm))
          return failure();
        FailureOr<OnnxValue> result =
            call.elementwise("Sub", {*shifted, *logarithm});
        if (failed(result))
          return failure();
        return call.cast(*result, type);
      });
}

OnnxOperator attn::findNetworkOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("MatMul", importMatMul)
      .Case("Gemm", importGemm)
      .Case("Softmax", importSoftmax)
      .Case("LogSoftmax", importLogSoftmax)
      .Case("Attention", importAttention)
      .Case("LinearAttention", importLinearAttention)
      .Case("Conv", importConvolution)
      .Case("RotaryEmbedding", importRotaryEmbedding)
      .Case("Einsum", importEinsum)
      .Case("com.microsoft.Attention", importRuntimeAttention)
      .Case("com.microsoft.FusedGemm", importFusedGemm)
      .Case("com.microsoft.FusedMatMul", importFusedMatMul)
      .Case("com.microsoft.GroupQueryAttention", importGroupQueryAttention)
      .Case("com.microsoft.MultiHeadAttention", importMultiHeadAttention)
      .Case("com.microsoft.RotaryEmbedding", importRuntimeRotaryEmbedding)
      .Case("TensorScatter", importTensorScatter)
      .Default(nullptr);
}
