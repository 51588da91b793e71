// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the sums of a tile of a product start with, and what becomes of them:
// bias, residual and activation find their numbers in registers.

#ifndef ATTN_LIB_CONVERSION_PRODUCTSUMS_H
#define ATTN_LIB_CONVERSION_PRODUCTSUMS_H

#include "TileProduct.h"
#include "attn/IR/AttnOps.h"
#include <optional>

namespace attn {

/// out = activation(input · weight + bias) + residual.
struct ProductOperands {
  /// N and K. Each may be known at run time only, as the size of `out` and of
  /// `input`; the depth only if `out` is of f32, and there is no residual
  /// beside an activation.
  int64_t columns = 0, depth = 0;
  /// [M, K], as all matrices with adjacent elements in a row.
  mlir::Value input;
  /// [⌈N/P⌉, K, P] in panels; or [N, K]; or [K, N] where it is `transposed`.
  mlir::Value weight;
  /// As the bias, if the weight is of i8, in tiles: what its columns are times.
  mlir::Value scales;
  /// [N], or what panels cover where the weight is in panels; or null.
  mlir::Value bias;
  /// [M, N], or null; may be the memory of `out`.
  mlir::Value residual;
  mlir::Value out;
  /// M, where `input` does not tell.
  mlir::Value rows;
  bool transposed = false;
  std::optional<Activation> activation;
};

/// The type of an operand.
inline mlir::MemRefType typeOf(mlir::Value memref) {
  return mlir::cast<mlir::MemRefType>(memref.getType());
}

/// Columns of a panel of a weight in panels, or in tiles.
inline int64_t getPanelColumns(mlir::Value weight) {
  mlir::MemRefType type = typeOf(weight);
  return type.getDimSize(2) * (type.getRank() == 3 ? 1 : WeightOp::kTileRows);
}

/// Whether a size is known, and a multiple of `unit`.
inline bool isMultiple(int64_t size, int64_t unit) {
  return !mlir::ShapedType::isDynamic(size) && size % unit == 0;
}

/// Initial values and results of one product, for whatever computes its sums.
class ProductSums {
public:
  using Value = mlir::Value;

  /// \p width columns are computed side by side.
  ProductSums(KernelBuilder &b, const ProductOperands &operands, int64_t width);

  /// So many products are summed in one go, and such sums added: it rounds less
  /// than one long sum, and always the same.
  static constexpr int64_t kDepth = 512;

  /// Whether sums over some of the depth can wait in `out` for the others,
  /// which has to hold them, and must not be the residual that is still to be
  /// added.
  static bool canWait(const ProductOperands &operands);

  /// N and K.
  Value getColumns() const { return columns; }
  Value getDepth() const { return depth; }

  /// Changes how many columns are computed side by side.
  void setWidth(int64_t width);
  /// (row, column) of the result is memory[row - firstRow, column -
  /// firstColumn].
  void setOutput(Value memory, Value firstRow, Value firstColumn);

  /// Before a tile is computed, asks for where it is written: worth it if that
  /// is in no cache.
  void askForOutput() { asksForOutput = true; }

  /// Part of the sums of a tile: rows from `row` on, vectors from `column` on.
  struct Tile {
    Value row;
    int64_t rows;
    Value column;
    Value depth, endDepth;
  };
  /// Cuts depth begin..end-1 into what is summed in one go: body(begin, end).
  void forDepth(Value begin, Value end,
                llvm::function_ref<void(Value, Value)> body);

  /// The whole of it, with the operands of TileProduct::emit.
  void emit(TileProduct &product, const Tile &tile,
            llvm::function_ref<Value(int64_t, Value)> left,
            llvm::function_ref<Value(Value, Chunk)> right,
            llvm::function_ref<void(Value)> ahead);
  /// What the tile's vectors start with: the bias, or 0.
  llvm::SmallVector<Value> emitStart(TileProduct &product, const Tile &tile);
  /// Stores the tile's vectors; to the first ones residual and activation are
  /// added, to others what waits.
  void emitEnd(TileProduct &product, const Tile &tile,
               llvm::ArrayRef<Value> vectors);

  /// A vector that stands at `column` of the result, of which nothing past the
  /// last column is read.
  Value loadInside(Value memref, llvm::ArrayRef<Value> indices, Value column,
                   Chunk chunk);

private:
  /// Whether these are the first and the last sums of their elements; none
  /// where all are one.
  std::pair<Value, Value> emitEnds(const Tile &tile);
  void storeInside(Value vector, Value memref, llvm::ArrayRef<Value> indices,
                   Value column, Chunk chunk);
  Value emitInside(Value column, Chunk chunk);
  llvm::SmallVector<Value> outAt(Value row, Value column);

  KernelBuilder &b;
  ProductOperands operands;
  Value columns, depth;
  /// Whether an element has sums over some of the depth that wait in `out`.
  bool sumsWait;
  /// Whether vectors reach past the last column.
  bool reachesPast = false;
  Value firstOutRow, firstOutColumn;
  bool asksForOutput = false;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_PRODUCTSUMS_H
