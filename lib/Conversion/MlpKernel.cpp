// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two matrix products with an activation between, whose result is never whole
// in memory: for a block of rows, some columns of the hidden matrix are
// computed and added to what follows from them, one after the other.

#include "BFloat16Product.h"
#include "Kernels.h"
#include "MatrixProduct.h"
#include "TileSizes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

namespace {

/// From so many rows on, each thread takes rows of its own. For fewer it takes
/// columns instead, so that each weight is read by one thread; the hidden
/// matrix is small then.
constexpr int64_t kFusedRows = 128;
/// Columns of the hidden matrix at a time.
constexpr int64_t kHiddenColumns = ProductSums::kDepth;
/// More columns in memory than in the matrix, so that rows do not take each
/// other's place in the first-level cache.
constexpr int64_t kPadding = 16;
/// The same of products of tiles: rows from which on each thread takes rows of
/// its own, and most rows of the hidden matrix of a thread.
constexpr int64_t kTileFusedRows = 256;
/// A few rows are not worth the memory of 32 in tiles: weights and all else
/// that a thread reads may just fit in its cache.
constexpr int64_t kTileFewRows = 4;
constexpr int64_t kTileBlockRows = 2048;

class MlpKernel {
public:
  MlpKernel(KernelBuilder &b, MlpOp op)
      : b(b), op(op), rows(b.dim(op.getInput(), 0)),
        depth(typeOf(op.getInput()).getDimSize(1)),
        columns(typeOf(op.getOut()).getDimSize(1)),
        hiddenColumns(op.getHiddenWidth()) {}

  void emit() {
    if (hasTiles() && typeOf(op.getHiddenWeight()).getRank() == 5 &&
        typeOf(op.getWeight()).getRank() == 5)
      return emitInTiles();
    // Sums wait in `out` between parts, and the input is read as it is. What
    // is computed in tiles is in all numbers of rows.
    if (!typeOf(op.getOut()).getElementType().isF32() ||
        !typeOf(op.getInput()).getElementType().isF32() || hasTiles() ||
        BFloat16Product::canEmit(b, hiddenOperands(op.getInput())))
      return emitInTurn(std::numeric_limits<int64_t>::max());
    Value isFew = b.isLess(rows, b.index(kFusedRows));
    b.ifElse(isFew, [&] { emitInTurn(kFusedRows); }, [&] { emitFused(); });
  }

private:
  ProductOperands hiddenOperands(Value hidden) {
    ProductOperands operands;
    operands.columns = hiddenColumns;
    operands.depth = depth;
    operands.input = op.getInput();
    operands.weight = op.getHiddenWeight();
    operands.bias = op.getHiddenBias();
    operands.out = hidden;
    operands.rows = rows;
    operands.transposed = op.getHiddenTransposed();
    operands.activation = op.getActivation();
    return operands;
  }

  ProductOperands outOperands(Value hidden) {
    ProductOperands operands;
    operands.columns = columns;
    operands.depth = hiddenColumns;
    operands.input = hidden;
    operands.rows = rows;
    operands.weight = op.getWeight();
    operands.bias = op.getBias();
    operands.residual = op.getResidual();
    operands.out = op.getOut();
    operands.transposed = op.getTransposed();
    return operands;
  }

  /// Whether the hidden matrix has to be of bf16, to be multiplied in tiles.
  bool hasTiles() {
    ProductOperands operands = outOperands(op.getInput());
    return BFloat16Product::canEmit(b, operands);
  }

  /// The hidden matrix is in tiles between two products of tiles.
  void emitInTiles() {
    Value isFew = b.isLess(rows, b.index(kTileFewRows + 1));
    Value isShared = b.isLess(rows, b.index(kTileFusedRows));
    b.ifElse(
        isFew, [&] { emitTilesTogether(/*isInTiles=*/false); },
        [&] {
          b.ifElse(
              isShared, [&] { emitTilesTogether(/*isInTiles=*/true); },
              [&] { emitTilesFused(); });
        });
  }

  /// One product after the other, each thread some columns.
  void emitTilesTogether(bool isInTiles) {
    constexpr int64_t block = BFloat16Tiles::kBlock;
    MemRefType type =
        isInTiles
            ? BFloat16Product::getTiles(b, ShapedType::kDynamic, hiddenColumns)
            : MemRefType::get({ShapedType::kDynamic, hiddenColumns},
                              b.getBF16Type());
    Value hidden = memref::AllocOp::create(
        b, type, isInTiles ? b.ceilDiv(rows, block) : rows,
        b.getI64IntegerAttr(64));
    BFloat16Product toHidden(b, hiddenOperands(hidden)),
        toOut(b, outOperands(hidden));
    Value threads = b.threads();
    b.parallel(work(), tileWorkspace(toHidden, toOut), [&](ValueRange memory) {
      for (BFloat16Product *product : {&toHidden, &toOut}) {
        if (product == &toOut)
          b.barrier();
        product->setMemory(memory);
        Value panels = b.index(product->getPanels());
        Value width = b.ceilDiv(panels, threads);
        b.share(b.ceilDiv(panels, width), [&](Value task) {
          Value panel = b.mul(task, width);
          product->emitPart(b.index(0), rows, panel,
                            b.min(b.add(panel, width), panels));
        });
      }
    });
    memref::DeallocOp::create(b, hidden);
  }

  /// Each thread some rows, whose hidden matrix stays in its cache.
  void emitTilesFused() {
    constexpr int64_t block = BFloat16Tiles::kBlock;
    int64_t blockRows = std::clamp<int64_t>(
        TileSizes(b.getTarget()).getTileHiddenBytes() /
            (2 * std::max<int64_t>(hiddenColumns, 1)) / block * block,
        block, kTileBlockRows);
    MemRefType type =
        BFloat16Product::getTiles(b, blockRows / block, hiddenColumns);
    RowBlocks blocks(b, rows, block, blockRows, /*mayBeOne=*/false);
    // Made of the memory of each task, below.
    BFloat16Product shapes(b, hiddenOperands(op.getInput()));
    BFloat16Product outShapes(b, outOperands(op.getInput()));
    SmallVector<MemRefType> workspace = tileWorkspace(shapes, outShapes);
    workspace.push_back(type);
    b.parallelFor(
        blocks.count, work(), workspace, [&](Value task, ValueRange memory) {
          Value hidden = memory.back();
          BFloat16Product toHidden(b, hiddenOperands(hidden));
          BFloat16Product toOut(b, outOperands(hidden));
          Value row = blocks.getFirstRow(b, task);
          Value endRow = blocks.getFirstRow(b, b.add(task, b.index(1)));
          for (BFloat16Product *product : {&toHidden, &toOut}) {
            product->setMemory(memory.drop_back());
            product->setFirstRow(row);
            product->emitPart(row, endRow, b.index(0),
                              b.index(product->getPanels()));
          }
        });
  }

  /// Memory for both products.
  static SmallVector<MemRefType> tileWorkspace(const BFloat16Product &toHidden,
                                               const BFloat16Product &toOut) {
    SmallVector<MemRefType> types = toHidden.getWorkspace();
    for (auto [type, other] : llvm::zip_equal(types, toOut.getWorkspace()))
      if (type.getNumElements() < other.getNumElements())
        type = other;
    return types;
  }

  Value work() {
    return b.mul(rows, b.index(hiddenColumns * (depth + columns)));
  }

  /// One product after the other.
  void emitInTurn(int64_t mostRows) {
    Type element = hasTiles() ? Type(b.getBF16Type()) : Type(b.getF32Type());
    auto type = MemRefType::get(
        {ShapedType::kDynamic, hiddenColumns + kPadding}, element);
    Value memory =
        memref::AllocOp::create(b, type, rows, b.getI64IntegerAttr(64));
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> sizes = {rows, b.getIndexAttr(hiddenColumns)};
    Value hidden =
        memref::SubViewOp::create(b, memory, ArrayRef<OpFoldResult>{zero, zero},
                                  sizes, ArrayRef<OpFoldResult>{one, one});
    if (typeOf(op.getHiddenWeight()).getRank() == 3 &&
        typeOf(op.getWeight()).getRank() == 3) {
      emitTogether(hidden);
    } else {
      emitProduct(b, hiddenOperands(hidden), mostRows);
      emitProduct(b, outOperands(hidden), mostRows);
    }
    memref::DeallocOp::create(b, memory);
  }

  /// The same in one region, for weights in panels.
  void emitTogether(Value hidden) {
    MatrixProduct toHidden(b, hiddenOperands(hidden));
    MatrixProduct toOut(b, outOperands(hidden));
    MatrixProduct::Tasks hiddenTasks = toHidden.planTasks();
    MatrixProduct::Tasks outTasks = toOut.planTasks();
    SmallVector<MemRefType> workspace = toHidden.getWorkspace();
    size_t count = workspace.size();
    llvm::append_range(workspace, toOut.getWorkspace());
    b.parallel(b.add(hiddenTasks.work, outTasks.work), workspace,
               [&](ValueRange memory) {
                 toHidden.setMemory(memory.take_front(count));
                 toHidden.emitTasks(hiddenTasks);
                 b.barrier();
                 toOut.setMemory(memory.drop_front(count));
                 toOut.emitTasks(outTasks);
               });
  }

  void emitFused() {
    SmallVector<Value> copies;
    auto layOut = [&](ProductOperands operands) {
      if (typeOf(operands.weight).getRank() != 3) {
        operands.weight = MatrixProduct(b, operands).emitLayOut();
        operands.transposed = false;
        copies.push_back(operands.weight);
      }
      return operands;
    };
    MatrixProduct toHidden(b, layOut(hiddenOperands(/*hidden=*/Value())));
    MatrixProduct toOut(b, layOut(outOperands(/*hidden=*/Value())));

    int64_t tileRows = toOut.getTileRows();
    int64_t mostRows = TileSizes(b.getTarget()).getHiddenBytes() /
                       (4 * (kHiddenColumns + kPadding));
    int64_t blockRows = std::max(mostRows / tileRows * tileRows, tileRows);
    // What the first product has memory for.
    blockRows = std::min(blockRows, toHidden.getBlockRows());
    // So that threads have as much to do, a block may end with smaller tiles.
    RowBlocks blocks(b, rows, std::min(tileRows, TileProduct::kSmallRows),
                     blockRows, /*mayBeOne=*/false);
    SmallVector<MemRefType> workspace = toHidden.getWorkspace();
    workspace.push_back(MemRefType::get({blockRows, kHiddenColumns + kPadding},
                                        b.getF32Type()));
    b.parallelFor(
        blocks.count, work(), workspace, [&](Value block, ValueRange memory) {
          toHidden.setMemory(memory.drop_back());
          MatrixProduct::Part part;
          part.rows = blocks.getFirstRow(b, block);
          part.endRow = blocks.getFirstRow(b, b.add(block, b.index(1)));
          // Once even if there are none: bias and residual remain.
          Value end = b.index(std::max<int64_t>(hiddenColumns, 1));
          b.forLoop(b.index(0), end, kHiddenColumns, [&](Value column) {
            emitHiddenColumns(toHidden, toOut, part, column, memory.back());
          });
        });
    for (Value copy : copies)
      memref::DeallocOp::create(b, copy);
  }

  /// Computes some columns of the hidden matrix and adds what follows from
  /// them.
  void emitHiddenColumns(MatrixProduct &toHidden, MatrixProduct &toOut,
                         MatrixProduct::Part part, Value column, Value hidden) {
    Value end =
        b.min(b.add(column, b.index(kHiddenColumns)), b.index(hiddenColumns));
    int64_t panel = b.getTarget().getPanelWidth();
    part.panel = b.div(column, b.index(panel));
    part.endPanel = b.ceilDiv(end, panel);
    toHidden.setOutput(hidden, part.rows, column);
    toHidden.emitParts(part);

    part.panel = b.index(0);
    part.endPanel = toOut.getPanels();
    part.depth = column;
    part.endDepth = end;
    toOut.setInput(hidden, part.rows, column);
    toOut.emitPart(part);
  }

  KernelBuilder &b;
  MlpOp op;
  Value rows;
  int64_t depth, columns, hiddenColumns;
};

} // namespace

void attn::emitMlp(KernelBuilder &b, MlpOp op) { MlpKernel(b, op).emit(); }
