// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnlineSoftmax.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

/// Columns of the state.
enum { Largest, Sum, StateSize };

OnlineSoftmax::OnlineSoftmax(KernelBuilder &b, int64_t rows, int64_t width)
    : b(b), rows(rows), width(width) {}

SmallVector<MemRefType> OnlineSoftmax::getWorkspace() const {
  auto matrix = [&](int64_t columns) {
    return MemRefType::get({rows, columns}, b.getF32Type());
  };
  return {matrix(kBlockKeys), matrix(width), matrix(StateSize)};
}

void OnlineSoftmax::setMemory(ValueRange memory) {
  scores = memory[0];
  sums = memory[1];
  state = memory[2];
}

void OnlineSoftmax::emitStart(Value row) {
  for (Chunk chunk : b.chunks(width))
    b.store(b.splat(chunk.lanes, 0.0), sums, {row, b.index(chunk.offset)});
  // Not -∞: scores may be so, and -∞ less -∞ is no number.
  b.storeScalar(b.scalar(std::numeric_limits<float>::lowest()), state,
                {row, b.index(Largest)});
  b.storeScalar(b.scalar(0.0), state, {row, b.index(Sum)});
}

Value OnlineSoftmax::fold(
    Value row, Value visible, double init,
    llvm::function_ref<Value(Value, Value, Value)> combine) {
  int64_t lanes = b.lanes();
  Value whole =
      b.mul(arith::DivUIOp::create(b, visible, b.index(lanes)), b.index(lanes));
  Value folded = b.forLoop(
      b.index(0), whole, lanes, {b.splat(lanes, init)},
      [&](Value column, KernelBuilder::Values carried) {
        return SmallVector<Value>{
            combine(carried[0], column, b.load(scores, {row, column}, lanes))};
      })[0];
  Value hasRest =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, whole, visible);
  return b.ifElse(
      hasRest, folded.getType(),
      [&] {
        Value rest = arith::SelectOp::create(
            b, b.mask(lanes, b.sub(visible, whole)),
            b.load(scores, {row, whole}, lanes), b.splat(lanes, -INFINITY));
        return combine(folded, whole, rest);
      },
      [&] { return folded; });
}

void OnlineSoftmax::emitStep(Value row, Value visible) {
  int64_t lanes = b.lanes();
  // Where a row sees no key of the block there is nothing to correct.
  Value hasKeys =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, visible, b.index(0));
  b.ifThen(hasKeys, [&] {
    Value previous = getLargest(row);
    Value largest = fold(row, visible, -INFINITY,
                         [&](Value folded, Value, Value vector) -> Value {
                           return arith::MaxNumFOp::create(b, folded, vector);
                         });
    largest = arith::MaxNumFOp::create(b, previous, b.maxLanes(largest));
    Value base = b.splat(lanes, largest);
    Value added =
        fold(row, visible, 0.0, [&](Value folded, Value column, Value vector) {
          Value weights = emitExp2(b, arith::SubFOp::create(b, vector, base));
          b.store(weights, scores, {row, column});
          return arith::AddFOp::create(b, folded, weights).getResult();
        });

    Value change = arith::SubFOp::create(b, previous, largest);
    Value correction = vector::ExtractOp::create(
        b, emitExp2(b, b.splat(1, change)), ArrayRef<int64_t>{0});
    Value sum = b.loadScalar(state, {row, b.index(Sum)});
    sum = arith::AddFOp::create(b, arith::MulFOp::create(b, sum, correction),
                                b.sumLanes(added));
    b.storeScalar(largest, state, {row, b.index(Largest)});
    b.storeScalar(sum, state, {row, b.index(Sum)});
    for (Chunk chunk : b.chunks(width)) {
      SmallVector<Value> place = {row, b.index(chunk.offset)};
      Value corrected =
          arith::MulFOp::create(b, b.load(sums, place, chunk.lanes),
                                b.splat(chunk.lanes, correction));
      b.store(corrected, sums, place);
    }
  });
}

Value OnlineSoftmax::getLargest(Value row) {
  return b.loadScalar(state, {row, b.index(Largest)});
}

Value OnlineSoftmax::getInverse(Value row) {
  return emitInverse(b, b.loadScalar(state, {row, b.index(Sum)}));
}

void OnlineSoftmax::emitFinish(Value row,
                               llvm::function_ref<void(Chunk, Value)> store) {
  Value inverse = getInverse(row);
  for (Chunk chunk : b.chunks(width)) {
    Value summed = b.load(sums, {row, b.index(chunk.offset)}, chunk.lanes);
    store(chunk,
          arith::MulFOp::create(b, summed, b.splat(chunk.lanes, inverse)));
  }
}
