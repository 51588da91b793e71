// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators that make numbers integers of 8 or 16 bits, with a scale and a
// zero point, and integers numbers again.

#include "OnnxQuantization.h"
#include "OnnxScalars.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

bool attn::isByte(Type type) {
  return type.isSignlessInteger(8) || type.isUnsignedInteger(8);
}

std::pair<double, double> attn::rangeOf(Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (type.isUnsignedInteger())
    return {0, llvm::maxUIntN(width)};
  return {llvm::minIntN(width), llvm::maxIntN(width)};
}

/// Whether numbers are quantised to this type.
static bool isSteps(Type type) {
  return isByte(type) || type.isSignlessInteger(16) ||
         type.isUnsignedInteger(16);
}

/// Whether a scale or a zero point is that of all numbers.
static bool isOne(OnnxCall &call, const OnnxValue &numbers) {
  TensorSizes sizes = call.sizesOf(numbers);
  return sizes.empty() || (sizes.size() == 1 && isSize(sizes[0], 1));
}

/// Scales or zero points in sizes that go with those of what they are of, one
/// for all, or for each index of `axis`.
static FailureOr<OnnxValue> alignParameters(OnnxCall &call,
                                            const OnnxValue &numbers,
                                            int64_t rank, int64_t axis) {
  TensorBuilder &tensors = call.tensors;
  if (isOne(call, numbers))
    return call.reshape(numbers, {});
  if (numbers.rank() != 1)
    return call.fail("expected scales and zero points of rank 0 or 1, got "
                     "rank " +
                     Twine(numbers.rank()));
  TensorSizes aligned(rank, tensors.constantSize(1));
  aligned[axis] = call.sizesOf(numbers).front();
  return OnnxValue(tensors.reshape(call.asTensor(numbers), aligned));
}

namespace {

/// The operands of DequantizeLinear and QuantizeLinear, in sizes that can be
/// broadcast.
struct Quantised {
  OnnxValue x, scale, zero;
  /// Of x as it was: blocks are dimensions of their own in it.
  TensorSizes sizes;
};

} // namespace

static FailureOr<Quantised> readOperands(OnnxCall &call) {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  Quantised result{call.input(0), call.input(1), call.input(2),
                   call.sizesOf(call.input(0))};
  int64_t rank = result.x.rank();
  int64_t place = call.integer("axis", 1);
  int64_t block = call.integer("block_size", 0);
  bool isOfAll =
      isOne(call, result.scale) && (!result.zero || isOne(call, result.zero));
  FailureOr<int64_t> axis = isOfAll ? 0 : call.axis(place, rank);
  if (failed(axis))
    return failure();
  if (block == 0) {
    for (OnnxValue *numbers : {&result.scale, &result.zero}) {
      if (!*numbers)
        continue;
      FailureOr<OnnxValue> aligned =
          alignParameters(call, *numbers, rank, *axis);
      if (failed(aligned))
        return failure();
      *numbers = *aligned;
    }
    return result;
  }
  std::optional<int64_t> size = getConstantIntValue(result.sizes[*axis]);
  if (block < 0 || !size || *size % block != 0 || result.scale.rank() != rank ||
      (result.zero && result.zero.rank() != rank))
    return call.fail("expected blocks of a size that divides the axis, and as "
                     "many dimensions of scales as of the input");
  TensorSizes sizes = result.sizes;
  sizes[*axis] = tensors.constantSize(*size / block);
  sizes.insert(sizes.begin() + *axis + 1, tensors.constantSize(block));
  result.x = tensors.reshape(call.asTensor(result.x), sizes);
  for (OnnxValue *numbers : {&result.scale, &result.zero})
    if (*numbers) {
      SizedTensor tensor = call.asTensor(*numbers);
      sizes = tensor.sizes;
      sizes.insert(sizes.begin() + *axis + 1, tensors.constantSize(1));
      *numbers = tensors.reshape(tensor, sizes);
    }
  return result;
}

/// The type of floats or of quantised numbers that an attribute asks for, if
/// it does.
static FailureOr<Type> readOutputType(OnnxCall &call, Type otherwise) {
  auto kind = OnnxType(call.integer("output_dtype", 0));
  if (kind == OnnxType::Undefined)
    return otherwise;
  Type type = getElementType(call.tensors.builder.getContext(), kind);
  if (!type || isa<FloatType>(type) != isa<FloatType>(otherwise))
    return call.fail("expected an 'output_dtype' that attn has, got " +
                     nameOf(kind));
  return type;
}

FailureOr<OnnxValue> attn::dequantise(OnnxCall &call, const OnnxValue &x,
                                      const OnnxValue &zero,
                                      const OnnxValue &scale) {
  SmallVector<OnnxValue> operands{x, scale};
  if (zero)
    operands.push_back(zero);
  Type wide = call.tensors.builder.getF32Type();
  return call.map(operands, wide, [&](ScalarBuilder &scalars, ValueRange at) {
    Value steps = scalars.cast(at[0], wide);
    if (zero)
      steps = scalars.build("Sub", {steps, scalars.cast(at[2], wide)});
    return scalars.build("Mul", {steps, scalars.cast(at[1], wide)});
  });
}

static FailureOr<OnnxValues> importDequantizeLinear(OnnxCall &call) {
  FailureOr<Quantised> operands = readOperands(call);
  if (failed(operands))
    return failure();
  auto &[x, scale, zero, sizes] = *operands;
  bool isOfSums = x.type().isInteger(32);
  if ((!isSteps(x.type()) && !isOfSums) || !isa<FloatType>(scale.type()) ||
      (zero && zero.type() != x.type()))
    return call.fail("expected integers of 8 or 16 bits or INT32, zero points "
                     "of the same type, and scales of floats");
  FailureOr<Type> type = readOutputType(call, scale.type());
  // Sums have no zero point but 0.
  FailureOr<OnnxValue> result =
      dequantise(call, x, isOfSums ? OnnxValue() : zero, scale);
  if (failed(type) || failed(result))
    return failure();
  return OnnxValues{call.reshape(call.cast(*result, *type), sizes)};
}

FailureOr<OnnxValue> attn::quantise(OnnxCall &call, const OnnxValue &x,
                                    const OnnxValue &scale,
                                    const OnnxValue &zero, Type type) {
  // One loop: a graph may have this at each of its edges.
  SmallVector<OnnxValue> operands{x, scale};
  if (zero)
    operands.push_back(zero);
  Type wide = call.tensors.builder.getF32Type();
  return call.map(operands, type, [&](ScalarBuilder &scalars, ValueRange at) {
    Value steps = scalars.build(
        "Div", {scalars.cast(at[0], wide), scalars.cast(at[1], wide)});
    steps = scalars.build("Round", steps);
    if (zero)
      steps = scalars.build("Add", {steps, scalars.cast(at[2], wide)});
    auto [least, most] = rangeOf(type);
    steps = scalars.build("Max", {steps, scalars.constant(wide, least)});
    steps = scalars.build("Min", {steps, scalars.constant(wide, most)});
    return scalars.cast(steps, type);
  });
}

static FailureOr<OnnxValues> importQuantizeLinear(OnnxCall &call) {
  // Which is of types of floats of 8 bits, and of how to divide.
  (void)call.find("saturate");
  (void)call.find("precision");
  FailureOr<Quantised> operands = readOperands(call);
  if (failed(operands))
    return failure();
  auto &[x, scale, zero, sizes] = *operands;
  Type byte = IntegerType::get(call.tensors.builder.getContext(), 8,
                               IntegerType::Unsigned);
  FailureOr<Type> type = readOutputType(call, zero ? zero.type() : byte);
  if (failed(type))
    return failure();
  if (!isa<FloatType>(x.type()) || !isa<FloatType>(scale.type()) ||
      !isSteps(*type) || (zero && zero.type() != *type))
    return call.fail("expected floats, scales of floats, and a result of 8 or "
                     "16 bits, of which zero points are too");
  FailureOr<OnnxValue> result = quantise(call, x, scale, zero, *type);
  if (failed(result))
    return failure();
  return OnnxValues{call.reshape(*result, sizes)};
}

/// 255 steps from the least to the largest number, 0 among them.
FailureOr<OnnxValues> attn::importDynamicQuantizeLinear(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor x = call.asTensor(call.input(0));
  Type type = x.elementType();
  if (!type.isF32())
    return call.fail("expected an operand of FLOAT");
  auto axes = llvm::to_vector(llvm::seq<int64_t>(x.rank()));
  auto reduce = [&](StringRef operation) {
    SizedTensor all = tensors.reduce(
        x, axes, tensors.scalar(type, 0),
        [&](OpBuilder &b, Location loc, Value total, Value number) {
          return ScalarBuilder(b, loc).build(operation, {total, number});
        });
    return call.reshape(all, {});
  };
  OnnxValue least = reduce("Min"), most = reduce("Max");
  Type byte = IntegerType::get(type.getContext(), 8, IntegerType::Unsigned);
  auto [first, last] = rangeOf(byte);
  FailureOr<OnnxValue> scale = call.elementwise("Sub", {most, least});
  scale = call.elementwise("Div", {*scale, call.constant(type, last)});
  // Zeros alone are one step each.
  FailureOr<OnnxValue> isNone = call.elementwise("Equal", {most, least});
  scale = call.elementwise("Where", {*isNone, call.constant(type, 1), *scale});
  FailureOr<OnnxValue> zero = call.elementwise("Neg", least);
  zero = quantise(call, *zero, *scale, OnnxValue(), byte);
  if (failed(zero))
    return failure();
  FailureOr<OnnxValue> result = quantise(call, x, *scale, *zero, byte);
  if (failed(result))
    return failure();
  return OnnxValues{*result, *scale, *zero};
}

/// Along the axis that the node has, of an operator as old as it says.
static FailureOr<OnnxValue> softmax(OnnxCall &call, const OnnxValue &x) {
  int64_t place = call.integer("axis", -1), opset = call.integer("opset", 0);
  FailureOr<int64_t> axis = call.axis(place, x.rank());
  if (failed(axis))
    return failure();
  // Older ones are of all axes from there on.
  if (opset < 13 && *axis + 1 != x.rank())
    return call.fail("expected the last axis, or an 'opset' of 13 at least, "
                     "got axis " +
                     Twine(place) + " and " + Twine(opset));
  return call.softmax(call.asTensor(x), *axis);
}

/// Scalars of one scale, and of one zero point that may be left out, of numbers
/// of `type`.
static LogicalResult makeScalars(OnnxCall &call, OnnxValue &scale,
                                 OnnxValue &zero, Type type) {
  if (!scale || !isa<FloatType>(scale.type()) || !isOne(call, scale) ||
      (zero && (zero.type() != type || !isOne(call, zero))))
    return call.fail("expected scales of floats and zero points of the type of "
                     "the operands, one of each for all numbers");
  for (OnnxValue *numbers : {&scale, &zero})
    if (*numbers)
      *numbers = call.reshape(*numbers, {});
  return success();
}

FailureOr<OnnxValue> attn::readBytes(OnnxCall &call, const OnnxValue &x,
                                     OnnxValue scale, OnnxValue zero) {
  if (!x || !isByte(x.type()))
    return call.fail("expected operands of INT8 or UINT8");
  if (failed(makeScalars(call, scale, zero, x.type())))
    return failure();
  return dequantise(call, x, zero, scale);
}

/// An operand of ONNX Runtime's, which is at input `first`, before its scale
/// and its zero point.
static FailureOr<OnnxValue> readOperand(OnnxCall &call, size_t first) {
  return readBytes(call, call.input(first), call.input(first + 1),
                   call.input(first + 2));
}

/// A result in the steps whose scale is at input `first`.
static FailureOr<OnnxValues> writeResult(OnnxCall &call,
                                         FailureOr<OnnxValue> value,
                                         size_t first, Type type) {
  OnnxValue scale = call.input(first), zero = call.input(first + 1);
  if (failed(value) || failed(makeScalars(call, scale, zero, type)))
    return failure();
  return onlyResult(quantise(call, *value, scale, zero, type));
}

/// ONNX Runtime's: QLinearAdd is Add of quantised numbers, and so on. Each
/// operand comes with its scale and zero point, and those of the result follow.
static FailureOr<OnnxValues> importQLinear(OnnxCall &call) {
  StringRef operation = call.node.operation;
  operation.consume_front("QLinear");
  bool isSoftmax = operation == "Softmax", isChoice = operation == "Where";
  size_t begin = isChoice ? 1 : 0;
  size_t result = isSoftmax || operation == "Sigmoid" ? 3 : begin + 6;
  if (failed(call.expectInputs(1, result + 2)))
    return failure();
  SmallVector<OnnxValue> operands;
  if (isChoice)
    operands.push_back(call.input(0));
  for (size_t i = begin; i < result; i += 3) {
    FailureOr<OnnxValue> numbers = readOperand(call, i);
    if (failed(numbers))
      return failure();
    operands.push_back(*numbers);
  }
  FailureOr<OnnxValue> value = isSoftmax
                                   ? softmax(call, operands.front())
                                   : call.elementwise(operation, operands);
  return writeResult(call, value, result, call.input(begin).type());
}

/// ONNX Runtime's: what makes numbers of the result comes first.
static FailureOr<OnnxValues> importQLinearConcat(OnnxCall &call) {
  size_t count = call.numInputs();
  OnnxValues operands;
  for (size_t i = 2; i < std::max<size_t>(count, 3); i += 3) {
    FailureOr<OnnxValue> numbers = readOperand(call, i);
    if (failed(numbers))
      return failure();
    operands.push_back(*numbers);
  }
  OnnxNode node;
  node.attributes = {makeAttribute("axis", call.integer("axis", 0))};
  OnnxCall joined = call.derive(node, operands);
  FailureOr<OnnxValues> values = findMovingOperator("Concat")(joined);
  if (failed(values))
    return failure();
  return writeResult(call, values->front(), 0, call.input(2).type());
}

OnnxOperator attn::findQuantizationOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("DequantizeLinear", importDequantizeLinear)
      .Case("QuantizeLinear", importQuantizeLinear)
      .Case("DynamicQuantizeLinear", importDynamicQuantizeLinear)
      .Case("MatMulInteger", importMatMulInteger)
      .Case("ConvInteger", importConvInteger)
      .Case("com.microsoft.DequantizeLinear", importDequantizeLinear)
      .Case("com.microsoft.QuantizeLinear", importQuantizeLinear)
      .Case("QLinearMatMul", importQLinearMatMul)
      .Case("com.microsoft.DynamicQuantizeMatMul", importDynamicQuantizeMatMul)
      .Case("com.microsoft.MatMulIntegerToFloat", importMatMulIntegerToFloat)
      .Case("com.microsoft.MatMulNBits", importMatMulNBits)
      .Case("com.microsoft.QLinearAdd", importQLinear)
      .Case("com.microsoft.QLinearMul", importQLinear)
      .Case("com.microsoft.QLinearConcat", importQLinearConcat)
      .Cases({"com.microsoft.QLinearSigmoid", "com.microsoft.QLinearSoftmax"},
             importQLinear)
      .Case("com.microsoft.QLinearWhere", importQLinear)
      .Case("com.microsoft.QGemm", importQGemm)
      .Case("com.microsoft.QAttention", importQuantisedAttention)
      .Case("com.microsoft.QEmbedLayerNormalization",
            importQuantisedEmbedLayerNormalization)
      .Default(nullptr);
}
