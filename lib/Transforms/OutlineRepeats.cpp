// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes repeated layers calls of one function.

#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINEREPEATS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// A stretch of a block that consists of `count` times `period` operations.
struct Repeat {
  int64_t start = 0, period = 0, count = 0;
  int64_t covered() const { return period * count; }
};

/// An operand of an operation within one repetition.
struct Slot {
  int64_t op, operand;
};

class Outliner {
public:
  Outliner(func::FuncOp function, SymbolTable &symbols)
      : function(function), block(function.getBody().front()),
        symbols(symbols) {}

  void run() {
    hoist();
    while (true) {
      number();
      Repeat best = findBest();
      if (best.count < 2)
        return;
      outline(best);
    }
  }

private:
  /// Moves to the top what needs nothing that the layers compute: weights,
  /// constants, allocations and views of them. There it is in no sequence.
  void hoist() {
    llvm::DenseSet<Value> early(block.args_begin(), block.args_end());
    Operation *previous = nullptr;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      bool isMovable = isPure(&op) || isa<memref::AllocOp>(op);
      if (!isMovable || op.hasTrait<OpTrait::IsTerminator>() ||
          op.getNumRegions() != 0 ||
          !llvm::all_of(op.getOperands(),
                        [&](Value value) { return early.contains(value); }))
        continue;
      if (previous)
        op.moveAfter(previous);
      else
        op.moveBefore(&block, block.begin());
      previous = &op;
      early.insert(op.result_begin(), op.result_end());
    }
  }

  /// Whether the operation may be part of a repetition.
  static bool isOutlinable(Operation &op) {
    if (isa<ViewLikeOpInterface>(op))
      return true;
    return isa<DestinationStyleOpInterface>(op) && op.getNumResults() == 0 &&
           op.getNumRegions() == 0;
  }

  /// Gives operations that differ only in their values the same number.
  void number() {
    ops.clear();
    kinds.clear();
    llvm::DenseMap<Attribute, int64_t> known;
    Builder builder(function.getContext());
    int64_t next = 0;
    for (Operation &op : block) {
      ops.push_back(&op);
      if (!isOutlinable(op)) {
        kinds.push_back(next++);
        continue;
      }
      SmallVector<Attribute> parts = {op.getName().getIdentifier(),
                                      op.getDiscardableAttrDictionary()};
      if (Attribute properties = op.getPropertiesAsAttribute())
        parts.push_back(properties);
      for (Type type : op.getOperandTypes())
        parts.push_back(TypeAttr::get(type));
      for (Type type : op.getResultTypes())
        parts.push_back(TypeAttr::get(type));
      auto [place, isNew] = known.insert({builder.getArrayAttr(parts), next});
      next += isNew;
      kinds.push_back(place->second);
    }
  }

  /// The repeat that covers most operations; of those, the shortest period.
  Repeat findBest() {
    Repeat best;
    auto size = static_cast<int64_t>(ops.size());
    for (int64_t start = 0; start < size; ++start) {
      // One operation alone is a kernel already.
      for (int64_t period = 2; start + 2 * period <= size; ++period) {
        int64_t length = 0;
        while (start + period + length < size &&
               kinds[start + length] == kinds[start + period + length])
          ++length;
        Repeat repeat = {start, period, 1 + length / period};
        if (repeat.count < 2 || repeat.covered() <= best.covered())
          continue;
        if (isSelfContained(repeat))
          best = repeat;
      }
    }
    return best;
  }

  Operation *at(const Repeat &repeat, int64_t repetition, int64_t op) {
    return ops[repeat.start + repetition * repeat.period + op];
  }

  /// The place within its repetition of the operation that defines `value`;
  /// none if that is outside.
  std::optional<int64_t> placeOf(const Repeat &repeat, int64_t repetition,
                                 Value value) {
    Operation *definition = value.getDefiningOp();
    for (int64_t op = 0; definition && op < repeat.period; ++op)
      if (at(repeat, repetition, op) == definition)
        return op;
    return std::nullopt;
  }

  /// Whether each repetition uses its own values as the first one does, and no
  /// other operation uses them.
  bool isSelfContained(const Repeat &repeat) {
    for (int64_t repetition = 0; repetition < repeat.count; ++repetition) {
      for (int64_t i = 0; i < repeat.period; ++i) {
        Operation *op = at(repeat, repetition, i), *first = at(repeat, 0, i);
        for (unsigned k = 0; k < op->getNumOperands(); ++k)
          if (placeOf(repeat, repetition, op->getOperand(k)) !=
              placeOf(repeat, 0, first->getOperand(k)))
            return false;
        Operation *end = at(repeat, repetition, repeat.period - 1);
        for (Operation *user : op->getUsers())
          if (user->getBlock() != &block || end->isBeforeInBlock(user))
            return false;
      }
    }
    return true;
  }

  /// The operands that come from outside; those that are one value in each
  /// repetition are together.
  SmallVector<SmallVector<Slot>> groupSlots(const Repeat &repeat) {
    SmallVector<SmallVector<Slot>> groups;
    auto valueAt = [&](Slot slot, int64_t repetition) {
      return at(repeat, repetition, slot.op)->getOperand(slot.operand);
    };
    for (int64_t i = 0; i < repeat.period; ++i) {
      for (unsigned k = 0; k < at(repeat, 0, i)->getNumOperands(); ++k) {
        Slot slot = {i, k};
        if (placeOf(repeat, 0, valueAt(slot, 0)))
          continue;
        auto *group = llvm::find_if(groups, [&](ArrayRef<Slot> members) {
          return llvm::all_of(llvm::seq(repeat.count), [&](int64_t r) {
            return valueAt(slot, r) == valueAt(members.front(), r);
          });
        });
        if (group == groups.end())
          groups.push_back({slot});
        else
          group->push_back(slot);
      }
    }
    return groups;
  }

  void outline(const Repeat &repeat) {
    SmallVector<SmallVector<Slot>> groups = groupSlots(repeat);
    SmallVector<Type> types;
    for (ArrayRef<Slot> group : groups)
      types.push_back(at(repeat, 0, group.front().op)
                          ->getOperand(group.front().operand)
                          .getType());

    OpBuilder builder(function);
    Location loc = at(repeat, 0, 0)->getLoc();
    auto layer = func::FuncOp::create(builder, loc,
                                      (function.getName() + "_layer").str(),
                                      builder.getFunctionType(types, {}));
    layer.setPrivate();
    symbols.insert(layer);
    builder.setInsertionPointToStart(layer.addEntryBlock());
    IRMapping mapping;
    for (int64_t i = 0; i < repeat.period; ++i)
      builder.clone(*at(repeat, 0, i), mapping);
    func::ReturnOp::create(builder, loc);
    auto body = layer.getBody().front().begin();
    SmallVector<Operation *> clones;
    for (int64_t i = 0; i < repeat.period; ++i)
      clones.push_back(&*body++);
    for (auto [index, group] : llvm::enumerate(groups))
      for (Slot slot : group)
        clones[slot.op]->setOperand(slot.operand, layer.getArgument(index));

    for (int64_t repetition = 0; repetition < repeat.count; ++repetition) {
      SmallVector<Value> arguments;
      for (ArrayRef<Slot> group : groups)
        arguments.push_back(at(repeat, repetition, group.front().op)
                                ->getOperand(group.front().operand));
      builder.setInsertionPointAfter(at(repeat, repetition, repeat.period - 1));
      func::CallOp::create(builder, loc, layer, arguments);
    }
    for (int64_t i = repeat.covered() - 1; i >= 0; --i)
      ops[repeat.start + i]->erase();
  }

  func::FuncOp function;
  Block &block;
  SymbolTable &symbols;
  SmallVector<Operation *> ops;
  SmallVector<int64_t> kinds;
};

struct OutlineRepeatsPass : attn::impl::OutlineRepeatsBase<OutlineRepeatsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function.getBody().hasOneBlock())
        Outliner(function, symbols).run();
  }
};

} // namespace
