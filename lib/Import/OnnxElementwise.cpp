// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that compute each element by itself.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// As many inputs as there are, each of which is given.
static FailureOr<OnnxValues> readOperands(OnnxCall &call) {
  size_t count = call.numInputs();
  size_t least = std::max<size_t>(count, 1);
  if (failed(call.expectInputs(least, least)))
    return failure();
  OnnxValues operands;
  for (size_t i = 0; i < count; ++i)
    operands.push_back(call.input(i));
  return operands;
}

static FailureOr<OnnxValues> importElementwise(OnnxCall &call) {
  FailureOr<OnnxValues> operands = readOperands(call);
  if (failed(operands))
    return failure();
  return onlyResult(call.elementwise(call.node.operation, *operands));
}

static FailureOr<OnnxValues> importMod(OnnxCall &call) {
  if (call.integer("fmod", 0) != 0)
    return call.fail("expected 'fmod' 0, got another");
  return importElementwise(call);
}

static FailureOr<OnnxValues> importMean(OnnxCall &call) {
  FailureOr<OnnxValues> operands = readOperands(call);
  if (failed(operands))
    return failure();
  if (!isa<FloatType>(operands->front().type()))
    return call.fail("expected operands of floats");
  FailureOr<OnnxValue> sum = call.elementwise("Sum", *operands);
  if (failed(sum))
    return failure();
  double count = static_cast<double>(operands->size());
  return onlyResult(
      call.elementwise("Div", {*sum, call.constant(sum->type(), count)}));
}

/// Whether an element is ∞, or -∞, each if it is asked for.
static FailureOr<OnnxValues> importIsInf(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  OnnxValue x = call.input(0);
  if (!isa<FloatType>(x.type()))
    return call.fail("expected an operand of floats");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Type type = call.tensors.builder.getI1Type();
  const std::pair<bool, double> wanted[] = {
      {call.integer("detect_positive", 1) != 0, kInfinity},
      {call.integer("detect_negative", 1) != 0, -kInfinity}};
  return onlyResult(
      call.map({x}, type, [&](ScalarBuilder &scalars, ValueRange at) {
        Value found = scalars.constant(type, 0);
        for (auto [isWanted, number] : wanted)
          if (isWanted)
            found = scalars.build(
                "Or",
                {found,
                 scalars.build("Equal",
                               {at[0], scalars.constant(x.type(), number)})});
        return found;
      }));
}

static FailureOr<OnnxValues> importIdentity(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  return OnnxValues{call.input(0)};
}

/// Which drops nothing once a network is trained: the mask of what stays is of
/// ones.
static FailureOr<OnnxValues> importDropout(OnnxCall &call) {
  (void)call.find("ratio");
  (void)call.find("seed");
  if (failed(call.expectInputs(1, 3)))
    return failure();
  OnnxValue data = call.input(0);
  if (call.input(2)) {
    FailureOr<SmallVector<int64_t>> mode =
        call.asIntegers(call.input(2), "training_mode");
    if (failed(mode))
      return failure();
    if (!llvm::all_of(*mode, [](int64_t value) { return value == 0; }))
      return call.fail("expected inference, got a training mode");
  }
  Type type =
      call.opset() < 10 ? data.type() : Type(call.tensors.builder.getI1Type());
  SizedTensor mask =
      call.tensors.fill(call.sizesOf(data), call.tensors.scalar(type, 1));
  return OnnxValues{data, mask};
}

static FailureOr<OnnxValues> importCast(OnnxCall &call) {
  // Saturation is about types of 8 bits.
  (void)call.find("saturate");
  if (failed(call.expectInputs(1, 1)))
    return failure();
  auto to = OnnxType(call.integer("to", 0));
  Type type = getElementType(call.tensors.builder.getContext(), to);
  if (!type)
    return call.fail("expected 'to' FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT64, "
                     "INT32, INT16, UINT16, INT8, UINT8 or BOOL, got " +
                     nameOf(to));
  return OnnxValues{call.cast(call.input(0), type)};
}

static FailureOr<OnnxValues> importCastLike(OnnxCall &call) {
  (void)call.find("saturate");
  if (failed(call.expectInputs(2, 2)))
    return failure();
  return OnnxValues{call.cast(call.input(0), call.input(1).type())};
}

/// Between two bounds, of which both are optional.
static FailureOr<OnnxValues> importClip(OnnxCall &call) {
  if (failed(call.expectInputs(1, 3)))
    return failure();
  OnnxValue result = call.input(0);
  const std::tuple<size_t, StringRef, StringRef> bounds[] = {{1, "min", "Max"},
                                                             {2, "max", "Min"}};
  for (auto [index, name, operation] : bounds) {
    OnnxValue bound = call.input(index);
    if (!bound && call.has(name))
      bound = call.constant(result.type(), call.number(name, 0));
    if (!bound)
      continue;
    FailureOr<OnnxValue> next = call.elementwise(operation, {result, bound});
    if (failed(next))
      return failure();
    result = *next;
  }
  return OnnxValues{result};
}

OnnxOperator attn::findElementwiseOperator(StringRef name) {
  if (auto *found = llvm::StringSwitch<OnnxOperator>(name)
                        .Case("Mod", importMod)
                        .Case("Mean", importMean)
                        .Case("IsInf", importIsInf)
                        .Case("Identity", importIdentity)
                        .Case("Dropout", importDropout)
                        .Case("Cast", importCast)
                        .Case("CastLike", importCastLike)
                        .Case("Clip", importClip)
                        .Default(nullptr))
    return found;
  return ScalarBuilder::knows(name) ? importElementwise : nullptr;
}
