// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of ONNX, and operators of networks that are made of others.

#include "OnnxCall.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

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

static FailureOr<OnnxValues> importLogSoftmax(OnnxCall &call) {
  FailureOr<OnnxValues> result = importSoftmax(call);
  if (failed(result))
    return failure();
  return wrap(call.elementwise("Log", result->front()));
}

namespace {

/// What a norm over the dimensions from an axis on is made of: the operand, in
/// f32 at least, and steps, each of which fails if one before did.
struct Normalization {
  using Result = FailureOr<OnnxValue>;

  OnnxCall &call;
  SmallVector<int64_t> axes;
  double epsilon;
  OnnxValue value;

  static FailureOr<Normalization> read(OnnxCall &call) {
    OnnxValue x = call.input(0);
    FailureOr<int64_t> axis = call.axis(call.integer("axis", -1), x.rank());
    if (failed(axis))
      return failure();
    double epsilon = call.number("epsilon", 1e-5);
    if (call.integer("stash_type", 1) != 1 || !isa<FloatType>(x.type()))
      return call.fail("expected floats that are normalised as FLOAT");
    Type wide = call.tensors.builder.getF32Type();
    return Normalization{
        call, llvm::to_vector(llvm::seq<int64_t>(*axis, x.rank())), epsilon,
        call.cast(x, x.type().isF64() ? x.type() : wide)};
  }

  Result apply(StringRef operation, Result a, Result b) {
    if (failed(a) || failed(b))
      return failure();
    return call.elementwise(operation, {*a, *b});
  }
  Result average(Result a) {
    if (failed(a))
      return failure();
    return call.mean(call.asTensor(*a), axes);
  }
  /// √(mean of squares + epsilon)
  Result rootOfSquares(Result a) {
    Result sum = apply("Add", average(apply("Mul", a, a)),
                       call.constant(value.type(), epsilon));
    if (failed(sum))
      return failure();
    return call.elementwise("Sqrt", *sum);
  }
  /// a / divisor · scale, where the scale is the second operand.
  Result scale(Result a, Result divisor) {
    Result quotient = apply("Div", a, divisor);
    if (failed(quotient))
      return failure();
    return apply("Mul", call.cast(*quotient, call.input(0).type()),
                 call.input(1));
  }
};

} // namespace

/// (x - mean) / √(variance + epsilon) · scale + bias over the dimensions from
/// the axis on, in f32; also the mean and the inverse of the deviation.
static FailureOr<OnnxValues> importLayerNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  FailureOr<Normalization> norm = Normalization::read(call);
  if (failed(norm))
    return failure();
  FailureOr<OnnxValue> centre = norm->average(norm->value);
  FailureOr<OnnxValue> centred = norm->apply("Sub", norm->value, centre);
  FailureOr<OnnxValue> deviation = norm->rootOfSquares(centred);
  FailureOr<OnnxValue> result = norm->scale(centred, deviation);
  if (call.input(2))
    result = norm->apply("Add", result, call.input(2));
  if (failed(result))
    return failure();
  FailureOr<OnnxValue> inverse = call.elementwise("Reciprocal", *deviation);
  if (failed(inverse))
    return failure();
  return OnnxValues{*result, *centre, *inverse};
}

/// x / √(mean of squares + epsilon) · scale over the dimensions from the axis
/// on, in f32.
static FailureOr<OnnxValues> importRMSNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  FailureOr<Normalization> norm = Normalization::read(call);
  if (failed(norm))
    return failure();
  return wrap(norm->scale(norm->value, norm->rootOfSquares(norm->value)));
}

OnnxOperator attn::findNetworkOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("MatMul", importMatMul)
      .Case("Gemm", importGemm)
      .Case("Softmax", importSoftmax)
      .Case("LogSoftmax", importLogSoftmax)
      .Case("LayerNormalization", importLayerNormalization)
      .Case("RMSNormalization", importRMSNormalization)
      .Case("Attention", importAttention)
      .Case("Conv", importConvolution)
      .Case("RotaryEmbedding", importRotaryEmbedding)
      .Case("TensorScatter", importTensorScatter)
      .Default(nullptr);
}
