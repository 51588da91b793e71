// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BFloat16Tiles.h"

using namespace mlir;
using namespace attn;

void attn::addStepLikeAmx(KernelBuilder &b, ArrayRef<Value> sums,
                          MutableArrayRef<Value> totals) {
  size_t count = sums.size() / 2;
  for (size_t i = 0; i < count; ++i) {
    Value &total = totals[i % totals.size()];
    Value both = arith::AddFOp::create(b, sums[i], sums[count + i]);
    total = arith::AddFOp::create(b, total, both);
  }
}

SmallVector<Value> attn::emitSumsLikeAmx(
    KernelBuilder &b, int64_t depth, int64_t count, int64_t totals,
    llvm::function_ref<void(MutableArrayRef<Value>, Value)> multiply) {
  constexpr int64_t stepDepth = BFloat16Tiles::kDepth;
  Value zero = b.splat(BFloat16Tiles::kRows, 0.0);
  auto evenOf = [&](SmallVector<Value> &sums) {
    return MutableArrayRef(sums).take_front(count);
  };
  auto oddOf = [&](SmallVector<Value> &sums) {
    return MutableArrayRef(sums).take_back(count);
  };
  auto addStep = [&](Value first, int64_t size, KernelBuilder::Values carried) {
    SmallVector<Value> sums(2 * count, zero);
    sums =
        b.forLoop(b.index(0), b.index(size / 2 * 2), 2, sums,
                  [&](Value i, KernelBuilder::Values carried) {
                    SmallVector<Value> next(carried);
                    multiply(evenOf(next), b.add(first, i));
                    multiply(oddOf(next), b.add(first, b.add(i, b.index(1))));
                    return next;
                  });
    if (size % 2)
      multiply(evenOf(sums), b.add(first, b.index(size - 1)));
    SmallVector<Value> next(carried);
    addStepLikeAmx(b, sums, next);
    return next;
  };
  SmallVector<Value> result(totals, zero);
  int64_t whole = depth / stepDepth * stepDepth;
  result = b.forLoop(b.index(0), b.index(whole), stepDepth, result,
                     [&](Value k, KernelBuilder::Values carried) {
                       return addStep(k, stepDepth, carried);
                     });
  if (whole < depth)
    result = addStep(b.index(whole), depth - whole, result);
  return result;
}

void BFloat16Tiles::multiply(const BlockProduct &product) {
  if (b.getTarget().hasTiles())
    emitAmxBlock(b, product);
  else
    emitAvx512BFloat16Block(b, product);
}

MemRefType BFloat16Tiles::memoryOf(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> sizes(shape);
  sizes.append({kRows, kDepth});
  return MemRefType::get(sizes, b.getBF16Type());
}

void BFloat16Tiles::storeRow(Value vector, Value memref, Values indices) {
  SmallVector<Value> place(indices);
  place.push_back(b.index(0));
  vector::StoreOp::create(b, vector, memref, place);
}

Value BFloat16Tiles::cast(Value vector, Type element) {
  auto type = mlir::cast<VectorType>(vector.getType());
  int64_t lanes = type.getNumElements() * type.getElementTypeBitWidth() /
                  element.getIntOrFloatBitWidth();
  return vector::BitCastOp::create(b, VectorType::get({lanes}, element),
                                   vector);
}

Value BFloat16Tiles::splat(Type element, int64_t value) {
  int64_t lanes = 64 * 8 / element.getIntOrFloatBitWidth();
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(VectorType::get({lanes}, element),
                                b.getIntegerAttr(element, value).getValue()));
}

Value BFloat16Tiles::loadPadded(Value memref, Values indices, int64_t lanes,
                                Value size) {
  auto type = VectorType::get(
      {lanes}, mlir::cast<MemRefType>(memref.getType()).getElementType());
  Value numbers;
  if (isConstantIntValue(size, lanes)) {
    numbers = vector::LoadOp::create(b, type, memref, indices);
  } else {
    Value zero = arith::ConstantOp::create(
        b, mlir::cast<TypedAttr>(b.getZeroAttr(type)));
    numbers = vector::MaskedLoadOp::create(b, type, memref, indices,
                                           b.mask(lanes, size), zero);
  }
  if (type.getElementType().isBF16())
    return numbers;
  return arith::TruncFOp::create(b, type.clone(b.getBF16Type()), numbers);
}

Value BFloat16Tiles::asPairs(Value vector) {
  return cast(vector, b.getF32Type());
}

Value BFloat16Tiles::asNumbers(Value pairs) {
  return cast(pairs, b.getBF16Type());
}

Value BFloat16Tiles::pair(Value first, Value second) {
  Type wide = b.getI32Type();
  auto extend = [&](Value vector) -> Value {
    return arith::ExtUIOp::create(b, VectorType::get({kRows}, wide),
                                  cast(vector, b.getI16Type()));
  };
  Value high = arith::ShLIOp::create(b, extend(second), splat(wide, 16));
  return asNumbers(arith::OrIOp::create(b, extend(first), high));
}

Value BFloat16Tiles::pairHighHalves(Value first, Value second) {
  Type wide = b.getI32Type();
  Value low = arith::ShRUIOp::create(b, cast(first, wide), splat(wide, 16));
  Value high =
      arith::AndIOp::create(b, cast(second, wide), splat(wide, -0x10000));
  return asNumbers(arith::OrIOp::create(b, low, high));
}

std::array<Value, kSplitParts> BFloat16Tiles::split(Value vector) {
  Type bits = b.getI32Type();
  std::array<Value, kSplitParts> parts;
  // What is cut off fits the 24 bits of a number, so that no difference is
  // rounded; and nothing overflows.
  for (Value &part : parts) {
    part = vector;
    if (&part == &parts.back())
      break;
    part = cast(
        arith::AndIOp::create(b, cast(vector, bits), splat(bits, -0x10000)),
        b.getF32Type());
    vector = arith::SubFOp::create(b, vector, part);
  }
  return parts;
}

SmallVector<Value> BFloat16Tiles::splitPairs(Value first, Value second) {
  SmallVector<Value> pairs;
  for (auto [x, y] : llvm::zip_equal(split(first), split(second)))
    pairs.push_back(pairHighHalves(x, y));
  return pairs;
}

Value BFloat16Tiles::tileOf(size_t part, Value half) {
  return b.add(b.index(2 * static_cast<int64_t>(part)), half);
}

Value BFloat16Tiles::joinHighHalves(Value first, Value second) {
  SmallVector<int64_t> lanes;
  for (int64_t i = 0; i < kDepth; ++i)
    lanes.push_back(2 * i + 1);
  return vector::ShuffleOp::create(b, asNumbers(first), asNumbers(second),
                                   lanes);
}

Value BFloat16Tiles::everySecond(Value pairs, bool isOdd) {
  Type wide = b.getI32Type();
  Value bits = cast(pairs, wide);
  if (isOdd)
    bits = arith::AndIOp::create(b, bits, splat(wide, -0x10000));
  else
    bits = arith::ShLIOp::create(b, bits, splat(wide, 16));
  return cast(bits, b.getF32Type());
}

Value BFloat16Tiles::loadNumbers(Value memref, Values indices, Value size) {
  if (isConstantIntValue(size, kRows))
    return b.load(memref, indices, kRows);
  return b.loadMasked(memref, indices, b.mask(kRows, b.max(size, b.index(0))));
}

std::array<Value, kSplitParts>
BFloat16Tiles::loadParts(Value memref, Values indices, Value size) {
  std::array<Value, kSplitParts> halves[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value offset = b.index(half * kRows);
    SmallVector<Value> place(indices);
    place.back() = b.add(place.back(), offset);
    Value inside = b.sub(size, offset);
    if (isConstantIntValue(size, kDepth))
      inside = b.index(kRows);
    halves[half] = split(loadNumbers(memref, place, inside));
  }
  std::array<Value, kSplitParts> parts;
  for (auto [part, first, second] :
       llvm::zip_equal(parts, halves[0], halves[1]))
    part = joinHighHalves(first, second);
  return parts;
}

Value BFloat16Tiles::addPairs(Value sums, Value pairs) {
  auto type = mlir::cast<VectorType>(pairs.getType());
  Value ones = arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             type, b.getFloatAttr(b.getBF16Type(), 1.0).getValue()));
  return emitBFloat16Dot(b, sums, pairs, ones);
}

Value BFloat16Tiles::noMagnitude() { return splat(b.getI16Type(), 0); }

Value BFloat16Tiles::largestMagnitude(Value largest, Value vector) {
  Type bits = b.getI16Type();
  Value magnitude =
      arith::AndIOp::create(b, cast(vector, bits), splat(bits, 0x7fff));
  return arith::MaxUIOp::create(b, largest, magnitude);
}

Value BFloat16Tiles::isSpecial(Value largest) {
  Value magnitude =
      vector::ReductionOp::create(b, vector::CombiningKind::MAXUI, largest);
  Value infinity = arith::ConstantOp::create(b, b.getI16IntegerAttr(0x7f80));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, magnitude,
                               infinity);
}

Value BFloat16Tiles::noLeast() { return splat(b.getI16Type(), -1); }

Value BFloat16Tiles::leastMagnitude(Value least, Value vector) {
  // Without the sign, and less one: then 0 is the most.
  Type bits = b.getI16Type();
  Value number = cast(vector, bits);
  Value magnitude = arith::AddIOp::create(b, number, number);
  magnitude = arith::AddIOp::create(b, magnitude, splat(bits, -1));
  return arith::MinUIOp::create(b, least, magnitude);
}

Value BFloat16Tiles::areProductsNormal(Value least, Value other) {
  // Numbers from 2^(e - 127) on are multiples of 2^(e - 134), their products
  // and all sums of these multiples of the product of both: which shall be
  // 2^-126 at least. That of a number that is a power of two seems one less.
  constexpr int64_t enough = 2 * 134 - 126;
  auto exponentOf = [&](Value least) -> Value {
    Value bits =
        vector::ReductionOp::create(b, vector::CombiningKind::MINUI, least);
    bits = arith::ExtUIOp::create(b, b.getI32Type(), bits);
    return arith::ShRUIOp::create(
        b, bits, arith::ConstantOp::create(b, b.getI32IntegerAttr(8)));
  };
  Value sum = arith::AddIOp::create(b, exponentOf(least), exponentOf(other));
  return arith::CmpIOp::create(
      b, arith::CmpIPredicate::uge, sum,
      arith::ConstantOp::create(b, b.getI32IntegerAttr(enough)));
}
