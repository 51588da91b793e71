// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second destination of an `attn.sdpa`, probabilities or scores: which
// heads write what to it.

#ifndef ATTN_LIB_CONVERSION_SHOWNSCORES_H
#define ATTN_LIB_CONVERSION_SHOWNSCORES_H

#include "AttentionScope.h"

namespace attn {

/// What one head and one query after the other write. Heads whose mean is asked
/// for come in order, in one task.
class ShownScores {
public:
  using Value = mlir::Value;

  ShownScores(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes)
      : b(b), op(op), sizes(sizes) {}

  /// Writes the code of `body` if there is a second destination, and runs it if
  /// `head` is shown there.
  void ifShown(Value head, llvm::function_ref<void()> body);
  /// Writes what keys have that the query does not see: 0, or a score of -∞.
  void emitUnseen(AttentionScope &scope, Value head, Value query,
                  IndexRange seen);
  /// Writes a vector of what is shown of the keys from `key` on, of which
  /// those in the lanes `range` are some; it may begin below 0.
  void store(Value numbers, AttentionScope &scope, Value head, Value query,
             Value key, IndexRange range);

private:
  /// The same for the keys from `begin` to `end`.
  void emitUnseen(llvm::SmallVector<Value> place, Value begin, Value end);
  llvm::SmallVector<Value> placeOf(AttentionScope &scope, Value head,
                                   Value query, Value key);
  /// Whether no head was added to the mean before.
  Value isFirst(Value head);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_SHOWNSCORES_H
