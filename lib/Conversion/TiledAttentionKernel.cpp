// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention many queries at a time. A task takes a block of queries of one
// head, and one block of keys after the other, which it lays out in panels, as
// the weights of a matrix product are. Then for each tile of rows it computes
// the scores by one product, turns them into weights by one step of the online
// softmax, and adds weights times values by another product. The scores of the
// tile stay in the first-level cache, all else that a task needs in the second.

#include "AttentionScope.h"
#include "Kernels.h"
#include "OnlineSoftmax.h"
#include "QueryBlocks.h"
#include "ShownScores.h"
#include "TileProduct.h"
#include "TileSizes.h"

#include <cmath>
#include <optional>

using namespace mlir;
using namespace attn;

namespace {

class TiledAttentionKernel {
public:
  TiledAttentionKernel(KernelBuilder &b, SdpaOp op)
      : b(b), op(op), sizes(b, op), panel(b.getTarget().getPanelWidth()),
        panelChunks(b.chunks(panel)), product(b, panelChunks),
        tileRows(product.getMaxRows()),
        blockRows(tileRows *
                  std::max<int64_t>(
                      TileSizes(b.getTarget()).getQueries() / tileRows, 1)),
        softmax(b, blockRows, sizes.valueSize, tileRows), shown(b, op, sizes) {}

  void emit() {
    SmallVector<MemRefType> workspace = softmax.getWorkspace();
    auto memref = [&](ArrayRef<int64_t> shape) {
      return MemRefType::get(shape, b.getF32Type());
    };
    workspace.push_back(
        memref({static_cast<int64_t>(llvm::alignTo(tileRows, b.lanes()))}));
    workspace.push_back(memref({kBlockKeys / panel, sizes.keySize, panel}));
    if (copiesQueries(op))
      workspace.push_back(memref({blockRows, sizes.keySize}));
    if (op.getSinks())
      softmax.setSink(
          [&](Value row) { return scope->getSink(b.add(firstQuery, row)); });
    QueryBlocks blocks(b, op, sizes, blockRows, tileRows);
    blocks.forEach(workspace,
                   /*isUneven=*/op.isBoundAfter() && !op.isBoundBefore(),
                   [&](const QueryBlocks::Block &block, ValueRange memory) {
                     if (copiesQueries(op)) {
                       copied = memory.back();
                       memory = memory.drop_back();
                     }
                     keys = memory.back();
                     inverses = memory.drop_back().back();
                     softmax.setMemory(memory.drop_back(2));
                     head = block.firstHead;
                     firstQuery = block.firstQuery;
                     count = block.count;
                     scope.emplace(b, op, sizes, block.entry, block.firstHead);
                     emitBlock();
                   });
  }

private:
  static constexpr int64_t kBlockKeys = OnlineSoftmax::kBlockKeys;

  void emitBlock() {
    if (copied)
      b.forLoop(b.index(0), count, 1, [&](Value row) { emitCopy(row); });
    IndexRange seen = scope->getVisible(
        firstQuery, b.add(firstQuery, b.sub(count, b.index(1))));
    // Blocks begin where they do for all: how a sum is rounded must not depend
    // on the other queries.
    Value begin = b.roundDown(seen.begin, kBlockKeys);
    Value next = b.add(begin, b.index(1));
    isOnly = b.isLess(seen.end, b.add(begin, b.index(kBlockKeys + 1)));
    b.forLoop(begin, b.max(seen.end, next), kBlockKeys, [&](Value first) {
      isFirst = b.isLess(first, next);
      emitPack(first, seen);
      b.forLoop(b.index(0), count, tileRows,
                [&](Value row) { emitTileRows(row, getTileRows(row)); });
    });
    // With one block of keys, the sums never were in memory.
    Value rest = arith::SelectOp::create(b, isOnly, b.index(0), count);
    b.forLoop(b.index(0), rest, tileRows, [&](Value row) { emitFinish(row); });
    shown.ifShown(head, [&] {
      if (showsAllKeys())
        return emitAllScores();
      b.forLoop(b.index(0), count, 1, [&](Value row) {
        Value query = b.add(firstQuery, row);
        shown.emitUnseen(*scope, head, query, scope->getVisible(query, query));
      });
      if (!op.getShownStage())
        emitProbabilities(begin, seen);
    });
  }

  /// Writes the results of a tile's rows, from `row` on.
  void emitFinish(Value row) {
    softmax.emitInverses(row, inverses);
    b.forLoop(b.index(0), getTileRows(row), 1, [&](Value i) {
      softmax.emitFinish(b.add(row, i), b.loadScalar(inverses, {i}),
                         [&](Chunk chunk, Value result) {
                           b.store(
                               result, op.getOuts()[0],
                               scope->atQuery(b.add(firstQuery, b.add(row, i)),
                                              b.index(chunk.offset)));
                         });
    });
  }

  /// How many rows a tile has of those of the block from `row` on.
  Value getTileRows(Value row) {
    return b.min(b.sub(count, row), b.index(tileRows));
  }

  /// Begins a block of keys, of those that queries see.
  void emitPack(Value first, IndexRange seen) {
    firstKey = first;
    keyCount = b.min(b.sub(seen.end, first), b.index(kBlockKeys));
    firstColumn = b.index(0);
    if (op.isBoundBefore())
      firstColumn =
          b.roundDown(b.max(b.sub(seen.begin, first), b.index(0)), panel);
    emitPack();
  }

  /// Writes the probabilities of the block of queries, which see the keys
  /// `all`, in blocks from `begin` on. With several of these only now they are
  /// known: for them the scores are computed once more.
  void emitProbabilities(Value begin, IndexRange all) {
    Value end = arith::SelectOp::create(b, isOnly, begin, all.end);
    b.forLoop(begin, end, kBlockKeys, [&](Value first) {
      emitPack(first, all);
      b.forLoop(b.index(0), count, tileRows, [&](Value row) {
        Value rows = getTileRows(row);
        emitScores(row, rows, getVisibleOfTile(row, rows));
        softmax.emitInverses(row, inverses);
        b.forLoop(b.index(0), rows, 1, [&](Value i) {
          Value query = b.add(row, i);
          IndexRange seen = getVisible(query);
          scope->emitMask(softmax.scores, i, b.add(firstQuery, query), firstKey,
                          seen);
          Value base = b.splat(b.lanes(), softmax.getBase(query));
          emitProbabilities(i, query, seen, [&](Value scores) {
            return b.exp2(arith::SubFOp::create(b, scores, base));
          });
        });
      });
    });
  }

  /// Writes those of `row`, whose weights are made of row `i` of the tile.
  void emitProbabilities(Value i, Value row, IndexRange seen,
                         llvm::function_ref<Value(Value)> weigh) {
    Value inverse = b.splat(b.lanes(), b.loadScalar(inverses, {i}));
    emitShownRow(i, row, seen, [&](Value scores, Value) {
      return arith::MulFOp::create(b, weigh(scores), inverse);
    });
  }

  /// Writes what is shown of `row`: what `show` makes of row `i` of the tile,
  /// given a vector of scores and its column.
  void emitShownRow(Value i, Value row, IndexRange columns,
                    llvm::function_ref<Value(Value, Value)> show) {
    int64_t lanes = b.lanes();
    Value first = b.roundDown(columns.begin, lanes);
    b.forLoop(first, columns.end, lanes, [&](Value column) {
      Value scores = b.load(softmax.scores, {i, column}, lanes);
      shown.store(show(scores, column), *scope, head, b.add(firstQuery, row),
                  b.add(firstKey, column),
                  {b.sub(columns.begin, column), b.sub(columns.end, column)});
    });
  }

  /// Whether scores are shown of all keys, and some are not seen.
  bool showsAllKeys() {
    return op.getShownStage() && op.getShownStage() != ScoreStage::Masked &&
           (op.isBanded() || op.getLengths());
  }

  /// Writes the scores of the block of queries and all keys, of which those
  /// that none sees were not computed.
  void emitAllScores() {
    b.forLoop(b.index(0), sizes.keys, kBlockKeys, [&](Value first) {
      emitPack(first, {b.index(0), sizes.keys});
      b.forLoop(b.index(0), count, tileRows, [&](Value row) {
        Value rows = getTileRows(row);
        emitScores(row, rows, {b.index(0), keyCount});
        emitShownScores(row, rows);
      });
    });
  }

  /// Writes those of the tile's rows and the keys of the block that they see,
  /// or all of these.
  void emitShownScores(Value row, Value rows) {
    b.forLoop(b.index(0), rows, 1, [&](Value i) {
      Value query = b.add(row, i);
      IndexRange columns = {b.index(0), keyCount};
      if (!showsAllKeys())
        columns = getVisible(query);
      emitShownRow(i, query, columns, [&](Value scores, Value column) {
        return scope->getStage(
            *op.getShownStage(), scores, b.add(firstQuery, query),
            b.add(firstKey, column), b.sub(columns.end, column));
      });
    });
  }

  /// The keys of the block of keys that the queries of the rows first..last
  /// see.
  IndexRange getVisible(Value first, Value last) {
    return scope->getVisible(b.add(firstQuery, first), b.add(firstQuery, last),
                             firstKey, keyCount);
  }
  IndexRange getVisible(Value row) { return getVisible(row, row); }
  IndexRange getVisibleOfTile(Value row, Value rows) {
    return getVisible(row, b.add(row, b.sub(rows, b.index(1))));
  }

  /// Whether queries are of another type than is computed with, or rows are
  /// apart by a number that is not known: each row of a tile would then take a
  /// register for its address.
  static bool copiesQueries(SdpaOp op) {
    auto type = cast<MemRefType>(op.getQuery().getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    return !type.getElementType().isF32() ||
           failed(type.getStridesAndOffset(strides, offset)) ||
           ShapedType::isDynamic(strides[2]);
  }

  void emitCopy(Value row) {
    for (Chunk chunk : b.chunks(sizes.keySize)) {
      Value offset = b.index(chunk.offset);
      b.store(b.load(op.getQuery(),
                     scope->atQuery(b.add(firstQuery, row), offset),
                     chunk.lanes),
              copied, {row, offset});
    }
  }

  /// Lays out the keys of the block, scaled so that scores are in units of log
  /// 2, in panels [key size, panel] each of which is written as transposed
  /// squares. The last panel is filled by repeating the last key. Rows of keys
  /// that lie in squares are no stream that the processor would foresee.
  void emitPack() {
    int64_t lanes = b.lanes();
    Value scale =
        b.splat(lanes, op.getScale().convertToDouble() / std::log(2.0));
    Value end = b.roundUp(keyCount, panel);
    b.forLoop(firstColumn, end, lanes, [&](Value first) {
      Value place = b.div(first, b.index(panel));
      Value column = b.rem(first, b.index(panel));
      SmallVector<Value> positions;
      for (int64_t lane = 0; lane < lanes; ++lane)
        positions.push_back(
            b.add(firstKey, b.min(b.add(first, b.index(lane)),
                                  b.sub(keyCount, b.index(1)))));
      auto emitSquare = [&](Value offset, int64_t size) {
        SmallVector<Value> rows;
        for (Value position : positions) {
          SmallVector<Value> place = scope->atKey(position, offset);
          Value key = b.loadPadded(op.getKey(), place, size);
          rows.push_back(arith::MulFOp::create(b, key, scale));
          b.prefetch(op.getKey(),
                     scope->atKey(b.add(position, b.index(lanes)), offset));
        }
        rows = b.transpose(rows);
        for (int64_t i = 0; i < size; ++i)
          b.store(rows[i], keys, {place, b.add(offset, b.index(i)), column});
      };
      int64_t whole = sizes.keySize / lanes * lanes;
      b.forLoop(b.index(0), b.index(whole), lanes,
                [&](Value offset) { emitSquare(offset, lanes); });
      if (whole < sizes.keySize)
        emitSquare(b.index(whole), sizes.keySize - whole);
    });
  }

  /// Scores of the rows row..row+rows-1 and the keys `columns` of the block.
  void emitScores(Value row, Value rows, IndexRange columns) {
    firstRow = row;
    visible = columns;
    Value begin = b.div(visible.begin, b.index(panel));
    b.forLoop(begin, b.ceilDiv(visible.end, panel), 1, [&](Value place) {
      product.forTiles(b.index(0), rows, [&](Value begin, int64_t size) {
        emitScores(begin, size, place);
      });
    });
  }

  /// All that is to do for the rows row..row+rows-1 and the block of keys.
  void emitTileRows(Value row, Value rows) {
    Value lastRow = b.add(row, b.sub(rows, b.index(1)));
    emitScores(row, rows, getVisibleOfTile(row, rows));
    if (op.getShownStage() && !showsAllKeys())
      shown.ifShown(head, [&] { emitShownScores(row, rows); });
    b.forLoop(b.index(0), rows, 1, [&](Value i) {
      Value query = b.add(row, i);
      IndexRange seen = getVisible(query);
      scope->emitMask(softmax.scores, i, b.add(firstQuery, query), firstKey,
                      seen);
      softmax.emitStep(i, query, seen, visible, isFirst);
    });
    b.ifThen(isOnly, [&] {
      softmax.emitInverses(row, inverses);
      if (op.getShownStage())
        return;
      shown.ifShown(head, [&] {
        b.forLoop(b.index(0), rows, 1, [&](Value i) {
          Value query = b.add(row, i);
          emitProbabilities(i, query, getVisible(query),
                            [](Value weights) { return weights; });
        });
      });
    });
    if (op.isBanded()) {
      IndexRange common = {getVisible(lastRow).begin, getVisible(row).end};
      common.end = b.max(common.begin, common.end);
      hasSpecials = emitHasSpecials(common);
    }
    int64_t whole = sizes.valueSize / panel * panel;
    b.forLoop(b.index(0), b.index(whole), panel, [&](Value offset) {
      emitWeightedSums(rows, offset, panelChunks);
    });
    if (whole < sizes.valueSize)
      emitWeightedSums(rows, b.index(whole), b.chunks(sizes.valueSize - whole));
  }

  /// scores = queries · keysᵀ, for `size` rows of the tile and one panel.
  void emitScores(Value begin, int64_t size, Value place) {
    Value column = b.mul(place, b.index(panel));
    Value row = b.add(firstRow, begin), query = b.add(firstQuery, row);
    SmallVector<Value> tile = product.collect(
        size, [&](int64_t, Chunk chunk) { return b.splat(chunk.lanes, 0.0); });
    tile = product.emit(
        tile, {b.index(0), b.index(sizes.keySize)},
        [&](int64_t r, Value k) {
          if (copied)
            return b.loadScalar(copied, {b.add(row, b.index(r)), k});
          return b.loadScalar(op.getQuery(),
                              scope->atQuery(b.add(query, b.index(r)), k));
        },
        [&](Value k, Chunk chunk) {
          return b.load(keys, {place, k, b.index(chunk.offset)}, chunk.lanes);
        });
    product.distribute(tile, [&](int64_t r, Chunk chunk, Value sum) {
      b.store(sum, softmax.scores,
              {b.add(begin, b.index(r)), b.add(column, b.index(chunk.offset))});
    });
  }

  /// Whether there is an infinity or a NaN among the values that some rows of
  /// the tile see and others do not; `common` is what all see.
  Value emitHasSpecials(IndexRange common) {
    int64_t lanes = b.lanes();
    Value zero = b.splat(lanes, 0.0);
    SmallVector<Value> folded(llvm::divideCeil(sizes.valueSize, lanes), zero);
    auto fold = [&](Value begin, Value end) {
      folded = b.forLoop(
          begin, end, 1, folded, [&](Value key, KernelBuilder::Values carried) {
            SmallVector<Value> next;
            for (auto [i, value] : llvm::enumerate(carried)) {
              int64_t offset = static_cast<int64_t>(i) * lanes;
              SmallVector<Value> place =
                  scope->atKey(b.add(firstKey, key), b.index(offset));
              // 0 times what is no finite number is no number.
              next.push_back(b.fma(
                  b.loadPadded(op.getValue(), place, sizes.valueSize - offset),
                  zero, value));
            }
            return next;
          });
    };
    fold(visible.begin, common.begin);
    fold(common.end, visible.end);
    Value sum = folded[0];
    for (Value vector : ArrayRef(folded).drop_front())
      sum = arith::AddFOp::create(b, sum, vector);
    sum = b.sumLanes(sum);
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, sum, sum);
  }

  /// sums += weights · values, for the tile's rows and some columns. The values
  /// that a row does not see have weight 0. But 0 times ∞ is not 0: then each
  /// row reads only what it sees. Both add in the same order.
  void emitWeightedSums(Value rows, Value offset, ArrayRef<Chunk> chunks) {
    TileProduct columns(b, chunks);
    auto addTogether = [&] {
      columns.forTiles(b.index(0), rows, [&](Value begin, int64_t size) {
        emitValues(columns, offset, begin, size, visible);
      });
    };
    if (!op.isBanded())
      return addTogether();
    b.ifElse(
        hasSpecials,
        [&] {
          b.forLoop(b.index(0), rows, 1, [&](Value row) {
            emitValues(columns, offset, row, 1,
                       getVisible(b.add(firstRow, row)));
          });
        },
        addTogether);
  }

  /// Adds the keys `range` of the block to the sums of `size` rows, from row
  /// `row` of the tile on.
  void emitValues(TileProduct &columns, Value offset, Value row, int64_t size,
                  IndexRange range) {
    auto placeOf = [&](int64_t r, Chunk chunk) {
      return SmallVector<Value>{b.add(firstRow, b.add(row, b.index(r))),
                                b.add(offset, b.index(chunk.offset))};
    };
    auto loadSum = [&](int64_t r, Chunk chunk) -> Value {
      SmallVector<Value> place = placeOf(r, chunk);
      return softmax.loadSum(place[0], place[1], chunk.lanes, isFirst);
    };
    // A sum over a block, added to that of the blocks before, rounds less than
    // one long sum. Where each row has an end or a beginning of its own, those
    // of a sum over a block would depend on the other rows of the tile, and
    // results must not.
    bool isLong = op.isBanded();
    SmallVector<Value> tile =
        columns.collect(size, [&](int64_t r, Chunk chunk) {
          return isLong ? loadSum(r, chunk) : b.splat(chunk.lanes, 0.0);
        });
    tile = columns.emit(
        tile, range,
        [&](int64_t r, Value k) {
          return b.loadScalar(softmax.scores, {b.add(row, b.index(r)), k});
        },
        [&](Value k, Chunk chunk) {
          return b.load(op.getValue(),
                        scope->atKey(b.add(firstKey, k),
                                     b.add(offset, b.index(chunk.offset))),
                        chunk.lanes);
        });
    // With one block of keys there is nothing to wait for.
    auto emitResult = [&] {
      columns.distribute(tile, [&](int64_t r, Chunk chunk, Value sum) {
        // As below, where -0 becomes 0.
        if (!isLong)
          sum = arith::AddFOp::create(b, sum, b.splat(chunk.lanes, 0.0));
        Value tileRow = b.add(row, b.index(r));
        Value inverse = b.loadScalar(inverses, {tileRow});
        b.store(arith::MulFOp::create(b, sum, b.splat(chunk.lanes, inverse)),
                op.getOuts()[0],
                scope->atQuery(b.add(firstQuery, b.add(firstRow, tileRow)),
                               b.add(offset, b.index(chunk.offset))));
      });
    };
    b.ifElse(isOnly, emitResult, [&] {
      columns.distribute(tile, [&](int64_t r, Chunk chunk, Value sum) {
        if (!isLong)
          sum = arith::AddFOp::create(b, sum, loadSum(r, chunk));
        b.store(sum, softmax.sums, placeOf(r, chunk));
      });
    });
  }

  KernelBuilder &b;
  SdpaOp op;
  AttentionSizes sizes;
  int64_t panel;
  SmallVector<Chunk> panelChunks;
  TileProduct product;
  /// Rows of a tile, and of the block of queries that a task has: the more, the
  /// fewer times keys are laid out.
  int64_t tileRows, blockRows;
  OnlineSoftmax softmax;
  ShownScores shown;
  // Of the task that is being written, its block of keys, and its tile.
  Value copied, keys, inverses, head, firstQuery, count, firstKey, keyCount;
  /// From where on keys of the block are laid out.
  Value firstColumn;
  Value isFirst, isOnly, firstRow;
  /// The keys of the block that rows of the tile see.
  IndexRange visible;
  Value hasSpecials;
  std::optional<AttentionScope> scope;
};

} // namespace

void attn::emitTiledAttention(KernelBuilder &b, SdpaOp op) {
  TiledAttentionKernel(b, op).emit();
}
