// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention many queries at a time. Keys are first laid out in panels, as the
// weights of a matrix product are. Then each task takes a block of queries of
// one head, and for one block of keys after the other computes a tile of scores
// by one product, turns it into weights by one step of the online softmax, and
// adds weights times values by another product. What a task keeps, the tile of
// scores among it, stays in the second-level cache.

#include "AttentionScope.h"
#include "Kernels.h"
#include "TileProduct.h"
#include "VectorMath.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

/// Keys of one step of the online softmax.
constexpr int64_t kBlockKeys = 256;
/// Tiles of rows in a block of queries.
constexpr int64_t kBlockTiles = 4;

class TiledAttentionKernel {
public:
  TiledAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(op), panel(b.getTarget().getPanelWidth()),
        panelChunks(b.chunks(panel)), product(b, panelChunks),
        blockQueries(kBlockTiles * product.getMaxRows()) {}

  void emit() {
    Value keys = packKeys();
    emitTasks(keys);
    memref::DeallocOp::create(b, keys);
  }

private:
  /// Lays out the keys as [entries, heads, panels, key size, panel].
  Value packKeys() {
    Value entries = b.dim(op.getKey(), 0), count = b.dim(op.getKey(), 1);
    Value panels = b.ceilDiv(count, panel), heads = b.index(sizes.heads);
    auto type = MemRefType::get({ShapedType::kDynamic, sizes.heads,
                                 ShapedType::kDynamic, sizes.keySize, panel},
                                b.getF32Type());
    Value packed = memref::AllocOp::create(b, type, ValueRange{entries, panels},
                                           b.getI64IntegerAttr(64));
    Value tasks = b.mul(b.mul(entries, heads), panels);
    Value work = b.mul(tasks, b.index(panel * sizes.keySize));
    b.parallelFor(tasks, work, [&](Value task) {
      Value place = arith::RemUIOp::create(b, task, panels);
      Value entryHead = arith::DivUIOp::create(b, task, panels);
      Value head = arith::RemUIOp::create(b, entryHead, heads);
      Value entry = arith::DivUIOp::create(b, entryHead, heads);
      Value first = b.mul(place, b.index(panel));
      Value inside = b.min(b.sub(count, first), b.index(panel));
      Value column = b.mul(head, b.index(sizes.keySize));
      b.forLoop(b.index(0), inside, 1, [&](Value lane) {
        b.forLoop(b.index(0), b.index(sizes.keySize), 1, [&](Value i) {
          Value key = memref::LoadOp::create(
              b, op.getKey(),
              ValueRange{entry, b.add(first, lane), b.add(column, i)});
          memref::StoreOp::create(b, key, packed,
                                  ValueRange{entry, head, place, i, lane});
        });
      });
    });
    return packed;
  }

  void emitTasks(Value keys) {
    Value batch = b.dim(op.getQuery(), 0), queries = b.dim(op.getQuery(), 1);
    Value heads = b.index(sizes.heads);
    Value blocks = b.ceilDiv(queries, blockQueries);
    Value tasks = b.mul(b.mul(batch, heads), blocks);
    Value work =
        b.mul(b.mul(b.mul(batch, queries), b.dim(op.getKey(), 1)),
              b.index(sizes.heads * (sizes.keySize + sizes.valueSize)));
    // Each row of the workspace: the scaled query, a row of the tile of scores,
    // a row of the output, the maximum and the sum.
    auto matrix = [&](int64_t width) {
      return MemRefType::get({blockQueries, width}, b.getF32Type());
    };
    int64_t outWidth = llvm::alignTo(sizes.valueSize, panel);
    SmallVector<MemRefType> workspace = {
        matrix(sizes.keySize), matrix(kBlockKeys), matrix(outWidth), matrix(2)};
    b.parallelFor(tasks, work, workspace, [&](Value task, ValueRange memory) {
      scaled = memory[0], scores = memory[1], out = memory[2];
      state = memory[3];
      Value block = arith::RemUIOp::create(b, task, blocks);
      Value batchHead = arith::DivUIOp::create(b, task, blocks);
      head = arith::RemUIOp::create(b, batchHead, heads);
      entry = arith::DivUIOp::create(b, batchHead, heads);
      scope.emplace(b, op, entry);
      firstQuery = b.mul(block, b.index(blockQueries));
      count = b.min(b.sub(queries, firstQuery), b.index(blockQueries));
      emitBlock(keys);
    });
  }

  void emitBlock(Value keys) {
    b.forLoop(b.index(0), count, 1, [&](Value row) { emitStart(row); });
    // No query of the block sees more keys than its last one does.
    Value visible =
        scope->getVisible(b.add(firstQuery, b.sub(count, b.index(1))));
    b.forLoop(b.index(0), visible, kBlockKeys, [&](Value firstKey) {
      Value keyCount = b.min(b.sub(visible, firstKey), b.index(kBlockKeys));
      emitScores(keys, firstKey, keyCount);
      b.forLoop(b.index(0), count, 1,
                [&](Value row) { emitSoftmaxStep(row, firstKey, keyCount); });
      emitWeightedSum(firstKey, keyCount);
    });
    b.forLoop(b.index(0), count, 1, [&](Value row) { emitFinish(row); });
  }

  Value columnOf(int64_t size, int64_t offset) {
    return b.add(b.mul(head, b.index(size)), b.index(offset));
  }

  Value constant(double value) {
    return arith::ConstantOp::create(
        b, b.getF32FloatAttr(static_cast<float>(value)));
  }

  /// Scales the query, and sets its state to that before the first key. Scores
  /// are in units of log 2, so that weights are powers of 2.
  void emitStart(Value row) {
    double scale = op.getScale().convertToDouble() / std::log(2.0);
    for (Chunk chunk : b.chunks(sizes.keySize)) {
      Value query = b.load(op.getQuery(),
                           {entry, b.add(firstQuery, row),
                            columnOf(sizes.keySize, chunk.offset)},
                           chunk.lanes);
      b.store(arith::MulFOp::create(b, query, b.splat(chunk.lanes, scale)),
              scaled, {row, b.index(chunk.offset)});
    }
    for (Chunk chunk : b.chunks(llvm::alignTo(sizes.valueSize, panel)))
      b.store(b.splat(chunk.lanes, 0.0), out, {row, b.index(chunk.offset)});
    memref::StoreOp::create(b, constant(-INFINITY), state,
                            ValueRange{row, b.index(0)});
    memref::StoreOp::create(b, constant(0.0), state,
                            ValueRange{row, b.index(1)});
  }

  /// scores = scaled · keysᵀ, whole panels of it.
  void emitScores(Value keys, Value firstKey, Value keyCount) {
    Value firstPanel = arith::DivUIOp::create(b, firstKey, b.index(panel));
    b.forLoop(b.index(0), b.ceilDiv(keyCount, panel), 1, [&](Value place) {
      Value panelIndex = b.add(firstPanel, place);
      Value column = b.mul(place, b.index(panel));
      product.forTiles(b.index(0), count, [&](Value row, int64_t rows) {
        auto rowAt = [&](int64_t r) { return b.add(row, b.index(r)); };
        product.emit(
            rows, b.index(sizes.keySize),
            [&](int64_t, Chunk chunk) { return b.splat(chunk.lanes, 0.0); },
            [&](int64_t r, Value k) -> Value {
              return memref::LoadOp::create(b, scaled, ValueRange{rowAt(r), k});
            },
            [&](Value k, Chunk chunk) {
              return b.load(
                  keys,
                  {scope->getRow(), head, panelIndex, k, b.index(chunk.offset)},
                  chunk.lanes);
            },
            [&](int64_t r, Chunk chunk, Value sum) {
              b.store(sum, scores,
                      {rowAt(r), b.add(column, b.index(chunk.offset))});
            });
      });
    });
  }

  /// Turns the scores of a row into weights, relative to the largest score so
  /// far; corrects what was summed before where that has grown.
  void emitSoftmaxStep(Value row, Value firstKey, Value keyCount) {
    int64_t lanes = b.lanes();
    Value visible = getVisible(row, firstKey, keyCount);
    Value whole = b.mul(arith::DivUIOp::create(b, visible, b.index(lanes)),
                        b.index(lanes));
    Value rest = b.mask(lanes, b.sub(visible, whole));
    Value lowest = b.splat(lanes, -INFINITY), zero = b.splat(lanes, 0.0);
    Value hasKeys = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, visible,
                                          b.index(0));
    auto load = [&](Value column) {
      return b.load(scores, {row, column}, lanes);
    };
    auto loadRest = [&] {
      return arith::SelectOp::create(b, rest, load(whole), lowest).getResult();
    };
    Value hasRest =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, whole, visible);
    b.ifThen(hasKeys, [&] {
      Value previous =
          memref::LoadOp::create(b, state, ValueRange{row, b.index(0)});
      Value largest =
          b.forLoop(b.index(0), whole, lanes, {lowest},
                    [&](Value column, KernelBuilder::Values carried) {
                      return SmallVector<Value>{arith::MaxNumFOp::create(
                          b, carried[0], load(column))};
                    })[0];
      largest = b.ifElse(
          hasRest, lowest.getType(),
          [&]() -> Value {
            return arith::MaxNumFOp::create(b, largest, loadRest());
          },
          [&] { return largest; });
      Value maximum =
          arith::MaxNumFOp::create(b, previous, b.maxLanes(largest));
      Value base = b.splat(lanes, maximum);
      auto weigh = [&](Value vector) {
        return emitExp2(b, arith::SubFOp::create(b, vector, base));
      };
      Value sum = b.forLoop(b.index(0), whole, lanes, {zero},
                            [&](Value column, KernelBuilder::Values carried) {
                              Value weights = weigh(load(column));
                              b.store(weights, scores, {row, column});
                              return SmallVector<Value>{arith::AddFOp::create(
                                  b, carried[0], weights)};
                            })[0];
      sum = b.ifElse(
          hasRest, zero.getType(),
          [&]() -> Value {
            Value weights = weigh(loadRest());
            b.store(weights, scores, {row, whole});
            return arith::AddFOp::create(b, sum, weights);
          },
          [&] { return sum; });
      emitCorrection(row, previous, maximum, b.sumLanes(sum));
    });
  }

  void emitCorrection(Value row, Value previous, Value maximum, Value added) {
    Value correction = vector::ExtractOp::create(
        b, emitExp2(b, b.splat(1, arith::SubFOp::create(b, previous, maximum))),
        ArrayRef<int64_t>{0});
    Value sum = memref::LoadOp::create(b, state, ValueRange{row, b.index(1)});
    sum = arith::AddFOp::create(b, arith::MulFOp::create(b, sum, correction),
                                added);
    memref::StoreOp::create(b, maximum, state, ValueRange{row, b.index(0)});
    memref::StoreOp::create(b, sum, state, ValueRange{row, b.index(1)});
    for (Chunk chunk : b.chunks(llvm::alignTo(sizes.valueSize, panel))) {
      Value at = b.index(chunk.offset);
      Value summed = b.load(out, {row, at}, chunk.lanes);
      b.store(
          arith::MulFOp::create(b, summed, b.splat(chunk.lanes, correction)),
          out, {row, at});
    }
  }

  /// How many keys of the step the query of `row` sees.
  Value getVisible(Value row, Value firstKey, Value keyCount) {
    Value visible = b.sub(scope->getVisible(b.add(firstQuery, row)), firstKey);
    return b.max(b.min(visible, keyCount), b.index(0));
  }

  /// out += weights · values, one panel of columns after the other. A value
  /// that a query does not see is not read for it, not even with weight 0: it
  /// may be NaN.
  void emitWeightedSum(Value firstKey, Value keyCount) {
    for (int64_t offset = 0; offset < sizes.valueSize; offset += panel) {
      SmallVector<Chunk> chunks =
          b.chunks(std::min(panel, sizes.valueSize - offset));
      for (Chunk &chunk : chunks)
        chunk.offset += offset;
      TileProduct sums(b, chunks);
      sums.forTiles(b.index(0), count, [&](Value row, int64_t rows) {
        if (!op.getCausal())
          return emitSums(sums, row, rows, firstKey, b.index(0), keyCount);
        // All rows of the tile see what the first sees; the others see a few
        // keys more, each its own number.
        Value common = getVisible(row, firstKey, keyCount);
        emitSums(sums, row, rows, firstKey, b.index(0), common);
        b.forLoop(b.add(row, b.index(1)), b.add(row, b.index(rows)), 1,
                  [&](Value other) {
                    emitSums(sums, other, 1, firstKey, common,
                             getVisible(other, firstKey, keyCount));
                  });
      });
    }
  }

  /// Adds the keys begin..end-1 of the step to `rows` rows of the output.
  void emitSums(TileProduct &sums, Value row, int64_t rows, Value firstKey,
                Value begin, Value end) {
    auto placeOf = [&](int64_t r, Chunk chunk) {
      return SmallVector<Value>{b.add(row, b.index(r)), b.index(chunk.offset)};
    };
    sums.emit(
        rows, b.sub(end, begin),
        [&](int64_t r, Chunk chunk) {
          return b.load(out, placeOf(r, chunk), chunk.lanes);
        },
        [&](int64_t r, Value k) -> Value {
          return memref::LoadOp::create(
              b, scores, ValueRange{b.add(row, b.index(r)), b.add(begin, k)});
        },
        [&](Value k, Chunk chunk) {
          return b.load(op.getValue(),
                        {scope->getRow(), b.add(firstKey, b.add(begin, k)),
                         columnOf(sizes.valueSize, chunk.offset)},
                        chunk.lanes);
        },
        [&](int64_t r, Chunk chunk, Value sum) {
          b.store(sum, out, placeOf(r, chunk));
        });
  }

  void emitFinish(Value row) {
    Value sum = memref::LoadOp::create(b, state, ValueRange{row, b.index(1)});
    Value inverse = emitInverse(b, sum);
    for (Chunk chunk : b.chunks(sizes.valueSize)) {
      Value summed = b.load(out, {row, b.index(chunk.offset)}, chunk.lanes);
      b.store(arith::MulFOp::create(b, summed, b.splat(chunk.lanes, inverse)),
              op.getOuts()[0],
              {entry, b.add(firstQuery, row),
               columnOf(sizes.valueSize, chunk.offset)});
    }
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  int64_t panel;
  SmallVector<Chunk> panelChunks;
  TileProduct product;
  int64_t blockQueries;
  // Of the task that is being written.
  Value scaled, scores, out, state;
  Value head, entry, firstQuery, count;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitTiledAttention(KernelBuilder &b, SdpaOp op) {
  TiledAttentionKernel(b, op).emit();
}
