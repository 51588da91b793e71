// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product on packed weights, with its epilogue.

#include "Kernels.h"
#include "TileProduct.h"
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
        chunks(b.chunks(panel)), product(b, chunks) {}

  void emit() {
    Value rows = b.dim(op.getInput(), 0);
    // The rows of one task stay in the second-level cache from panel to panel.
    int64_t taskRows = 8 * product.getMaxRows();
    Value panels = b.index(weight.getDimSize(0));
    Value tasks = b.mul(b.ceilDiv(rows, taskRows), panels);
    Value work = b.mul(rows, b.index(depth * columns));
    b.parallelFor(tasks, work, [&](Value task) {
      Value place = arith::RemUIOp::create(b, task, panels);
      Value begin =
          b.mul(arith::DivUIOp::create(b, task, panels), b.index(taskRows));
      Value end = b.min(b.add(begin, b.index(taskRows)), rows);
      product.forTiles(begin, end, [&](Value row, int64_t tileRows) {
        emitTile(row, tileRows, place);
      });
    });
  }

private:
  /// Computes `rows` rows from `row` on, of the panel at `place`.
  void emitTile(Value row, int64_t rows, Value place) {
    Value firstColumn = b.mul(place, b.index(panel));
    auto rowAt = [&](int64_t r) { return b.add(row, b.index(r)); };
    product.emit(
        rows, b.index(depth),
        [&](int64_t, Chunk chunk) { return emitInit(firstColumn, chunk); },
        [&](int64_t r, Value k) {
          return b.loadScalar(op.getInput(), {rowAt(r), k});
        },
        [&](Value k, Chunk chunk) {
          emitPrefetch(place, k, chunk);
          return b.load(op.getWeight(), {place, k, b.index(chunk.offset)},
                        chunk.lanes);
        },
        [&](int64_t r, Chunk chunk, Value sum) {
          emitEpilogue(sum, rowAt(r), firstColumn, chunk);
        });
  }

  /// Asks for the same row of the next panel, which the next task reads:
  /// weights of a whole network do not fit in the second-level cache, and the
  /// hardware does not look ahead as far. Past the last panel it asks for
  /// nothing that is used, which does no harm.
  void emitPrefetch(Value place, Value k, Chunk chunk) {
    Value next = b.add(place, b.index(1));
    memref::PrefetchOp::create(b, op.getWeight(),
                               ValueRange{next, k, b.index(chunk.offset)},
                               /*isWrite=*/false, /*localityHint=*/2,
                               /*isDataCache=*/true);
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
  TileProduct product;
};

} // namespace

void attn::emitLinear(KernelBuilder &b, LinearOp op) {
  LinearKernel(b, op).emit();
}
