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

LogicalResult ScoresOp::verify() {
  ShapedType query = typeOf(getQuery()), key = typeOf(getKey());
  int64_t heads = getHeads();
  if (failed(checkHeads(*this, "query", query, heads)) ||
      failed(checkShape(*this, "key", key,
                        {query.getDimSize(0), kDynamic, query.getDimSize(2)})))
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
  if (failed(checkHeads(*this, "value", value, heads)) ||
      failed(checkShape(*this, "value", value,
                        {probabilities.getDimSize(0),
                         probabilities.getDimSize(3), kDynamic})) ||
      failed(checkShape(*this, "out", typeOf(getOut()),
                        {probabilities.getDimSize(0),
                         probabilities.getDimSize(2), value.getDimSize(2)})))
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
  auto shapeOf = [&](int64_t batch, int64_t length, int64_t width) {
    return hasHeadDim() ? SmallVector<int64_t>{batch, heads, length, width}
                        : SmallVector<int64_t>{batch, length, width};
  };

  if (failed(checkHeads(*this, "query", query, getHeads(), rank)) ||
      failed(checkHeads(*this, "value", value, getHeads(), rank)) ||
      failed(checkShape(*this, "key", key,
                        shapeOf(getRows() ? kDynamic : batch, kDynamic,
                                query.getDimSize(rank - 1)))) ||
      failed(checkShape(
          *this, "value", value,
          shapeOf(key.getDimSize(0), key.getDimSize(rank - 2), kDynamic))))
    return failure();
  if (std::optional<APFloat> cap = getSoftcap();
      cap && (!cap->isFinite() || cap->isNegative() || cap->isZero()))
    return emitOpError() << "expected 'softcap' to be finite and above 0, got "
                         << getSoftcapAttr();
  int64_t keys = key.getDimSize(rank - 2);
  if (getMask() && failed(checkMask(*this, {batch, heads, queries, keys})))
    return failure();
  if (getLengths() && failed(checkShape(*this, "lengths", typeOf(getLengths()),
                                        {key.getDimSize(0)})))
    return failure();
  if (getSlopes() &&
      failed(checkShape(*this, "slopes", typeOf(getSlopes()), {heads})))
    return failure();
  if (getPositions()) {
    if (!getCausal())
      return emitOpError() << "expected 'causal' where there are 'positions'";
    if (failed(checkShape(*this, "positions", typeOf(getPositions()), {batch})))
      return failure();
  }
  if (getRows()) {
    ShapedType rows = typeOf(getRows());
    if (rows.getRank() != 1 && rows.getRank() != 2)
      return emitOpError() << "expected 'rows' of rank 1 or 2, got " << rows;
    // Which entry's length counts would change from key to key.
    if (rows.getRank() == 2 && getLengths())
      return emitOpError()
             << "expected no 'lengths' where 'rows' are of rank 2";
    SmallVector<int64_t> expected(rows.getRank(), kDynamic);
    expected[0] = batch;
    if (failed(checkShape(*this, "rows", rows, expected)))
      return failure();
  }

  Value out = getOuts()[0];
  Value probabilities = getOuts().size() == 2 ? getOuts()[1] : Value();
  if (failed(checkShape(*this, "out", typeOf(out),
                        shapeOf(batch, queries, value.getDimSize(rank - 1)))))
    return failure();
  if (probabilities &&
      failed(checkShape(*this, "probabilities", typeOf(probabilities),
                        {batch, heads, queries, keys})))
    return failure();
  if (failed(checkSameElementType(
          *this,
          {{"query", getQuery()}, {"key", getKey()}, {"value", getValue()}})))
    return failure();
  return checkSameElementTypeOrF32(
      *this,
      {{"query", getQuery()}, {"out", out}, {"probabilities", probabilities}});
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
/// before the queries, and a constant of zeros or of true.
LogicalResult SdpaOp::canonicalize(SdpaOp op, PatternRewriter &rewriter) {
  ShapedType key = typeOf(op.getKey());
  bool dropCausal = op.getCausal() && !op.getPositions() &&
                    key.getDimSize(key.getRank() - 2) == 1;
  bool dropMask = isNeutral(op.getMask());
  if (!dropCausal && !dropMask)
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
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
  return checkSameElementType(*this,
                              {{"input", getInput()}, {"out", getOut()}});
}
