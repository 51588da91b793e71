// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's LinearAttention: a state that each position of a sequence updates and
// then reads, in the place of keys and values of all positions before it.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <array>
#include <cmath>

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Imports one node; B entries, T positions, H heads of keys with G queries
/// each, of widths E (of keys) and F (of values).
class LinearAttentionImporter {
public:
  explicit LinearAttentionImporter(OnnxCall &call)
      : call(call), tensors(call.tensors), wide(tensors.builder.getF32Type()) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult readHeads();
  LogicalResult readRule();
  FailureOr<SizedTensor> readPacked(size_t index, StringRef name);
  FailureOr<int64_t> getWidth(const SizedTensor &packed, StringRef name,
                              int64_t count);
  LogicalResult readOperands();
  using GateShapes = std::array<std::pair<int64_t, int64_t>, 2>;
  FailureOr<SizedTensor> readGate(size_t index, StringRef name,
                                  const GateShapes &shapes);
  LogicalResult readGates();
  LogicalResult readState();
  SizedTensor split(const SizedTensor &packed, ArrayRef<int64_t> sizes);
  SizedTensor at(const SizedTensor &tensor, OpFoldResult position);
  FailureOr<SizedTensor> correct(const SizedTensor &state,
                                 const SizedTensor &factor,
                                 const SizedTensor &keys,
                                 const SizedTensor &values,
                                 OpFoldResult position);
  LogicalResult buildStep(scf::ForOp loop, const SizedTensor &state,
                          const SizedTensor &outputs);

  OnnxCall &call;
  TensorBuilder &tensors;
  /// Of everything that is computed.
  Type wide;
  int64_t heads = 0, group = 0, keyWidth = 0, valueWidth = 0;
  bool isGated = false, isDelta = false;
  /// [B, T, H, G, E], [B, T, H, E, 1], [B, T, H, 1, F].
  SizedTensor query, key, value;
  /// What the state is multiplied by, [B, T, H, E or 1, 1], and the rate of its
  /// update, [B, T, H or 1, 1, 1], if the rule has them.
  SizedTensor decay, beta;
  /// [B, H, E, F], and the type that it is given in.
  SizedTensor past;
  Type stateType;
};

} // namespace

LogicalResult LinearAttentionImporter::readHeads() {
  int64_t queryHeads = call.integer("q_num_heads", 0);
  heads = call.integer("kv_num_heads", 0);
  if (heads < 1 || queryHeads < 1 || queryHeads % heads != 0)
    return call.fail("expected 'q_num_heads' to be a multiple of "
                     "'kv_num_heads', got " +
                     Twine(queryHeads) + " and " + Twine(heads));
  group = queryHeads / heads;
  return success();
}

LogicalResult LinearAttentionImporter::readRule() {
  StringRef rule = call.string("update_rule", "gated_delta");
  isGated = rule == "gated" || rule == "gated_delta";
  isDelta = rule == "delta" || rule == "gated_delta";
  if (!isGated && !isDelta && rule != "linear")
    return call.fail("expected 'update_rule' linear, gated, delta or "
                     "gated_delta, got " +
                     rule);
  const std::tuple<size_t, StringRef, bool> gates[] = {{4, "decay", isGated},
                                                       {5, "beta", isDelta}};
  for (auto [index, name, isAsked] : gates)
    if (bool(call.input(index)) != isAsked)
      return call.fail("expected " + Twine(isAsked ? "" : "no ") + "'" + name +
                       "' with 'update_rule' " + rule);
  return success();
}

/// [B, T, width], as it is computed with.
FailureOr<SizedTensor> LinearAttentionImporter::readPacked(size_t index,
                                                           StringRef name) {
  OnnxValue given = call.input(index);
  if (given.rank() != 3 || !isa<FloatType>(given.type()))
    return call.fail("expected '" + name + "' of rank 3, of floats");
  return call.asTensor(call.cast(given, wide));
}

/// What `count` heads beside each other have each.
FailureOr<int64_t> LinearAttentionImporter::getWidth(const SizedTensor &packed,
                                                     StringRef name,
                                                     int64_t count) {
  std::optional<int64_t> width = getConstantIntValue(packed.sizes[2]);
  if (!width || *width == 0 || *width % count != 0)
    return call.fail("expected the last size of '" + name +
                     "' to be known, and a multiple of " + Twine(count) +
                     " heads" + (width ? ", got " + Twine(*width) : Twine()));
  return *width / count;
}

/// [B, T, sizes…]
SizedTensor LinearAttentionImporter::split(const SizedTensor &packed,
                                           ArrayRef<int64_t> sizes) {
  TensorSizes all(ArrayRef(packed.sizes).take_front(2));
  for (int64_t size : sizes)
    all.push_back(tensors.constantSize(size));
  return tensors.reshape(packed, all);
}

LogicalResult LinearAttentionImporter::readOperands() {
  FailureOr<SizedTensor> queries = readPacked(0, "query");
  if (failed(queries))
    return failure();
  FailureOr<SizedTensor> keys = readPacked(1, "key");
  if (failed(keys))
    return failure();
  FailureOr<SizedTensor> values = readPacked(2, "value");
  if (failed(values))
    return failure();
  FailureOr<int64_t> queryWidth = getWidth(*queries, "query", heads * group);
  if (failed(queryWidth))
    return failure();
  FailureOr<int64_t> width = getWidth(*keys, "key", heads);
  if (failed(width))
    return failure();
  if (*width != *queryWidth)
    return call.fail("expected queries and keys of one width, got " +
                     Twine(*queryWidth) + " and " + Twine(*width));
  keyWidth = *width;
  width = getWidth(*values, "value", heads);
  if (failed(width))
    return failure();
  valueWidth = *width;
  double scale = call.number("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(keyWidth));
  FailureOr<OnnxValue> scaled =
      call.elementwise("Mul", {*queries, call.constant(wide, scale)});
  if (failed(scaled))
    return failure();
  query = split(call.asTensor(*scaled), {heads, group, keyWidth});
  key = split(*keys, {heads, keyWidth, 1});
  value = split(*values, {heads, 1, valueWidth});
  return success();
}

/// A gate of one of two `shapes` for each position: [B, T, shape…, 1].
FailureOr<SizedTensor>
LinearAttentionImporter::readGate(size_t index, StringRef name,
                                  const GateShapes &shapes) {
  FailureOr<SizedTensor> packed = readPacked(index, name);
  if (failed(packed))
    return failure();
  for (auto [first, second] : shapes)
    if (isSize(packed->sizes[2], first * second))
      return split(*packed, {first, second, 1});
  auto count = [&](size_t shape) {
    return Twine(shapes[shape].first * shapes[shape].second).str();
  };
  return call.fail("expected '" + name + "' of " + count(0) + " or " +
                   count(1) + " numbers for each position");
}

LogicalResult LinearAttentionImporter::readGates() {
  if (isGated) {
    FailureOr<SizedTensor> powers =
        readGate(4, "decay", {{{heads, 1}, {heads, keyWidth}}});
    if (failed(powers))
      return failure();
    FailureOr<OnnxValue> factors = call.elementwise("Exp", {*powers});
    if (failed(factors))
      return failure();
    decay = call.asTensor(*factors);
  }
  if (isDelta) {
    FailureOr<SizedTensor> rates = readGate(5, "beta", {{{heads, 1}, {1, 1}}});
    if (failed(rates))
      return failure();
    beta = *rates;
  }
  return success();
}

LogicalResult LinearAttentionImporter::readState() {
  OnnxValue given = call.input(3);
  stateType = given ? given.type() : call.input(0).type();
  TensorSizes sizes = {query.sizes[0]};
  for (int64_t size : {heads, keyWidth, valueWidth})
    sizes.push_back(tensors.constantSize(size));
  SizedTensor zeros = tensors.fill(sizes, tensors.scalar(wide, 0));
  if (!given) {
    past = zeros;
    return success();
  }
  if (given.rank() != 4 || !isa<FloatType>(given.type()))
    return call.fail("expected 'past_state' of rank 4, of floats");
  // What is not known of its sizes has to be that of the others.
  FailureOr<OnnxValue> sum =
      call.elementwise("Add", {call.cast(given, wide), zeros});
  if (failed(sum))
    return failure();
  past = call.asTensor(*sum);
  return success();
}

/// What a tensor [B, T, …] has at one position: [B, …].
SizedTensor LinearAttentionImporter::at(const SizedTensor &tensor,
                                        OpFoldResult position) {
  SizedTensor one =
      tensors.sliceAxis(tensor, 1, position, tensors.constantSize(1));
  TensorSizes sizes = one.sizes;
  sizes.erase(sizes.begin() + 1);
  return tensors.reshape(one, sizes);
}

/// What values differ by from those that the state, times `factor`, has for
/// the keys, times beta (Yang et al., "Parallelizing Linear Transformers with
/// the Delta Rule over Sequence Length", 2024).
FailureOr<SizedTensor> LinearAttentionImporter::correct(
    const SizedTensor &state, const SizedTensor &factor,
    const SizedTensor &keys, const SizedTensor &values, OpFoldResult position) {
  FailureOr<OnnxValue> read = call.elementwise("Mul", {state, keys});
  if (succeeded(read) && isGated)
    read = call.elementwise("Mul", {*read, factor});
  if (failed(read))
    return failure();
  FailureOr<OnnxValue> difference =
      call.elementwise("Sub", {values, call.sum(call.asTensor(*read), 2)});
  if (failed(difference))
    return failure();
  FailureOr<OnnxValue> result =
      call.elementwise("Mul", {at(beta, position), *difference});
  if (failed(result))
    return failure();
  return call.asTensor(*result);
}

/// One position: state · decay + key ⊗ value, in the place of the state
/// before, and what queries read of it.
LogicalResult LinearAttentionImporter::buildStep(scf::ForOp loop,
                                                 const SizedTensor &state,
                                                 const SizedTensor &outputs) {
  OpFoldResult position = loop.getInductionVar();
  SizedTensor keys = at(key, position), values = at(value, position), factor;
  if (isGated)
    factor = at(decay, position);
  if (isDelta) {
    FailureOr<SizedTensor> corrected =
        correct(state, factor, keys, values, position);
    if (failed(corrected))
      return failure();
    values = *corrected;
  }
  SmallVector<SizedTensor> operands = {keys, values};
  if (isGated)
    operands.push_back(factor);
  SizedTensor next = tensors.update(
      state, operands, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
        ScalarBuilder scalars(b, loc);
        Value old = x.back();
        if (isGated)
          old = scalars.build("Mul", {old, x[2]});
        return scalars.build("Add", {old, scalars.build("Mul", {x[0], x[1]})});
      });
  SizedTensor read = tensors.multiply(at(query, position), next,
                                      ArrayRef(next.sizes).take_front(2));
  TensorSizes sizes = outputs.sizes;
  sizes[1] = tensors.constantSize(1);
  SizedTensor written =
      tensors.insertAxis(tensors.reshape(read, sizes), outputs, 1, position);
  scf::YieldOp::create(tensors.builder, tensors.location,
                       ValueRange{next.value, written.value});
  return success();
}

FailureOr<OnnxValues> LinearAttentionImporter::run() {
  if (failed(call.expectInputs(3, 6)) || failed(readHeads()) ||
      failed(readRule()) || failed(readOperands()) || failed(readGates()) ||
      failed(readState()))
    return failure();
  // How many positions are computed at a time changes nothing.
  (void)call.find("chunk_size");
  TensorSizes sizes(ArrayRef(query.sizes).take_front(4));
  sizes.push_back(tensors.constantSize(valueWidth));
  SizedTensor none = tensors.fill(sizes, tensors.scalar(wide, 0));
  auto loop = scf::ForOp::create(tensors.builder, tensors.location,
                                 tensors.asIndex(tensors.constantSize(0)),
                                 tensors.asIndex(sizes[1]),
                                 tensors.asIndex(tensors.constantSize(1)),
                                 ValueRange{past.value, none.value});
  if (failed(call.buildIn(*loop.getBody(), [&] {
        return buildStep(loop, {loop.getRegionIterArg(0), past.sizes},
                         {loop.getRegionIterArg(1), sizes});
      })))
    return failure();
  SizedTensor outputs = {loop.getResult(1), sizes};
  TensorSizes packed(ArrayRef(sizes).take_front(2));
  packed.push_back(tensors.constantSize(heads * group * valueWidth));
  SizedTensor state = {loop.getResult(0), past.sizes};
  return OnnxValues{
      call.cast(tensors.reshape(outputs, packed), call.input(0).type()),
      call.cast(state, stateType)};
}

FailureOr<OnnxValues> attn::importLinearAttention(OnnxCall &call) {
  return LinearAttentionImporter(call).run();
}
