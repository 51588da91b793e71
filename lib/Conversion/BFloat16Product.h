// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of matrices of bf16 in tiles. A task takes some columns, lays out
// the weight for them, if it is not in tiles already, and goes through rows 32
// at a time. An element is summed as the instructions do it: AMX adds of every
// 32 products the even ones and the odd ones, each in order, and then both sums
// to the element; AVX512-BF16 adds one pair after the other. A few rows are
// computed without tiles, but summed alike.
//
// What goes in and what comes out may be in tiles too, which saves a copy of
// what is only between two products: [blocks of 32 rows, steps of 32 columns,
// 2, 16, 32]. Columns past the last are 0 there, rows past the last anything.

#ifndef ATTN_LIB_CONVERSION_BFLOAT16PRODUCT_H
#define ATTN_LIB_CONVERSION_BFLOAT16PRODUCT_H

#include "BFloat16Tiles.h"
#include "MatrixProduct.h"

namespace attn {

class BFloat16Product {
public:
  using Value = mlir::Value;

  BFloat16Product(KernelBuilder &b, const ProductOperands &operands);

  /// Whether the target multiplies bf16, and the weight is bf16, in tiles or as
  /// it is, the input bf16 or f32, which is rounded.
  static bool canEmit(KernelBuilder &b, const ProductOperands &operands);

  /// Writes the whole product, on the threads there are.
  void emit();

  // Part by part, of a weight in tiles, within a task that has memory of these
  // types.
  llvm::SmallVector<mlir::MemRefType> getWorkspace() const;
  void setMemory(mlir::ValueRange memory);
  int64_t getPanels() const { return panels; }
  /// A matrix in tiles, of some blocks of rows.
  static mlir::MemRefType getTiles(KernelBuilder &b, int64_t rowBlocks,
                                   int64_t columns);
  /// Rows row..endRow-1 of the product, or fewer where there are not so many,
  /// for some panels. `row` is the first of a block.
  void emitPart(Value row, Value endRow, Value panel, Value endPanel);
  /// What is in tiles starts with this row.
  void setFirstRow(Value row) { firstTileRow = row; }
  /// emitPart writes (row, column) at memory[row - firstRow, column -
  /// firstColumn].
  void setOutput(Value memory, Value firstRow, Value firstColumn);
  /// Copies a block of rows of the input to its place in tiles.
  void emitToTiles(Value block, Value memory);
  Value getRows() const { return rows; }

  /// What follows from the sums of a row and 16 columns from `column` on.
  void emitEpilogue(Value sum, Value bias, Value row, Value column);
  Value loadBias(Value column);

private:
  static constexpr int64_t kMostVectorRows = 4;

  bool isInTiles(Value matrix) const;
  /// Where `row` is in a matrix in tiles: a block, a half of it, and a row.
  llvm::SmallVector<Value> placeInTiles(Value row, Value column);
  /// One row after the other, from the weight as it is.
  void emitFewRows();
  void emitManyRows();
  /// With AMX and a weight in tiles: at most kMostVectorRows rows by vectors,
  /// all others, and all else, as `emitInTiles` does.
  void emitByRows(Value row, Value endRow, Value panel, Value endPanel,
                  llvm::function_ref<void()> emitInTiles);
  void emitInVectors(Value row, Value endRow, Value panel, Value endPanel);
  /// Lays out the factors of rows, in f32, and tells the least of them.
  Value emitFactors(Value row, Value count);
  /// The sums of a panel, for `count` of these rows, `rows` at least; they tell
  /// the least weight.
  Value emitSumsOfPanel(Value count, Value panel, int64_t rows = 1);
  Value emitSumsOfRows(int64_t count, Value panel);
  void emitPanels(Value row, Value endRow, Value panel, Value endPanel);
  /// Of the weight, as much as rows go by.
  int64_t getPanelBytes() const {
    int64_t kept = sumRows > BFloat16Tiles::kBlock ? blockSteps : steps;
    return kept * BFloat16Tiles::kDepth * BFloat16Tiles::kBlock * 2;
  }
  /// The sums of a row, for so many vectors of columns from `column` on.
  llvm::SmallVector<Value> emitRowSums(Value row, Value column,
                                       int64_t vectors);
  /// The same by AVX512-BF16.
  llvm::SmallVector<Value> emitRowSumsOfPairs(Value row, Value column,
                                              int64_t vectors);
  /// Lays out the task's panels of the weight, of 32 columns each.
  void emitPack();
  void emitPackRows();
  void emitPackColumns(Value panel);
  /// Computes at most `sumRows` rows of the task's columns.
  void emitRows(Value row, Value endRow);
  /// Adds the products of some steps of the depth to the sums of these rows;
  /// the last ones end in what follows from the sums.
  void emitSteps(Value row, Value step, Value count, bool isLast);
  /// Copies 32 rows of the input to memory[place...], or fewer where there are
  /// not so many.
  void emitCopy(Value row, Value step, Value count, Value memory,
                llvm::ArrayRef<Value> place = {});
  /// An element of the input.
  Value loadFactor(Value row, Value k);
  /// What follows from the sums of a panel, of `count` rows.
  void emitEpilogues(Value row, Value count, Value panel);
  /// 32 elements of a row that runs along the depth, 0 past the last.
  Value loadDepth(Value memref, Value row, Value step);
  /// Where a panel is in memory of the task, and its sums, which need memory
  /// only where they wait for those of further depth.
  Value placeOf(Value panel) { return b.sub(panel, firstPanel); }
  Value sumsOf(Value row, Value panel);

  // Vectors of 16 columns, of which nothing past the last one is read.
  bool reachesPast() const;
  Value emitInside(Value column);
  Value loadInside(Value memref, llvm::ArrayRef<Value> indices, Value column);

  KernelBuilder &b;
  ProductOperands operands;
  BFloat16Tiles tiles;
  Value rows;
  /// Steps of the depth, and panels.
  int64_t steps, panels;
  /// Steps at a time, whose rows stay in the first-level cache, and panels,
  /// which stay in the second-level cache.
  int64_t blockSteps, mostPanels;
  /// Rows that go by some steps before they go by the next ones.
  int64_t sumRows;
  // Of the task that is being written: [steps, 2] tiles of rows, [panels,
  // steps, 2] tiles of the weight, and [blocks of rows · panels, 32, 32] sums.
  Value rowMemory, panelMemory, sumMemory;
  /// [kMostVectorRows, depth] factors of rows, where vectors multiply them; and
  /// whether it is known to be in vain that they did.
  Value factorMemory;
  bool isSecondTime = false;
  Value firstRow, firstPanel, endPanel, firstSumRow;
  /// The first row of matrices in tiles, and the first row and column of `out`;
  /// none: 0.
  Value firstTileRow, firstOutRow, firstOutColumn;
  /// Columns that vectors go through at a time.
  int64_t width = BFloat16Tiles::kBlock;
};

/// The rows of a product's input, put in tiles once, for all panels that they
/// meet then.
class TiledInput {
public:
  /// Allocates the tiles, and makes them the input of `operands`.
  TiledInput(KernelBuilder &b, ProductOperands &operands);

  /// In a region: its threads share the rows, and none goes on before all are
  /// there.
  void emit();
  void deallocate();

private:
  KernelBuilder &b;
  BFloat16Product source;
  mlir::Value tiles;
};

/// Writes a product of at most `mostRows` rows, in tiles where that can be.
void emitProduct(KernelBuilder &b, const ProductOperands &operands,
                 int64_t mostRows = std::numeric_limits<int64_t>::max());

} // namespace attn

#endif // ATTN_LIB_CONVERSION_BFLOAT16PRODUCT_H
