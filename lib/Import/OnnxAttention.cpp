// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's Attention. It is a function of other operators: this writes its body,
// of which attn-raise-attention makes one operation again. So the operator and
// its body in a graph take the same way.

#include "OnnxAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

namespace {

/// Imports one node; B entries, H heads in groups that share keys, S queries,
/// M keys.
class AttentionImporter {
public:
  AttentionImporter(OnnxCall &call, const OnnxValue &sinks)
      : call(call), tensors(call.tensors), sinks(sinks) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult readInputs();
  FailureOr<OnnxValue> splitHeads(const OnnxValue &value, int64_t heads,
                                  StringRef name);
  LogicalResult appendToPast(OnnxValue &value, const OnnxValue &past);
  LogicalResult groupHeads();
  FailureOr<OnnxValue> getScale();
  LogicalResult addMask(OnnxValue mask);
  LogicalResult exclude(const OnnxValue &kept);
  LogicalResult addBounds();
  OnnxValue ungroup(const OnnxValue &value);
  OnnxValue buildSoftmax(const OnnxValue &scores);
  FailureOr<OnnxValue> buildProbabilities(const OnnxValue &scores);
  FailureOr<OnnxValue> multiply(const OnnxValue &value, double factor) {
    return call.elementwise("Mul",
                            {value, call.constant(value.type(), factor)});
  }

  OnnxCall &call;
  TensorBuilder &tensors;
  /// [B, H, S, E], [B, H / group, M, E], [B, H / group, M, F].
  OnnxValue query, key, value;
  /// What is added to scores, if anything.
  OnnxValue bias;
  /// [H], if there are any.
  OnnxValue sinks;
  OpFoldResult batch, heads, keyHeads, queries, keys;
  OpFoldResult past;
  bool isFlat = false;
};

} // namespace

static constexpr double kExcluded = -std::numeric_limits<double>::infinity();

/// [B, S, H·E] → [B, H, S, E].
FailureOr<OnnxValue> AttentionImporter::splitHeads(const OnnxValue &value,
                                                   int64_t heads,
                                                   StringRef name) {
  SizedTensor tensor = call.asTensor(value);
  if (heads < 1)
    return call.fail("expected '" + name + "' of at least 1, got " +
                     llvm::Twine(heads));
  OpFoldResult count = tensors.constantSize(heads);
  std::optional<OpFoldResult> width = tensors.divide(tensor.sizes[2], count);
  if (!width)
    return call.fail("expected a width that '" + name + "' divides, got " +
                     llvm::Twine(*getConstantIntValue(tensor.sizes[2])));
  tensor = tensors.reshape(tensor,
                           {tensor.sizes[0], tensor.sizes[1], count, *width});
  return OnnxValue(tensors.transpose(tensor, {0, 2, 1, 3}));
}

LogicalResult AttentionImporter::appendToPast(OnnxValue &value,
                                              const OnnxValue &past) {
  if (past.rank() != 4 || past.type() != value.type())
    return call.fail("expected past keys and values of rank 4, and of the "
                     "type of the new ones");
  value = tensors.concatenate({past.tensor(), value.tensor()}, 2);
  return success();
}

LogicalResult AttentionImporter::readInputs() {
  if (failed(call.expectInputs(3, 7)))
    return failure();
  query = call.input(0);
  key = call.input(1);
  value = call.input(2);
  int64_t rank = query.rank();
  if ((rank != 3 && rank != 4) || key.rank() != rank || value.rank() != rank)
    return call.fail("expected queries, keys and values of rank 3 or 4, got "
                     "ranks " +
                     llvm::Twine(rank) + ", " + llvm::Twine(key.rank()) +
                     " and " + llvm::Twine(value.rank()));
  if (!isa<FloatType>(query.type()) || key.type() != query.type() ||
      value.type() != query.type())
    return call.fail("expected queries, keys and values of one type of floats");
  isFlat = rank == 3;
  int64_t queryHeads = call.integer("q_num_heads", 0);
  int64_t otherHeads = call.integer("kv_num_heads", 0);
  if (isFlat) {
    const std::tuple<OnnxValue *, int64_t, StringRef> operands[] = {
        {&query, queryHeads, "q_num_heads"},
        {&key, otherHeads, "kv_num_heads"},
        {&value, otherHeads, "kv_num_heads"}};
    for (auto [operand, count, name] : operands) {
      FailureOr<OnnxValue> split = splitHeads(*operand, count, name);
      if (failed(split))
        return failure();
      *operand = *split;
    }
  }
  past = tensors.constantSize(0);
  if (bool(call.input(4)) != bool(call.input(5)))
    return call.fail("expected past keys and values together, got one of them");
  if (call.input(4)) {
    if (call.input(6))
      return call.fail("expected past keys or numbers of keys, got both");
    past = call.sizesOf(call.input(4))[2];
    if (failed(appendToPast(key, call.input(4))) ||
        failed(appendToPast(value, call.input(5))))
      return failure();
  }
  TensorSizes sizes = query.tensor().sizes;
  batch = sizes[0];
  heads = sizes[1];
  queries = sizes[2];
  keyHeads = key.tensor().sizes[1];
  keys = key.tensor().sizes[2];
  return success();
}

/// The factor of queries and of keys: the root of the scale.
FailureOr<OnnxValue> AttentionImporter::getScale() {
  Type wide = tensors.builder.getF32Type();
  FailureOr<OnnxValue> scale = call.constant(wide, call.number("scale", 0));
  if (!call.has("scale")) {
    OpFoldResult width = query.tensor().sizes[3];
    scale = call.elementwise(
        "Sqrt", call.cast(OnnxValue::scalar(call.asInteger(width)), wide));
    scale = call.elementwise("Reciprocal", *scale);
  }
  scale = call.elementwise("Sqrt", *scale);
  return call.cast(*scale, query.type());
}

//===----------------------------------------------------------------------===//
// What is added to scores
//===----------------------------------------------------------------------===//

LogicalResult AttentionImporter::addMask(OnnxValue mask) {
  Type type = query.type();
  OnnxValue excluded = call.constant(type, kExcluded);
  if (mask.type().isInteger(1)) {
    FailureOr<OnnxValue> numbers =
        call.elementwise("Where", {mask, call.constant(type, 0), excluded});
    if (failed(numbers))
      return failure();
    mask = *numbers;
  }
  SizedTensor tensor = call.asTensor(mask);
  if (tensor.rank() == 0 || tensor.rank() > 4 || tensor.elementType() != type)
    return call.fail("expected a mask of BOOL or of the type of the queries, "
                     "of rank 1 to 4");
  // Keys past the end of the mask are excluded.
  OpFoldResult had = tensor.sizes.back();
  if (had != keys) {
    SmallVector<OpFoldResult> before(tensor.rank(), tensors.constantSize(0));
    SmallVector<OpFoldResult> after = before;
    after.back() = tensors.subtract(keys, had);
    if (getConstantIntValue(after.back()).value_or(0) < 0)
      return call.fail("expected a mask of at most as many keys as there are");
    tensor = tensors.pad(tensor, before, after, excluded.elements().front());
    tensor.sizes.back() = keys;
  }
  bias = tensor;
  return success();
}

/// Adds -∞ where `kept` is false.
LogicalResult AttentionImporter::exclude(const OnnxValue &kept) {
  Type type = query.type();
  FailureOr<OnnxValue> added = call.elementwise(
      "Where", {kept, call.constant(type, 0), call.constant(type, kExcluded)});
  if (succeeded(added) && bias)
    added = call.elementwise("Add", {bias, *added});
  if (failed(added))
    return failure();
  bias = *added;
  return success();
}

/// Causality, windows and numbers of keys.
LogicalResult AttentionImporter::addBounds() {
  bool isCausal = call.integer("is_causal", 0) != 0;
  int64_t left = call.integer("left_window_size", -1);
  int64_t right = call.integer("right_window_size", -1);
  if (left < -1 || right < -1)
    return call.fail("expected windows of at least 0, or -1 for none, got " +
                     llvm::Twine(std::min(left, right)));
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  OnnxValue lengths = call.input(6);
  if (lengths) {
    if (lengths.rank() != 1 || !lengths.type().isInteger(64))
      return call.fail("expected one INT64 for each entry of the batch as "
                       "'nonpad_kv_seqlen'");
    lengths = tensors.reshape(call.asTensor(lengths), {batch, one, one, one});
  }
  OnnxValue columns =
      tensors.reshape(tensors.iota(zero, keys, one), {one, keys});
  // The place of each query among the keys.
  OnnxValue rows =
      tensors.reshape(tensors.iota(zero, queries, one), {queries, one});
  FailureOr<OnnxValue> offset = OnnxValue::scalar(call.asInteger(past));
  if (lengths)
    offset = call.elementwise(
        "Sub", {lengths, OnnxValue::scalar(call.asInteger(queries))});
  FailureOr<OnnxValue> places = rows;
  if (lengths || !isSize(past, 0))
    places = call.elementwise("Add", {rows, *offset});
  auto shift = [&](int64_t by) -> OnnxValue {
    return *call.elementwise(
        "Add",
        {*places, OnnxValue::scalar(call.asInteger(tensors.constantSize(by)))});
  };
  auto keep = [&](StringRef comparison, const OnnxValue &bound) {
    return exclude(*call.elementwise(comparison, {columns, bound}));
  };
  if (isCausal && failed(keep("LessOrEqual", *places)))
    return failure();
  if (left >= 0 && failed(keep("GreaterOrEqual", shift(-left))))
    return failure();
  if (right >= 0 && failed(keep("LessOrEqual", shift(right))))
    return failure();
  return lengths ? keep("Less", lengths) : success();
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// Heads that share keys become a dimension of the queries.
LogicalResult AttentionImporter::groupHeads() {
  OpFoldResult one = tensors.constantSize(1);
  if (heads == keyHeads)
    return success();
  std::optional<OpFoldResult> group = tensors.divide(heads, keyHeads);
  if (!group)
    return call.fail("expected a number of heads that is a multiple of that "
                     "of keys, got " +
                     llvm::Twine(*getConstantIntValue(heads)) + " and " +
                     llvm::Twine(*getConstantIntValue(keyHeads)));
  auto insert = [&](OnnxValue &operand, OpFoldResult shared) {
    TensorSizes sizes = operand.tensor().sizes;
    sizes[1] = keyHeads;
    sizes.insert(sizes.begin() + 2, shared);
    operand = tensors.reshape(operand.tensor(), sizes);
  };
  insert(query, *group);
  insert(key, one);
  insert(value, one);
  return success();
}

/// With one dimension of heads again.
OnnxValue AttentionImporter::ungroup(const OnnxValue &value) {
  if (value.rank() == 4)
    return value;
  TensorSizes sizes = value.tensor().sizes;
  return tensors.reshape(value.tensor(), {batch, heads, sizes[3], sizes[4]});
}

/// Sinks are one more column, of which the probabilities are dropped.
OnnxValue AttentionImporter::buildSoftmax(const OnnxValue &scores) {
  if (!sinks)
    return call.softmax(scores.tensor(), 3);
  OpFoldResult one = tensors.constantSize(1);
  SizedTensor column =
      call.reshape(call.cast(sinks, scores.type()), {heads, one, one}).tensor();
  column = tensors.expand(column, {batch, heads, queries, one});
  SizedTensor all = tensors.concatenate({scores.tensor(), column}, 3);
  return tensors.sliceAxis(call.softmax(all, 3).tensor(), 3,
                           tensors.constantSize(0), keys);
}

FailureOr<OnnxValue>
AttentionImporter::buildProbabilities(const OnnxValue &scores) {
  OnnxValue exact = scores;
  if (call.has("softmax_precision")) {
    Type precision =
        getElementType(tensors.builder.getContext(),
                       OnnxType(call.integer("softmax_precision", 0)));
    if (!precision || !isa<FloatType>(precision))
      return call.fail("expected 'softmax_precision' of a type of floats");
    exact = call.cast(scores, precision);
  }
  OnnxValue result = call.cast(buildSoftmax(exact), query.type());
  if (!bias || sinks)
    return result;
  // A query without any key gives 0, whatever the scores are.
  Type type = bias.type();
  OnnxValue excluded = call.constant(type, kExcluded);
  SizedTensor tensor = call.asTensor(bias);
  SizedTensor largest = tensors.reduce(
      tensor, tensor.rank() - 1, excluded.elements().front(),
      [&](OpBuilder &b, Location loc, Value total, Value x) -> Value {
        return arith::MaximumFOp::create(b, loc, total, x);
      });
  FailureOr<OnnxValue> isNone = call.elementwise("Equal", {largest, excluded});
  return call.elementwise("Where",
                          {*isNone, call.constant(result.type(), 0), result});
}

FailureOr<OnnxValues> AttentionImporter::run() {
  if (failed(readInputs()))
    return failure();
  OnnxValue presentKey = key, presentValue = value;
  FailureOr<OnnxValue> factor = getScale();
  if (call.input(3) && failed(addMask(call.input(3))))
    return failure();
  if (failed(addBounds()) || failed(groupHeads()))
    return failure();

  FailureOr<OnnxValue> scaledQuery = call.elementwise("Mul", {query, *factor});
  FailureOr<OnnxValue> scaledKey = call.elementwise("Mul", {key, *factor});
  if (failed(scaledQuery) || failed(scaledKey))
    return failure();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(key.rank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  FailureOr<OnnxValue> scores =
      call.matmul(*scaledQuery, tensors.transpose(scaledKey->tensor(), order));
  if (failed(scores))
    return failure();
  scores = ungroup(*scores);
  int64_t mode = call.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    return call.fail("expected 'qk_matmul_output_mode' 0 to 3, got " +
                     llvm::Twine(mode));
  OnnxValue shown = *scores;
  if (double cap = call.number("softcap", 0); cap != 0) {
    scores = multiply(*scores, 1 / cap);
    scores = call.elementwise("Tanh", *scores);
    scores = multiply(*scores, cap);
  }
  if (mode == 1)
    shown = *scores;
  if (bias)
    scores = call.elementwise("Add", {*scores, bias});
  if (failed(scores))
    return failure();
  if (mode == 2)
    shown = *scores;
  FailureOr<OnnxValue> probabilities = buildProbabilities(*scores);
  if (failed(probabilities))
    return failure();
  if (mode == 3)
    shown = *probabilities;

  OnnxValue weights = *probabilities;
  if (query.rank() == 5) {
    TensorSizes sizes = query.tensor().sizes;
    sizes[4] = keys;
    weights = tensors.reshape(weights.tensor(), sizes);
  }
  FailureOr<OnnxValue> result = call.matmul(weights, value);
  if (failed(result))
    return failure();
  OnnxValue out = ungroup(*result);
  if (isFlat) {
    SizedTensor rows = tensors.transpose(out.tensor(), {0, 2, 1, 3});
    OpFoldResult width = tensors.multiply(rows.sizes[2], rows.sizes[3]);
    out = tensors.reshape(rows, {batch, queries, width});
  }
  return OnnxValues{out, presentKey, presentValue, shown};
}

FailureOr<OnnxValues> attn::importAttention(OnnxCall &call) {
  return importAttentionWithSinks(call, OnnxValue());
}

FailureOr<OnnxValues> attn::importAttentionWithSinks(OnnxCall &call,
                                                     const OnnxValue &sinks) {
  return AttentionImporter(call, sinks).run();
}
