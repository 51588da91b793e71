// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layer norms: ONNX's own, and those of ONNX Runtime (com.microsoft), which
// its optimiser makes of sums before them.

#include "OnnxQuantization.h"
#include "OnnxScalars.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

namespace {

/// What a norm over the dimensions from an axis on is made of: the operand, in
/// f32 at least, and steps, each of which fails if one before did.
struct Normalization {
  using Result = FailureOr<OnnxValue>;

  OnnxCall &call;
  SmallVector<int64_t> axes;
  double epsilon;
  OnnxValue value;
  Type type;

  Normalization(OnnxCall &call, const OnnxValue &x, int64_t axis,
                double epsilon)
      : call(call), axes(llvm::to_vector(llvm::seq<int64_t>(axis, x.rank()))),
        epsilon(epsilon), type(x.type()) {
    Type wide = call.tensors.builder.getF32Type();
    value = call.cast(x, type.isF64() ? type : wide);
  }

  /// That of ONNX's operators, of a scale and at most `most` inputs in all.
  static FailureOr<Normalization> read(OnnxCall &call, size_t most) {
    if (failed(call.expectInputs(2, most)))
      return failure();
    OnnxValue x = call.input(0);
    FailureOr<int64_t> axis = call.axis(call.integer("axis", -1), x.rank());
    if (failed(axis))
      return failure();
    double epsilon = call.number("epsilon", 1e-5);
    if (call.integer("stash_type", 1) != 1 || !isa<FloatType>(x.type()))
      return call.fail("expected floats that are normalised as FLOAT");
    return Normalization(call, x, *axis, epsilon);
  }

  Result apply(StringRef operation, const Result &a, const Result &b) {
    if (failed(a) || failed(b))
      return failure();
    return call.elementwise(operation, {*a, *b});
  }
  Result average(const Result &a) {
    if (failed(a))
      return failure();
    return call.mean(call.asTensor(*a), axes);
  }
  /// √(mean of squares + epsilon)
  Result rootOfSquares(const Result &a) {
    Result sum = apply("Add", average(apply("Mul", a, a)),
                       call.constant(value.type(), epsilon));
    if (failed(sum))
      return failure();
    return call.elementwise("Sqrt", *sum);
  }
  /// a / divisor · scale
  Result scale(const Result &a, const Result &divisor, const OnnxValue &scale) {
    Result quotient = apply("Div", a, divisor);
    if (failed(quotient))
      return failure();
    return apply("Mul", call.cast(*quotient, type), scale);
  }

  /// (x - mean) / √(variance + epsilon) · scale + bias, the mean, and the
  /// inverse of the deviation.
  FailureOr<OnnxValues> normalize(const OnnxValue &factor,
                                  const OnnxValue &bias) {
    Result centre = average(value);
    Result centred = apply("Sub", value, centre);
    Result deviation = rootOfSquares(centred);
    Result result = scale(centred, deviation, factor);
    if (bias)
      result = apply("Add", result, bias);
    if (failed(result))
      return failure();
    Result inverse = call.elementwise("Reciprocal", *deviation);
    if (failed(inverse))
      return failure();
    return OnnxValues{*result, *centre, *inverse};
  }
  /// x / √(mean of squares + epsilon) · scale
  Result normalizeRoot(const OnnxValue &factor) {
    return scale(value, rootOfSquares(value), factor);
  }
};

} // namespace

static FailureOr<OnnxValues> importLayerNormalization(OnnxCall &call) {
  FailureOr<Normalization> norm = Normalization::read(call, 3);
  if (failed(norm))
    return failure();
  return norm->normalize(call.input(1), call.input(2));
}

static FailureOr<OnnxValues> importRMSNormalization(OnnxCall &call) {
  FailureOr<Normalization> norm = Normalization::read(call, 2);
  if (failed(norm))
    return failure();
  return onlyResult(norm->normalizeRoot(call.input(1)));
}

/// [C] → [C, 1, …], as of a tensor [N, C, …] of `rank`.
static OnnxValue widenChannels(OnnxCall &call, const OnnxValue &channels,
                               int64_t rank) {
  TensorSizes sizes(rank - 1, call.tensors.constantSize(1));
  sizes[0] = call.sizesOf(channels)[0];
  return call.reshape(channels, sizes);
}

/// Whether the inputs are [N, C, …], a scale and a bias.
static LogicalResult expectChannels(OnnxCall &call) {
  if (failed(call.expectInputs(3, 3)))
    return failure();
  OnnxValue x = call.input(0);
  if (x.rank() < 3 || !isa<FloatType>(x.type()) || call.input(1).rank() != 1 ||
      call.input(2).rank() != 1)
    return call.fail("expected floats of rank 3 at least, and a scale and a "
                     "bias of rank 1");
  return success();
}

/// Each channel of each entry has a mean and a deviation of its own.
static FailureOr<OnnxValues> importInstanceNormalization(OnnxCall &call) {
  if (failed(expectChannels(call)))
    return failure();
  OnnxValue x = call.input(0);
  Normalization norm(call, x, 2, call.number("epsilon", 1e-5));
  FailureOr<OnnxValues> results =
      norm.normalize(widenChannels(call, call.input(1), x.rank()),
                     widenChannels(call, call.input(2), x.rank()));
  if (failed(results))
    return failure();
  return OnnxValues{results->front()};
}

/// Each group of channels of each entry has a mean and a deviation of its own.
static FailureOr<OnnxValues> importGroupNormalization(OnnxCall &call) {
  if (failed(expectChannels(call)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  OnnxValue x = call.input(0);
  if (call.integer("stash_type", 1) != 1)
    return call.fail("expected floats that are normalised as FLOAT");
  int64_t groups = call.integer("num_groups", 0);
  TensorSizes sizes = call.sizesOf(x), split = sizes;
  std::optional<OpFoldResult> each;
  if (groups > 0)
    each = tensors.divide(sizes[1], tensors.constantSize(groups));
  if (!each)
    return call.fail("expected 'num_groups' to divide the channels, got " +
                     llvm::Twine(groups));
  // [N, groups, each, …]
  split[1] = tensors.constantSize(groups);
  split.insert(split.begin() + 2, *each);
  Normalization norm(call, call.reshape(x, split), 2,
                     call.number("epsilon", 1e-5));
  // Before version 21, groups had a scale and a bias.
  bool isOld = call.opset() < 21;
  std::optional<int64_t> count = isOld ? groups : getConstantIntValue(sizes[1]);
  for (size_t index : {1, 2})
    if (std::optional<int64_t> has =
            getConstantIntValue(call.sizesOf(call.input(index))[0]);
        has && count && *has != *count)
      return call.fail("expected a scale and a bias of " + llvm::Twine(*count) +
                       " numbers, got " + llvm::Twine(*has));
  auto widen = [&](const OnnxValue &given) {
    TensorSizes wide(split.size() - 1, tensors.constantSize(1));
    wide[0] = split[1];
    if (!isOld)
      wide[1] = *each;
    return call.reshape(given, wide);
  };
  FailureOr<OnnxValues> results =
      norm.normalize(widen(call.input(1)), widen(call.input(2)));
  if (failed(results))
    return failure();
  return OnnxValues{call.reshape(results->front(), sizes)};
}

/// (x - mean) / √(variance + epsilon) · scale + bias, with what was found of
/// each channel in training.
static FailureOr<OnnxValues> importBatchNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(5, 5)))
    return failure();
  if (call.integer("training_mode", 0) != 0)
    return call.fail("expected 'training_mode' 0");
  // What training makes of it.
  (void)call.find("momentum");
  OnnxValue x = call.input(0);
  if (x.rank() < 2 || !isa<FloatType>(x.type()))
    return call.fail("expected floats of rank 2 at least");
  OnnxValue channels[4];
  for (auto [index, channel] : llvm::enumerate(channels)) {
    OnnxValue given = call.input(index + 1);
    if (given.rank() != 1 || !isa<FloatType>(given.type()))
      return call.fail("expected floats of rank 1 for each channel");
    channel = widenChannels(call, call.cast(given, x.type()), x.rank());
  }
  auto &[scale, bias, mean, variance] = channels;
  Type type = x.type();
  double epsilon = call.number("epsilon", 1e-5);
  FailureOr<OnnxValue> factor = call.map(
      {scale, variance}, type, [&](ScalarBuilder &scalars, ValueRange at) {
        Value sum =
            scalars.build("Add", {at[1], scalars.constant(type, epsilon)});
        return scalars.build("Div", {at[0], scalars.build("Sqrt", sum)});
      });
  if (failed(factor))
    return failure();
  return onlyResult(call.map({x, mean, *factor, bias}, type,
                             [](ScalarBuilder &scalars, ValueRange at) {
                               Value centred =
                                   scalars.build("Sub", {at[0], at[1]});
                               Value scaled =
                                   scalars.build("Mul", {centred, at[2]});
                               return scalars.build("Add", {scaled, at[3]});
                             }));
}

//===----------------------------------------------------------------------===//
// ONNX Runtime's
//===----------------------------------------------------------------------===//

/// The sum of the first two inputs, and of a bias if there is one.
static FailureOr<OnnxValue> addSkip(OnnxCall &call, const OnnxValue &bias) {
  if (!isa<FloatType>(call.input(0).type()) || call.input(0).rank() < 1)
    return call.fail("expected rows of floats");
  FailureOr<OnnxValue> sum =
      call.elementwise("Add", {call.input(0), call.input(1)});
  if (succeeded(sum) && bias)
    sum = call.elementwise("Add", {*sum, bias});
  return sum;
}

/// The norm of a sum, which is the last result.
static FailureOr<OnnxValues> importSkipLayerNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(3, 5)))
    return failure();
  FailureOr<OnnxValue> sum = addSkip(call, call.input(4));
  if (failed(sum))
    return failure();
  Normalization norm(call, *sum, sum->rank() - 1,
                     call.number("epsilon", 1e-12));
  FailureOr<OnnxValues> results = norm.normalize(call.input(2), call.input(3));
  if (succeeded(results))
    results->push_back(*sum);
  return results;
}

static FailureOr<OnnxValues> importSkipRMSNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(3, 4)))
    return failure();
  if (call.hasOutput(1) || call.hasOutput(2))
    return call.fail("expected the norm and the sum as the only outputs");
  FailureOr<OnnxValue> sum = addSkip(call, call.input(3));
  if (failed(sum))
    return failure();
  Normalization norm(call, *sum, sum->rank() - 1,
                     call.number("epsilon", 1e-12));
  FailureOr<OnnxValue> result = norm.normalizeRoot(call.input(2));
  if (failed(result))
    return failure();
  return OnnxValues{*result, OnnxValue(), OnnxValue(), *sum};
}

/// How many elements of each row of a mask are 1, as INT32.
static FailureOr<OnnxValue> countOnes(OnnxCall &call, const OnnxValue &mask,
                                      OpFoldResult batch) {
  Type type = call.tensors.builder.getI32Type();
  if (!mask)
    return OnnxValue(call.tensors.fill(batch, call.tensors.scalar(type, 0)));
  if (mask.rank() != 2 || !mask.type().isSignlessInteger())
    return call.fail("expected a mask of integers of rank 2");
  FailureOr<OnnxValue> isOne =
      call.elementwise("Equal", {mask, call.constant(mask.type(), 1)});
  if (failed(isOne))
    return failure();
  SizedTensor ones = call.asTensor(call.cast(*isOne, type));
  return call.reshape(call.sum(ones, 1), batch);
}

/// The norm of the embeddings of words, positions and segments; also how many
/// words a mask leaves, and the sum before the norm. What is at inputs 2 to 6
/// is made numbers by numbersOf(index, it or rows of it).
static FailureOr<OnnxValues> importEmbedding(
    OnnxCall &call, const OnnxValue &places,
    llvm::function_ref<FailureOr<OnnxValue>(size_t, OnnxValue)> numbersOf) {
  OnnxValue ids = call.input(0), segments = call.input(1);
  for (size_t index : {2, 3, 5, 6})
    if (!call.input(index))
      return call.fail("expected ids, tables of words and of positions, a "
                       "scale and a bias");
  if (bool(segments) != bool(call.input(4)))
    return call.fail("expected ids of segments and their table together, got "
                     "one of them");
  for (const OnnxValue &value : {ids, segments, places})
    if (value && (value.rank() != 2 || !value.type().isSignlessInteger()))
      return call.fail("expected ids of rank 2");
  for (size_t index : {2, 3, 4})
    if (OnnxValue table = call.input(index); table && table.rank() != 2)
      return call.fail("expected tables of rank 2");
  TensorBuilder &tensors = call.tensors;
  auto choose = [&](size_t table, const OnnxValue &indices) {
    return numbersOf(table, tensors.gather(call.asTensor(call.input(table)),
                                           call.asTensor(indices), 0));
  };
  TensorSizes shape = call.sizesOf(ids);
  FailureOr<OnnxValue> words = choose(2, ids);
  FailureOr<OnnxValue> positions =
      places
          ? choose(3, places)
          : numbersOf(3, tensors.sliceAxis(call.asTensor(call.input(3)), 0,
                                           tensors.constantSize(0), shape[1]));
  if (failed(words) || failed(positions))
    return failure();
  FailureOr<OnnxValue> sum = call.elementwise("Add", {*words, *positions});
  if (succeeded(sum) && segments) {
    FailureOr<OnnxValue> chosen = choose(4, segments);
    if (failed(chosen))
      return failure();
    sum = call.elementwise("Add", {*sum, *chosen});
  }
  FailureOr<OnnxValue> count = countOnes(call, call.input(7), shape[0]);
  FailureOr<OnnxValue> scale = numbersOf(5, call.input(5));
  FailureOr<OnnxValue> bias = numbersOf(6, call.input(6));
  if (failed(sum) || failed(count) || failed(scale) || failed(bias))
    return failure();
  Normalization norm(call, *sum, 2, call.number("epsilon", 1e-12));
  FailureOr<OnnxValues> results = norm.normalize(*scale, *bias);
  if (failed(results))
    return failure();
  return OnnxValues{results->front(), *count, *sum};
}

static FailureOr<OnnxValues> importEmbedLayerNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(1, 9)))
    return failure();
  return importEmbedding(
      call, call.input(8),
      [&](size_t, const OnnxValue &numbers) -> FailureOr<OnnxValue> {
        if (!isa<FloatType>(numbers.type()))
          return call.fail("expected tables of floats");
        return numbers;
      });
}

FailureOr<OnnxValues>
attn::importQuantisedEmbedLayerNormalization(OnnxCall &call) {
  if (failed(call.expectInputs(1, 18)))
    return failure();
  // Scales and zero points follow the numbers, in the same order.
  return importEmbedding(call, OnnxValue(),
                         [&](size_t index, const OnnxValue &bytes) {
                           return readBytes(call, bytes, call.input(index + 6),
                                            call.input(index + 11));
                         });
}

OnnxOperator attn::findNormOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("BatchNormalization", importBatchNormalization)
      .Case("GroupNormalization", importGroupNormalization)
      .Case("InstanceNormalization", importInstanceNormalization)
      .Case("LayerNormalization", importLayerNormalization)
      .Case("RMSNormalization", importRMSNormalization)
      // ONNX Runtime writes it in ONNX's domain.
      .Case("SimplifiedLayerNormalization", importRMSNormalization)
      .Case("com.microsoft.SkipLayerNormalization",
            importSkipLayerNormalization)
      .Case("com.microsoft.SkipSimplifiedLayerNormalization",
            importSkipRMSNormalization)
      .Case("com.microsoft.EmbedLayerNormalization",
            importEmbedLayerNormalization)
      .Default(nullptr);
}
