// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "IntegerDot.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;

const IntegerDot &IntegerDot::get(TargetAttr target) {
  static const IntegerDot dot;
  return target.hasIntegerDots() ? getVnni() : dot;
}

Value IntegerDot::repeatRow(KernelBuilder &b, Value row, int64_t times) {
  auto type = cast<VectorType>(row.getType());
  int64_t numbers = type.getNumElements();
  Type bits = b.getIntegerType(numbers * type.getElementTypeBitWidth());
  row = vector::BitCastOp::create(b, VectorType::get({1}, bits), row);
  row = vector::ExtractOp::create(b, row, ArrayRef<int64_t>{0});
  row = vector::BroadcastOp::create(b, VectorType::get({times}, bits), row);
  return vector::BitCastOp::create(
      b, VectorType::get({numbers * times}, type.getElementType()), row);
}

/// Lanes first, first + 2, ... of two vectors of `size`.
static SmallVector<int64_t> everySecond(int64_t size, int64_t first) {
  SmallVector<int64_t> lanes;
  for (int64_t lane = first; lane < 2 * size; lane += 2)
    lanes.push_back(lane);
  return lanes;
}

/// x[2i] · y[2i] + x[2i + 1] · y[2i + 1] of vectors of i16, in i32.
static Value multiplyPairs(KernelBuilder &b, Value x, Value y) {
  auto type = cast<VectorType>(x.getType());
  int64_t lanes = type.getNumElements() / 2;
  auto wide = VectorType::get({lanes}, b.getI32Type());
  StringRef name = lanes == 4   ? "llvm.x86.sse2.pmadd.wd"
                   : lanes == 8 ? "llvm.x86.avx2.pmadd.wd"
                                : "llvm.x86.avx512.pmaddw.d.512";
  if (lanes < 16 || b.getTarget().hasFeature("avx512bw"))
    return LLVM::CallIntrinsicOp::create(b, wide, b.getStringAttr(name),
                                         ValueRange{x, y})
        .getResult(0);
  auto half = [&](Value vector, int64_t first) -> Value {
    SmallVector<int64_t> places = everySecond(lanes, first);
    Value numbers = vector::ShuffleOp::create(b, vector, vector, places);
    return arith::ExtSIOp::create(b, wide, numbers);
  };
  auto multiply = [&](int64_t first) -> Value {
    return arith::MulIOp::create(b, half(x, first), half(y, first));
  };
  return arith::AddIOp::create(b, multiply(0), multiply(1));
}

SmallVector<Value> IntegerDot::emitDot(KernelBuilder &b, ArrayRef<Value> sums,
                                       Value weights, Value row) const {
  int64_t lanes = b.lanes();
  auto words = VectorType::get({2 * lanes}, b.getI16Type());
  Value numbers = repeatRow(b, row, lanes / 2);
  SmallVector<Value> result;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value half = vector::ExtractStridedSliceOp::create(
        b, weights, ArrayRef<int64_t>{static_cast<int64_t>(i) * 2 * lanes},
        ArrayRef<int64_t>{2 * lanes}, ArrayRef<int64_t>{1});
    half = arith::ExtSIOp::create(b, words, half);
    result.push_back(
        arith::AddIOp::create(b, sum, multiplyPairs(b, half, numbers)));
  }
  return result;
}

Value IntegerDot::emitTotal(KernelBuilder &b, ArrayRef<Value> sums) const {
  // A column has two lanes that follow each other.
  auto select = [&](int64_t first) -> Value {
    return vector::ShuffleOp::create(b, sums[0], sums[1],
                                     everySecond(b.lanes(), first));
  };
  return arith::AddIOp::create(b, select(0), select(1));
}
