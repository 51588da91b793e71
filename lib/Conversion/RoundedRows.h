// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of f32 as integers of 8 bits: each is rounded to steps of its own, of
// 1/127 of its largest magnitude.

#ifndef ATTN_LIB_CONVERSION_ROUNDEDROWS_H
#define ATTN_LIB_CONVERSION_ROUNDEDROWS_H

#include "KernelBuilder.h"

namespace attn {

class RoundedRows {
public:
  using Value = mlir::Value;

  /// Rows are padded with 0 to a multiple of so many numbers.
  static constexpr int64_t kDepth = 64;

  /// Of the rows of `input`, whose first `depth` numbers count, to integers of
  /// `integerBits`, 8 or 16; see getExcess() for `bias`.
  RoundedRows(KernelBuilder &b, Value input, int64_t depth,
              unsigned integerBits, int64_t bias);

  /// kDepth numbers each, of a row.
  int64_t getSteps() const { return llvm::divideCeil(depth, kDepth); }

  /// Memory for so many rows at most; \p withLengths, for getLengths() and
  /// getErrors() too.
  void allocate(Value most, bool withLengths = false);
  void deallocate();
  /// Rounds `count` rows from `first` on, the beginning if that is none, on the
  /// threads there are. The first of them has the place 0 in what follows.
  void emit(Value count, Value first = nullptr);

  /// [rows, at least getSteps() * kDepth] of integers from -127 to 127; AMX may
  /// read 31 rows past the last.
  Value getNumbers() const { return numbers; }
  /// What 1 stands for in a row; NaN in one that is not finite.
  Value getScales() const { return scales; }
  /// The sum of a row's integers times the bias, of i32; none if that is 0.
  Value getExcess() const { return excess; }
  /// Of each row x, rounded to x̂: ‖x̂‖, and ‖x - x̂‖ and what the rounding of
  /// f32 may add, in terms of lengths, to a sum of products.
  Value getLengths() const { return lengths; }
  Value getErrors() const { return errors; }
  /// By what factor of the product of lengths, and of itself, the sum of K
  /// products and a bias may be off. In any order, each of K sums rounds by
  /// 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); some
  /// more is for lengths, for scales, and for what is estimated.
  double getRounding() const { return (depth + 16) * 0x1p-22; }

private:
  void emitRow(Value row);
  Value emitMagnitude(Value row);
  /// Stores a row's integers, none where it is not finite; their sum and, where
  /// lengths are asked for, that of their squares and of the squares of what
  /// rounding took away, each in lanes.
  llvm::SmallVector<Value> emitIntegers(Value row, Value inverse,
                                        Value isFinite);
  /// Stores lanes() integers from `k` on, and adds them to these sums.
  llvm::SmallVector<Value> emitVector(Value row, Value k, bool isInside,
                                      Value inverse,
                                      llvm::ArrayRef<Value> sums);
  void emitLengths(Value row, Value scale, Value squares, Value lost);
  /// lanes() numbers of a row of the input from `k` on, 0 past the last.
  Value loadNumbers(Value row, Value k, bool isInside);
  Value integer(int64_t value);
  Value integers(int64_t value);

  KernelBuilder &b;
  Value input;
  int64_t depth;
  unsigned integerBits;
  int64_t bias;
  Value firstRow;
  Value numbers, scales, excess, lengths, errors;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ROUNDEDROWS_H
