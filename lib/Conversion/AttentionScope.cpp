// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionScope.h"
#include "DistanceBiases.h"
#include "VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

static int64_t widthOf(Value value) {
  return cast<MemRefType>(value.getType()).getShape().back();
}

/// Positions are i32: what is farther than any two of them is no bound, and
/// this does not overflow.
static int64_t getWindow(std::optional<uint64_t> window) {
  return static_cast<int64_t>(
      std::min<uint64_t>(window.value_or(0), uint64_t(1) << 33));
}

/// How many keys after a query it may attend to.
static int64_t getAfter(SdpaOp op) {
  return op.getCausal() ? 0 : getWindow(op.getWindowAfter());
}

/// How many entries a batch has that offsets divide; without them, as many as
/// the operand.
static Value countEntries(KernelBuilder &b, Value offsets, Value operand) {
  if (!offsets)
    return b.dim(operand, 0);
  return b.max(b.sub(b.dim(offsets, 0), b.index(1)), b.index(0));
}

AttentionSizes::AttentionSizes(KernelBuilder &b, SdpaOp op)
    : batch(countEntries(b, op.getQueryOffsets(), op.getQuery())),
      keyEntries(countEntries(b, op.getKeyOffsets(), op.getKey())),
      heads(b.dim(op.getQuery(), 1)), queries(b.dim(op.getQuery(), 2)),
      keys(b.dim(op.getKey(), 2)), isRagged(op.getQueryOffsets()),
      hasRaggedKeys(op.getKeyOffsets()), keySize(widthOf(op.getQuery())),
      valueSize(widthOf(op.getValue())) {
  if (op.isBoundBefore() && op.isBoundAfter())
    window = getWindow(op.getWindowBefore()) + getAfter(op) + 1;
}

Value AttentionSizes::getWork(KernelBuilder &b) const {
  Value rows = b.mul(heads, isRagged ? queries : b.mul(batch, queries));
  Value seen = keys;
  if (hasRaggedKeys)
    seen = b.ceilDiv(keys, b.max(keyEntries, b.index(1)));
  if (window)
    seen = b.min(seen, b.index(*window));
  return b.mul(b.mul(rows, seen), b.index(keySize + valueSize));
}

RaggedEntry::RaggedEntry(KernelBuilder &b, Value offsets, Value entry,
                         Value size) {
  auto load = [&](Value place) {
    return b.max(b.min(b.loadIndex(offsets, {place}), size), b.index(0));
  };
  first = load(entry);
  count = b.max(b.sub(load(b.add(entry, b.index(1))), first), b.index(0));
}

bool AttentionScope::hasRowForEachKey(SdpaOp op) {
  return op.getRows() &&
         cast<MemRefType>(op.getRows().getType()).getRank() == 2;
}

AttentionScope::AttentionScope(KernelBuilder &b, SdpaOp op,
                               const AttentionSizes &sizes, Value entry,
                               Value head)
    : b(b), op(op), sizes(sizes), entry(entry), row(entry), length(sizes.keys),
      before(b.index(0)), queriesBegin(b.index(0)), keysBegin(b.index(0)) {
  if (sizes.isRagged)
    queriesBegin =
        RaggedEntry(b, op.getQueryOffsets(), entry, sizes.queries).first;
  if (hasRowForEachKey(op))
    length = b.min(length, b.dim(op.getRows(), 1));
  else if (op.getRows())
    row = b.clamp(b.loadIndex(op.getRows(), {entry}), sizes.keyEntries);
  if (sizes.hasRaggedKeys)
    findKeys();
  if (op.getLengths())
    length = b.min(length, b.loadIndex(op.getLengths(), {row}));
  // Where there is no entry of keys, there is no key.
  if (op.getRows())
    length = b.min(length, b.mul(length, sizes.keyEntries));
  length = b.max(length, b.index(0));
  if (op.getPositions())
    before = b.loadIndex(op.getPositions(), {entry});
  setHead(head);
}

/// The number that `numbers` have for a head, in units of log 2.
static Value loadInLog2(KernelBuilder &b, Value numbers, Value head) {
  return arith::MulFOp::create(b, b.loadScalar(numbers, {head}),
                               b.scalar(1.0 / std::log(2.0)));
}

void AttentionScope::setHead(Value newHead) {
  head = newHead;
  if (op.getSlopes())
    slope = loadInLog2(b, op.getSlopes(), head);
}

void AttentionScope::findKeys() {
  auto find = [&] {
    RaggedEntry keys(b, op.getKeyOffsets(), row, sizes.keys);
    return SmallVector<Value>{keys.first, keys.count};
  };
  SmallVector<Value> found;
  if (op.getRows()) {
    Type type = b.getIndexType();
    found =
        b.ifElse(b.isLess(b.index(0), sizes.keyEntries), {type, type}, find,
                 [&] { return SmallVector<Value>{b.index(0), b.index(0)}; });
  } else {
    found = find();
  }
  keysBegin = found[0];
  length = found[1];
}

SmallVector<Value> AttentionScope::atQuery(Value query, Value offset) {
  return {sizes.isRagged ? b.index(0) : entry, head, b.add(queriesBegin, query),
          offset};
}

SmallVector<Value> AttentionScope::atKey(Value position, Value offset) {
  Value place = row;
  if (sizes.hasRaggedKeys)
    place = b.index(0);
  else if (hasRowForEachKey(op))
    place =
        b.clamp(b.loadIndex(op.getRows(), {entry, position}), sizes.keyEntries);
  Value keyHead = head;
  if (int64_t group = op.getGroupSize(); group > 1)
    keyHead = b.div(head, b.index(group));
  return {place, keyHead, b.add(keysBegin, position), offset};
}

SmallVector<Value> AttentionScope::atScore(Value query, Value position) {
  return atQuery(query, b.add(keysBegin, position));
}

Value AttentionScope::getBegin(Value query) {
  if (!op.isBoundBefore())
    return b.index(0);
  Value first =
      b.sub(b.add(before, query), b.index(getWindow(op.getWindowBefore())));
  return b.max(first, b.index(0));
}

Value AttentionScope::getEnd(Value query) {
  if (!op.isBoundAfter())
    return length;
  Value next = b.add(b.add(before, query), b.index(getAfter(op) + 1));
  return b.max(b.min(length, next), b.index(0));
}

IndexRange AttentionScope::getVisible(Value first, Value last) {
  Value end = getEnd(last);
  return {op.isBoundBefore() ? b.min(getBegin(first), end) : b.index(0), end};
}

IndexRange AttentionScope::getVisible(Value first, Value last, Value firstKey,
                                      Value count) {
  IndexRange visible = getVisible(first, last);
  auto clip = [&](Value key) {
    return b.max(b.min(b.sub(key, firstKey), count), b.index(0));
  };
  return {op.isBoundBefore() ? clip(visible.begin) : b.index(0),
          op.isBoundAfter() ? clip(visible.end) : count};
}

void AttentionScope::emitMask(Value scores, Value row, Value query,
                              Value firstKey, IndexRange range) {
  if (!op.changesScores())
    return;
  int64_t lanes = b.lanes();
  b.forLoop(b.roundDown(range.begin, lanes), range.end, lanes, [&](Value i) {
    Value masked = applyMask(b.load(scores, {row, i}, lanes), query,
                             b.add(firstKey, i), b.sub(range.end, i));
    b.store(masked, scores, {row, i});
  });
}

Value AttentionScope::getLeastDistance(Value query) {
  IndexRange visible = getVisible(query, query);
  Value at = b.add(before, query), last = b.sub(visible.end, b.index(1));
  Value nearest = b.max(b.sub(at, last), b.sub(visible.begin, at));
  Value farthest = b.max(b.sub(at, visible.begin), b.sub(last, at));
  Value prefersFar =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, slope, b.scalar(0.0));
  return arith::SelectOp::create(b, prefersFar, farthest,
                                 b.max(nearest, b.index(0)));
}

Value AttentionScope::applySlope(Value scores, Value query, Value firstKey) {
  int64_t lanes = b.lanes();
  auto number = [&](Value index) { return b.splat(lanes, b.toFloat(index)); };
  SmallVector<float> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(static_cast<float>(lane));
  auto type = VectorType::get(lanes, b.getF32Type());
  Value step = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<float>(steps)));
  Value first = b.sub(firstKey, b.add(before, query));
  Value least = getLeastDistance(query);
  // Where no key after the query counts, the distance is before it.
  if (op.isBoundAfter() && getAfter(op) == 0) {
    Value nearer = arith::AddFOp::create(b, number(b.add(first, least)), step);
    return b.fma(b.splat(lanes, slope), nearer, scores);
  }
  Value distance =
      math::AbsFOp::create(b, arith::AddFOp::create(b, number(first), step));
  distance = arith::SubFOp::create(b, distance, number(least));
  return b.fma(b.splat(lanes, arith::NegFOp::create(b, slope)), distance,
               scores);
}

Value AttentionScope::applyCap(Value scores) {
  std::optional<APFloat> softcap = op.getSoftcap();
  if (!softcap)
    return scores;
  int64_t lanes = b.lanes();
  double cap = softcap->convertToDouble() / std::log(2.0);
  Value bounded =
      emitTanh(b, arith::MulFOp::create(b, scores, b.splat(lanes, 1 / cap)));
  return arith::MulFOp::create(b, bounded, b.splat(lanes, cap));
}

Value AttentionScope::applyBiases(Value scores, Value query, Value firstKey) {
  if (op.getSlopes())
    scores = applySlope(scores, query, firstKey);
  if (op.getBiases())
    scores = arith::AddFOp::create(
        b, scores,
        loadBiases(b, op.getBiases(), head,
                   b.sub(firstKey, b.add(before, query))));
  return scores;
}

Value AttentionScope::addMask(Value scores, Value query, Value firstKey,
                              Value count, bool isNatural) {
  Value mask = op.getMask();
  if (!mask)
    return scores;
  int64_t lanes = b.lanes();
  auto type = cast<MemRefType>(mask.getType());
  SmallVector<Value> place = atScore(query, firstKey);
  for (auto [dimension, index] :
       llvm::enumerate(MutableArrayRef(place).drop_back()))
    if (type.getDimSize(dimension) == 1)
      index = b.index(0);

  Value inside = b.mask(lanes, count);
  if (type.getElementType().isInteger())
    return arith::SelectOp::create(b, b.loadFlags(mask, place, inside), scores,
                                   b.splat(lanes, -INFINITY));
  Value added = b.loadMasked(mask, place, inside);
  return arith::AddFOp::create(b, scores,
                               isNatural ? added : emitInLog2(b, added));
}

Value AttentionScope::applyMask(Value scores, Value query, Value firstKey,
                                Value count) {
  scores = applyBiases(applyCap(scores), query, firstKey);
  return addMask(scores, query, firstKey, count, /*isNatural=*/false);
}

Value AttentionScope::getStage(ScoreStage stage, Value scores, Value query,
                               Value firstKey, Value count) {
  if (stage != ScoreStage::Scaled)
    scores = applyCap(scores);
  if (stage == ScoreStage::Masked) {
    scores = applyBiases(scores, query, firstKey);
    if (op.getSlopes())
      scores = arith::SubFOp::create(b, scores,
                                     b.splat(b.lanes(), getSlopeShift(query)));
  }
  scores = arith::MulFOp::create(b, scores, b.splat(b.lanes(), std::log(2.0)));
  if (stage == ScoreStage::Masked)
    scores = addMask(scores, query, firstKey, count, /*isNatural=*/true);
  return scores;
}

Value AttentionScope::getSlopeShift(Value query) {
  return arith::MulFOp::create(b, slope, b.toFloat(getLeastDistance(query)));
}

Value AttentionScope::getSink(Value query) {
  if (!op.getSinks())
    return {};
  Value sink = loadInLog2(b, op.getSinks(), head);
  if (op.getSlopes())
    sink = arith::AddFOp::create(b, sink, getSlopeShift(query));
  // Not ∞, which less ∞ is no number: this, too, takes all the weight.
  Value most = b.scalar(std::numeric_limits<float>::max());
  Value exceeds =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, sink, most);
  return arith::SelectOp::create(b, exceeds, most, sink);
}
