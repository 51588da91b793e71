// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of blocks by AVX512-BF16: one instruction adds the products of 16
// pairs to 16 sums. Some rows of a block at a time keep their sums in registers
// while the depth runs; each step loads a row of both tiles of the right
// factor, and broadcasts a pair of each row of the left one. So an element is
// summed in the order of the depth, however many rows there are.

#include "BFloat16Tiles.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kRows = BFloat16Tiles::kRows;
/// Vectors of the columns of a block.
static constexpr int64_t kVectors = BFloat16Tiles::kBlock / kRows;
/// Rows at a time: as many sums as keep the processor busy. More would read the
/// right factor less often, but nothing waits for it.
static constexpr int64_t kSizes[] = {8, 4, 2, 1};
/// So few rows wait for the right factor: they read one tile after the other,
/// which the hardware foresees once it has been led to a page. More rows read
/// both tiles side by side, and the left factor less often.
static constexpr int64_t kFewRows = 4;

Value attn::emitBFloat16Dot(KernelBuilder &b, Value sums, Value x, Value y) {
  return LLVM::CallIntrinsicOp::create(
             b, sums.getType(),
             b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
             ValueRange{sums, x, y})
      .getResult(0);
}

Value attn::broadcastPair(KernelBuilder &b, Value pair) {
  auto integers = [&](int64_t count) {
    return VectorType::get({count}, b.getI32Type());
  };
  Value bits = vector::BitCastOp::create(b, integers(1), pair);
  bits = vector::ExtractOp::create(b, bits, ArrayRef<int64_t>{0});
  bits = vector::BroadcastOp::create(b, integers(kRows), bits);
  return vector::BitCastOp::create(
      b, VectorType::get({2 * kRows}, b.getBF16Type()), bits);
}

static void emitRows(KernelBuilder &b, const BlockProduct &product, Value row,
                     int64_t count) {
  auto placeOf = [&](int64_t r, int64_t v) {
    SmallVector<Value> place(product.place);
    Value &line = place[place.size() - 2], &column = place.back();
    line = b.add(line, b.add(row, b.index(r)));
    column = b.add(column, b.index(v * kRows));
    return place;
  };
  SmallVector<Value> sums;
  for (int64_t v = 0; v < kVectors; ++v)
    for (int64_t r = 0; r < count; ++r)
      sums.push_back(product.isFirst
                         ? b.splat(kRows, 0.0)
                         : b.load(product.sums, placeOf(r, v), kRows));

  // Rows that are computed together are in one tile.
  Value half = b.div(row, b.index(kRows)), inTile = b.rem(row, b.index(kRows));
  // The first rows ask for the next panel, which is not in the cache yet; the
  // others for what is there.
  Value isFirst = b.isEqual(row, b.index(0));
  Value ahead = arith::SelectOp::create(b, isFirst, b.index(1), b.index(0));
  auto type = VectorType::get({2 * kRows}, b.getBF16Type());
  bool isFew = count <= kFewRows && !product.isSplit;
  int64_t together = isFew ? 1 : kVectors;
  auto rightOf = [&](Value step, int64_t tile, Value pair) {
    SmallVector<Value> place = product.right.placeOf(step, b.index(tile));
    place.append({pair, b.index(0)});
    return place;
  };
  auto nextOf = [&](SmallVector<Value> place) {
    place.front() = b.add(place.front(), ahead);
    return place;
  };
  bool asks = product.right.isStream;
  auto multiplyParts = [&](int64_t begin, Value step, Value pair,
                           int64_t leftPart, int64_t rightPart,
                           SmallVector<Value> &sums) {
    SmallVector<Value> columns;
    for (int64_t v = 0; v < together; ++v) {
      SmallVector<Value> place =
          rightOf(step, kVectors * rightPart + begin + v, pair);
      columns.push_back(
          vector::LoadOp::create(b, type, product.right.memory, place));
      if (asks && !isFew)
        b.prefetch(product.right.memory, nextOf(place));
    }
    Value tile = b.add(b.index(2 * leftPart), half);
    for (int64_t r = 0; r < count; ++r) {
      SmallVector<Value> place = product.left.placeOf(step, tile);
      place.append({b.add(inTile, b.index(r)), b.mul(pair, b.index(2))});
      Value factors = broadcastPair(
          b, vector::LoadOp::create(b, VectorType::get({2}, b.getBF16Type()),
                                    product.left.memory, place));
      for (auto [v, column] : llvm::enumerate(columns)) {
        Value &sum = sums[static_cast<int64_t>(v) * count + r];
        sum = emitBFloat16Dot(b, sum, column, factors);
      }
    }
  };
  auto multiply = [&](int64_t begin, Value step, Value pair,
                      KernelBuilder::Values carried) {
    SmallVector<Value> next(carried);
    if (!product.isSplit)
      multiplyParts(begin, step, pair, 0, 0, next);
    else
      for (auto [left, right] : kSplitProducts)
        multiplyParts(begin, step, pair, left, right, next);
    return next;
  };
  sums = b.forLoop(
      b.index(0), product.steps, 1, sums,
      [&](Value step, KernelBuilder::Values carried) {
        SmallVector<Value> next;
        for (int64_t begin = 0; begin < kVectors; begin += together) {
          if (asks && isFew)
            b.prefetchTile(product.right.memory,
                           nextOf(rightOf(step, begin, b.index(0))));
          llvm::append_range(
              next, b.forLoop(b.index(0), b.index(kRows), 1,
                              carried.slice(begin * count, together * count),
                              [&](Value pair, KernelBuilder::Values carried) {
                                return multiply(begin, step, pair, carried);
                              }));
        }
        return next;
      });
  for (int64_t r = 0; r < count; ++r)
    for (int64_t v = 0; v < kVectors; ++v)
      b.store(sums[v * count + r], product.sums, placeOf(r, v));
}

void attn::emitAvx512BFloat16Block(KernelBuilder &b,
                                   const BlockProduct &product) {
  Value begin = b.index(0);
  for (int64_t size : kSizes) {
    Value whole = b.roundDown(b.sub(product.rows, begin), size);
    Value end = b.add(begin, whole);
    b.forLoop(begin, end, size,
              [&](Value row) { emitRows(b, product, row, size); });
    begin = end;
  }
}
