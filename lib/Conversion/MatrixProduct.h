// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of matrices of any size, made of tiles: which part of them a thread
// computes when, so that what it reads stays in its caches (Goto and van de
// Geijn, 2008).

#ifndef ATTN_LIB_CONVERSION_MATRIXPRODUCT_H
#define ATTN_LIB_CONVERSION_MATRIXPRODUCT_H

#include "RowTiles.h"
#include "TileProduct.h"
#include "attn/IR/AttnOps.h"
#include <limits>
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

/// Rows cut into blocks of whole units, of at most a number of rows; either one
/// block, if that `mayBeOne`, or as many for each thread, which differ by one
/// unit at most.
struct RowBlocks {
  RowBlocks(KernelBuilder &b, mlir::Value rows, int64_t unit, int64_t maxRows,
            bool mayBeOne = true);

  mlir::Value count;
  /// For block `count` too, as which it gives the end.
  mlir::Value getFirstRow(KernelBuilder &b, mlir::Value block) const;

private:
  mlir::Value rows, units;
  int64_t unit;
};

class MatrixProduct {
public:
  using Value = mlir::Value;

  MatrixProduct(KernelBuilder &b, const ProductOperands &operands);

  /// Writes the whole product, on the threads there are; of at most `mostRows`
  /// rows.
  void emit(int64_t mostRows = std::numeric_limits<int64_t>::max());

  /// Allocates memory for the weight in panels and lays it out there, on the
  /// threads there are.
  Value emitLayOut();

  /// So many products are summed in one go, and such sums added: it rounds less
  /// than one long sum, and always the same.
  static constexpr int64_t kSumDepth = 512;

  /// How the threads of a region share a product: it is decided before.
  struct Tasks {
    RowBlocks blocks;
    /// Panels of a task, and tasks for each block of rows, and in all.
    Value width, columnBlocks, count;
    Value work;
  };
  Tasks planTasks();
  /// Within a region whose threads have memory of the types below.
  void emitTasks(const Tasks &tasks);

  // Part by part, within a task that has memory of these types.
  llvm::SmallVector<mlir::MemRefType> getWorkspace() const;
  void setMemory(mlir::ValueRange memory);
  /// Most rows of a part, and most steps of its depth.
  int64_t getBlockRows() const { return blockRows; }
  int64_t getBlockDepth() const { return blockDepth; }
  int64_t getTileRows() { return product.getMaxRows(); }
  Value getPanels() const { return panels; }

  /// Half-open ranges of a product.
  struct Part {
    Value rows, endRow;
    Value panel, endPanel;
    Value depth, endDepth;
  };
  /// All parts of the depth for the part's rows and panels.
  void emitParts(Part part);
  /// Adds a part to what parts of less depth have left in `out`. The part with
  /// the first of the depth starts with the bias, the one with the last ends
  /// with activation and residual.
  void emitPart(const Part &part);
  /// Before emitPart: where it finds the input at (row, depth), namely at
  /// memory[row - firstRow, depth - firstDepth];
  void setInput(Value memory, Value firstRow, Value firstDepth);
  /// or that the operand is the input, of which it may need a copy.
  void emitInput(const Part &part);
  /// emitPart writes (row, column) at memory[row - firstRow, column -
  /// firstColumn].
  void setOutput(Value memory, Value firstRow, Value firstColumn);

private:
  /// A few rows, whose cost is to read the weight once.
  void emitFewRows();
  /// Blocks of rows and panels of the weight, or of a copy of it.
  void emitBlocks();
  void emitLaidOut();
  void emitTile(Value row, int64_t rows, Value place, const Part &part);
  /// Part of the sums of a tile: rows from `row` on, vectors from `column` on.
  struct Sums {
    Value row;
    int64_t rows;
    Value column;
    Value depth, endDepth;
  };
  /// Cuts depth begin..end-1 into what is summed in one go: body(begin, end).
  void forSums(Value begin, Value end,
               llvm::function_ref<void(Value, Value)> body);
  /// Whether they are the first and the last ones; none where all are one.
  std::pair<Value, Value> emitEnds(const Sums &sums);
  /// One row's sums for columns sums.column..endColumn-1, in `memory`.
  void emitRow(const Sums &sums, Value endColumn, Value memory);
  void emitSums(TileProduct &tiles, const Sums &sums,
                llvm::function_ref<Value(int64_t, Value)> left,
                llvm::function_ref<Value(Value, Chunk)> right,
                llvm::function_ref<void(Value)> ahead);
  llvm::SmallVector<Value> emitInit(TileProduct &tiles, const Sums &sums,
                                    Value isFirst);
  void emitEpilogue(TileProduct &tiles, const Sums &sums,
                    llvm::ArrayRef<Value> tile, Value isFirst, Value isLast);
  /// Asks for the next panel.
  void emitPrefetch(Value place, Value begin, Value k, Chunk chunk);
  void emitCopy(const Part &part);
  /// Lays out steps begin..end-1 of the depth of a panel.
  void emitPack(Value place, Value to, Value begin, Value end);
  /// A vector that stands at `column` of the result, of which nothing past the
  /// last column is read or written.
  Value loadInside(Value memref, llvm::ArrayRef<Value> indices, Value column,
                   Chunk chunk);
  void storeInside(Value vector, Value memref, llvm::ArrayRef<Value> indices,
                   Value column, Chunk chunk);
  Value emitInside(Value column, Chunk chunk);
  llvm::SmallVector<Value> outAt(Value row, Value column);
  bool isPacked() const;

  KernelBuilder &b;
  ProductOperands operands;
  /// N and K, and panels of columns.
  Value columns, depth, panels;
  int64_t panel, blockDepth, blockRows;
  /// Whether an element has sums over some of the depth that wait in `out`.
  bool sumsWait;
  /// Whether rows of the input are copied before they are read many times.
  bool copiesRows;
  /// Whether vectors reach past the last column.
  bool reachesPast;
  llvm::SmallVector<Chunk> chunks;
  TileProduct product;
  RowTiles rowTiles;
  // Of the part that is being written: memory, and where the input is.
  Value panelMemory, input, firstRow, firstDepth;
  Value firstOutRow, firstOutColumn;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_MATRIXPRODUCT_H
