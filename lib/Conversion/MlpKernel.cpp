// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two matrix products with an activation between, whose result is never whole
// in memory: for a block of rows, some columns of the hidden matrix are
// computed and added to what follows from them, one after the other.

#include "AmxProduct.h"
#include "Kernels.h"
#include "MatrixProduct.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;

namespace {

/// From so many rows on, each thread takes rows of its own. For fewer it takes
/// columns instead, so that each weight is read by one thread; the hidden
/// matrix is small then.
constexpr int64_t kFusedRows = 128;
/// Columns of the hidden matrix at a time, and most rows: they stay in the
/// second-level cache.
constexpr int64_t kHiddenColumns = MatrixProduct::kSumDepth;
constexpr int64_t kBlockRows = 336;
/// More columns in memory than in the matrix, so that rows do not take each
/// other's place in the first-level cache.
constexpr int64_t kPadding = 16;

class MlpKernel {
public:
  MlpKernel(KernelBuilder &b, MlpOp op)
      : b(b), op(op), rows(b.dim(op.getInput(), 0)),
        depth(typeOf(op.getInput()).getDimSize(1)),
        columns(typeOf(op.getOut()).getDimSize(1)),
        hiddenColumns(
            typeOf(op.getWeight()).getDimSize(op.getTransposed() ? 0 : 1)) {}

  void emit() {
    // Sums wait in `out` between parts, and the input is read as it is.
    if (!typeOf(op.getOut()).getElementType().isF32() ||
        !typeOf(op.getInput()).getElementType().isF32())
      return emitInTurn(std::numeric_limits<int64_t>::max());
    Value isFew = b.isLess(rows, b.index(kFusedRows));
    b.ifElse(isFew, [&] { emitInTurn(kFusedRows); }, [&] { emitFused(); });
  }

private:
  static MemRefType typeOf(Value memref) {
    return cast<MemRefType>(memref.getType());
  }

  ProductOperands hiddenOperands(Value hidden) {
    ProductOperands operands;
    operands.columns = hiddenColumns;
    operands.depth = depth;
    operands.input = op.getInput();
    operands.weight = op.getHiddenWeight();
    operands.bias = op.getHiddenBias();
    operands.out = hidden;
    operands.transposed = op.getHiddenTransposed();
    operands.activation = op.getActivation();
    return operands;
  }

  ProductOperands outOperands(Value hidden) {
    ProductOperands operands;
    operands.columns = columns;
    operands.depth = hiddenColumns;
    operands.input = hidden;
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
    return AmxProduct::canEmit(b, operands);
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
    emitProduct(b, hiddenOperands(hidden), mostRows);
    emitProduct(b, outOperands(hidden), mostRows);
    memref::DeallocOp::create(b, memory);
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
    int64_t blockRows = std::max(kBlockRows / tileRows * tileRows, tileRows);
    RowBlocks blocks(b, rows, tileRows, blockRows);
    SmallVector<MemRefType> workspace = toHidden.getWorkspace();
    workspace.push_back(MemRefType::get({blockRows, kHiddenColumns + kPadding},
                                        b.getF32Type()));
    Value work = b.mul(rows, b.index(hiddenColumns * (depth + columns)));
    b.parallelFor(
        blocks.count, work, workspace, [&](Value block, ValueRange memory) {
          toHidden.setMemory(memory.drop_back());
          MatrixProduct::Part part;
          part.rows = blocks.getFirstRow(b, block);
          part.endRow = blocks.getFirstRow(b, b.add(block, b.index(1)));
          b.forLoop(b.index(0), b.index(hiddenColumns), kHiddenColumns,
                    [&](Value column) {
                      emitHiddenColumns(toHidden, toOut, part, column,
                                        memory.back());
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
    part.endPanel = b.index(toOut.getPanels());
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
