// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes what branches alone read only where they are taken.

#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/ControlFlowSinkUtils.h"
#include "llvm/ADT/SetVector.h"

#include <optional>

namespace attn {
#define GEN_PASS_DEF_DEFERMASKS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Several branches of one block, all taken or none of them.
struct Branches {
  Value condition;
  bool isElse = false;
  scf::IfOp first, last;
};

} // namespace

/// The branch of an `scf.if` beside `op` that `user`, a user of its result, is
/// in; null if it is in none.
static Region *findBranch(Operation *op, Operation *user) {
  auto ifOp =
      dyn_cast_or_null<scf::IfOp>(op->getBlock()->findAncestorOpInBlock(*user));
  if (!ifOp)
    return nullptr;
  Region &other = ifOp.getElseRegion();
  return other.isAncestor(user->getParentRegion()) ? &other
                                                   : &ifOp.getThenRegion();
}

/// The branches that alone read the result of `op`, if there are such.
static std::optional<Branches> findReaders(linalg::GenericOp op) {
  Branches branches;
  for (Operation *user : op->getUsers()) {
    Region *branch = findBranch(op, user);
    if (!branch)
      return std::nullopt;
    auto ifOp = cast<scf::IfOp>(branch->getParentOp());
    bool isElse = branch == &ifOp.getElseRegion();
    if (!branches.first)
      branches = {ifOp.getCondition(), isElse, ifOp, ifOp};
    if (branches.condition != ifOp.getCondition() || branches.isElse != isElse)
      return std::nullopt;
    if (ifOp->isBeforeInBlock(branches.first))
      branches.first = ifOp;
    if (branches.last->isBeforeInBlock(ifOp))
      branches.last = ifOp;
  }
  if (branches.first == branches.last)
    return std::nullopt;
  return branches;
}

/// Moves `op` into a branch of its own, before those that read its result;
/// where these are not taken, that is memory to which nothing was written.
static void defer(linalg::GenericOp op, const Branches &branches) {
  OpBuilder builder(branches.first);
  Location loc = op.getLoc();
  Value result = op.getResult(0);
  auto branch = scf::IfOp::create(builder, loc, result.getType(),
                                  branches.condition, /*withElse=*/true);
  result.replaceAllUsesWith(branch.getResult(0));
  Block *taken = branch.thenBlock(), *other = branch.elseBlock();
  if (branches.isElse)
    std::swap(taken, other);
  op->moveBefore(taken, taken->end());
  builder.setInsertionPointToEnd(taken);
  scf::YieldOp::create(builder, loc, result);
  builder.setInsertionPointToEnd(other);
  Operation *memory = builder.clone(*op.getDpsInits()[0].getDefiningOp());
  scf::YieldOp::create(builder, loc, memory->getResults());
}

/// Lets each branch that reads a view have it made for itself, if no others do.
static void repeatView(Operation *view) {
  llvm::SetVector<Region *> branches;
  for (Operation *user : view->getUsers()) {
    Region *branch = findBranch(view, user);
    if (!branch)
      return;
    branches.insert(branch);
  }
  for (Region *branch : branches) {
    OpBuilder builder(branch);
    Operation *own = builder.clone(*view);
    view->getResult(0).replaceUsesWithIf(
        own->getResult(0), [&](OpOperand &use) {
          return branch->isAncestor(use.getOwner()->getParentRegion());
        });
  }
  view->erase();
}

namespace {

struct DeferMasks : public attn::impl::DeferMasksBase<DeferMasks> {
  void runOnOperation() override {
    SmallVector<Operation *> views;
    getOperation().walk([&](Operation *op) {
      if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
              tensor::ExtractSliceOp, tensor::CastOp>(op))
        views.push_back(op);
    });
    for (Operation *view : llvm::reverse(views))
      repeatView(view);

    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->getNumResults() == 1 &&
          op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>())
        ops.push_back(op);
    });
    // Others may be read by no other branches any more.
    for (linalg::GenericOp op : llvm::reverse(ops))
      if (std::optional<Branches> branches = findReaders(op))
        defer(op, *branches);

    SmallVector<Region *> regions;
    getOperation().walk([&](scf::IfOp op) {
      llvm::append_range(regions, llvm::make_pointer_range(op->getRegions()));
    });
    DominanceInfo dominance(getOperation());
    controlFlowSink(
        regions, dominance,
        [](Operation *op, Region *) { return isMemoryEffectFree(op); },
        [](Operation *op, Region *region) {
          op->moveBefore(&region->front(), region->front().begin());
        });
  }
};

} // namespace
