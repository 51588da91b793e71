// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, shape inference, effects and canonicalisation of cores.

#include "ShapeChecks.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

static ShapedType typeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

/// A result of a core has the shape of its destination.
static LogicalResult
reifyFromDestinations(DestinationStyleOpInterface op, OpBuilder &builder,
                      ReifiedRankedShapedTypeDims &shapes) {
  for (OpResult result : op->getResults()) {
    Value init = op.getTiedOpOperand(result)->get();
    shapes.push_back(tensor::getMixedSizes(builder, op.getLoc(), init));
  }
  return success();
}

/// On memrefs a core reads its inputs and writes its destinations.
static void addEffects(DestinationStyleOpInterface op, Effects &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isInit = op.isDpsInit(&operand);
    // A cache is written in part: what was there before still counts.
    if (!isInit || isa<CacheAppendOp>(*op))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
    if (isInit)
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

/// Splits the last dimension of `type` into heads; message if it cannot be.
static LogicalResult checkHeads(Operation *op, StringRef name, ShapedType type,
                                int64_t heads) {
  if (failed(checkRank(op, name, type, 3)) ||
      failed(checkStaticWidth(op, name, type)))
    return failure();
  if (type.getShape().back() % heads == 0)
    return success();
  return op->emitOpError() << "expected the width of '" << name
                           << "' divisible by " << heads << " heads, got "
                           << type;
}

#define ATTN_CORE_INTERFACES(Op)                                               \
  LogicalResult Op::reifyResultShapes(OpBuilder &builder,                      \
                                      ReifiedRankedShapedTypeDims &shapes) {   \
    return reifyFromDestinations(*this, builder, shapes);                      \
  }                                                                            \
  void Op::getEffects(Effects &effects) { addEffects(*this, effects); }

ATTN_CORE_INTERFACES(LookupOp)
ATTN_CORE_INTERFACES(LinearOp)
ATTN_CORE_INTERFACES(LayerNormOp)
ATTN_CORE_INTERFACES(ScoresOp)
ATTN_CORE_INTERFACES(SoftmaxOp)
ATTN_CORE_INTERFACES(WeightedSumOp)
ATTN_CORE_INTERFACES(SdpaOp)
ATTN_CORE_INTERFACES(CacheAppendOp)
#undef ATTN_CORE_INTERFACES

LogicalResult LookupOp::verify() {
  ShapedType ids = typeOf(getIds()), table = typeOf(getTable());
  if (failed(checkRank(*this, "ids", ids, 2)) ||
      failed(checkRank(*this, "table", table, 2)) ||
      failed(checkStaticWidth(*this, "table", table)))
    return failure();
  int64_t width = table.getDimSize(1);
  if (failed(checkShape(*this, "out", typeOf(getOut()),
                        {ids.getDimSize(0), ids.getDimSize(1), width})))
    return failure();
  if (getPositions() &&
      failed(checkShape(*this, "positions", typeOf(getPositions()),
                        {kDynamic, width})))
    return failure();
  if (!getOffsets())
    return success();
  if (!getPositions())
    return emitOpError() << "expected 'positions' where there are 'offsets'";
  return checkShape(*this, "offsets", typeOf(getOffsets()),
                    {ids.getDimSize(0)});
}

LogicalResult LinearOp::verify() {
  ShapedType input = typeOf(getInput()), out = typeOf(getOut());
  ShapedType weight = typeOf(getWeight());
  if (input.getRank() == 0)
    return emitOpError() << "expected 'input' of rank at least 1, got "
                         << input;
  if (weight.getRank() != 2 && weight.getRank() != 3)
    return emitOpError() << "expected 'weight' of rank 2, or 3 in panels, got "
                         << weight;
  if (failed(checkStaticWidth(*this, "out", out)) ||
      failed(checkStaticWidth(*this, "input", input)))
    return failure();
  SmallVector<int64_t> outShape(input.getShape());
  int64_t inWidth = input.getShape().back(), outWidth = out.getShape().back();
  outShape.back() = outWidth;
  int64_t biasSize = outWidth;
  if (isPacked()) {
    int64_t panel = weight.getShape().back();
    if (ShapedType::isDynamic(panel) || panel == 0)
      return emitOpError() << "expected 'weight' in panels of static size, got "
                           << weight;
    int64_t panels = llvm::divideCeil(outWidth, panel);
    biasSize = panels * panel;
    if (failed(checkShape(*this, "weight", weight, {panels, inWidth, panel})))
      return failure();
  } else if (failed(checkShape(*this, "weight", weight, {outWidth, inWidth}))) {
    return failure();
  }
  if (failed(checkShape(*this, "out", out, outShape)))
    return failure();
  if (getBias() &&
      failed(checkShape(*this, "bias", typeOf(getBias()), {biasSize})))
    return failure();
  if (getResidual() &&
      failed(checkShape(*this, "residual", typeOf(getResidual()), outShape)))
    return failure();
  return checkSameElementType(
      *this,
      {{"input", getInput()}, {"residual", getResidual()}, {"out", getOut()}});
}

/// A bias or a residual of zeros adds nothing.
LogicalResult LinearOp::canonicalize(LinearOp op, PatternRewriter &rewriter) {
  auto isZero = [](Value value) {
    DenseFPElementsAttr constant;
    return value && matchPattern(value, m_Constant(&constant)) &&
           constant.isSplat() && constant.getSplatValue<APFloat>().isZero();
  };
  bool dropBias = isZero(op.getBias()), dropResidual = isZero(op.getResidual());
  if (!dropBias && !dropResidual)
    return failure();
  rewriter.modifyOpInPlace(op, [&] {
    if (dropBias)
      op.getBiasMutable().clear();
    if (dropResidual)
      op.getResidualMutable().clear();
  });
  return success();
}

LogicalResult LayerNormOp::verify() {
  ShapedType input = typeOf(getInput());
  if (failed(checkStaticWidth(*this, "input", input)))
    return failure();
  int64_t width = input.getShape().back();
  if (failed(checkShape(*this, "weight", typeOf(getWeight()), {width})) ||
      failed(checkShape(*this, "bias", typeOf(getBias()), {width})) ||
      failed(checkShape(*this, "out", typeOf(getOut()), input.getShape())))
    return failure();
  return checkSameElementType(*this, {{"input", getInput()},
                                      {"weight", getWeight()},
                                      {"bias", getBias()},
                                      {"out", getOut()}});
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

LogicalResult SdpaOp::verify() {
  ShapedType query = typeOf(getQuery()), key = typeOf(getKey());
  ShapedType value = typeOf(getValue());
  int64_t heads = getHeads(), batch = query.getRank() ? query.getDimSize(0) : 0;
  if (getOuts().size() != 1 && getOuts().size() != 2)
    return emitOpError() << "expected one or two destinations, got "
                         << getOuts().size();
  if (failed(checkHeads(*this, "query", query, heads)) ||
      failed(checkHeads(*this, "value", value, heads)) ||
      failed(checkShape(
          *this, "key", key,
          {getRows() ? kDynamic : batch, kDynamic, query.getDimSize(2)})) ||
      failed(checkShape(*this, "value", value,
                        {key.getDimSize(0), key.getDimSize(1), kDynamic})))
    return failure();
  if (getLengths() && failed(checkShape(*this, "lengths", typeOf(getLengths()),
                                        {key.getDimSize(0)})))
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
  if (failed(checkShape(*this, "out", typeOf(getOuts()[0]),
                        {batch, query.getDimSize(1), value.getDimSize(2)})))
    return failure();
  if (getOuts().size() == 2 &&
      failed(
          checkShape(*this, "probabilities", typeOf(getOuts()[1]),
                     {batch, heads, query.getDimSize(1), key.getDimSize(1)})))
    return failure();
  return checkSameElementType(
      *this,
      {{"query", getQuery()},
       {"key", getKey()},
       {"value", getValue()},
       {"out", getOuts()[0]},
       {"probabilities", getOuts().size() == 2 ? getOuts()[1] : Value()}});
}

/// A causal mask over one key, with no keys before the queries, masks nothing.
LogicalResult SdpaOp::canonicalize(SdpaOp op, PatternRewriter &rewriter) {
  if (!op.getCausal() || op.getPositions() ||
      typeOf(op.getKey()).getDimSize(1) != 1)
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.setCausal(false); });
  return success();
}

LogicalResult CacheAppendOp::verify() {
  ShapedType input = typeOf(getInput()), cache = typeOf(getOut());
  if (failed(checkRank(*this, "input", input, 3)) ||
      failed(checkStaticWidth(*this, "input", input)) ||
      failed(checkShape(*this, "out", cache,
                        {kDynamic, kDynamic, input.getDimSize(2)})) ||
      failed(checkShape(*this, "positions", typeOf(getPositions()),
                        {input.getDimSize(0)})))
    return failure();
  return checkSameElementType(*this,
                              {{"input", getInput()}, {"out", getOut()}});
}
