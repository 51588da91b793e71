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
#include "OnlineSoftmax.h"
#include "TileProduct.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

/// Tiles of rows in a block of queries.
constexpr int64_t kBlockTiles = 4;

class TiledAttentionKernel {
public:
  TiledAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(op), panel(b.getTarget().getPanelWidth()),
        panelChunks(b.chunks(panel)), product(b, panelChunks),
        blockQueries(kBlockTiles * product.getMaxRows()),
        softmax(b, blockQueries, sizes.valueSize) {}

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
          Value key = b.loadScalar(
              op.getKey(), {entry, b.add(first, lane), b.add(column, i)});
          b.storeScalar(key, packed, {entry, head, place, i, lane});
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
    SmallVector<MemRefType> workspace = softmax.getWorkspace();
    workspace.push_back(
        MemRefType::get({blockQueries, sizes.keySize}, b.getF32Type()));
    b.parallelFor(tasks, work, workspace, [&](Value task, ValueRange memory) {
      softmax.setMemory(memory.drop_back());
      scaled = memory.back();
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
    forRows([&](Value row) {
      emitScaled(row);
      softmax.emitStart(row);
    });
    // No query of the block sees more keys than its last one does.
    constexpr int64_t blockKeys = OnlineSoftmax::kBlockKeys;
    Value visible =
        scope->getVisible(b.add(firstQuery, b.sub(count, b.index(1))));
    b.forLoop(b.index(0), visible, blockKeys, [&](Value first) {
      firstKey = first;
      keyCount = b.min(b.sub(visible, first), b.index(blockKeys));
      emitScores(keys);
      forRows([&](Value row) { softmax.emitStep(row, getVisible(row)); });
      emitWeightedSums();
    });
    forRows([&](Value row) {
      softmax.emitFinish(row, [&](Chunk chunk, Value result) {
        b.store(result, op.getOuts()[0],
                {entry, b.add(firstQuery, row),
                 columnOf(sizes.valueSize, b.index(chunk.offset))});
      });
    });
  }

  void forRows(llvm::function_ref<void(Value)> body) {
    b.forLoop(b.index(0), count, 1, body);
  }

  Value columnOf(int64_t size, Value offset) {
    return b.add(b.mul(head, b.index(size)), offset);
  }

  /// How many keys of the block of keys the query of `row` sees.
  Value getVisible(Value row) {
    if (!op.getCausal())
      return keyCount;
    Value visible = b.sub(scope->getVisible(b.add(firstQuery, row)), firstKey);
    return b.max(b.min(visible, keyCount), b.index(0));
  }

  void emitScaled(Value row) {
    double scale = op.getScale().convertToDouble() / std::log(2.0);
    for (Chunk chunk : b.chunks(sizes.keySize)) {
      Value offset = b.index(chunk.offset);
      Value query = b.load(
          op.getQuery(),
          {entry, b.add(firstQuery, row), columnOf(sizes.keySize, offset)},
          chunk.lanes);
      b.store(arith::MulFOp::create(b, query, b.splat(chunk.lanes, scale)),
              scaled, {row, offset});
    }
  }

  /// scores = scaled · keysᵀ, whole panels of it.
  void emitScores(Value keys) {
    Value firstPanel = arith::DivUIOp::create(b, firstKey, b.index(panel));
    b.forLoop(b.index(0), b.ceilDiv(keyCount, panel), 1, [&](Value place) {
      Value panelIndex = b.add(firstPanel, place);
      Value column = b.mul(place, b.index(panel));
      product.forTiles(b.index(0), count, [&](Value row, int64_t rows) {
        auto rowAt = [&](int64_t r) { return b.add(row, b.index(r)); };
        product.emit(
            rows, b.index(sizes.keySize),
            [&](int64_t, Chunk chunk) { return b.splat(chunk.lanes, 0.0); },
            [&](int64_t r, Value k) {
              return b.loadScalar(scaled, {rowAt(r), k});
            },
            [&](Value k, Chunk chunk) {
              return b.load(
                  keys,
                  {scope->getRow(), head, panelIndex, k, b.index(chunk.offset)},
                  chunk.lanes);
            },
            [&](int64_t r, Chunk chunk, Value sum) {
              b.store(sum, softmax.scores,
                      {rowAt(r), b.add(column, b.index(chunk.offset))});
            });
      });
    });
  }

  /// sums += weights · values: whole panels of columns, then what they leave.
  void emitWeightedSums() {
    int64_t whole = sizes.valueSize / panel * panel;
    b.forLoop(b.index(0), b.index(whole), panel,
              [&](Value offset) { emitWeightedSums(offset, panelChunks); });
    if (whole < sizes.valueSize)
      emitWeightedSums(b.index(whole), b.chunks(sizes.valueSize - whole));
  }

  /// A value that a query does not see is not read for it, not even with
  /// weight 0: it may be NaN.
  void emitWeightedSums(Value offset, ArrayRef<Chunk> chunks) {
    TileProduct columns(b, chunks);
    columns.forTiles(b.index(0), count, [&](Value row, int64_t rows) {
      if (!op.getCausal())
        return emitTile(columns, offset, row, rows, b.index(0), keyCount);
      // All rows of the tile see what the first sees; the others see a few keys
      // more, each its own number.
      Value common = getVisible(row);
      emitTile(columns, offset, row, rows, b.index(0), common);
      b.forLoop(b.add(row, b.index(1)), b.add(row, b.index(rows)), 1,
                [&](Value other) {
                  emitTile(columns, offset, other, 1, common,
                           getVisible(other));
                });
    });
  }

  /// Adds the keys begin..end-1 of the block to `rows` rows of the sums.
  void emitTile(TileProduct &columns, Value offset, Value row, int64_t rows,
                Value begin, Value end) {
    auto placeOf = [&](int64_t r, Chunk chunk) {
      return SmallVector<Value>{b.add(row, b.index(r)),
                                b.add(offset, b.index(chunk.offset))};
    };
    columns.emit(
        rows, b.sub(end, begin),
        [&](int64_t r, Chunk chunk) {
          return b.load(softmax.sums, placeOf(r, chunk), chunk.lanes);
        },
        [&](int64_t r, Value k) {
          return b.loadScalar(softmax.scores,
                              {b.add(row, b.index(r)), b.add(begin, k)});
        },
        [&](Value k, Chunk chunk) {
          Value column = columnOf(sizes.valueSize, placeOf(0, chunk)[1]);
          return b.load(
              op.getValue(),
              {scope->getRow(), b.add(firstKey, b.add(begin, k)), column},
              chunk.lanes);
        },
        [&](int64_t r, Chunk chunk, Value sum) {
          b.store(sum, softmax.sums, placeOf(r, chunk));
        });
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  int64_t panel;
  SmallVector<Chunk> panelChunks;
  TileProduct product;
  int64_t blockQueries;
  OnlineSoftmax softmax;
  // Of the task that is being written, and of its block of keys.
  Value scaled, head, entry, firstQuery, count, firstKey, keyCount;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitTiledAttention(KernelBuilder &b, SdpaOp op) {
  TiledAttentionKernel(b, op).emit();
}
