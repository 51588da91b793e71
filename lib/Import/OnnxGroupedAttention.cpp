// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// GroupQueryAttention of ONNX Runtime (com.microsoft): causal attention whose
// keys and values are kept in a cache, of which each entry of the batch has
// filled as much as it has seen.

#include "OnnxAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Imports one node; B entries, H heads of queries and G of keys, of E elements
/// each, S queries, M keys in the cache after it.
class GroupedAttentionImporter {
public:
  explicit GroupedAttentionImporter(OnnxCall &call)
      : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult checkInputs();
  LogicalResult readSinks();
  FailureOr<SizedTensor> splitHeads(const OnnxValue &rows, int64_t heads);
  SizedTensor sliceHeads(const SizedTensor &all, int64_t first, int64_t count);
  LogicalResult readHeads();
  LogicalResult readLengths();
  FailureOr<OnnxValue> turn(const SizedTensor &heads, int64_t count);
  LogicalResult turnHeads();
  FailureOr<OnnxValue> append(const OnnxValue &past, const SizedTensor &added);
  FailureOr<OnnxValue> buildMask();
  OnnxValue integer(int64_t value) {
    return call.constant(tensors.builder.getI64Type(), value);
  }

  OnnxCall &call;
  TensorBuilder &tensors;
  int64_t queryHeads = 0, keyHeads = 0;
  /// [B, H, S, E], [B, G, S, E] and the same.
  SizedTensor query, key, value;
  /// [H], if there are any.
  OnnxValue sinks;
  OpFoldResult batch, queries, keys;
  /// Keys of all entries together: what is past, and S. M where the cache is
  /// no longer.
  OpFoldResult total;
  /// [B, 1, 1, 1]: the place of the first query.
  OnnxValue first;
};

} // namespace

LogicalResult GroupedAttentionImporter::checkInputs() {
  if (failed(call.expectInputs(1, 14)))
    return failure();
  OnnxValue rows = call.input(0);
  if (rows.rank() != 3 || !isa<FloatType>(rows.type()))
    return call.fail("expected queries of floats of rank 3, got rank " +
                     Twine(rows.rank()));
  if (bool(call.input(1)) != bool(call.input(2)))
    return call.fail("expected keys and values together, got one of them");
  if (bool(call.input(3)) != bool(call.input(4)))
    return call.fail("expected past keys and values together, got one of them");
  if (!call.input(5) || !call.input(6))
    return call.fail("expected 'seqlens_k' and 'total_sequence_length'");
  if (call.input(12) || call.input(13))
    return call.fail("expected past keys and values without scales");
  for (StringRef name : {"k_quant_type", "v_quant_type"})
    if (StringRef kind = call.string(name, "NONE"); kind != "NONE")
      return call.fail("expected '" + name + "' NONE, got " + kind);
  (void)call.find("kv_cache_bit_width");
  if (int64_t shown = call.integer("qk_output", 0))
    return call.fail("expected 'qk_output' 0, got " + Twine(shown));
  queryHeads = call.integer("num_heads", 0);
  keyHeads = call.integer("kv_num_heads", 0);
  if (queryHeads < 1 || keyHeads < 1)
    return call.fail("expected 'num_heads' and 'kv_num_heads' of at least 1, "
                     "got " +
                     Twine(queryHeads) + " and " + Twine(keyHeads));
  return readSinks();
}

/// A smooth softmax has 0 as the sink of each head.
LogicalResult GroupedAttentionImporter::readSinks() {
  bool isSmooth = call.integer("smooth_softmax", 0) > 0;
  sinks = call.input(11);
  OpFoldResult count = tensors.constantSize(queryHeads);
  Type type = call.input(0).type();
  if (sinks && (sinks.rank() != 1 || sinks.type() != type ||
                call.sizesOf(sinks)[0] != count))
    return call.fail("expected a sink for each of " + Twine(queryHeads) +
                     " heads, of the type of the queries");
  if (isSmooth && !sinks)
    sinks = tensors.fill(count, tensors.scalar(type, 0));
  return success();
}

/// [B, S, H·E] → [B, H, S, E].
FailureOr<SizedTensor>
GroupedAttentionImporter::splitHeads(const OnnxValue &rows, int64_t heads) {
  if (rows.rank() != 3 || rows.type() != call.input(0).type())
    return call.fail("expected keys and values of the queries' type and rank");
  SizedTensor tensor = rows.tensor();
  OpFoldResult count = tensors.constantSize(heads);
  std::optional<OpFoldResult> width = tensors.divide(tensor.sizes[2], count);
  if (!width || !getConstantIntValue(*width))
    return call.fail("expected a known width of " + Twine(heads) + " heads");
  tensor = tensors.reshape(tensor,
                           {tensor.sizes[0], tensor.sizes[1], count, *width});
  return tensors.transpose(tensor, {0, 2, 1, 3});
}

SizedTensor GroupedAttentionImporter::sliceHeads(const SizedTensor &all,
                                                 int64_t first, int64_t count) {
  return tensors.sliceAxis(all, 1, tensors.constantSize(first),
                           tensors.constantSize(count));
}

LogicalResult GroupedAttentionImporter::readHeads() {
  bool isPacked = !call.input(1);
  FailureOr<SizedTensor> heads =
      splitHeads(call.input(0), queryHeads + (isPacked ? 2 * keyHeads : 0));
  if (failed(heads))
    return failure();
  query = *heads;
  batch = query.sizes[0];
  queries = query.sizes[2];
  if (isPacked) {
    key = sliceHeads(*heads, queryHeads, keyHeads);
    value = sliceHeads(*heads, queryHeads + keyHeads, keyHeads);
    query = sliceHeads(*heads, 0, queryHeads);
    return success();
  }
  const std::pair<SizedTensor *, size_t> others[] = {{&key, 1}, {&value, 2}};
  for (auto [operand, index] : others) {
    heads = splitHeads(call.input(index), keyHeads);
    if (failed(heads))
      return failure();
    *operand = *heads;
    // There are as many as there are queries.
    operand->sizes[0] = batch;
    operand->sizes[2] = queries;
    operand->value = tensors.builder.createOrFold<tensor::CastOp>(
        tensors.location,
        tensors.getType(operand->sizes, operand->elementType()),
        operand->value);
  }
  return success();
}

LogicalResult GroupedAttentionImporter::readLengths() {
  OnnxValue last = call.input(5);
  FailureOr<TensorSizes> sum =
      call.asSizes(call.input(6), "total_sequence_length");
  if (failed(sum))
    return failure();
  if (sum->size() != 1 || !isa<IntegerType>(last.type()) || last.rank() < 1 ||
      last.rank() > 2)
    return call.fail("expected one integer for each entry of the batch as "
                     "'seqlens_k', and one as 'total_sequence_length'");
  OnnxValue past = call.input(3);
  if (past && past.rank() != 4)
    return call.fail("expected past keys and values of rank 4, got rank " +
                     Twine(past.rank()));
  keys = total = past ? sum->front() : queries;
  if (past) {
    OpFoldResult had = call.sizesOf(past)[2];
    if (total != tensors.add(had, queries))
      keys = tensors.maximum(had, total);
  }
  OpFoldResult one = tensors.constantSize(1);
  first = OnnxValue(tensors.fill(
      {batch, one, one, one}, tensors.scalar(tensors.builder.getI64Type(), 0)));
  if (total == queries)
    return success();
  // All have begun with what is before these queries, or none has.
  OnnxValue count = OnnxValue::scalar(call.asInteger(queries));
  FailureOr<OnnxValue> isBegin = call.elementwise(
      "Equal", {OnnxValue::scalar(call.asInteger(total)), count});
  FailureOr<OnnxValue> place = call.elementwise(
      "Sub", {call.cast(call.reshape(last, {batch, one, one, one}),
                        tensors.builder.getI64Type()),
              *call.elementwise("Sub", {count, integer(1)})});
  if (failed(isBegin) || failed(place))
    return failure();
  place = call.elementwise("Where", {*isBegin, integer(0), *place});
  if (failed(place))
    return failure();
  first = *place;
  return success();
}

FailureOr<OnnxValue> GroupedAttentionImporter::turn(const SizedTensor &heads,
                                                    int64_t count) {
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  OnnxValue places = call.input(9);
  if (!places) {
    FailureOr<OnnxValue> sum = call.elementwise(
        "Add",
        {call.reshape(first, {batch, one}),
         tensors.reshape(tensors.iota(zero, queries, one), {one, queries})});
    if (failed(sum))
      return failure();
    places = *sum;
  }
  OnnxValue cosines = call.input(7);
  std::optional<int64_t> width =
      cosines.rank() == 2 ? getConstantIntValue(call.sizesOf(cosines)[1])
                          : std::nullopt;
  if (!width)
    return call.fail("expected cosines of rank 2 and of a known width");
  OnnxNode node;
  node.attributes = {
      makeAttribute("num_heads", count),
      makeAttribute("rotary_embedding_dim", 2 * *width),
      makeAttribute("interleaved", call.integer("rotary_interleaved", 0))};
  OnnxCall rotary = call.derive(node, {heads, cosines, call.input(8), places});
  FailureOr<OnnxValues> result = importRotaryEmbedding(rotary);
  if (failed(result))
    return failure();
  return result->front();
}

LogicalResult GroupedAttentionImporter::turnHeads() {
  (void)call.find("rotary_interleaved");
  if (call.integer("do_rotary", 0) == 0)
    return success();
  if (!call.input(7) || !call.input(8))
    return call.fail("expected cosines and sines, which 'do_rotary' needs");
  const std::pair<SizedTensor *, int64_t> parts[] = {{&query, queryHeads},
                                                     {&key, keyHeads}};
  for (auto [heads, count] : parts) {
    FailureOr<OnnxValue> turned = turn(*heads, count);
    if (failed(turned))
      return failure();
    *heads = turned->tensor();
  }
  return success();
}

/// Writes new keys or values behind those of each entry. A cache that has no
/// place for them grows by zeros.
FailureOr<OnnxValue>
GroupedAttentionImporter::append(const OnnxValue &past,
                                 const SizedTensor &added) {
  if (!past)
    return OnnxValue(added);
  if (past.rank() != 4 || past.type() != added.elementType())
    return call.fail("expected past keys and values of rank 4, and of the "
                     "type of the new ones");
  SizedTensor cache = past.tensor();
  OpFoldResult had = cache.sizes[2];
  SmallVector<OpFoldResult> before(4, tensors.constantSize(0)), after = before;
  after[2] = tensors.subtract(keys, had);
  if (keys != had)
    cache = tensors.pad(cache, before, after,
                        tensors.scalar(added.elementType(), 0));
  cache.sizes = added.sizes;
  cache.sizes[2] = keys;
  cache.value = tensors.builder.createOrFold<tensor::CastOp>(
      tensors.location, tensors.getType(cache.sizes, added.elementType()),
      cache.value);
  OnnxNode node;
  OnnxCall scatter =
      call.derive(node, {cache, added, call.reshape(first, {batch})});
  FailureOr<OnnxValues> result = importTensorScatter(scatter);
  if (failed(result))
    return failure();
  return result->front();
}

/// Which keys a query attends to, or what is added to its scores.
FailureOr<OnnxValue> GroupedAttentionImporter::buildMask() {
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  OnnxValue columns = tensors.iota(zero, keys, one);
  FailureOr<OnnxValue> places = call.elementwise(
      "Add", {first, tensors.reshape(tensors.iota(zero, queries, one),
                                     {queries, one})});
  if (failed(places))
    return failure();
  FailureOr<OnnxValue> kept =
      call.elementwise("LessOrEqual", {columns, *places});
  // Of a window, the last key is the query's own.
  int64_t window = call.integer("local_window_size", -1);
  if (window < -1 || window == 0)
    return call.fail("expected 'local_window_size' of at least 1, or -1 for "
                     "none, got " +
                     Twine(window));
  if (window > 0) {
    FailureOr<OnnxValue> end =
        call.elementwise("Sub", {*places, integer(window)});
    FailureOr<OnnxValue> isNear =
        failed(end) ? end : call.elementwise("Greater", {columns, *end});
    if (failed(kept) || failed(isNear))
      return failure();
    kept = call.elementwise("And", {*kept, *isNear});
  }
  OnnxValue bias = call.input(10);
  if (!bias || failed(kept))
    return kept;
  Type type = query.elementType();
  if (bias.rank() != 4 || bias.type() != type)
    return call.fail("expected a bias of scores of rank 4, and of the type of "
                     "the queries");
  SizedTensor tensor = call.asTensor(bias);
  if (keys != total) {
    // What the cache is longer is excluded.
    SmallVector<OpFoldResult> before(4, zero), after = before;
    after[3] = tensors.subtract(keys, total);
    tensor = tensors.pad(tensor, before, after, tensors.scalar(type, 0));
  }
  tensor.sizes[3] = keys;
  return call.elementwise(
      "Where", {*kept, tensor,
                call.constant(type, -std::numeric_limits<double>::infinity())});
}

FailureOr<OnnxValues> GroupedAttentionImporter::run() {
  if (failed(checkInputs()) || failed(readHeads()) || failed(readLengths()) ||
      failed(turnHeads()))
    return failure();
  FailureOr<OnnxValue> presentKey = append(call.input(3), key);
  FailureOr<OnnxValue> presentValue = append(call.input(4), value);
  FailureOr<OnnxValue> mask = buildMask();
  if (failed(presentKey) || failed(presentValue) || failed(mask))
    return failure();
  OnnxNode node;
  if (double scale = call.number("scale", 0); scale != 0)
    node.attributes.push_back(makeAttribute("scale", scale));
  node.attributes.push_back(
      makeAttribute("softcap", call.number("softcap", 0)));
  OnnxCall attention =
      call.derive(node, {query, *presentKey, *presentValue, *mask});
  FailureOr<OnnxValues> results = importAttentionWithSinks(attention, sinks);
  if (failed(results))
    return failure();
  SizedTensor rows = tensors.transpose(results->front().tensor(), {0, 2, 1, 3});
  OpFoldResult width = tensors.multiply(rows.sizes[2], rows.sizes[3]);
  return OnnxValues{tensors.reshape(rows, {batch, queries, width}), *presentKey,
                    *presentValue};
}

FailureOr<OnnxValues> attn::importGroupQueryAttention(OnnxCall &call) {
  return GroupedAttentionImporter(call).run();
}
