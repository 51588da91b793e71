// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that make one element of many along axes.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// `tensor` without the dimensions `axes`, which have size 1.
static OnnxValue dropAxes(OnnxCall &call, const OnnxValue &tensor,
                          ArrayRef<int64_t> axes) {
  TensorSizes sizes;
  for (auto [dim, size] : llvm::enumerate(call.sizesOf(tensor)))
    if (!llvm::is_contained(axes, int64_t(dim)))
      sizes.push_back(size);
  return call.reshape(tensor, sizes);
}

/// As wide as sums have to be: narrow floats are summed as f32.
static SizedTensor widen(OnnxCall &call, const SizedTensor &tensor) {
  Type type = tensor.elementType();
  if (!isa<FloatType>(type) || type.getIntOrFloatBitWidth() >= 32)
    return tensor;
  return call.cast(tensor, call.tensors.builder.getF32Type()).tensor();
}

/// log(Σ exp x), of powers that are 1 at most.
static FailureOr<OnnxValue> importLogSumExp(OnnxCall &call,
                                            const SizedTensor &tensor,
                                            ArrayRef<int64_t> axes) {
  Type type = tensor.elementType();
  // Where all are -∞, nothing can be taken from that.
  double lowest = type.isF64() ? std::numeric_limits<double>::lowest()
                               : std::numeric_limits<float>::lowest();
  FailureOr<OnnxValue> shift = call.elementwise(
      "Max", {call.extreme(tensor, axes, true), call.constant(type, lowest)});
  if (failed(shift))
    return failure();
  FailureOr<OnnxValue> powers = call.map(
      {tensor, *shift}, type, [](ScalarBuilder &scalars, ValueRange at) {
        return scalars.build("Exp", scalars.build("Sub", at));
      });
  if (failed(powers))
    return failure();
  return call.map({call.sum(call.asTensor(*powers), axes), *shift}, type,
                  [](ScalarBuilder &scalars, ValueRange at) {
                    Value logarithm = scalars.build("Log", at[0]);
                    return scalars.build("Add", {logarithm, at[1]});
                  });
}

/// The sum, or what is made of it, as wide as the operand.
static FailureOr<OnnxValue> importSum(OnnxCall &call, const SizedTensor &tensor,
                                      ArrayRef<int64_t> axes) {
  StringRef name = call.node.operation;
  if (name == "ReduceMean")
    return call.mean(tensor, axes);
  if (name == "ReduceLogSumExp")
    return importLogSumExp(call, tensor, axes);
  if (name == "ReduceSum" || name == "ReduceLogSum") {
    OnnxValue sum = call.sum(tensor, axes);
    return name == "ReduceSum" ? sum : call.elementwise("Log", sum);
  }
  if (name == "ReduceL1") {
    FailureOr<OnnxValue> numbers = call.elementwise("Abs", OnnxValue(tensor));
    if (failed(numbers))
      return failure();
    return OnnxValue(call.sum(call.asTensor(*numbers), axes));
  }
  if (name == "ReduceProd")
    return OnnxValue(call.tensors.reduce(
        tensor, axes, call.tensors.scalar(tensor.elementType(), 1),
        [](OpBuilder &b, Location loc, Value total, Value x) {
          return ScalarBuilder(b, loc).build("Mul", {total, x});
        }));
  FailureOr<OnnxValue> squares = call.elementwise("Mul", {tensor, tensor});
  if (failed(squares))
    return failure();
  OnnxValue sum = call.sum(call.asTensor(*squares), axes);
  return name == "ReduceL2" ? call.elementwise("Sqrt", sum) : sum;
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
  if (axes.empty() && !keepsAll)
    axes = llvm::to_vector(llvm::seq<int64_t>(tensor.rank()));

  StringRef name = call.node.operation;
  Type type = tensor.elementType();
  bool needsFloats = llvm::is_contained(
      {"ReduceMean", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}, name);
  bool isExtreme = name == "ReduceMax" || name == "ReduceMin";
  if ((type.isInteger(1) && !isExtreme) ||
      (needsFloats && !isa<FloatType>(type)))
    return call.fail("expected an operand of numbers that " + name +
                     " is defined for");
  FailureOr<OnnxValue> result = OnnxValue();
  if (isExtreme)
    result = OnnxValue(call.extreme(tensor, axes, name == "ReduceMax"));
  else
    result = importSum(call, widen(call, tensor), axes);
  if (failed(result))
    return failure();
  OnnxValue value = call.cast(*result, type);
  return OnnxValues{keepsDims ? value : dropAxes(call, value, axes)};
}

/// The index of the greatest or least element along an axis: the first, or the
/// last.
static FailureOr<OnnxValues> importArgument(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor tensor = call.asTensor(call.input(0));
  FailureOr<int64_t> axis = call.axis(call.integer("axis", 0), tensor.rank());
  if (failed(axis))
    return failure();
  bool isLast = call.integer("select_last_index", 0) != 0;
  bool keepsDims = call.integer("keepdims", 1) != 0;
  if (tensor.elementType().isInteger(1))
    return call.fail("expected an operand of numbers");
  SizedTensor best =
      call.extreme(tensor, *axis, call.node.operation == "ArgMax");
  Type type = tensors.builder.getI64Type();
  Value none = call.extreme(type, isLast);
  // All are as good as a NaN.
  SizedTensor places = tensors.map(
      {tensor, best}, tensor.sizes, type,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        Value isBest =
            isa<FloatType>(tensor.elementType())
                ? Value(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UEQ,
                                              arguments[0], arguments[1]))
                : Value(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                              arguments[0], arguments[1]));
        Value index = arith::IndexCastOp::create(
            b, loc, type, linalg::IndexOp::create(b, loc, *axis));
        return arith::SelectOp::create(b, loc, isBest, index, none);
      });
  OnnxValue result = call.extreme(places, *axis, isLast);
  return OnnxValues{keepsDims ? result : dropAxes(call, result, *axis)};
}

/// Sums of all elements up to each one, or from there on.
static FailureOr<OnnxValues> importCumSum(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  FailureOr<SmallVector<int64_t>> given =
      call.asIntegers(call.input(1), "axis");
  if (failed(given))
    return failure();
  if (given->size() != 1)
    return call.fail("expected 'axis' to be one integer, got " +
                     llvm::Twine(given->size()));
  FailureOr<int64_t> axis = call.axis(given->front(), tensor.rank());
  if (failed(axis))
    return failure();
  if (tensor.elementType().isInteger(1))
    return call.fail("expected an operand of numbers");
  bool isReverse = call.integer("reverse", 0) != 0;
  bool isExclusive = call.integer("exclusive", 0) != 0;
  using Predicate = arith::CmpIPredicate;
  Predicate counts = isReverse ? isExclusive ? Predicate::sgt : Predicate::sge
                     : isExclusive ? Predicate::slt
                                   : Predicate::sle;
  SizedTensor sums =
      call.tensors.accumulate(widen(call, tensor), *axis, counts);
  return OnnxValues{call.cast(sums, tensor.elementType())};
}

OnnxOperator attn::findReductionOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Cases({"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceMax"},
             importReduction)
      .Cases({"ReduceLogSumExp", "ReduceMean", "ReduceMin", "ReduceProd"},
             importReduction)
      .Cases({"ReduceSum", "ReduceSumSquare"}, importReduction)
      .Cases({"ArgMax", "ArgMin"}, importArgument)
      .Case("CumSum", importCumSum)
      .Default(nullptr);
}
