// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "QueryBlocks.h"

using namespace mlir;
using namespace attn;

/// So many blocks keep all threads busy to the end.
static constexpr int64_t kBlocks = 16;

/// Rows of a block, so that there are as many blocks as there have to be, and
/// more where there are few.
static Value chooseRows(KernelBuilder &b, SdpaOp op,
                        const AttentionSizes &sizes, int64_t mostRows,
                        int64_t unit) {
  Value batchHeads = op.getShownMean() ? b.index(1) : sizes.heads;
  if (!op.getQueryOffsets())
    batchHeads = b.mul(sizes.batch, batchHeads);
  Value wanted = b.ceilDiv(b.index(kBlocks), b.max(batchHeads, b.index(1)));
  Value blocks = b.max(b.ceilDiv(sizes.queries, mostRows),
                       b.min(wanted, b.ceilDiv(sizes.queries, 4 * unit)));
  return b.roundUp(b.ceilDiv(sizes.queries, b.max(blocks, b.index(1))), unit);
}

QueryBlocks::QueryBlocks(KernelBuilder &b, SdpaOp op,
                         const AttentionSizes &sizes, Value rows,
                         Value headsAtOnce)
    : b(b), op(op), sizes(sizes), rows(b.max(rows, b.index(1))),
      headsAtOnce(headsAtOnce), unit(1) {
  if (!op.getQueryOffsets())
    return;
  constexpr int64_t kBits = 31;
  searchSteps = b.forLoop(
      b.index(0), b.index(kBits), 1, {b.index(0)},
      [&](Value bit, KernelBuilder::Values steps) {
        Value reached = arith::ShLIOp::create(b, b.index(1), bit);
        Value isMore = b.isLess(reached, sizes.batch);
        Value more = arith::SelectOp::create(b, isMore, b.index(1), b.index(0));
        return SmallVector<Value>{b.add(steps[0], more)};
      })[0];
}

QueryBlocks::QueryBlocks(KernelBuilder &b, SdpaOp op,
                         const AttentionSizes &sizes, int64_t mostRows,
                         int64_t unit)
    : QueryBlocks(b, op, sizes, chooseRows(b, op, sizes, mostRows, unit),
                  b.index(1)) {
  this->unit = unit;
}

// Entries of a ragged batch get slots for as many blocks as they may need,
// without a table of them: rows are cut into blocks as if they were of one
// entry, and as each entry may begin and end within such a block, it gets one
// more. Slots that are left over do nothing.

Value QueryBlocks::getFirstSlot(Value entry) {
  Value begin =
      RaggedEntry(b, op.getQueryOffsets(), entry, sizes.queries).first;
  return b.add(b.div(begin, rows), entry);
}

Value QueryBlocks::findEntry(Value slot) {
  // The last whose first slot is not after this one.
  SmallVector<Value> found =
      b.forLoop(b.index(0), searchSteps, 1, {b.index(0), sizes.batch},
                [&](Value, KernelBuilder::Values range) {
                  Value half = b.div(range[1], b.index(2));
                  Value middle = b.add(range[0], half);
                  Value isAfter = b.isLess(slot, getFirstSlot(middle));
                  return SmallVector<Value>{
                      arith::SelectOp::create(b, isAfter, range[0], middle),
                      b.sub(range[1], half)};
                });
  return found[0];
}

void QueryBlocks::forEach(
    ArrayRef<MemRefType> workspace, bool isUneven,
    llvm::function_ref<void(const Block &, ValueRange)> body) {
  bool isRagged = static_cast<bool>(op.getQueryOffsets());
  // Heads that add to one mean take turns.
  bool takesTurns = op.getShownMean();
  Value groups = b.ceilDiv(sizes.heads, headsAtOnce);
  Value groupTasks = takesTurns ? b.index(1) : groups;
  auto emitGroup = [&](Block block, Value group, ValueRange memory) {
    block.firstHead = b.mul(group, headsAtOnce);
    block.headCount = b.min(b.sub(sizes.heads, block.firstHead), headsAtOnce);
    body(block, memory);
  };
  auto forGroups = [&](const Block &block, Value group, ValueRange memory) {
    if (!takesTurns)
      return emitGroup(block, group, memory);
    b.forLoop(b.index(0), groups, 1,
              [&](Value group) { emitGroup(block, group, memory); });
  };
  Value blocks = b.ceilDiv(sizes.queries, rows);
  Value tasks = b.mul(b.mul(sizes.batch, groupTasks), blocks);
  if (isRagged) {
    blocks = b.add(b.div(sizes.queries, rows), sizes.batch);
    Value isAny = b.min(sizes.batch, b.index(1));
    tasks = b.mul(b.mul(groupTasks, blocks), isAny);
  }
  b.parallelFor(
      tasks, sizes.getWork(b), workspace,
      [&](Value task, ValueRange memory) {
        // The last queries see the most keys: they go first.
        Value block = b.sub(b.sub(blocks, b.index(1)), b.rem(task, blocks));
        Value batchGroup = b.div(task, blocks);
        if (!isRagged) {
          Value firstQuery = b.mul(block, rows);
          Value count = b.min(b.sub(sizes.queries, firstQuery), rows);
          forGroups({b.div(batchGroup, groupTasks), firstQuery, count},
                    b.rem(batchGroup, groupTasks), memory);
          return;
        }
        Value entry = findEntry(block);
        Value length =
            RaggedEntry(b, op.getQueryOffsets(), entry, sizes.queries).count;
        // Blocks of an entry are of the same size.
        Value wanted = b.max(b.ceilDiv(length, rows), b.index(1));
        Value share = b.roundUp(b.ceilDiv(length, wanted), unit);
        Value firstQuery = b.mul(b.sub(block, getFirstSlot(entry)), share);
        Value count = b.min(b.sub(length, firstQuery), share);
        // The first entry may begin after slots that are of none.
        Value isBlock = arith::AndIOp::create(
            b, b.isLess(b.index(-1), firstQuery), b.isLess(b.index(0), count));
        b.ifThen(isBlock, [&] {
          forGroups({entry, firstQuery, count}, batchGroup, memory);
        });
      },
      isUneven || isRagged);
}
