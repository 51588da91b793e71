// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionTiles.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDepth = BFloat16Tiles::kDepth;

AttentionTiles::AttentionTiles(KernelBuilder &b, SdpaOp op,
                               const AttentionSizes &sizes)
    : keySteps(llvm::divideCeil(sizes.keySize, kDepth)),
      valuePairs(llvm::divideCeil(sizes.valueSize, BFloat16Tiles::kBlock)),
      b(b), op(op), sizes(sizes), tiles(b) {
  auto query = cast<MemRefType>(op.getQuery().getType());
  parts = query.getElementType().isF32() ? kSplitParts : 1;
}

SmallVector<MemRefType> AttentionTiles::getWorkspace(int64_t blockRows,
                                                     int64_t blockKeys) const {
  constexpr int64_t rows = BFloat16Tiles::kBlock;
  return {tiles.memoryOf({blockRows / rows, keySteps, 2 * parts}),
          tiles.memoryOf({blockKeys / kPairKeys, keySteps, 2 * parts}),
          tiles.memoryOf({blockKeys / kPairKeys, valuePairs, 2 * parts})};
}

void AttentionTiles::setMemory(ValueRange memory) {
  queries = memory[0];
  keys = memory[1];
  values = memory[2];
}

Value AttentionTiles::emitSign(Value query) {
  APFloat scale = op.getScale();
  if (scale.isZero())
    return arith::ConstantOp::create(
        b, cast<TypedAttr>(b.getZeroAttr(query.getType())));
  return scale.isNegative() ? arith::NegFOp::create(b, query) : query;
}

Value AttentionTiles::forDepth(
    int64_t depth, Value carried,
    llvm::function_ref<Value(Value, Value, Value)> body) {
  int64_t steps = keySteps * kDepth / depth;
  return b.forLoop(b.index(0), b.index(steps), 1, {carried},
                   [&](Value step, KernelBuilder::Values carried) {
                     Value size = b.index(depth);
                     if (steps * depth != sizes.keySize) {
                       Value left = b.sub(b.index(sizes.keySize),
                                          b.mul(step, b.index(depth)));
                       size = b.max(b.min(left, size), b.index(0));
                     }
                     return SmallVector<Value>{body(step, size, carried[0])};
                   })[0];
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

SmallVector<Value> AttentionTiles::loadRow(Value memref, ArrayRef<Value> place,
                                           Value size) {
  if (isSplit())
    return llvm::to_vector(tiles.loadParts(memref, place, size));
  return {tiles.loadPadded(memref, place, kDepth, size)};
}

Value AttentionTiles::emitQuery(AttentionScope &scope, Value query, Value row,
                                Value magnitude) {
  Value block = b.div(row, b.index(BFloat16Tiles::kBlock));
  Value half =
      b.div(b.rem(row, b.index(BFloat16Tiles::kBlock)), b.index(kHalf));
  Value rowInTile = b.rem(row, b.index(kHalf));
  return forDepth(
      kDepth, magnitude, [&](Value step, Value size, Value magnitude) {
        SmallVector<Value> place =
            scope.atQuery(query, b.mul(step, b.index(kDepth)));
        SmallVector<Value> row = loadRow(op.getQuery(), place, size);
        for (auto [part, numbers] : llvm::enumerate(row))
          tiles.storeRow(emitSign(numbers), queries,
                         {block, step, tiles.tileOf(part, half), rowInTile});
        return isSplit() ? tiles.largestMagnitude(magnitude, row[0])
                         : magnitude;
      });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

Value AttentionTiles::emitKeys(const Block &block, Value magnitude) {
  Value firstTile = b.mul(block.firstPair, b.index(2));
  Value last = b.sub(block.count, b.index(1));
  auto emitTile = [&](Value tile, Value magnitude) {
    SmallVector<Value> positions;
    for (int64_t lane = 0; lane < kHalf; ++lane) {
      Value key = b.add(b.mul(tile, b.index(kHalf)), b.index(lane));
      positions.push_back(b.add(block.firstKey, b.min(key, last)));
    }
    Value pair = b.div(tile, b.index(2)), half = b.rem(tile, b.index(2));
    if (isSplit())
      return emitKeyParts(block.scope, positions, pair, half, magnitude);
    emitKeyPairs(block.scope, positions, pair, half);
    return magnitude;
  };
  return b.forLoop(firstTile, b.ceilDiv(block.count, kHalf), 1, {magnitude},
                   [&](Value tile, KernelBuilder::Values carried) {
                     return SmallVector<Value>{emitTile(tile, carried[0])};
                   })[0];
}

void AttentionTiles::emitKeyPairs(AttentionScope &scope,
                                  ArrayRef<Value> positions, Value pair,
                                  Value half) {
  forDepth(kDepth, b.index(0), [&](Value step, Value size, Value carried) {
    SmallVector<Value> rows;
    for (Value position : positions)
      rows.push_back(tiles.asPairs(tiles.loadPadded(
          op.getKey(), scope.atKey(position, b.mul(step, b.index(kDepth))),
          kDepth, size)));
    for (auto [i, row] : llvm::enumerate(b.transpose(rows)))
      tiles.storeRow(tiles.asNumbers(row), keys,
                     {pair, step, half, b.index(static_cast<int64_t>(i))});
    return carried;
  });
}

Value AttentionTiles::emitKeyParts(AttentionScope &scope,
                                   ArrayRef<Value> positions, Value pair,
                                   Value half, Value magnitude) {
  auto emitPairs = [&](Value first, Value second, Value step, Value row,
                       Value magnitude) {
    SmallVector<Value> pairs = tiles.splitPairs(first, second);
    for (auto [part, both] : llvm::enumerate(pairs))
      tiles.storeRow(both, keys, {pair, step, tiles.tileOf(part, half), row});
    return tiles.largestMagnitude(magnitude, pairs[0]);
  };
  return forDepth(
      kHalf, magnitude, [&](Value chunk, Value size, Value magnitude) {
        SmallVector<Value> rows;
        for (Value position : positions)
          rows.push_back(tiles.loadNumbers(
              op.getKey(), scope.atKey(position, b.mul(chunk, b.index(kHalf))),
              size));
        rows = b.transpose(rows);
        Value step = b.div(chunk, b.index(2));
        Value firstRow = b.mul(b.rem(chunk, b.index(2)), b.index(kHalf / 2));
        for (int64_t i = 0; i < kHalf / 2; ++i)
          magnitude = emitPairs(rows[2 * i], rows[2 * i + 1], step,
                                b.add(firstRow, b.index(i)), magnitude);
        return magnitude;
      });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SmallVector<Value> AttentionTiles::loadValues(const Block &block, Value key,
                                              Value other, Value column,
                                              int64_t size) {
  auto placeOf = [&](Value key) {
    Value last = b.sub(block.count, b.index(1));
    return block.scope.atKey(b.add(block.firstKey, b.min(key, last)), column);
  };
  auto sizeOf = [&](Value key) -> Value {
    return arith::SelectOp::create(b, b.isLess(key, block.count), b.index(size),
                                   b.index(0));
  };
  if (isSplit()) {
    auto load = [&](Value key) {
      return tiles.loadNumbers(op.getValue(), placeOf(key), sizeOf(key));
    };
    return tiles.splitPairs(load(key), load(other));
  }
  auto load = [&](Value key) {
    return tiles.loadPadded(op.getValue(), placeOf(key), kHalf, sizeOf(key));
  };
  return {tiles.pair(load(key), load(other))};
}

Value AttentionTiles::emitValues(const Block &block, Value magnitude,
                                 bool collects) {
  auto emitRow = [&](Value pair, Value i, Value magnitude) {
    Value key = b.add(b.mul(pair, b.index(kPairKeys)), i);
    Value other = b.add(key, b.index(kHalf));
    for (int64_t offset = 0; offset < sizes.valueSize; offset += kHalf) {
      SmallVector<Value> row =
          loadValues(block, key, other, b.index(offset),
                     std::min(sizes.valueSize - offset, kHalf));
      if (collects || isSplit())
        magnitude = tiles.largestMagnitude(magnitude, row[0]);
      Value place = b.index(offset / BFloat16Tiles::kBlock);
      Value half = b.index(offset / kHalf % 2);
      for (auto [part, both] : llvm::enumerate(row))
        tiles.storeRow(both, values,
                       {pair, place, tiles.tileOf(part, half), i});
    }
    return magnitude;
  };
  return b.forLoop(block.firstPair, b.ceilDiv(block.count, kPairKeys), 1,
                   {magnitude}, [&](Value pair, KernelBuilder::Values carried) {
                     return b.forLoop(
                         b.index(0), b.index(kHalf), 1, carried,
                         [&](Value i, KernelBuilder::Values carried) {
                           return SmallVector<Value>{
                               emitRow(pair, i, carried[0])};
                         });
                   })[0];
}
