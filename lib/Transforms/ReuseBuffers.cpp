// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lets allocations of the same shape share memory.

#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_REUSEBUFFERS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {

/// The operations of a block, numbered, from the first to the last that touch
/// a buffer.
struct LiveRange {
  int64_t first = std::numeric_limits<int64_t>::max();
  int64_t last = -1;
};

class BufferReuse {
public:
  explicit BufferReuse(Block &block) : block(block) {}

  void run() {
    hoist();
    for (auto [index, op] : llvm::enumerate(block))
      numbers[&op] = index;
    share();
  }

private:
  /// Moves allocations, and what their sizes are computed from, to the top.
  void hoist() {
    llvm::SetVector<Operation *> movable;
    for (Operation &op : block) {
      auto alloc = dyn_cast<memref::AllocOp>(op);
      if (!alloc || !llvm::all_of(op.getOperands(), [&](Value size) {
            return collect(size, movable);
          }))
        continue;
      movable.insert(&op);
    }
    // The set is in order of definition; each goes behind the one before it.
    Operation *previous = nullptr;
    for (Operation *op : movable) {
      if (previous)
        op->moveAfter(previous);
      else
        op->moveBefore(&block, block.begin());
      previous = op;
    }
  }

  /// Adds what `value` is computed from; false if it cannot move to the top.
  bool collect(Value value, llvm::SetVector<Operation *> &movable) {
    Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != &block)
      return true;
    if (movable.contains(op))
      return true;
    if (!isPure(op) || op->getNumRegions() != 0 ||
        !llvm::all_of(op->getOperands(),
                      [&](Value operand) { return collect(operand, movable); }))
      return false;
    movable.insert(op);
    return true;
  }

  /// The operations that touch a buffer, through views too. None if its address
  /// goes where it cannot be followed.
  std::optional<LiveRange> getLiveRange(Value buffer) {
    LiveRange range;
    SmallVector<Value> pending = {buffer};
    while (!pending.empty()) {
      for (OpOperand &use : pending.pop_back_val().getUses()) {
        Operation *user = use.getOwner();
        if (isa<ViewLikeOpInterface>(user))
          pending.push_back(user->getResult(0));
        else if (user->hasTrait<OpTrait::IsTerminator>() ||
                 llvm::any_of(user->getResultTypes(),
                              llvm::IsaPred<BaseMemRefType>))
          return std::nullopt;
        Operation *inBlock = block.findAncestorOpInBlock(*user);
        range.first = std::min(range.first, numbers.lookup(inBlock));
        range.last = std::max(range.last, numbers.lookup(inBlock));
      }
    }
    return range;
  }

  /// In order of first use, gives each allocation the memory of one that is
  /// used no more.
  void share() {
    SmallVector<std::pair<LiveRange, memref::AllocOp>> buffers;
    for (auto alloc : block.getOps<memref::AllocOp>())
      if (std::optional<LiveRange> range = getLiveRange(alloc);
          range && range->last >= 0)
        buffers.push_back({*range, alloc});
    llvm::sort(buffers, [&](const auto &a, const auto &b) {
      return std::pair(a.first.first, numbers.lookup(a.second)) <
             std::pair(b.first.first, numbers.lookup(b.second));
    });

    SmallVector<std::pair<LiveRange, memref::AllocOp>> kept;
    for (auto &[range, alloc] : buffers) {
      auto *free = llvm::find_if(
          kept, [&, begin = range.first, current = alloc](auto &candidate) {
            return candidate.first.last < begin &&
                   isSameShape(candidate.second, current);
          });
      if (free == kept.end()) {
        kept.push_back({range, alloc});
        continue;
      }
      free->first.last = range.last;
      alloc.replaceAllUsesWith(free->second.getResult());
      alloc.erase();
    }
  }

  static bool isSameShape(memref::AllocOp a, memref::AllocOp b) {
    return a.getType() == b.getType() && a.getAlignment() == b.getAlignment() &&
           llvm::equal(a.getOperands(), b.getOperands());
  }

  Block &block;
  llvm::DenseMap<Operation *, int64_t> numbers;
};

struct ReuseBuffersPass : attn::impl::ReuseBuffersBase<ReuseBuffersPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    // In a function of several blocks, order is not time.
    if (function.getBody().hasOneBlock())
      BufferReuse(function.getBody().front()).run();
  }
};

} // namespace
