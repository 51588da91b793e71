// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of rows of f32 by a matrix of i8. First each row is rounded to
// integers, then these are multiplied and added, exactly, in AMX tiles or in
// vectors, and last a sum is scaled and the bias added. So how rows and columns
// are divided changes nothing.

#ifndef ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H
#define ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H

#include "AmxTiles.h"
#include "IntegerDot.h"
#include "MatrixProduct.h"
#include "RoundedRows.h"

namespace attn {

class QuantizedProduct {
public:
  using Value = mlir::Value;

  QuantizedProduct(KernelBuilder &b, const ProductOperands &operands);

  /// Whether the weight is of i8.
  static bool canEmit(const ProductOperands &operands);

  /// Writes the whole product, on the threads there are.
  void emit();

  // Part by part, in a region between round() and deallocate().
  /// Rounds all rows, on the threads there are; \p withLengths as in
  /// RoundedRows::allocate.
  void round(bool withLengths = false);
  void deallocate() { rounded.deallocate(); }
  const RoundedRows &getRoundedRows() const { return rounded; }
  /// At the begin of the region: what each thread needs for itself.
  void enterRegion();
  int64_t getPanels() const { return panels; }
  /// Some rows, from a multiple of getUnit() on, and panels of 32 columns.
  void emitPart(Value row, Value endRow, Value panel, Value endPanel);
  int64_t getUnit() const { return tiles ? WeightOp::kTilePanel : 1; }
  /// emitPart writes (row, column) at memory[row - firstRow, column -
  /// firstColumn].
  void setOutput(Value memory, Value firstRow, Value firstColumn);

private:
  /// The place of a row in the operands.
  Value getPlace(Value row);
  /// In AMX tiles: 32 rows of a panel, which is in no cache where it
  /// `isFromMemory`.
  void emitTiles(Value row, Value endRow, Value panel, Value isFromMemory);
  /// In vectors: these rows and panels.
  void emitInVectors(Value row, Value endRow, Value panel, Value endPanel);
  /// In vectors: some rows, and columns of a panel from `first` on, as many as
  /// they meet at a time. They ask for panel `ahead`.
  void emitVectors(Value row, int64_t count, Value panel, Value ahead,
                   Value first);
  struct VectorBlock {
    Value row;
    int64_t rows;
    Value panel, ahead, first;
    /// Vectors of columns, and those of them that the numbers of a row meet
    /// one after the other.
    int64_t vectors, together;
    bool isInOrder;
  };
  /// Vector by vector of columns, those of each row.
  llvm::SmallVector<Value> emitVectorSums(const VectorBlock &block);
  /// Adds the products of kGroup numbers of each row to the sums of the vectors
  /// from `begin` on.
  llvm::SmallVector<Value> emitGroup(const VectorBlock &block, int64_t begin,
                                     Value step, Value group,
                                     llvm::ArrayRef<Value> sums);
  /// Of the weights for a vector of columns.
  llvm::SmallVector<Value> placeOf(const VectorBlock &block, int64_t vector,
                                   Value panel, Value step, Value group);
  /// kGroup numbers of a rounded row.
  Value loadNumbers(Value row, Value k);
  int64_t getRoom() const;
  int64_t getVectorRows() const;
  bool readsInOrder(int64_t rows) const;
  int64_t getVectors(int64_t rows) const;
  /// Writes what follows from the sums of lanes() columns.
  void emitEpilogue(Value sum, Value row, Value column);
  /// The place of an element of the result in `out`.
  llvm::SmallVector<Value> outAt(Value row, Value column);
  Value loadColumns(Value memref, llvm::ArrayRef<Value> indices, Value column);
  Value emitInside(Value column);

  KernelBuilder &b;
  ProductOperands operands;
  const IntegerDot &dot;
  RoundedRows rounded;
  std::optional<AmxTiles> tiles;
  /// How many rows there are, and the place of the first; 0 if that is none.
  Value rows, firstRow;
  /// Steps of 64 numbers of the depth, and panels.
  int64_t steps, panels;
  /// Of a thread: the sums of a block, in AMX tiles.
  Value sums;
  Value firstOutRow, firstOutColumn;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H
