// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's Resize, which encoders of images fit their positions to an image with:
// each element is a sum of a few of its neighbours along one axis after the
// other.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Arithmetic on scalars, with the names that ONNX has for it.
struct Arithmetic {
  ScalarBuilder scalars;
  Type type;

  Value number(double value) { return scalars.constant(type, value); }
  Value add(Value a, Value b) { return scalars.build("Add", {a, b}); }
  Value subtract(Value a, Value b) { return scalars.build("Sub", {a, b}); }
  Value multiply(Value a, Value b) { return scalars.build("Mul", {a, b}); }
  Value divide(Value a, Value b) { return scalars.build("Div", {a, b}); }
  Value floor(Value a) { return scalars.build("Floor", a); }
  Value ceil(Value a) { return scalars.build("Ceil", a); }
};

/// Imports one node.
class ResizeImporter {
public:
  explicit ResizeImporter(OnnxCall &call) : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  enum class Mode { Nearest, Linear, Cubic };

  LogicalResult readAttributes();
  LogicalResult readTargets();
  FailureOr<SmallVector<Value>> readScales(const OnnxValue &scales);
  SizedTensor resize(const SizedTensor &tensor, int64_t axis);
  Value findPlace(Arithmetic &to, int64_t axis, Value index, Value size);
  Value findNearest(Arithmetic &to, Value place);
  SmallVector<Value> weigh(Arithmetic &to, Value fraction);
  Value asNumber(OpFoldResult size);
  Value roundDown(Value number);

  OnnxCall &call;
  TensorBuilder &tensors;
  /// Of positions and sums: f32, or f64 where elements are. Rounding decides on
  /// neighbours, so it has to be that of other implementations.
  Type positionType;
  SizedTensor input;
  Mode mode = Mode::Nearest;
  StringRef transformation, rounding;
  double cubicCoefficient = 0;
  bool leavesOutOutside = false;
  /// Whether sizes follow from scales, or the other way round.
  bool isScaled = false;
  /// Of each axis of the input: the size of the result, how many times that of
  /// the input it is, and the size of the input.
  TensorSizes targets;
  SmallVector<Value> scales, extents;
};

} // namespace

LogicalResult ResizeImporter::readAttributes() {
  StringRef name = call.string("mode", "nearest");
  auto known = llvm::StringSwitch<std::optional<Mode>>(name)
                   .Case("nearest", Mode::Nearest)
                   .Case("linear", Mode::Linear)
                   .Case("cubic", Mode::Cubic)
                   .Default(std::nullopt);
  if (!known)
    return call.fail("expected 'mode' nearest, linear or cubic, got " + name);
  mode = *known;
  transformation = call.string("coordinate_transformation_mode", "half_pixel");
  if (!llvm::is_contained({"half_pixel", "half_pixel_symmetric",
                           "pytorch_half_pixel", "align_corners", "asymmetric"},
                          transformation))
    return call.fail("expected 'coordinate_transformation_mode' half_pixel, "
                     "half_pixel_symmetric, pytorch_half_pixel, align_corners "
                     "or asymmetric, got " +
                     transformation);
  rounding = call.string("nearest_mode", "round_prefer_floor");
  if (!llvm::is_contained(
          {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"},
          rounding))
    return call.fail("expected 'nearest_mode' round_prefer_floor, "
                     "round_prefer_ceil, floor or ceil, got " +
                     rounding);
  cubicCoefficient = call.number("cubic_coeff_a", -0.75);
  leavesOutOutside = call.integer("exclude_outside", 0) != 0;
  // What only other transformations ask for.
  (void)call.find("extrapolation_value");
  if (call.integer("antialias", 0) != 0)
    return call.fail("expected 'antialias' 0");
  if (StringRef policy = call.string("keep_aspect_ratio_policy", "stretch");
      policy != "stretch")
    return call.fail("expected 'keep_aspect_ratio_policy' stretch, got " +
                     policy);
  return success();
}

/// A size as a number of positions.
Value ResizeImporter::asNumber(OpFoldResult size) {
  ScalarBuilder scalars(tensors.builder, tensors.location);
  return scalars.cast(call.asInteger(size), positionType);
}

/// One number for each axis.
FailureOr<SmallVector<Value>>
ResizeImporter::readScales(const OnnxValue &scales) {
  if (scales.rank() != 1 || !isa<FloatType>(scales.type()))
    return call.fail("expected 'scales' to be floats of rank 1");
  SizedTensor tensor = call.asTensor(scales);
  std::optional<int64_t> count = getConstantIntValue(tensor.sizes[0]);
  if (!count)
    return call.fail("expected a known number of 'scales'");
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < *count; ++i)
    numbers.push_back(tensors.builder.createOrFold<tensor::ExtractOp>(
        tensors.location, tensor.value,
        tensors.asIndex(tensors.constantSize(i))));
  return numbers;
}

/// A number that is not negative as an integer.
Value ResizeImporter::roundDown(Value number) {
  ScalarBuilder scalars(tensors.builder, tensors.location);
  return scalars.cast(scalars.build("Floor", number),
                      tensors.builder.getI64Type());
}

LogicalResult ResizeImporter::readTargets() {
  OnnxValue givenScales = call.input(2), givenSizes = call.input(3);
  auto isEmpty = [&](const OnnxValue &value) {
    return !value || (value.rank() == 1 && isSize(call.sizesOf(value)[0], 0));
  };
  if (isEmpty(givenScales) == isEmpty(givenSizes))
    return call.fail("expected either 'scales' or 'sizes'");
  SmallVector<int64_t> axes = call.integers("axes").value_or(
      llvm::to_vector(llvm::seq<int64_t>(input.rank())));

  targets = input.sizes;
  for (OpFoldResult size : input.sizes)
    extents.push_back(asNumber(size));
  ScalarBuilder scalars(tensors.builder, tensors.location);
  scales.assign(input.rank(), scalars.constant(positionType, 1));
  FailureOr<TensorSizes> sizes = TensorSizes();
  FailureOr<SmallVector<Value>> numbers = SmallVector<Value>();
  isScaled = !isEmpty(givenScales);
  if (!isScaled)
    sizes = call.asSizes(givenSizes, "sizes");
  else
    numbers = readScales(givenScales);
  if (failed(sizes) || failed(numbers))
    return failure();
  if (std::max(sizes->size(), numbers->size()) != axes.size())
    return call.fail("expected one of 'scales' or 'sizes' for each of " +
                     Twine(axes.size()) + " axes, got " +
                     Twine(std::max(sizes->size(), numbers->size())));
  for (auto [index, place] : llvm::enumerate(axes)) {
    FailureOr<int64_t> axis = call.axis(place, input.rank());
    if (failed(axis))
      return failure();
    if (!isScaled) {
      targets[*axis] = (*sizes)[index];
      scales[*axis] =
          scalars.build("Div", {asNumber(targets[*axis]), extents[*axis]});
      continue;
    }
    scales[*axis] = scalars.cast((*numbers)[index], positionType);
    if (!matchPattern(scales[*axis], m_OneFloat()))
      targets[*axis] = call.asSize(
          roundDown(scalars.build("Mul", {scales[*axis], extents[*axis]})));
  }
  for (auto [size, target] : llvm::zip(input.sizes, targets)) {
    int64_t known = getConstantIntValue(target).value_or(0);
    if (known < 0)
      return call.fail("expected sizes of at least 0, got " + Twine(known));
    if (known > 0 && isSize(size, 0))
      return call.fail("expected elements to repeat, got a size of 0");
  }
  return success();
}

/// Where in the input along `axis` element `index` of a result of `size` is.
Value ResizeImporter::findPlace(Arithmetic &to, int64_t axis, Value index,
                                Value size) {
  Value scale = scales[axis], extent = extents[axis];
  if (transformation == "asymmetric")
    return to.divide(index, scale);
  Value one = to.number(1), half = to.number(0.5), zero = to.number(0);
  auto unlessOne = [&](Value length, Value place) {
    Value isOne = to.scalars.build("Equal", {length, one});
    return to.scalars.build("Where", {isOne, zero, place});
  };
  // What the size is rounded down from, if that is so.
  Value length = isScaled ? to.multiply(extent, scale) : size;
  if (transformation == "align_corners") {
    Value last = to.subtract(extent, one);
    return unlessOne(
        length, to.divide(to.multiply(index, last), to.subtract(length, one)));
  }
  Value centre = to.subtract(to.divide(to.add(index, half), scale), half);
  if (transformation == "pytorch_half_pixel")
    return unlessOne(size, centre);
  if (transformation == "half_pixel")
    return centre;
  // What is rounded off is left out on both sides alike.
  Value rest = to.subtract(one, to.divide(size, length));
  return to.add(to.multiply(to.multiply(extent, half), rest), centre);
}

/// The neighbour of a place that is taken for it.
Value ResizeImporter::findNearest(Arithmetic &to, Value place) {
  if (rounding == "floor")
    return to.floor(place);
  if (rounding == "ceil")
    return to.ceil(place);
  Value half = to.number(0.5);
  return rounding == "round_prefer_floor" ? to.ceil(to.subtract(place, half))
                                          : to.floor(to.add(place, half));
}

/// What the neighbours of a place count, which is `fraction` after one of them:
/// the second of four, or the first of two.
SmallVector<Value> ResizeImporter::weigh(Arithmetic &to, Value fraction) {
  Value one = to.number(1);
  Value rest = to.subtract(one, fraction);
  if (mode == Mode::Linear)
    return {rest, fraction};
  // Keys, "Cubic Convolution Interpolation for Digital Image Processing"
  // (1981), with the coefficient a: near, up to a distance of 1, and far.
  double a = cubicCoefficient;
  auto evaluate = [&](Value x, ArrayRef<double> coefficients) {
    Value sum = to.number(coefficients[0]);
    for (double coefficient : coefficients.drop_front())
      sum = to.add(to.multiply(sum, x), to.number(coefficient));
    return sum;
  };
  auto near = [&](Value x) { return evaluate(x, {a + 2, -(a + 3), 0, 1}); };
  auto far = [&](Value x) {
    return evaluate(to.add(x, one), {a, -5 * a, 8 * a, -4 * a});
  };
  return {far(fraction), near(fraction), near(rest), far(rest)};
}

SizedTensor ResizeImporter::resize(const SizedTensor &tensor, int64_t axis) {
  Type type = tensor.elementType();
  TensorSizes sizes = tensor.sizes;
  sizes[axis] = targets[axis];
  Value extent = tensors.asIndex(tensor.sizes[axis]);
  Value size = asNumber(targets[axis]);
  return tensors.map(
      {}, sizes, type, [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        SmallVector<Value> at;
        for (int64_t dim = 0; dim < tensor.rank(); ++dim)
          at.push_back(linalg::IndexOp::create(b, loc, dim));
        Type integer = b.getI64Type();
        Arithmetic to{ScalarBuilder(b, loc), positionType};
        Value index = to.scalars.cast(
            arith::IndexCastOp::create(b, loc, integer, at[axis]),
            positionType);
        Value place = findPlace(to, axis, index, size);
        auto read = [&](Value neighbour) -> Value {
          Value zero = arith::ConstantIndexOp::create(b, loc, 0);
          Value last = arith::SubIOp::create(
              b, loc, extent, arith::ConstantIndexOp::create(b, loc, 1));
          Value inside = arith::MaxSIOp::create(
              b, loc, arith::MinSIOp::create(b, loc, neighbour, last), zero);
          at[axis] = inside;
          return tensor::ExtractOp::create(b, loc, tensor.value, at);
        };
        auto asIndex = [&](Value whole) {
          return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                            to.scalars.cast(whole, integer));
        };
        if (mode == Mode::Nearest)
          return read(asIndex(findNearest(to, place)));
        Value whole = to.floor(place);
        SmallVector<Value> weights = weigh(to, to.subtract(place, whole));
        Value first = asIndex(whole);
        Value sum = to.number(0), total = sum;
        for (auto [number, weight] : llvm::enumerate(weights)) {
          int64_t offset =
              static_cast<int64_t>(number) - (mode == Mode::Cubic ? 1 : 0);
          Value neighbour = arith::AddIOp::create(
              b, loc, first, arith::ConstantIndexOp::create(b, loc, offset));
          if (leavesOutOutside) {
            // One comparison for both ends, as of numbers without a sign.
            Value isInside = arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::ult, neighbour, extent);
            weight =
                to.scalars.build("Where", {isInside, weight, to.number(0)});
            total = to.add(total, weight);
          }
          Value element = to.scalars.cast(read(neighbour), positionType);
          sum = to.add(sum, to.multiply(element, weight));
        }
        if (leavesOutOutside)
          sum = to.divide(sum, total);
        return to.scalars.cast(sum, type);
      });
}

FailureOr<OnnxValues> ResizeImporter::run() {
  if (failed(call.expectInputs(1, 4)))
    return failure();
  // Before version 11, the second input was the scales.
  if (call.opset() < 11)
    return call.fail("expected version 11 of ONNX or later, got " +
                     Twine(call.opset()));
  input = call.asTensor(call.input(0));
  positionType = input.elementType().isF64()
                     ? input.elementType()
                     : Type(tensors.builder.getF32Type());
  if (failed(readAttributes()) || failed(readTargets()))
    return failure();
  if (mode != Mode::Nearest && !isa<FloatType>(input.elementType()))
    return call.fail("expected floats, as 'mode' is not nearest");
  SizedTensor result = input;
  for (int64_t axis = 0; axis < input.rank(); ++axis)
    if (targets[axis] != input.sizes[axis])
      result = resize(result, axis);
  return OnnxValues{result};
}

FailureOr<OnnxValues> attn::importResize(OnnxCall &call) {
  return ResizeImporter(call).run();
}
