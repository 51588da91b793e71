// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AmxTiles.h"
#include "BFloat16Tiles.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

/// Loops of up to so many steps are written out.
static constexpr int64_t kUnrolled = 4;

AmxTiles::AmxTiles(KernelBuilder &b) : b(b) {
  // After any call the registers have to be configured anew: so no loop shall
  // become a call of memset.
  Operation *function = b.getInsertionBlock()->getParentOp();
  if (!isa<func::FuncOp>(function))
    function = function->getParentOfType<func::FuncOp>();
  constexpr StringLiteral attribute = "passthrough";
  SmallVector<Attribute> attributes;
  if (auto present = function->getAttrOfType<ArrayAttr>(attribute))
    attributes.append(present.begin(), present.end());
  Attribute noBuiltins = b.getStringAttr("no-builtins");
  if (!llvm::is_contained(attributes, noBuiltins))
    attributes.push_back(noBuiltins);
  function->setAttr(attribute, b.getArrayAttr(attributes));
}

/// Bytes of a row of a tile.
static constexpr int64_t kRowBytes = 64;

/// A tile of numbers as `memref` has them.
static mlir::amx::TileType tileOf(Value memref) {
  Type element = mlir::cast<MemRefType>(memref.getType()).getElementType();
  return mlir::amx::TileType::get(
      {AmxTiles::kRows, 8 * kRowBytes / element.getIntOrFloatBitWidth()},
      element);
}

Value AmxTiles::load(Value memref, Values indices) {
  SmallVector<Value> place(indices);
  place.append(2, b.index(0));
  return loadRows(memref, place);
}

Value AmxTiles::loadRows(Value memref, Values indices) {
  return mlir::amx::TileLoadOp::create(b, tileOf(memref), memref, indices);
}

/// The address of an element.
static Value addressOf(KernelBuilder &b, Value memref,
                       ArrayRef<Value> indices) {
  auto [strides, offset] =
      mlir::cast<MemRefType>(memref.getType()).getStridesAndOffset();
  assert(offset == 0 && "expected memory of the kernel's own");
  Value place = b.index(0);
  for (auto [index, stride] : llvm::zip(indices, strides))
    place = b.add(place, b.mul(index, b.index(stride)));
  Type element = mlir::cast<MemRefType>(memref.getType()).getElementType();
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  base = arith::IndexCastOp::create(b, b.getI64Type(), base);
  base = LLVM::IntToPtrOp::create(b, pointer, base);
  place = arith::IndexCastOp::create(b, b.getI64Type(), place);
  return LLVM::GEPOp::create(b, pointer, element, base, ValueRange(place));
}

Value AmxTiles::stream(Value memref, Values indices) {
  // The dialect has no operation for it.
  Value operands[] = {
      arith::ConstantOp::create(b, b.getI16IntegerAttr(kRows)),
      arith::ConstantOp::create(b, b.getI16IntegerAttr(kRowBytes)),
      addressOf(b, memref, indices),
      arith::ConstantOp::create(b, b.getI64IntegerAttr(kRowBytes))};
  Value tile = LLVM::CallIntrinsicOp::create(
                   b, LLVM::LLVMX86AMXType::get(b.getContext()),
                   b.getStringAttr("llvm.x86.tileloaddt164.internal"), operands)
                   .getResult(0);
  return UnrealizedConversionCastOp::create(b, TypeRange(tileOf(memref)), tile)
      .getResult(0);
}

void AmxTiles::askForNext(Value memref, Values indices) {
  SmallVector<Value> place(indices);
  place.front() = b.add(place.front(), b.index(1));
  place.append(2, b.index(0));
  for (int64_t row = 0; row < kRows; ++row) {
    place[place.size() - 2] = b.index(row);
    b.prefetch(memref, place);
  }
}

AmxTiles::Block AmxTiles::zeros(Type element, int64_t rowTiles) {
  auto type = mlir::amx::TileType::get({kRows, kRows}, element);
  Block block;
  for (int64_t i = 0; i < 2 * rowTiles; ++i)
    block.push_back(mlir::amx::TileZeroOp::create(b, type));
  return block;
}

/// Where tile `i` of a block is.
static SmallVector<Value> placeOf(KernelBuilder &b, ArrayRef<Value> indices,
                                  int64_t i) {
  SmallVector<Value> place(indices);
  Value &row = place[place.size() - 2], &column = place.back();
  row = b.add(row, b.index(i / 2 * AmxTiles::kRows));
  column = b.add(column, b.index(i % 2 * AmxTiles::kRows));
  return place;
}

AmxTiles::Block AmxTiles::loadSums(Value memref, Values indices,
                                   int64_t rowTiles) {
  auto type = tileOf(memref);
  Block block;
  for (int64_t i = 0; i < 2 * rowTiles; ++i)
    block.push_back(
        mlir::amx::TileLoadOp::create(b, type, memref, placeOf(b, indices, i)));
  return block;
}

void AmxTiles::storeSums(const Block &sums, Value memref, Values indices) {
  for (auto [i, tile] : llvm::enumerate(sums))
    mlir::amx::TileStoreOp::create(b, memref, placeOf(b, indices, i), tile);
}

void AmxTiles::forRowTiles(Value rows, Value isFromMemory,
                           llvm::function_ref<void(int64_t, bool)> emit) {
  auto emitBoth = [&](int64_t rowTiles) {
    if (!isFromMemory)
      return emit(rowTiles, false);
    b.ifElse(
        isFromMemory, [&] { emit(rowTiles, true); },
        [&] { emit(rowTiles, false); });
  };
  if (std::optional<int64_t> count = getConstantIntValue(rows))
    return emitBoth(llvm::divideCeil(*count, kRows));
  b.ifElse(
      b.isLess(rows, b.index(kRows + 1)), [&] { emitBoth(1); },
      [&] { emitBoth(2); });
}

AmxTiles::Block
AmxTiles::multiply(const Block &sums, Value steps,
                   llvm::function_ref<Value(int64_t, Value)> left,
                   llvm::function_ref<Value(Value, int64_t)> right,
                   ArrayRef<std::pair<int64_t, int64_t>> products) {
  auto step = [&](Value k, Values carried) {
    SmallVector<Value> next(carried);
    Value rows[2], columns[2];
    int64_t rowPart = -1, columnPart = -1;
    for (auto [p, q] : products) {
      // What is the same part as before is still in registers.
      bool loadsRows = p != rowPart, loadsColumns = q != columnPart;
      rowPart = p;
      columnPart = q;
      auto add = [&](int64_t i, int64_t j) {
        if (loadsRows && j == 0)
          rows[i] = left(2 * rowPart + i, k);
        if (loadsColumns && i == 0)
          columns[j] = right(k, 2 * columnPart + j);
        Value &sum = next[2 * i + j];
        auto type = mlir::cast<mlir::amx::TileType>(sum.getType());
        sum = type.getElementType().isInteger()
                  ? mlir::amx::TileMulIOp::create(b, type, rows[i], columns[j],
                                                  sum)
                        .getResult()
                  : mlir::amx::TileMulFOp::create(b, type, rows[i], columns[j],
                                                  sum)
                        .getResult();
      };
      for (int64_t i = 0; i < static_cast<int64_t>(sums.size()) / 2; ++i)
        for (int64_t j = 0; j < 2; ++j)
          add(i, j);
    }
    return next;
  };

  Block result = sums;
  std::optional<int64_t> count = getConstantIntValue(steps);
  int64_t unrolled = kUnrolled / static_cast<int64_t>(products.size());
  if (count && *count <= unrolled) {
    for (int64_t k = 0; k < *count; ++k)
      result = step(b.index(k), result);
  } else {
    result = b.forLoop(b.index(0), steps, 1, result, step);
  }
  return result;
}

/// For rows that take so many tiles; it may ask for the next panel meanwhile.
static void emitRowTiles(KernelBuilder &b, AmxTiles &tiles,
                         const BlockProduct &product, int64_t rowTiles,
                         bool asksForNext) {
  auto load = [&](const BlockProduct::Factor &factor, Value step,
                  int64_t tile) {
    SmallVector<Value> place = factor.placeOf(step, b.index(tile));
    if (!factor.isStream)
      return tiles.load(factor.memory, place);
    if (asksForNext)
      tiles.askForNext(factor.memory, place);
    return tiles.stream(factor.memory, place);
  };
  AmxTiles::Block block =
      product.isFirst ? tiles.zeros(b.getF32Type(), rowTiles)
                      : tiles.loadSums(product.sums, product.place, rowTiles);
  block = tiles.multiply(
      block, product.steps,
      [&](int64_t tile, Value k) { return load(product.left, k, tile); },
      [&](Value k, int64_t tile) { return load(product.right, k, tile); },
      product.isSplit ? ArrayRef(kSplitProducts) : ArrayRef(AmxTiles::kWhole));
  tiles.storeSums(block, product.sums, product.place);
}

void attn::emitAmxBlock(KernelBuilder &b, const BlockProduct &product) {
  AmxTiles tiles(b);
  // Blocks of attention are many for each query: a second loop for those that
  // are left takes registers from the first.
  if (!product.right.isStream)
    return emitRowTiles(b, tiles, product, 2, /*asksForNext=*/false);
  tiles.forRowTiles(product.rows, product.isFromMemory,
                    [&](int64_t rowTiles, bool asksForNext) {
                      emitRowTiles(b, tiles, product, rowTiles, asksForNext);
                    });
}
