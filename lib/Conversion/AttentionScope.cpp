// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionScope.h"
#include "VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static int64_t widthOf(Value value) {
  return cast<MemRefType>(value.getType()).getShape().back();
}

AttentionSizes::AttentionSizes(KernelBuilder &b, SdpaOp op)
    : batch(b.dim(op.getQuery(), 0)), heads(b.dim(op.getQuery(), 1)),
      queries(b.dim(op.getQuery(), 2)), keys(b.dim(op.getKey(), 2)),
      keySize(widthOf(op.getQuery())), valueSize(widthOf(op.getValue())) {}

Value AttentionSizes::getWork(KernelBuilder &b) const {
  return b.mul(b.mul(b.mul(batch, heads), b.mul(queries, keys)),
               b.index(keySize + valueSize));
}

bool AttentionScope::hasRowForEachKey(SdpaOp op) {
  return op.getRows() &&
         cast<MemRefType>(op.getRows().getType()).getRank() == 2;
}

AttentionScope::AttentionScope(KernelBuilder &b, SdpaOp op, Value entry)
    : b(b), op(op), entry(entry), row(entry), length(b.dim(op.getKey(), 2)),
      before(b.index(0)) {
  if (hasRowForEachKey(op))
    length = b.min(length, b.dim(op.getRows(), 1));
  else if (op.getRows())
    row = b.clamp(b.loadIndex(op.getRows(), {entry}), b.dim(op.getKey(), 0));
  if (op.getLengths())
    length = b.min(length, b.loadIndex(op.getLengths(), {row}));
  // Where there is no entry of keys, there is no key.
  if (op.getRows())
    length = b.min(length, b.mul(length, b.dim(op.getKey(), 0)));
  length = b.max(length, b.index(0));
  if (op.getPositions())
    before = b.loadIndex(op.getPositions(), {entry});
}

Value AttentionScope::getRow(Value position) {
  if (!hasRowForEachKey(op))
    return row;
  return b.clamp(b.loadIndex(op.getRows(), {entry, position}),
                 b.dim(op.getKey(), 0));
}

Value AttentionScope::getKeyHead(Value head) {
  int64_t group = op.getGroupSize();
  return group == 1 ? head : b.div(head, b.index(group));
}

Value AttentionScope::getVisible(Value query) {
  if (!op.getCausal())
    return length;
  Value next = b.add(b.add(before, query), b.index(1));
  return b.max(b.min(length, next), b.index(0));
}

void AttentionScope::emitMask(Value scores, Value row, Value head, Value query,
                              Value firstKey, Value count) {
  if (!op.changesScores())
    return;
  int64_t lanes = b.lanes();
  b.forLoop(b.index(0), count, lanes, [&](Value i) {
    Value masked = applyMask(b.load(scores, {row, i}, lanes), head, query,
                             b.add(firstKey, i), b.sub(count, i));
    b.store(masked, scores, {row, i});
  });
}

/// Numbers of a mask in units of log 2. The lowest number stays one: it is
/// meant to be low, not to exclude a key.
static Value emitScaled(KernelBuilder &b, Value numbers) {
  int64_t lanes = b.lanes();
  Value lowest = b.splat(lanes, std::numeric_limits<float>::lowest());
  Value excluded = b.splat(lanes, -INFINITY);
  Value scaled =
      arith::MulFOp::create(b, numbers, b.splat(lanes, 1.0 / std::log(2.0)));
  Value isExcluded =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, numbers, excluded);
  Value isBelow =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, scaled, lowest);
  Value clamped = arith::SelectOp::create(b, isBelow, lowest, scaled);
  return arith::SelectOp::create(b, isExcluded, excluded, clamped);
}

Value AttentionScope::getBias(Value head, Value query, Value firstKey) {
  int64_t lanes = b.lanes();
  Value first = b.sub(firstKey, b.add(before, query));
  Value ahead = arith::SIToFPOp::create(
      b, b.getF32Type(), arith::IndexCastOp::create(b, b.getI64Type(), first));
  SmallVector<float> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(static_cast<float>(lane));
  auto type = VectorType::get(lanes, b.getF32Type());
  Value step = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<float>(steps)));
  Value distance = math::AbsFOp::create(
      b, arith::AddFOp::create(b, b.splat(lanes, ahead), step));
  Value slope = arith::MulFOp::create(b, b.loadScalar(op.getSlopes(), {head}),
                                      b.scalar(1.0 / std::log(2.0)));
  return arith::MulFOp::create(b, b.splat(lanes, slope), distance);
}

Value AttentionScope::applyMask(Value scores, Value head, Value query,
                                Value firstKey, Value count) {
  int64_t lanes = b.lanes();
  if (std::optional<APFloat> softcap = op.getSoftcap()) {
    double cap = softcap->convertToDouble() / std::log(2.0);
    Value bounded =
        emitTanh(b, arith::MulFOp::create(b, scores, b.splat(lanes, 1 / cap)));
    scores = arith::MulFOp::create(b, bounded, b.splat(lanes, cap));
  }
  if (op.getSlopes())
    scores = arith::SubFOp::create(b, scores, getBias(head, query, firstKey));
  Value mask = op.getMask();
  if (!mask)
    return scores;
  auto type = cast<MemRefType>(mask.getType());
  SmallVector<Value> place = {entry, head, query};
  for (auto [dimension, index] : llvm::enumerate(place))
    if (type.getDimSize(dimension) == 1)
      index = b.index(0);
  place.push_back(firstKey);

  Value inside = b.mask(lanes, count);
  if (type.getElementType().isInteger())
    return arith::SelectOp::create(b, b.loadFlags(mask, place, inside), scores,
                                   b.splat(lanes, -INFINITY));
  return arith::AddFOp::create(
      b, scores, emitScaled(b, b.loadMasked(mask, place, inside)));
}
