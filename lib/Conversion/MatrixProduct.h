// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of matrices of any size, made of tiles: which part of them a thread
// computes when, so that what it reads stays in its caches (Goto and van de
// Geijn, 2008).

#ifndef ATTN_LIB_CONVERSION_MATRIXPRODUCT_H
#define ATTN_LIB_CONVERSION_MATRIXPRODUCT_H

#include "ProductSums.h"
#include "RowTiles.h"
#include <limits>

namespace attn {

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

/// A product of ProductOperands by vectors: as a whole, or part by part within
/// a region that a caller has begun.
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

  /// How the threads of a region share a product: it is decided before.
  struct Tasks {
    /// What the rows of the blocks count from.
    Value firstRow;
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
  /// Most rows of a part.
  int64_t getBlockRows() const { return blockRows; }
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
  void setOutput(Value memory, Value firstRow, Value firstColumn) {
    sums.setOutput(memory, firstRow, firstColumn);
  }
  /// emitPart asks for what it will write.
  void askForOutput() { sums.askForOutput(); }

private:
  /// A few rows, whose cost is to read the weight once.
  void emitFewRows();
  /// Blocks of rows and panels of the weight.
  void emitBlocks(const Tasks &tasks);
  /// The same where several blocks of rows share panels of the weight, which
  /// the first rows lay out as they meet them; one block makes its own.
  void emitLayingOut();
  Value allocatePanels(Value count);
  /// Steps begin..end-1 of the depth of a panel.
  Value emitView(Value memory, Value place, Value begin, Value end);
  Value emitPanelMemory(Value place, const Part &part);
  Tasks planTasks(Value row, Value endRow);
  /// The part's rows and the panels from `place` on that `product` takes side
  /// by side.
  void emitTiles(TileProduct &product, Value place, const Part &part);
  void emitTile(TileProduct &product, Value row, int64_t rows, Value place,
                const Part &part);
  /// Where a vector of such panels is in a weight in panels.
  llvm::SmallVector<Value> placeOf(Value place, Value k, Chunk chunk);
  /// One row's sums for columns sums.column..endColumn-1, in `memory`.
  void emitRow(const ProductSums::Tile &tile, Value endColumn, Value memory);
  void emitAhead(TileProduct &product, Value place, Value k);
  int64_t chooseAskingSteps(int64_t rows) const;
  /// Asks for a vector of the panels from `next` on.
  void emitPrefetch(Value next, Value begin, Value k, Chunk chunk);
  void emitCopy(const Part &part);
  /// Lays out steps begin..end-1 of the depth of a panel.
  void emitPack(Value place, Value to, Value begin, Value end);
  bool isPacked() const;
  /// Whether a few rows take several panels side by side.
  bool isNarrow() const;

  KernelBuilder &b;
  ProductOperands operands;
  /// N and K, and panels of columns.
  Value columns, depth, panels;
  int64_t panel, blockDepth, blockRows;
  /// Whether rows of the input are copied before they are read many times.
  bool copiesRows;
  llvm::SmallVector<Chunk> chunks;
  TileProduct product;
  ProductSums sums;
  RowTiles rowTiles;
  /// Memory of a thread for one panel; and that for all of them, if it is used.
  Value ownPanel, sharedPanels, isShared;
  // Of the part that is being written: memory, and where the input is.
  Value panelMemory, input, firstRow, firstDepth;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_MATRIXPRODUCT_H
