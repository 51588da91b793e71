// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is computed from values, and for which others.

#ifndef ATTN_LIB_TRANSFORMS_USES_H
#define ATTN_LIB_TRANSFORMS_USES_H

#include "mlir/IR/Operation.h"

namespace attn {

/// The operations of `root` that add up products or anything else, in order.
llvm::SmallVector<mlir::Operation *> collectReductions(mlir::Operation *root);

/// Takes the sizes of results from operands, in all of `root`: so that asking
/// for the size of a tensor is no use of it.
void resolveSizes(mlir::Operation *root);

/// The tensors computed from `value` by operations that treat each element
/// alone, itself included, last first: candidates for the end of a pattern.
llvm::SmallVector<mlir::Value> collectElementwiseUsers(mlir::Value value);

/// Whether everything that is computed from the results of `first` is computed
/// for `last` alone, both in one block.
bool isOnlyFor(mlir::Operation *first, mlir::Operation *last);

/// Whether `value` is computed from the results of `op`, in the same block.
bool dependsOn(mlir::Value value, mlir::Operation *op);

/// Erases `op` unless it has uses, and what was computed for it alone, each
/// after a call of `beforeErase`.
void eraseWithOperands(
    mlir::Operation *op,
    llvm::function_ref<void(mlir::Operation *)> beforeErase =
        [](mlir::Operation *) {});

/// For each reduction in `root`, replaces what the first of its elementwise
/// users computes that a Matcher knows: `match(end, reduction)` says whether it
/// does, `replace()` gives the operation that is replaced.
template <typename Matcher> void raiseReductions(mlir::Operation *root) {
  llvm::DenseSet<mlir::Operation *> erased;
  for (mlir::Operation *reduction : collectReductions(root)) {
    if (erased.contains(reduction))
      continue;
    for (mlir::Value end : collectElementwiseUsers(reduction->getResult(0))) {
      Matcher matcher;
      if (!matcher.match(end, reduction))
        continue;
      eraseWithOperands(matcher.replace(),
                        [&](mlir::Operation *op) { erased.insert(op); });
      break;
    }
  }
}

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_USES_H
