// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Uses.h"
#include "Elements.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

SmallVector<Operation *> attn::collectReductions(Operation *root) {
  SmallVector<Operation *> reductions;
  root->walk([&](linalg::LinalgOp op) {
    if (op.getNumReductionLoops() > 0 && op->getNumResults() == 1 &&
        op.hasPureTensorSemantics())
      reductions.push_back(op);
  });
  return reductions;
}

void attn::resolveSizes(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  (void)applyPatternsGreedily(root, std::move(patterns));
}

SmallVector<Value> attn::collectElementwiseUsers(Value value) {
  // Longer chains than the longest pattern are not looked at to their end.
  constexpr size_t kLimit = 32;
  llvm::SetVector<Value> found;
  found.insert(value);
  for (size_t i = 0; i < found.size() && found.size() < kLimit; ++i)
    for (Operation *user : found[i].getUsers())
      if (user->getBlock() == value.getParentBlock() &&
          user->getNumResults() == 1 &&
          isa<RankedTensorType>(user->getResult(0).getType()) &&
          (isElementwise(user) || isReshape(user)))
        found.insert(user->getResult(0));
  SmallVector<Value> ordered = found.takeVector();
  llvm::sort(ordered, [](Value a, Value b) {
    return b.getDefiningOp()->isBeforeInBlock(a.getDefiningOp());
  });
  return ordered;
}

/// Adds what `last` is computed from, in its block, back to `first`.
static void collectNeeded(Operation *first, Operation *last,
                          llvm::SetVector<Operation *> &needed) {
  Block *block = first->getBlock();
  needed.insert(last);
  for (size_t i = 0; i < needed.size(); ++i)
    needed[i]->walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        Operation *definition = operand.getDefiningOp();
        if (definition && definition->getBlock() == block &&
            !definition->isBeforeInBlock(first))
          needed.insert(definition);
      }
    });
}

bool attn::dependsOn(Value value, Operation *op) {
  Operation *definition = value.getDefiningOp();
  if (!definition || definition->getBlock() != op->getBlock())
    return false;
  llvm::SetVector<Operation *> needed;
  collectNeeded(op, definition, needed);
  return needed.contains(op);
}

bool attn::isOnlyFor(Operation *first, Operation *last) {
  Block *block = last->getBlock();
  if (first->getBlock() != block)
    return false;
  llvm::SetVector<Operation *> needed, computed;
  collectNeeded(first, last, needed);
  computed.insert(first);
  for (size_t i = 0; i < computed.size(); ++i) {
    if (computed[i] == last)
      continue;
    for (Operation *user : computed[i]->getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!ancestor || !needed.contains(ancestor))
        return false;
      computed.insert(ancestor);
    }
  }
  return computed.contains(last);
}

void attn::eraseWithOperands(
    Operation *op, llvm::function_ref<void(Operation *)> beforeErase) {
  llvm::SetVector<Operation *> worklist;
  worklist.insert(op);
  while (!worklist.empty()) {
    Operation *next = worklist.pop_back_val();
    if (!isOpTriviallyDead(next))
      continue;
    llvm::SetVector<Value> used(next->operand_begin(), next->operand_end());
    getUsedValuesDefinedAbove(next->getRegions(), used);
    beforeErase(next);
    next->erase();
    for (Value value : used)
      if (Operation *definition = value.getDefiningOp())
        worklist.insert(definition);
  }
}
