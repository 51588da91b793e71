// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums of products of i8 in vectors of i32, on processors that do not multiply
// tiles of them. What differs between instruction sets; each has a file.

#ifndef ATTN_LIB_CONVERSION_INTEGERDOT_H
#define ATTN_LIB_CONVERSION_INTEGERDOT_H

#include "KernelBuilder.h"

namespace attn {

/// The code for vectors of lanes() columns. The base class multiplies i16: a
/// product of two pairs (vpmaddwd) then never saturates, as that of u8 and i8
/// (vpmaddubsw) does.
class IntegerDot {
public:
  using Value = mlir::Value;
  virtual ~IntegerDot() = default;

  /// The best one that the target has.
  static const IntegerDot &get(TargetAttr target);

  /// Bits of a rounded number of a row. Rows are stored as they are multiplied:
  /// each is read for every panel of columns, and to widen four of its numbers
  /// takes as long as to multiply them by four columns.
  virtual unsigned getRowBits() const { return 16; }
  /// Vectors of sums that lanes() columns take.
  virtual int64_t getSums() const { return 2; }
  /// The sums, each [lanes()] of i32, plus the products of the four numbers of
  /// each column, `weights` [lanes() · 4] of i8, with four numbers of a row,
  /// `row` [4] of integers of getRowBits().
  virtual llvm::SmallVector<Value> emitDot(KernelBuilder &b,
                                           llvm::ArrayRef<Value> sums,
                                           Value weights, Value row) const;
  /// The sum of each column.
  virtual Value emitTotal(KernelBuilder &b, llvm::ArrayRef<Value> sums) const;
  /// What sums are too large by, in terms of the sum of the numbers of the row.
  virtual int64_t getBias() const { return 0; }

protected:
  /// The numbers of `row` so many times, one after the other.
  static Value repeatRow(KernelBuilder &b, Value row, int64_t times);
};

/// AVX512-VNNI and AVX-VNNI: products of four numbers in one instruction.
const IntegerDot &getVnni();

} // namespace attn

#endif // ATTN_LIB_CONVERSION_INTEGERDOT_H
