// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second destination of an `attn.sdpa`: which heads write what to it.

#ifndef ATTN_LIB_CONVERSION_SHOWNPROBABILITIES_H
#define ATTN_LIB_CONVERSION_SHOWNPROBABILITIES_H

#include "AttentionScope.h"

namespace attn {

/// What one head and one query after the other write. Heads whose mean is asked
/// for come in order, in one task.
class ShownProbabilities {
public:
  using Value = mlir::Value;

  ShownProbabilities(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes)
      : b(b), op(op), sizes(sizes) {}

  /// Writes the code of `body` if there is a second destination, and runs it if
  /// `head` is shown there.
  void ifShown(Value head, llvm::function_ref<void()> body);
  /// Writes 0 for all keys but those that the query sees.
  void emitZeros(AttentionScope &scope, Value head, Value query,
                 IndexRange seen);
  /// Writes a vector of the probabilities of the keys from `key` on, of which
  /// those in the lanes `inside` are some; it may begin below 0.
  void store(Value probabilities, AttentionScope &scope, Value head,
             Value query, Value key, IndexRange inside);

private:
  /// The places of the keys of `range` have 0 if nothing was added to them yet.
  void emitZeros(llvm::SmallVector<Value> place, Value begin, Value end);
  llvm::SmallVector<Value> placeOf(AttentionScope &scope, Value head,
                                   Value query, Value key);
  /// Whether no head was added to the mean before.
  Value isFirst(Value head);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_SHOWNPROBABILITIES_H
