// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention of ONNX Runtime (com.microsoft): ONNX's own Attention, with
// projections or biases before it, and masks of another kind.

#include "OnnxQuantization.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Imports one node; B entries, S queries, M keys.
class RuntimeAttentionImporter {
public:
  explicit RuntimeAttentionImporter(OnnxCall &call)
      : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> importPacked();
  FailureOr<OnnxValues> importQuantised();
  FailureOr<OnnxValues> importMultiHead();

private:
  using Project = llvm::function_ref<FailureOr<OnnxValue>()>;
  FailureOr<OnnxValue> slice(const OnnxValue &value, int64_t offset,
                             int64_t size);
  OnnxValue sliceOne(const SizedTensor &tensor, int64_t axis, int64_t index);
  LogicalResult unpack(const OnnxValue &packed, ArrayRef<OnnxValue *> parts);
  LogicalResult mergeHeads(OnnxValue &rows, StringRef name);
  OnnxValue buildCausal();
  FailureOr<OnnxValue> buildMask(const OnnxValue &mask, const OnnxValue &bias);
  FailureOr<OnnxValues> attendPacked(const OnnxValue &mask,
                                     const OnnxValue &past,
                                     const OnnxValue &bias, Project project);
  FailureOr<OnnxValues> attend(const OnnxValue &mask, const OnnxValue &bias,
                               const OnnxValue &pastKey,
                               const OnnxValue &pastValue);

  OnnxCall &call;
  TensorBuilder &tensors;
  /// [B, S, H·E], [B, M, H·E], [B, M, H·F].
  OnnxValue query, key, value;
  OpFoldResult batch, keys;
  bool isCausal = false;
};

} // namespace

/// A part of the last dimension.
FailureOr<OnnxValue> RuntimeAttentionImporter::slice(const OnnxValue &value,
                                                     int64_t offset,
                                                     int64_t size) {
  SizedTensor tensor = call.asTensor(value);
  std::optional<int64_t> extent = getConstantIntValue(tensor.sizes.back());
  if (!extent || offset + size > *extent)
    return call.fail("expected " + Twine(offset + size) +
                     " columns of queries, keys and values at least");
  return OnnxValue(tensors.sliceAxis(tensor, tensor.rank() - 1,
                                     tensors.constantSize(offset),
                                     tensors.constantSize(size)));
}

/// What is added to scores: a bias, and a number that excludes keys.
FailureOr<OnnxValue>
RuntimeAttentionImporter::buildMask(const OnnxValue &mask,
                                    const OnnxValue &bias) {
  Type type = query.type();
  if (bias && (bias.rank() != 4 || bias.type() != type))
    return call.fail("expected a bias of scores of rank 4, and of the type of "
                     "the queries");
  double filter = call.number("mask_filter_value", -10000);
  if (!mask)
    return bias;
  if (!mask.type().isSignlessInteger() || mask.rank() < 1 || mask.rank() > 3)
    return call.fail("expected a mask of integers of rank 1 to 3");
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  TensorSizes sizes = call.sizesOf(mask);
  FailureOr<OnnxValue> kept;
  if (mask.rank() == 1) {
    if (sizes[0] != batch)
      return call.fail("expected a mask of rank 2 or 3, or the number of keys "
                       "of each entry of the batch");
    OnnxValue columns = call.cast(tensors.iota(zero, keys, one), mask.type());
    kept = call.elementwise(
        "Less", {columns, call.reshape(mask, {batch, one, one, one})});
  } else {
    sizes.insert(sizes.begin() + 1, mask.rank() == 2 ? 2 : 1, one);
    kept = call.elementwise(
        "Greater", {call.reshape(mask, sizes), call.constant(mask.type(), 0)});
  }
  if (failed(kept))
    return failure();
  // Keys after the query get the lowest number in place of the mask's.
  APFloat number = APFloat::getLargest(
      cast<FloatType>(type).getFloatSemantics(), /*Negative=*/true);
  double lowest = number.convertToDouble();
  FailureOr<OnnxValue> added = call.elementwise(
      "Where", {*kept, call.constant(type, 0),
                call.constant(type, std::max(filter, lowest))});
  if (succeeded(added) && isCausal)
    added = call.elementwise(
        "Where", {buildCausal(), *added, call.constant(type, lowest)});
  if (succeeded(added) && bias)
    added = call.elementwise("Add", {bias, *added});
  return added;
}

/// Whether a key is not after the query.
OnnxValue RuntimeAttentionImporter::buildCausal() {
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  OpFoldResult queries = call.sizesOf(query)[1];
  OpFoldResult past = tensors.subtract(keys, queries);
  OnnxValue places =
      call.reshape(tensors.iota(past, queries, one), {queries, one});
  return *call.elementwise("LessOrEqual",
                           {tensors.iota(zero, keys, one), places});
}

FailureOr<OnnxValues>
RuntimeAttentionImporter::attend(const OnnxValue &mask, const OnnxValue &bias,
                                 const OnnxValue &pastKey,
                                 const OnnxValue &pastValue) {
  keys = call.sizesOf(key)[1];
  if (pastKey && pastKey.rank() == 4)
    keys = tensors.add(call.sizesOf(pastKey)[2], keys);
  isCausal = call.integer("unidirectional", 0) != 0;
  FailureOr<OnnxValue> added = buildMask(mask, bias);
  if (failed(added))
    return failure();
  OnnxNode node;
  int64_t heads = call.integer("num_heads", 0);
  node.attributes = {makeAttribute("q_num_heads", heads),
                     makeAttribute("kv_num_heads", heads),
                     makeAttribute("is_causal", int64_t(isCausal && !mask))};
  if (double scale = call.number("scale", 0); scale != 0)
    node.attributes.push_back(makeAttribute("scale", scale));
  OnnxCall attention =
      call.derive(node, {query, key, value, *added, pastKey, pastValue});
  return importAttention(attention);
}

/// Of queries, keys and values that are one product of the first input with the
/// second, which `project` gives.
FailureOr<OnnxValues>
RuntimeAttentionImporter::attendPacked(const OnnxValue &mask,
                                       const OnnxValue &past,
                                       const OnnxValue &bias, Project project) {
  if (call.integer("past_present_share_buffer", 0) != 0)
    return call.fail("expected a past without places for what follows");
  if (call.integer("do_rotary", 0) != 0)
    return call.fail("expected 'do_rotary' 0");
  OnnxValue pastKey, pastValue;
  if (past) {
    if (past.rank() != 5 || !isSize(call.sizesOf(past)[0], 2))
      return call.fail("expected past keys and values as one tensor of rank 5, "
                       "of which the first size is 2");
    pastKey = sliceOne(past.tensor(), 0, 0);
    pastValue = sliceOne(past.tensor(), 0, 1);
  }
  OnnxValue x = call.input(0), weight = call.input(1);
  if (x.rank() != 3 || weight.rank() != 2)
    return call.fail("expected an input of rank 3 and a weight of rank 2, got "
                     "ranks " +
                     Twine(x.rank()) + " and " + Twine(weight.rank()));
  std::optional<int64_t> columns = getConstantIntValue(call.sizesOf(weight)[1]);
  if (!columns)
    return call.fail("expected a weight of a known width");
  SmallVector<int64_t> widths =
      call.integers("qkv_hidden_sizes")
          .value_or(SmallVector<int64_t>(3, *columns / 3));
  if (widths.size() != 3 || widths[0] + widths[1] + widths[2] != *columns ||
      llvm::any_of(widths, [](int64_t width) { return width < 1; }))
    return call.fail("expected a weight of the width of queries, keys and "
                     "values together, got " +
                     Twine(*columns));
  batch = call.sizesOf(x)[0];
  FailureOr<OnnxValue> rows = project();
  if (failed(rows))
    return failure();
  int64_t offset = 0;
  for (auto [part, width] :
       llvm::zip(std::array{&query, &key, &value}, widths)) {
    *part = *slice(*rows, offset, width);
    offset += width;
  }
  FailureOr<OnnxValues> results = attend(mask, bias, pastKey, pastValue);
  if (failed(results))
    return failure();
  if (!call.hasOutput(1))
    return OnnxValues{results->front()};
  SmallVector<SizedTensor, 2> present;
  for (const OnnxValue &kept : ArrayRef(*results).slice(1, 2)) {
    TensorSizes sizes = call.sizesOf(kept);
    sizes.insert(sizes.begin(), tensors.constantSize(1));
    present.push_back(tensors.reshape(call.asTensor(kept), sizes));
  }
  return OnnxValues{results->front(), tensors.concatenate(present, 0)};
}

/// Attention: of floats.
FailureOr<OnnxValues> RuntimeAttentionImporter::importPacked() {
  if (failed(call.expectInputs(2, 7)))
    return failure();
  if (call.input(6))
    return call.fail("expected a past without places for what follows");
  OnnxValue x = call.input(0), bias = call.input(2);
  if (!isa<FloatType>(x.type()))
    return call.fail("expected an input of floats");
  return attendPacked(call.input(3), call.input(4), call.input(5),
                      [&]() -> FailureOr<OnnxValue> {
                        FailureOr<OnnxValue> rows =
                            call.matmul(x, call.input(1));
                        if (failed(rows) || !bias)
                          return rows;
                        return call.elementwise("Add", {*rows, bias});
                      });
}

/// QAttention: of a product of integers.
FailureOr<OnnxValues> RuntimeAttentionImporter::importQuantised() {
  if (failed(call.expectInputs(5, 9)))
    return failure();
  return attendPacked(
      call.input(5), call.input(8), OnnxValue(), [&]() -> FailureOr<OnnxValue> {
        OnnxNode node;
        OnnxCall product = call.derive(
            node, {call.input(0), call.input(1), call.input(3), call.input(4),
                   call.input(6), call.input(7), call.input(2)});
        FailureOr<OnnxValues> rows = importMatMulIntegerToFloat(product);
        if (failed(rows))
          return failure();
        return rows->front();
      });
}

/// One of a dimension, which then is no more.
OnnxValue RuntimeAttentionImporter::sliceOne(const SizedTensor &tensor,
                                             int64_t axis, int64_t index) {
  SizedTensor part = tensors.sliceAxis(
      tensor, axis, tensors.constantSize(index), tensors.constantSize(1));
  TensorSizes sizes = tensor.sizes;
  sizes.erase(sizes.begin() + axis);
  return OnnxValue(tensors.reshape(part, sizes));
}

/// [B, S, H, parts, E] → [B, S, H·E] each.
LogicalResult RuntimeAttentionImporter::unpack(const OnnxValue &packed,
                                               ArrayRef<OnnxValue *> parts) {
  if (packed.rank() != 5 || !isSize(call.sizesOf(packed)[3], parts.size()))
    return call.fail("expected " + Twine(parts.size()) +
                     " packed operands as a tensor of rank 5, of which size 3 "
                     "is their number");
  SmallVector<OnnxValue> results;
  for (size_t index : llvm::seq(parts.size())) {
    SizedTensor rows = call.asTensor(sliceOne(packed.tensor(), 3, index));
    OpFoldResult width = tensors.multiply(rows.sizes[2], rows.sizes[3]);
    results.emplace_back(
        call.reshape(rows, {rows.sizes[0], rows.sizes[1], width}));
  }
  // One of the parts may be where the operands were.
  for (auto [part, result] : llvm::zip_equal(parts, results))
    *part = result;
  return success();
}

/// [B, H, M, E] → [B, M, H·E], as keys of other sentences are kept.
LogicalResult RuntimeAttentionImporter::mergeHeads(OnnxValue &rows,
                                                   StringRef name) {
  if (rows.rank() == 4) {
    SizedTensor tensor = tensors.transpose(call.asTensor(rows), {0, 2, 1, 3});
    OpFoldResult width = tensors.multiply(tensor.sizes[2], tensor.sizes[3]);
    rows = call.reshape(tensor, {tensor.sizes[0], tensor.sizes[1], width});
  }
  if (rows.rank() == 3)
    return success();
  return call.fail("expected " + name + " of rank 3 or 4, got " +
                   Twine(rows.rank()));
}

FailureOr<OnnxValues> RuntimeAttentionImporter::importMultiHead() {
  if (failed(call.expectInputs(1, 8)))
    return failure();
  query = call.input(0);
  key = call.input(1);
  value = call.input(2);
  if (!key && failed(unpack(query, {&query, &key, &value})))
    return failure();
  if (key && !value && failed(unpack(key, {&key, &value})))
    return failure();
  OnnxValue bias = call.input(3);
  if (query.rank() != 3 || !isa<FloatType>(query.type()))
    return call.fail("expected queries of floats of rank 3, got rank " +
                     Twine(query.rank()));
  if (bias && (bias.rank() != 1 || key.rank() != 3))
    return call.fail("expected a bias of rank 1, of keys of rank 3");
  batch = call.sizesOf(query)[0];
  int64_t offset = 0;
  const std::pair<OnnxValue *, StringRef> operands[] = {
      {&query, "queries"}, {&key, "keys"}, {&value, "values"}};
  for (auto [operand, name] : operands) {
    if (failed(mergeHeads(*operand, name)))
      return failure();
    if (!bias)
      continue;
    std::optional<int64_t> width =
        getConstantIntValue(call.sizesOf(*operand)[2]);
    if (!width)
      return call.fail("expected a known width of " + name +
                       " that have a bias");
    FailureOr<OnnxValue> part = slice(bias, offset, *width);
    FailureOr<OnnxValue> sum =
        failed(part) ? part : call.elementwise("Add", {*operand, *part});
    if (failed(sum))
      return failure();
    *operand = *sum;
    offset += *width;
  }
  FailureOr<OnnxValues> results =
      attend(call.input(4), call.input(5), call.input(6), call.input(7));
  if (failed(results))
    return failure();
  results->pop_back();
  return results;
}

FailureOr<OnnxValues> attn::importRuntimeAttention(OnnxCall &call) {
  return RuntimeAttentionImporter(call).importPacked();
}

FailureOr<OnnxValues> attn::importQuantisedAttention(OnnxCall &call) {
  return RuntimeAttentionImporter(call).importQuantised();
}

FailureOr<OnnxValues> attn::importMultiHeadAttention(OnnxCall &call) {
  return RuntimeAttentionImporter(call).importMultiHead();
}
