// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product on packed weights, with its epilogue.
//
// A tile of rows × one panel of columns stays in registers while K runs; each
// step loads one row of the panel, and broadcasts one element of each input row
// to it. So an element of the result is summed in the order of K whatever the
// tile it is in, and does not depend on how many rows there are.

#include "Kernels.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

namespace {

class LinearKernel {
public:
  LinearKernel(KernelBuilder &b, LinearOp op)
      : b(b), op(op), weight(cast<MemRefType>(op.getWeight().getType())),
        columns(cast<MemRefType>(op.getOut().getType()).getDimSize(1)),
        depth(weight.getDimSize(1)), panel(weight.getDimSize(2)),
        chunks(b.chunks(panel)) {}

  void emit() {
    Value rows = b.dim(op.getInput(), 0);
    int64_t tileRows = getTileRows();
    // The rows of one task stay in the second-level cache from panel to panel.
    int64_t taskRows = 8 * tileRows;
    Value panels = b.index(weight.getDimSize(0));
    Value tasks = b.mul(b.ceilDiv(rows, taskRows), panels);
    Value work = b.mul(rows, b.index(depth * columns));
    b.parallelFor(tasks, work, [&](Value task) {
      Value place = arith::RemUIOp::create(b, task, panels);
      Value begin =
          b.mul(arith::DivUIOp::create(b, task, panels), b.index(taskRows));
      Value end = b.min(b.add(begin, b.index(taskRows)), rows);
      // What the large tile leaves is done by smaller ones.
      for (int64_t tile : {tileRows, int64_t(4), int64_t(1)}) {
        Value whole =
            arith::DivUIOp::create(b, b.sub(end, begin), b.index(tile));
        Value stop = b.add(begin, b.mul(whole, b.index(tile)));
        b.forLoop(begin, stop, tile,
                  [&](Value row) { emitTile(row, tile, place); });
        begin = stop;
      }
    });
  }

private:
  /// As many rows as leave registers for one row of the panel and a broadcast.
  int64_t getTileRows() const {
    int64_t registers = b.getTarget().hasFeature("avx512f") ? 32 : 16;
    int64_t wide = static_cast<int64_t>(chunks.size());
    return std::max<int64_t>((registers - wide - 1) / wide, 1);
  }

  /// Computes `rows` rows from `row` on, of the panel at `place`.
  void emitTile(Value row, int64_t rows, Value place) {
    SmallVector<Value> rowIndices;
    for (int64_t r = 0; r < rows; ++r)
      rowIndices.push_back(b.add(row, b.index(r)));
    Value firstColumn = b.mul(place, b.index(panel));

    SmallVector<Value> inits;
    for (int64_t r = 0; r < rows; ++r)
      for (Chunk chunk : chunks)
        inits.push_back(emitInit(firstColumn, chunk));

    SmallVector<Value> sums = b.forLoop(
        b.index(0), b.index(depth), 1, inits, [&](Value k, ValueRange carried) {
          SmallVector<Value> panelRow, next;
          for (Chunk chunk : chunks)
            panelRow.push_back(b.load(op.getWeight(),
                                      {place, k, b.index(chunk.offset)},
                                      chunk.lanes));
          for (int64_t r = 0; r < rows; ++r) {
            Value x =
                memref::LoadOp::create(b, op.getInput(), {rowIndices[r], k});
            for (auto [c, chunk] : llvm::enumerate(chunks))
              next.push_back(b.fma(b.splat(chunk.lanes, x), panelRow[c],
                                   carried[r * chunks.size() + c]));
          }
          return next;
        });

    for (int64_t r = 0; r < rows; ++r)
      for (auto [c, chunk] : llvm::enumerate(chunks))
        emitEpilogue(sums[r * chunks.size() + c], rowIndices[r], firstColumn,
                     chunk);
  }

  Value emitInit(Value firstColumn, Chunk chunk) {
    if (!op.getBias())
      return b.splat(chunk.lanes, 0.0);
    return b.load(op.getBias(), {b.add(firstColumn, b.index(chunk.offset))},
                  chunk.lanes);
  }

  void emitEpilogue(Value sum, Value row, Value firstColumn, Chunk chunk) {
    Value column = b.add(firstColumn, b.index(chunk.offset));
    if (op.getActivation())
      sum = emitActivation(b, *op.getActivation(), sum);
    if (columns % panel == 0) {
      if (op.getResidual())
        sum = arith::AddFOp::create(
            b, sum, b.load(op.getResidual(), {row, column}, chunk.lanes));
      b.store(sum, op.getOut(), {row, column});
      return;
    }
    // The last panel reaches past the last column.
    Value inside =
        b.mask(chunk.lanes, b.max(b.sub(b.index(columns), column), b.index(0)));
    if (op.getResidual())
      sum = arith::AddFOp::create(b, sum,
                                  b.loadMasked(op.getResidual(), {row, column},
                                               inside,
                                               b.splat(chunk.lanes, 0.0)));
    b.storeMasked(sum, inside, op.getOut(), {row, column});
  }

  KernelBuilder &b;
  LinearOp op;
  MemRefType weight;
  int64_t columns, depth, panel;
  SmallVector<Chunk> chunks;
};

} // namespace

void attn::emitLinear(KernelBuilder &b, LinearOp op) {
  LinearKernel(b, op).emit();
}
