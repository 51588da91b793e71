// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of rows of f32 by a matrix of i8. First each row is rounded to steps
// of its own, then integers are multiplied and added, exactly, in AMX tiles or
// in vectors, and last a sum is scaled and the bias added. So how rows and
// columns are divided changes nothing.

#ifndef ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H
#define ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H

#include "AmxTiles.h"
#include "IntegerDot.h"
#include "MatrixProduct.h"

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
  /// Rounds all rows, on the threads there are; \p withLengths, getLengths()
  /// and getErrors() can be asked for then.
  void round(bool withLengths = false);
  void deallocate();
  /// At the begin of the region: what each thread needs for itself.
  void enterRegion();
  int64_t getPanels() const { return panels; }
  /// Some rows, from a multiple of getUnit() on, and panels of 32 columns.
  void emitPart(Value row, Value endRow, Value panel, Value endPanel);
  int64_t getUnit() const { return tiles ? WeightOp::kTilePanel : 1; }
  /// emitPart writes (row, column) at memory[row - firstRow, column -
  /// firstColumn].
  void setOutput(Value memory, Value firstRow, Value firstColumn);

  /// Of each row x, rounded to x̂: ‖x̂‖, and ‖x - x̂‖ and what the rounding of
  /// f32 may add, in terms of lengths, to a sum of products.
  Value getLengths() const { return lengths; }
  Value getErrors() const { return errors; }
  /// By what factor of the product of lengths, and of itself, the sum of K
  /// products and a bias may be off. In any order, each of K sums rounds by
  /// 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); some
  /// more is for lengths, for scales, and for what is estimated.
  double getRounding() const { return (operands.depth + 16) * 0x1p-22; }

private:
  /// Memory for the rounded rows, so many at most.
  void allocate(Value most, bool withLengths);
  void roundRows();
  void emitRow(Value row);
  /// The place of a row in the operands.
  Value getPlace(Value row);
  /// Of sums, in lanes, of squares of rounded numbers and of what they are
  /// less.
  void emitLengths(Value row, Value scale, Value squares, Value lost);
  Value emitMagnitude(Value row);
  /// lanes() numbers of a row from `k` on, 0 past the last.
  Value loadNumbers(Value row, Value k, bool isInside);
  /// In AMX tiles: 32 rows of a panel, which is in no cache where it
  /// `isFromMemory`.
  void emitTiles(Value row, Value endRow, Value panel, Value isFromMemory);
  /// In vectors: these rows and panels.
  void emitInVectors(Value row, Value endRow, Value panel, Value endPanel);
  /// In vectors: some rows, and columns of a panel from `first` on, as many as
  /// they meet at a time. They ask for panel `ahead`.
  void emitVectors(Value row, int64_t count, Value panel, Value ahead,
                   Value first);
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
  Value integers(int64_t lanes, int64_t value);

  KernelBuilder &b;
  ProductOperands operands;
  const IntegerDot &dot;
  std::optional<AmxTiles> tiles;
  /// How many rows there are, and the place of the first; 0 if that is none.
  Value rows, firstRow;
  /// Steps of 64 numbers of the depth, and panels.
  int64_t steps, panels;
  /// Rows of i8, padded with 0 to whole steps, in which AMX may read 31 past
  /// the last; their scales; and what is too much in their sums.
  Value numbers, scales, excess;
  Value lengths, errors;
  Value sums, firstOutRow, firstOutColumn;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_QUANTIZEDPRODUCT_H
