// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnlineSoftmax.h"
#include "VectorMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

/// In units of log 2, how far scores may exceed the base: weights then stay
/// below 2^8, far from what f32 can hold.
static constexpr double kSlack = 8.0;

OnlineSoftmax::OnlineSoftmax(KernelBuilder &b, int64_t rows, int64_t width,
                             int64_t blockRows)
    : b(b), rows(rows), width(width), blockRows(blockRows) {}

SmallVector<MemRefType> OnlineSoftmax::getWorkspace() const {
  auto memref = [&](ArrayRef<int64_t> shape) {
    return MemRefType::get(shape, b.getF32Type());
  };
  return {memref({blockRows, kBlockKeys}), memref({rows, width}),
          memref({rows + b.lanes() - 1}),
          memref({rows + b.lanes() - 1, b.lanes()})};
}

void OnlineSoftmax::setMemory(ValueRange memory) {
  scores = memory[0];
  sums = memory[1];
  bases = memory[2];
  weightSums = memory[3];
}

Value OnlineSoftmax::fold(
    Value blockRow, IndexRange columns, double init,
    llvm::function_ref<Value(Value, Value, Value)> combine,
    llvm::function_ref<Value(Value, Value)> join) {
  int64_t lanes = b.lanes();
  SmallVector<Value> folded(kUnrolled, b.splat(lanes, init));
  folded = b.forLoop(
      columns.begin, columns.end, stride(), folded,
      [&](Value column, KernelBuilder::Values carried) {
        SmallVector<Value> next;
        for (auto [i, value] : llvm::enumerate(carried)) {
          Value place = b.add(column, b.index(static_cast<int64_t>(i) * lanes));
          next.push_back(
              combine(place, b.load(scores, {blockRow, place}, lanes), value));
        }
        return next;
      });
  return join(folded[0], folded[1]);
}

void OnlineSoftmax::emitPadding(Value blockRow, IndexRange visible,
                                IndexRange columns) {
  int64_t lanes = b.lanes();
  Value excluded = b.splat(lanes, -INFINITY);
  if (!isConstantIntValue(visible.begin, 0))
    b.forLoop(columns.begin, visible.begin, lanes, [&](Value column) {
      Value before = b.mask(lanes, b.sub(visible.begin, column));
      Value old = b.load(scores, {blockRow, column}, lanes);
      b.store(arith::SelectOp::create(b, before, excluded, old), scores,
              {blockRow, column});
    });
  b.forLoop(b.roundDown(visible.end, lanes), columns.end, lanes,
            [&](Value column) {
              Value inside = b.maskBefore(lanes, column, visible.end);
              Value old = b.load(scores, {blockRow, column}, lanes);
              b.store(arith::SelectOp::create(b, inside, old, excluded), scores,
                      {blockRow, column});
            });
}

Value OnlineSoftmax::loadSum(Value row, Value offset, int64_t lanes,
                             Value isFirst) {
  return arith::SelectOp::create(b, isFirst, b.splat(lanes, 0.0),
                                 b.load(sums, {row, offset}, lanes));
}

void OnlineSoftmax::emitStep(Value blockRow, Value row, IndexRange visible,
                             IndexRange columns, Value isFirst) {
  columns = {b.roundDown(columns.begin, stride()),
             b.roundUp(columns.end, stride())};
  emitPadding(blockRow, visible, columns);

  // NaNs are passed over.
  Value largest = b.maxLanes(fold(
      blockRow, columns, -INFINITY,
      [&](Value, Value vector, Value folded) {
        return b.larger(vector, folded);
      },
      [&](Value x, Value y) { return b.larger(x, y); }));
  b.ifElse(
      isFirst,
      [&] {
        // Not -∞: scores may be so, and -∞ less -∞ is no number.
        Value lowest = b.scalar(std::numeric_limits<float>::lowest());
        b.storeScalar(b.larger(largest, lowest), bases, {row});
      },
      [&] {
        Value limit = arith::AddFOp::create(b, getBase(row), b.scalar(kSlack));
        Value exceeds =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, largest, limit);
        b.ifThen(exceeds, [&] { emitCorrection(row, largest); });
      });

  Value base = b.splat(b.lanes(), getBase(row));
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  };
  Value added = fold(
      blockRow, columns, 0.0,
      [&](Value column, Value vector, Value folded) {
        Value weights = b.exp2(arith::SubFOp::create(b, vector, base));
        b.store(weights, scores, {blockRow, column});
        return add(folded, weights);
      },
      add);
  SmallVector<Value> place = {row, b.index(0)};
  Value before = arith::SelectOp::create(b, isFirst, b.splat(b.lanes(), 0.0),
                                         b.load(weightSums, place, b.lanes()));
  b.store(add(before, added), weightSums, place);
}

void OnlineSoftmax::emitCorrection(Value row, Value largest) {
  int64_t lanes = b.lanes();
  Value change = arith::SubFOp::create(b, getBase(row), largest);
  Value factors = b.exp2(b.splat(lanes, change));
  b.storeScalar(largest, bases, {row});
  auto correct = [&](Value memref, Chunk chunk) {
    SmallVector<Value> place = {row, b.index(chunk.offset)};
    Value factor = factors;
    if (chunk.lanes < lanes)
      factor = vector::ExtractStridedSliceOp::create(
          b, factors, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{chunk.lanes},
          ArrayRef<int64_t>{1});
    b.store(
        arith::MulFOp::create(b, b.load(memref, place, chunk.lanes), factor),
        memref, place);
  };
  correct(weightSums, {0, lanes});
  for (Chunk chunk : b.chunks(width))
    correct(sums, chunk);
}

Value OnlineSoftmax::getBase(Value row) { return b.loadScalar(bases, {row}); }

Value OnlineSoftmax::getInverse(Value row) {
  Value sum = b.sumLanes(b.load(weightSums, {row, b.index(0)}, b.lanes()));
  return getSink ? emitInverse(b, sum, getBase(row), getSink(row))
                 : emitInverse(b, sum);
}

void OnlineSoftmax::emitInverses(Value row, Value memory) {
  int64_t lanes = b.lanes();
  int64_t count = cast<MemRefType>(memory.getType()).getDimSize(0);
  if (getSink) {
    b.forLoop(b.index(0), b.index(count), 1, [&](Value i) {
      b.storeScalar(getInverse(b.add(row, i)), memory, {i});
    });
    return;
  }
  for (int64_t first = 0; first < count; first += lanes) {
    SmallVector<Value> sums;
    for (int64_t i = 0; i < lanes; ++i)
      sums.push_back(b.load(
          weightSums, {b.add(row, b.index(first + i)), b.index(0)}, lanes));
    b.store(emitInverse(b, b.sumLanesOfEach(sums)), memory, {b.index(first)});
  }
}

void OnlineSoftmax::emitFinish(Value row, Value inverse,
                               llvm::function_ref<void(Chunk, Value)> store) {
  for (Chunk chunk : b.chunks(width)) {
    Value summed = b.load(sums, {row, b.index(chunk.offset)}, chunk.lanes);
    store(chunk,
          arith::MulFOp::create(b, summed, b.splat(chunk.lanes, inverse)));
  }
}
