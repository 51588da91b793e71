// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RoundedRows.h"
#include "VectorMath.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <limits>

using namespace mlir;
using namespace attn;

/// Multiplications of f32 that take as long as to round a number.
static constexpr int64_t kRoundingWork = 16;

/// The bits of kIntegerRounder: less these, those of a number that it is added
/// to are the nearest integer.
static constexpr int64_t kIntegerRounderBits = 0x4b400000;
static constexpr int64_t kMagnitudeBits = 0x7fffffff;
static constexpr int64_t kInfinityBits = 0x7f800000;
/// 2^-100, as if that were the largest of a row of less.
static constexpr int64_t kLeastBits = 0x0d800000;
static constexpr int64_t kMost = 127;

RoundedRows::RoundedRows(KernelBuilder &b, Value input, int64_t depth,
                         unsigned integerBits, int64_t bias)
    : b(b), input(input), depth(depth), integerBits(integerBits), bias(bias) {}

void RoundedRows::allocate(Value most, bool withLengths) {
  Value count = b.roundUp(most, WeightOp::kTilePanel);
  auto allocate = [&](ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::AllocOp::create(b, MemRefType::get(shape, element), count,
                                   b.getI64IntegerAttr(64));
  };
  constexpr int64_t dynamic = ShapedType::kDynamic;
  // An odd number of steps apart: rows whose distance is a multiple of a page
  // take each other's place in the first-level cache.
  numbers = allocate({dynamic, (getSteps() | 1) * kDepth},
                     b.getIntegerType(integerBits));
  scales = allocate({dynamic}, b.getF32Type());
  if (bias)
    excess = allocate({dynamic}, b.getI32Type());
  if (!withLengths)
    return;
  lengths = allocate({dynamic}, b.getF32Type());
  errors = allocate({dynamic}, b.getF32Type());
}

void RoundedRows::deallocate() {
  for (Value memory : {numbers, scales, excess, lengths, errors})
    if (memory)
      memref::DeallocOp::create(b, memory);
}

void RoundedRows::emit(Value count, Value first) {
  firstRow = first;
  // Few rows are rounded sooner than threads come together.
  Value work = b.mul(count, b.index(depth * kRoundingWork));
  b.parallelFor(count, work, [&](Value row) { emitRow(row); });
}

Value RoundedRows::integer(int64_t value) {
  return arith::ConstantOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value RoundedRows::integers(int64_t value) {
  auto type = VectorType::get({b.lanes()}, b.getI32Type());
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, static_cast<int32_t>(value)));
}

Value RoundedRows::loadNumbers(Value row, Value k, bool isInside) {
  if (firstRow)
    row = b.add(firstRow, row);
  if (isInside)
    return b.load(input, {row, k}, b.lanes());
  return b.loadMasked(input, {row, k},
                      b.maskBefore(b.lanes(), k, b.index(depth)));
}

/// The bits of the largest magnitude of a row: as integers, NaN is more than
/// infinity, and that more than all numbers.
Value RoundedRows::emitMagnitude(Value row) {
  int64_t lanes = b.lanes(), whole = depth / lanes * lanes;
  auto type = VectorType::get({lanes}, b.getI32Type());
  auto update = [&](Value largest, Value k, bool isInside) -> Value {
    Value bits =
        arith::BitcastOp::create(b, type, loadNumbers(row, k, isInside));
    bits = arith::AndIOp::create(b, bits, integers(kMagnitudeBits));
    return arith::MaxSIOp::create(b, largest, bits);
  };
  Value largest = b.forLoop(
      b.index(0), b.index(whole), lanes, integers(kLeastBits),
      [&](Value k, KernelBuilder::Values carried) {
        return SmallVector<Value>{update(carried[0], k, /*isInside=*/true)};
      })[0];
  if (whole < depth)
    largest = update(largest, b.index(whole), /*isInside=*/false);
  return vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, largest);
}

void RoundedRows::emitRow(Value row) {
  Value bits = emitMagnitude(row);
  Value isFinite = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, bits,
                                         integer(kInfinityBits));
  Value magnitude = arith::BitcastOp::create(b, b.getF32Type(), bits);
  Value scale = arith::DivFOp::create(b, magnitude, b.scalar(kMost));
  Value nan = b.scalar(std::numeric_limits<double>::quiet_NaN());
  b.storeScalar(arith::SelectOp::create(b, isFinite, scale, nan), scales, row);

  Value inverse = arith::DivFOp::create(b, b.scalar(kMost), magnitude);
  SmallVector<Value> sums = emitIntegers(row, inverse, isFinite);
  if (lengths)
    emitLengths(row, scale, sums[1], sums[2]);
  if (!excess)
    return;
  Value total =
      vector::ReductionOp::create(b, vector::CombiningKind::ADD, sums[0]);
  total = arith::MulIOp::create(b, total, integer(bias));
  memref::StoreOp::create(b, total, excess, row);
}

SmallVector<Value> RoundedRows::emitIntegers(Value row, Value inverse,
                                             Value isFinite) {
  const int64_t lanes = b.lanes();
  inverse = b.splat(lanes, inverse);
  SmallVector<Value> sums = {integers(0)};
  if (lengths)
    sums.append(2, b.splat(lanes, 0.0));
  // Of a row that is not finite nothing is rounded: it counts for nothing.
  auto emitAll = [&](int64_t begin, int64_t end, bool isInside) {
    Value last = arith::SelectOp::create(b, isFinite, b.index(end), b.index(0));
    sums = b.forLoop(b.index(begin), last, lanes, sums,
                     [&](Value k, KernelBuilder::Values carried) {
                       return emitVector(row, k, isInside, inverse, carried);
                     });
  };
  const int64_t whole = depth / lanes * lanes, padded = getSteps() * kDepth;
  emitAll(0, whole, /*isInside=*/true);
  if (whole < padded)
    emitAll(whole, padded, /*isInside=*/false);
  return sums;
}

SmallVector<Value> RoundedRows::emitVector(Value row, Value k, bool isInside,
                                           Value inverse,
                                           ArrayRef<Value> sums) {
  const int64_t lanes = b.lanes();
  auto type = VectorType::get({lanes}, b.getI32Type());
  auto narrow = VectorType::get({lanes}, b.getIntegerType(integerBits));
  Value exact =
      arith::MulFOp::create(b, loadNumbers(row, k, isInside), inverse);
  Value rounder = b.splat(lanes, kIntegerRounder);
  Value rounded = arith::AddFOp::create(b, exact, rounder);
  Value integer = arith::BitcastOp::create(b, type, rounded);
  vector::StoreOp::create(b, arith::TruncIOp::create(b, narrow, integer),
                          numbers, ValueRange{row, k});
  integer = arith::SubIOp::create(b, integer, integers(kIntegerRounderBits));
  SmallVector<Value> next = {arith::AddIOp::create(b, sums[0], integer)};
  if (!lengths)
    return next;
  rounded = arith::SubFOp::create(b, rounded, rounder);
  Value less = arith::SubFOp::create(b, exact, rounded);
  next.push_back(b.fma(rounded, rounded, sums[1]));
  next.push_back(b.fma(less, less, sums[2]));
  return next;
}

void RoundedRows::emitLengths(Value row, Value scale, Value squares,
                              Value lost) {
  auto lengthOf = [&](Value sums) -> Value {
    Value root = math::SqrtOp::create(b, b.sumLanes(sums));
    return arith::MulFOp::create(b, root, scale);
  };
  Value length = lengthOf(squares), error = lengthOf(lost);
  b.storeScalar(length, lengths, row);
  Value both = arith::AddFOp::create(b, length, error);
  both = arith::MulFOp::create(b, both, b.scalar(getRounding()));
  b.storeScalar(arith::AddFOp::create(b, error, both), errors, row);
}
