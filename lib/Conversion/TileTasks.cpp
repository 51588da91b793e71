// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TileTasks.h"
#include "TileSizes.h"

using namespace mlir;
using namespace attn;

/// Most rows of a task: the more, the fewer times panels are laid out or read.
static constexpr int64_t kRows = 2048;
/// Tasks for each thread.
static constexpr int64_t kTasks = 2;

int64_t TileTasks::getMostPanels(TargetAttr target, int64_t panels,
                                 int64_t panelBytes) {
  return std::clamp<int64_t>(TileSizes(target).getTilePanelBytes() /
                                 std::max<int64_t>(panelBytes, 1),
                             1, std::max<int64_t>(panels, 1));
}

TileTasks::TileTasks(KernelBuilder &b, Value rows, int64_t panels,
                     int64_t panelBytes)
    : b(b), panels(panels), blocks(b, rows, WeightOp::kTilePanel, kRows) {
  Value wanted = b.ceilDiv(b.mul(b.threads(), b.index(kTasks)), blocks.count);
  width = b.min(b.ceilDiv(b.index(panels), wanted),
                b.index(getMostPanels(b.getTarget(), panels, panelBytes)));
  // As many for each thread, where threads do not share out rows.
  groups = b.ceilDiv(b.index(panels), b.max(width, b.index(1)));
  Value even = b.mul(b.ceilDiv(groups, b.threads()), b.threads());
  width =
      b.max(b.ceilDiv(b.index(panels), b.max(even, b.index(1))), b.index(1));
  groups = b.ceilDiv(b.index(panels), width);
}

Value TileTasks::getCount() const { return b.mul(blocks.count, groups); }

void TileTasks::emitTask(
    Value task, llvm::function_ref<void(Value, Value, Value, Value)> body) {
  Value panel = b.mul(b.rem(task, groups), width);
  Value block = b.div(task, groups);
  body(blocks.getFirstRow(b, block),
       blocks.getFirstRow(b, b.add(block, b.index(1))), panel,
       b.min(b.add(panel, width), b.index(panels)));
}
