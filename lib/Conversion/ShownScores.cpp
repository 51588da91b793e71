// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ShownScores.h"

#include <cmath>

using namespace mlir;
using namespace attn;

/// Whether `head` is `other`.
static Value isHead(KernelBuilder &b, Value head, int64_t other) {
  return b.isEqual(head, b.index(other));
}

void ShownScores::ifShown(Value head, llvm::function_ref<void()> body) {
  if (!op.getShown())
    return;
  std::optional<ArrayRef<int64_t>> shown = op.getShownHeads();
  if (!shown)
    return body();
  Value isShown = arith::ConstantOp::create(b, b.getBoolAttr(false));
  for (int64_t other : *shown)
    isShown = arith::OrIOp::create(b, isShown, isHead(b, head, other));
  b.ifThen(isShown, body);
}

Value ShownScores::isFirst(Value head) {
  std::optional<ArrayRef<int64_t>> shown = op.getShownHeads();
  return isHead(b, head, shown ? *llvm::min_element(*shown) : 0);
}

SmallVector<Value> ShownScores::placeOf(AttentionScope &scope, Value head,
                                        Value query, Value key) {
  if (std::optional<ArrayRef<int64_t>> shown = op.getShownHeads()) {
    Value number = b.index(0);
    for (auto [i, other] : llvm::enumerate(*shown))
      number = arith::SelectOp::create(
          b, isHead(b, head, other), b.index(static_cast<int64_t>(i)), number);
    head = number;
  }
  SmallVector<Value> place = scope.atScore(query, key);
  place[1] = head;
  if (op.getShownMean())
    place.erase(place.begin() + 1);
  return place;
}

void ShownScores::emitUnseen(SmallVector<Value> place, Value begin, Value end) {
  int64_t lanes = b.lanes();
  double unseen = op.getShownStage() ? -INFINITY : 0.0;
  b.forLoop(begin, end, lanes, [&](Value column) {
    place.back() = column;
    b.storeMasked(b.splat(lanes, unseen), b.mask(lanes, b.sub(end, column)),
                  op.getShown(), place);
  });
}

void ShownScores::emitUnseen(AttentionScope &scope, Value head, Value query,
                             IndexRange seen) {
  // Where it sees none, the range may end before it begins.
  Value end = b.max(seen.end, b.index(0)), begin = b.min(seen.begin, end);
  auto emit = [&] {
    SmallVector<Value> place = placeOf(scope, head, query, begin);
    emitUnseen(place, b.index(0), place.back());
    place = placeOf(scope, head, query, end);
    emitUnseen(place, place.back(), sizes.keys);
  };
  op.getShownMean() ? b.ifThen(isFirst(head), emit) : emit();
}

void ShownScores::store(Value numbers, AttentionScope &scope, Value head,
                        Value query, Value key, IndexRange range) {
  int64_t lanes = b.lanes();
  SmallVector<Value> place = placeOf(scope, head, query, key);
  Value inside = b.mask(lanes, range.end);
  if (op.isBoundBefore()) {
    Value before = b.mask(lanes, b.max(range.begin, b.index(0)));
    Value isLater =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, inside, before);
    inside = arith::AndIOp::create(b, inside, isLater);
  }
  if (op.getShownMean()) {
    std::optional<ArrayRef<int64_t>> shown = op.getShownHeads();
    Value heads =
        shown ? b.index(static_cast<int64_t>(shown->size())) : sizes.heads;
    Value part =
        arith::DivFOp::create(b, numbers, b.splat(lanes, b.toFloat(heads)));
    Value before =
        arith::SelectOp::create(b, isFirst(head), b.splat(lanes, 0.0),
                                b.loadMasked(op.getShown(), place, inside));
    numbers = arith::AddFOp::create(b, before, part);
  }
  b.storeMasked(numbers, inside, op.getShown(), place);
}
