// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ProductBounds.h"
#include "ProductSums.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <limits>

using namespace mlir;
using namespace attn;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// To round a number to bf16 changes it by 2^-8 of it at most; and a product of
/// two by twice as much and the square of that, which is less than this.
static constexpr double kNarrowing = 0x1.01p-7;
/// More than numbers below the smallest normal one, which products of bf16 take
/// for 0, are as a row.
static constexpr double kFlushed = 0x1p-110;

ProductBounds::ProductBounds(KernelBuilder &b, const RoundedRows &input,
                             Value norms, Value errors, Value rows,
                             bool isNarrow)
    : b(b), input(input), isNarrow(isNarrow), norms(norms), errors(errors) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getF32Type());
  least = memref::AllocOp::create(b, type, rows, b.getI64IntegerAttr(64));
}

void ProductBounds::deallocate() { memref::DeallocOp::create(b, least); }

Value ProductBounds::emitSlack(Value estimate, Value panel, Value first,
                               Value inside) {
  int64_t lanes = b.lanes();
  auto splat = [&](Value memory) {
    return b.splat(lanes, b.loadScalar(memory, panel));
  };
  // The sum begins with the bias, whose size no length tells. Products of the
  // least numbers may be 0.
  const double rounding = input.getRounding();
  constexpr double smallest = 0x1p-100;
  Value slack = b.fma(math::AbsFOp::create(b, estimate),
                      b.splat(lanes, rounding), b.splat(lanes, smallest));
  Value norm = splat(norms);
  Value error = b.loadMasked(input.getErrors(), first, inside);
  Value length = b.loadMasked(input.getLengths(), first, inside);
  if (isNarrow) {
    // What is rounded to ∞ is ∞ here too.
    Value factor = b.splat(lanes, 1 + kNarrowing);
    Value flushed = b.splat(lanes, kFlushed);
    norm = b.fma(norm, factor, flushed);
    length = arith::MulFOp::create(b, length, factor);
    error = b.fma(error, factor, flushed);
    error = b.fma(length, b.splat(lanes, kNarrowing), error);
  }
  slack = b.fma(norm, error, slack);
  return b.fma(splat(errors), length, slack);
}

void ProductBounds::emitLeast(Value estimates, Value first, Value inside) {
  int64_t lanes = b.lanes();
  int64_t panels = typeOf(norms).getDimSize(0);
  Value infinity = b.splat(lanes, kInfinity);
  Value bound = b.forLoop(
      b.index(0), b.index(panels), 1, b.splat(lanes, -kInfinity),
      [&](Value panel, KernelBuilder::Values carried) {
        Value estimate = b.loadMasked(estimates, {panel, first}, inside);
        Value lower = arith::SubFOp::create(
            b, estimate, emitSlack(estimate, panel, first, inside));
        // What overflowed says nothing.
        Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT,
                                               estimate, infinity);
        lower = arith::SelectOp::create(b, isNumber, lower,
                                        b.splat(lanes, -kInfinity));
        return SmallVector<Value>{b.larger(lower, carried[0])};
      })[0];
  b.storeMasked(bound, inside, least, first);
}

Value ProductBounds::emitCandidates(Value estimates, Value panel, Value first,
                                    Value inside) {
  Value estimate = b.loadMasked(estimates, {panel, first}, inside);
  Value upper = arith::AddFOp::create(
      b, estimate, emitSlack(estimate, panel, first, inside));
  // A NaN is not less.
  Value mayBe = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, upper,
                                      b.loadMasked(least, first, inside));
  return arith::AndIOp::create(b, mayBe, inside);
}
