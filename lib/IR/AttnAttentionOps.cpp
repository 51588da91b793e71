// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers and canonicalisation of the cores that attention is made of.

#include "ShapeChecks.h"
#include "attn/IR/AttnOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Splits the last dimension of `type` into heads; message if it cannot be.
static LogicalResult checkHeads(Operation *op, StringRef name, ShapedType type,
                                int64_t heads, int64_t rank = 3) {
  if (failed(checkRank(op, name, type, rank)) ||
      failed(checkStaticWidth(op, name, type)))
    return failure();
  if (type.getShape().back() % heads == 0)
    return success();
  return op->emitOpError() << "expected the width of '" << name
                           << "' divisible by " << heads << " heads, got "
                           << type;
}

/// Checks that keys or values of `shared` heads can serve `heads` of queries.
static LogicalResult checkShared(Operation *op, StringRef name, ShapedType type,
                                 int64_t shared, int64_t heads) {
  if (areCompatible(shared, heads) || (shared > 0 && heads % shared == 0))
    return success();
  return op->emitOpError() << "expected a number of heads of '" << name
                           << "' that divides " << heads << ", got " << shared
                           << " in " << type;
}

/// The same for heads of `size` elements beside each other.
static LogicalResult checkSharedHeads(Operation *op, StringRef name,
                                      ShapedType type, int64_t size,
                                      int64_t heads) {
  if (failed(checkRank(op, name, type, 3)) ||
      failed(checkStaticWidth(op, name, type)))
    return failure();
  int64_t width = type.getDimSize(2);
  if (size == 0 ? width != 0 : width % size != 0)
    return op->emitOpError() << "expected '" << name << "' with heads of "
                             << size << " elements, got " << type;
  return checkShared(op, name, type, size == 0 ? heads : width / size, heads);
}

LogicalResult ScoresOp::verify() {
  ShapedType query = typeOf(getQuery()), key = typeOf(getKey());
  int64_t heads = getHeads();
  if (failed(checkHeads(*this, "query", query, heads)) ||
      failed(checkSharedHeads(*this, "key", key, query.getDimSize(2) / heads,
                              heads)) ||
      failed(checkShape(*this, "key", key,
                        {query.getDimSize(0), kDynamic, key.getDimSize(2)})))
    return failure();
  if (getLengths() && failed(checkShape(*this, "lengths", typeOf(getLengths()),
                                        {key.getDimSize(0)})))
    return failure();
  if (failed(checkShape(*this, "out", typeOf(getOut()),
                        {query.getDimSize(0), heads, query.getDimSize(1),
                         key.getDimSize(1)})))
    return failure();
  return checkSameElementType(
      *this, {{"query", getQuery()}, {"key", getKey()}, {"out", getOut()}});
}

LogicalResult SoftmaxOp::verify() {
  ShapedType input = typeOf(getInput());
  if (input.getRank() == 0)
    return emitOpError() << "expected 'input' of rank at least 1, got "
                         << input;
  if (failed(checkShape(*this, "out", typeOf(getOut()), input.getShape())))
    return failure();
  return checkSameElementType(*this,
                              {{"input", getInput()}, {"out", getOut()}});
}

LogicalResult WeightedSumOp::verify() {
  ShapedType probabilities = typeOf(getProbabilities());
  ShapedType value = typeOf(getValue());
  if (failed(checkRank(*this, "probabilities", probabilities, 4)))
    return failure();
  int64_t heads = probabilities.getDimSize(1);
  if (ShapedType::isDynamic(heads) || heads == 0)
    return emitOpError() << "expected 'probabilities' with a static number of "
                            "heads, got "
                         << probabilities;
  ShapedType out = typeOf(getOut());
  if (failed(checkHeads(*this, "out", out, heads)) ||
      failed(checkSharedHeads(*this, "value", value, out.getDimSize(2) / heads,
                              heads)) ||
      failed(checkShape(*this, "value", value,
                        {probabilities.getDimSize(0),
                         probabilities.getDimSize(3), kDynamic})) ||
      failed(checkShape(*this, "out", out,
                        {probabilities.getDimSize(0),
                         probabilities.getDimSize(2), kDynamic})))
    return failure();
  return checkSameElementType(*this, {{"probabilities", getProbabilities()},
                                      {"value", getValue()},
                                      {"out", getOut()}});
}

/// Checks a mask of the scores [B, H, S, M], of which a static 1 in one of the
/// first three dimensions counts for all.
static LogicalResult checkMask(SdpaOp op, ArrayRef<int64_t> scores) {
  ShapedType mask = typeOf(op.getMask());
  if (failed(checkRank(op, "mask", mask, 4)))
    return failure();
  SmallVector<int64_t> expected(scores);
  for (int64_t dim = 0; dim < 3; ++dim)
    if (mask.getDimSize(dim) == 1)
      expected[dim] = 1;
  if (failed(checkShape(op, "mask", mask, expected)))
    return failure();
  if (mask.getElementType().isInteger(1))
    return success();
  return checkSameElementTypeOrF32(
      op, {{"query", op.getQuery()}, {"mask", op.getMask()}});
}

int64_t SdpaOp::getKeyHeads() {
  ShapedType query = typeOf(getQuery()), key = typeOf(getKey());
  if (hasHeadDim())
    return key.getDimSize(1);
  auto heads = static_cast<int64_t>(getHeads());
  int64_t size = query.getDimSize(2) / heads;
  return size == 0 ? heads : key.getDimSize(2) / size;
}

int64_t SdpaOp::getGroupSize() {
  int64_t heads = hasHeadDim() ? typeOf(getQuery()).getDimSize(1)
                               : static_cast<int64_t>(getHeads());
  int64_t keyHeads = getKeyHeads();
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(keyHeads) ||
      keyHeads == 0)
    return 1;
  return heads / keyHeads;
}

/// Checks the heads of the queries and of the keys, whatever their form.
static LogicalResult checkKeyHeads(SdpaOp op) {
  ShapedType query = typeOf(op.getQuery()), key = typeOf(op.getKey());
  auto heads = static_cast<int64_t>(op.getHeads());
  if (failed(checkHeads(op, "query", query, heads, query.getRank())))
    return failure();
  if (!op.hasHeadDim())
    return checkSharedHeads(op, "key", key, query.getDimSize(2) / heads, heads);
  if (failed(checkRank(op, "key", key, 4)))
    return failure();
  return checkShared(op, "key", key, key.getDimSize(1), query.getDimSize(1));
}

/// How many entries offsets divide an operand of a name into; without offsets,
/// as many as it has.
static FailureOr<int64_t> getEntries(SdpaOp op, StringRef name, Value operand,
                                     Value offsets) {
  ShapedType type = typeOf(operand);
  if (!offsets)
    return type.getDimSize(0);
  std::string offsetsName = (name + "_offsets").str();
  if (failed(checkRank(op, offsetsName, typeOf(offsets), 1)))
    return failure();
  if (type.getDimSize(0) != 1)
    return op.emitOpError()
           << "expected '" << name << "' with a static batch "
           << "of 1 where there are '" << offsetsName << "', got " << type;
  int64_t size = typeOf(offsets).getDimSize(0);
  if (size == 0)
    return op.emitOpError() << "expected '" << offsetsName
                            << "' of at least one, got " << typeOf(offsets);
  return ShapedType::isDynamic(size) ? size : size - 1;
}

/// Checks what says which entries there are, and which keys each reads.
static LogicalResult checkEntries(SdpaOp op) {
  FailureOr<int64_t> batch =
      getEntries(op, "query", op.getQuery(), op.getQueryOffsets());
  FailureOr<int64_t> entries =
      getEntries(op, "key", op.getKey(), op.getKeyOffsets());
  if (failed(batch) || failed(entries))
    return failure();
  if (!op.getRows() && !areCompatible(*batch, *entries))
    return op.emitOpError()
           << "expected as many entries of keys as of queries without 'rows', "
           << *batch << ", got " << *entries;
  if (op.getLengths() &&
      failed(checkShape(op, "lengths", typeOf(op.getLengths()), {*entries})))
    return failure();
  if (op.getPositions()) {
    if (!op.isBanded() && !op.dependsOnDistance())
      return op.emitOpError()
             << "expected 'causal', a window, 'slopes' or 'biases' where "
                "there are 'positions'";
    if (failed(
            checkShape(op, "positions", typeOf(op.getPositions()), {*batch})))
      return failure();
  }
  if (!op.getRows())
    return success();
  ShapedType rows = typeOf(op.getRows());
  if (rows.getRank() != 1 && rows.getRank() != 2)
    return op.emitOpError() << "expected 'rows' of rank 1 or 2, got " << rows;
  // Which entry's length counts would change from key to key.
  if (rows.getRank() == 2 && (op.getLengths() || op.getKeyOffsets()))
    return op.emitOpError()
           << "expected no '" << (op.getLengths() ? "lengths" : "key_offsets")
           << "' where 'rows' are of rank 2";
  SmallVector<int64_t> expected(rows.getRank(), kDynamic);
  expected[0] = *batch;
  return checkShape(op, "rows", rows, expected);
}

/// Checks the biases by distance, as many before a query as after it.
static LogicalResult checkBiases(SdpaOp op, int64_t heads) {
  if (!op.getBiases())
    return success();
  ShapedType type = typeOf(op.getBiases());
  if (failed(checkShape(op, "biases", type, {heads, kDynamic})))
    return failure();
  if (type.isDynamicDim(1) || type.getDimSize(1) % 2 == 1)
    return success();
  return op.emitOpError() << "expected 'biases' of an odd number of distances, "
                             "got "
                          << type;
}

/// Checks the second destination, of which `scores` are [B, H, S, M].
static LogicalResult checkShown(SdpaOp op, ArrayRef<int64_t> scores) {
  Value shown = op.getShown();
  std::optional<ArrayRef<int64_t>> heads = op.getShownHeads();
  if (!shown) {
    if (heads || op.getShownMean() || op.getShownStage())
      return op.emitOpError() << "expected a second destination where there is "
                              << (heads               ? "'shown_heads'"
                                  : op.getShownMean() ? "'shown_mean'"
                                                      : "'shown_stage'");
    return success();
  }
  if (op.getShownStage())
    for (auto [name, operand] :
         {std::pair("rows", op.getRows()),
          std::pair("query_offsets", op.getQueryOffsets()),
          std::pair("key_offsets", op.getKeyOffsets())})
      if (operand)
        return op.emitOpError()
               << "expected no '" << name << "' where there is 'shown_stage'";
  SmallVector<int64_t> expected(scores);
  if (heads) {
    llvm::SmallDenseSet<int64_t> seen;
    for (int64_t head : *heads)
      if (head < 0 || !(head < scores[1]) || !seen.insert(head).second)
        return op.emitOpError()
               << "expected 'shown_heads' to be some of a static number of "
                  "heads, from 0 on, each once, got "
               << op.getShownHeadsAttr();
    expected[1] = static_cast<int64_t>(heads->size());
  }
  if (op.getShownMean()) {
    if (expected[1] == 0)
      return op.emitOpError() << "expected 'shown_mean' of at least one head";
    expected.erase(expected.begin() + 1);
    if (!typeOf(shown).getElementType().isF32())
      return op.emitOpError() << "expected 'shown' of f32 where it is a mean, "
                                 "got "
                              << typeOf(shown);
  }
  return checkShape(op, "shown", typeOf(shown), expected);
}

LogicalResult SdpaOp::verify() {
  ShapedType query = typeOf(getQuery()), key = typeOf(getKey());
  ShapedType value = typeOf(getValue());
  int64_t rank = query.getRank();
  if (getOuts().size() != 1 && getOuts().size() != 2)
    return emitOpError() << "expected one or two destinations, got "
                         << getOuts().size();
  if (rank != 3 && rank != 4)
    return emitOpError() << "expected 'query' of rank 3 or 4, got " << query;
  if (hasHeadDim() && getHeads() != 1)
    return emitOpError() << "expected no 'heads' where they have a dimension "
                            "of their own, got "
                         << getHeads();
  int64_t heads = hasHeadDim() ? query.getDimSize(1) : getHeads();
  int64_t batch = query.getDimSize(0), queries = query.getDimSize(rank - 2);
  auto shapeOf = [&](int64_t batch, int64_t heads, int64_t length,
                     int64_t width) {
    return hasHeadDim() ? SmallVector<int64_t>{batch, heads, length, width}
                        : SmallVector<int64_t>{batch, length, width};
  };

  if (failed(checkKeyHeads(*this)))
    return failure();
  bool hasOwnEntries = getRows() || getQueryOffsets() || getKeyOffsets();
  int64_t keyHeads = getKeyHeads(), valueHeads = hasHeadDim() ? 1 : keyHeads;
  int64_t keyWidth = (hasHeadDim() ? query : key).getShape().back();
  if (failed(checkHeads(*this, "value", value, valueHeads, rank)) ||
      failed(checkShape(*this, "key", key,
                        shapeOf(hasOwnEntries ? kDynamic : batch, kDynamic,
                                kDynamic, keyWidth))) ||
      failed(checkShape(*this, "value", value,
                        shapeOf(key.getDimSize(0), keyHeads,
                                key.getDimSize(rank - 2), kDynamic))))
    return failure();
  int64_t valueWidth = value.getDimSize(rank - 1) / valueHeads *
                       static_cast<int64_t>(getHeads());
  if (std::optional<APFloat> cap = getSoftcap();
      cap && (!cap->isFinite() || cap->isNegative() || cap->isZero()))
    return emitOpError() << "expected 'softcap' to be finite and above 0, got "
                         << getSoftcapAttr();
  int64_t keys = key.getDimSize(rank - 2);
  if (getMask() && failed(checkMask(*this, {batch, heads, queries, keys})))
    return failure();
  if (getSlopes() &&
      failed(checkShape(*this, "slopes", typeOf(getSlopes()), {heads})))
    return failure();
  if (failed(checkBiases(*this, heads)))
    return failure();
  if (getSinks() &&
      failed(checkShape(*this, "sinks", typeOf(getSinks()), {heads})))
    return failure();
  if (failed(checkEntries(*this)))
    return failure();

  Value out = getOuts()[0];
  if (failed(checkShape(*this, "out", typeOf(out),
                        shapeOf(batch, heads, queries, valueWidth))))
    return failure();
  if (failed(checkShown(*this, {batch, heads, queries, keys})))
    return failure();
  if (failed(checkSameElementTypeOrBF16(
          *this,
          {{"query", getQuery()}, {"key", getKey()}, {"value", getValue()}})) ||
      failed(checkSameElementType(*this,
                                  {{"key", getKey()}, {"value", getValue()}})))
    return failure();
  return checkSameElementTypeOrF32(
      *this, {{"query", getQuery()}, {"out", out}, {"shown", getShown()}});
}

/// Whether a mask excludes nothing and adds nothing.
static bool isNeutral(Value mask) {
  DenseElementsAttr constant;
  if (!mask || !matchPattern(mask, m_Constant(&constant)) ||
      !constant.isSplat())
    return false;
  if (constant.getElementType().isInteger(1))
    return constant.getSplatValue<bool>();
  return constant.getSplatValue<APFloat>().isZero();
}

/// Drops masks that mask nothing: a causal one over one key, with no keys
/// before the queries, a window after queries that see no later key, and a
/// constant of zeros or of true. A window of no keys after a query is a causal
/// mask.
LogicalResult SdpaOp::canonicalize(SdpaOp op, PatternRewriter &rewriter) {
  ShapedType key = typeOf(op.getKey());
  bool dropCausal = op.getCausal() && !op.getPositions() &&
                    key.getDimSize(key.getRank() - 2) == 1;
  bool dropMask = isNeutral(op.getMask());
  bool becomesCausal = op.getWindowAfter() == 0;
  bool dropAfter = becomesCausal || (op.getCausal() && op.getWindowAfter());
  if (!dropCausal && !dropMask && !dropAfter)
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    if (dropAfter)
      op.removeWindowAfterAttr();
    if (becomesCausal)
      op.setCausal(true);
    if (dropCausal)
      op.setCausal(false);
    if (dropMask)
      op.getMaskMutable().clear();
  });
  return success();
}

LogicalResult CacheAppendOp::verify() {
  ShapedType input = typeOf(getInput()), cache = typeOf(getOut());
  if (failed(checkRank(*this, "input", input, 3)) ||
      failed(checkStaticWidth(*this, "input", input)) ||
      failed(checkShape(*this, "out", cache,
                        {kDynamic, kDynamic, input.getDimSize(2)})) ||
      failed(checkShape(*this, "positions", typeOf(getPositions()),
                        {input.getDimSize(0)})) ||
      (getRows() && failed(checkShape(*this, "rows", typeOf(getRows()),
                                      {input.getDimSize(0), kDynamic}))))
    return failure();
  return checkSameElementTypeOrBF16(*this,
                                    {{"input", getInput()}, {"out", getOut()}});
}
