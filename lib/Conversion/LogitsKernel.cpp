// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product whose columns are summarised block by block, while a block
// is still in the first-level cache, and last the blocks of a group.

#include "BFloat16Product.h"
#include "Kernels.h"
#include "QuantizedProduct.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cfloat>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace attn;

/// Tasks for each thread.
static constexpr int64_t kTasks = 2;
static constexpr int64_t kGroupBlocks = LogitsOp::kGroupBlocks;

namespace {

class LogitsKernel {
public:
  LogitsKernel(KernelBuilder &b, LogitsOp op)
      : b(b), op(op), values(cast<MemRefType>(op.getValues().getType())),
        blocks(values.getDimSize(0)), width(values.getDimSize(2)),
        columns(static_cast<int64_t>(op.getColumns())),
        rows(b.dim(op.getInput(), 0)) {}

  void emit() {
    ProductOperands operands = getOperands();
    if (QuantizedProduct::canEmit(operands))
      return emitQuantized(operands);
    if (BFloat16Product::canEmit(b, operands))
      return emitInTiles(operands);
    emitFloats(operands);
  }

private:
  void emitFloats(const ProductOperands &operands) {
    MatrixProduct product(b, operands);
    // What was there a step before has left the caches.
    product.askForOutput();
    Value work = getWork(operands);
    b.parallel(work, product.getWorkspace(), [&](ValueRange memory) {
      product.setMemory(memory);
      shareBlocks([&](Value first, Value end) {
        b.forLoop(b.index(0), rows, product.getBlockRows(),
                  [&](Value row) { emitRows(product, row, first, end); });
      });
    });
  }

  /// All rows are rounded once, then all of them meet block after block.
  void emitQuantized(const ProductOperands &operands) {
    QuantizedProduct product(b, operands);
    product.round();
    b.parallel(getWork(operands), /*workspace=*/{}, [&](ValueRange) {
      product.enterRegion();
      shareProduct(product);
    });
    product.deallocate();
  }

  /// All blocks of a product in panels of 32 columns.
  template <typename Product> void shareProduct(Product &product) {
    int64_t panels = width / WeightOp::kTilePanel;
    shareBlocks([&](Value first, Value end) {
      b.forLoop(first, end, 1, [&](Value block) {
        Value panel = b.mul(block, b.index(panels));
        product.setOutput(viewBlock(block), b.index(0),
                          b.mul(block, b.index(width)));
        product.emitPart(
            b.index(0), rows, panel,
            b.min(b.add(panel, b.index(panels)), b.index(product.getPanels())));
        emitSummaries(block, b.index(0), rows);
      });
    });
  }

  Value getWork(const ProductOperands &operands) {
    return b.mul(rows, b.index(operands.depth * columns));
  }

  /// Divides the blocks among the threads of a region, body(first, end), and
  /// summarises those of each group.
  void shareBlocks(llvm::function_ref<void(Value, Value)> body) {
    Value wanted = b.mul(b.threads(), b.index(kTasks));
    Value count = b.roundUp(b.ceilDiv(b.index(blocks), wanted), kGroupBlocks);
    auto emitTask = [&](Value task) {
      Value first = b.mul(task, count);
      Value end = b.min(b.add(first, count), b.index(blocks));
      body(first, end);
      b.forLoop(first, end, kGroupBlocks, [&](Value block) {
        emitGroup(block, b.min(b.add(block, b.index(kGroupBlocks)), end));
      });
    };
    b.share(b.ceilDiv(b.index(blocks), count), emitTask);
  }

  /// All rows are put in tiles once, then all of them meet block after block.
  void emitInTiles(ProductOperands operands) {
    TiledInput input(b, operands);
    BFloat16Product product(b, operands);
    Value work = getWork(operands);
    b.parallel(work, product.getWorkspace(), [&](ValueRange memory) {
      product.setMemory(memory);
      input.emit();
      shareProduct(product);
    });
    input.deallocate();
  }

  ProductOperands getOperands() {
    ProductOperands operands;
    operands.depth = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
    operands.columns = columns;
    // Blocks have room for what panels cover: no column needs a mask.
    if (op.isPacked()) {
      int64_t panel = getPanelColumns(op.getWeight());
      if (width % panel == 0)
        operands.columns = typeOf(op.getWeight()).getDimSize(0) * panel;
    }
    operands.input = op.getInput();
    operands.weight = op.getWeight();
    operands.scales = op.getScales();
    operands.bias = op.getBias();
    return operands;
  }

  /// Some rows of blocks first..end-1.
  void emitRows(MatrixProduct &product, Value row, Value first, Value end) {
    MatrixProduct::Part part;
    part.rows = row;
    part.endRow = b.min(b.add(row, b.index(product.getBlockRows())), rows);
    int64_t panel = b.getTarget().getPanelWidth();
    b.forLoop(first, end, 1, [&](Value block) {
      Value column = b.mul(block, b.index(width));
      part.panel = b.div(column, b.index(panel));
      part.endPanel = b.min(b.ceilDiv(b.add(column, b.index(width)), panel),
                            product.getPanels());
      product.setOutput(viewBlock(block), b.index(0), column);
      product.emitParts(part);
      emitSummaries(block, part.rows, part.endRow);
    });
  }

  /// The values of a block, [R, W].
  Value viewBlock(Value block) {
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets = {block, zero, zero};
    SmallVector<OpFoldResult> sizes = {one, rows, b.getIndexAttr(width)};
    SmallVector<OpFoldResult> strides(3, one);
    MemRefType type = memref::SubViewOp::inferRankReducedResultType(
        {ShapedType::kDynamic, width}, values, offsets, sizes, strides);
    return memref::SubViewOp::create(b, type, op.getValues(), offsets, sizes,
                                     strides);
  }

  /// Maxima and sums of rows begin..end-1 of a block, as many rows at a time as
  /// a vector has lanes.
  void emitSummaries(Value block, Value begin, Value end) {
    int64_t lanes = b.lanes();
    Value last = b.sub(end, b.index(1));
    emitPadding(block, begin, end);
    b.forLoop(begin, end, lanes, [&](Value first) {
      auto loadRowAt = [&](int64_t i) {
        return loadRow(block, b.min(b.add(first, b.index(i)), last));
      };
      SmallVector<Value> maxima, sums;
      for (int64_t i = 0; i < lanes; ++i)
        maxima.push_back(emitMaximum(loadRowAt(i)));
      Value maximum = b.maxLanesOfEach(maxima);
      Value inside = b.mask(lanes, b.sub(end, first));
      SmallVector<Value> place = {block, first};
      // What is stored may be what was loaded: so that is loaded again, and not
      // kept, for which registers are too few.
      b.storeMasked(maximum, inside, op.getMaxima(), place);
      Value base = emitFinite(maximum);
      for (int64_t i = 0; i < lanes; ++i) {
        Value scalar = vector::ExtractOp::create(b, base, i);
        sums.push_back(emitSum(loadRowAt(i), b.splat(lanes, scalar)));
      }
      b.storeMasked(b.sumLanesOfEach(sums), inside, op.getSums(), place);
    });
  }

  /// Maxima and sums of blocks first..end-1 together, of as many rows at a time
  /// as a vector has lanes.
  void emitGroup(Value first, Value end) {
    int64_t lanes = b.lanes();
    Value group = b.add(b.index(blocks), b.div(first, b.index(kGroupBlocks)));
    b.forLoop(b.index(0), rows, lanes, [&](Value row) {
      Value inside = b.mask(lanes, b.sub(rows, row));
      auto load = [&](Value memref, Value block) {
        return b.loadMasked(memref, {block, row}, inside);
      };
      auto forBlocks = [&](Value start,
                           llvm::function_ref<Value(Value, Value)> body) {
        return b.forLoop(first, end, 1, {start},
                         [&](Value block, KernelBuilder::Values carried) {
                           return SmallVector<Value>{body(block, carried[0])};
                         })[0];
      };
      Value maximum = forBlocks(noLogits(), [&](Value block, Value largest) {
        return b.larger(load(op.getMaxima(), block), largest);
      });
      Value base = emitFinite(maximum);
      Value sum = forBlocks(b.splat(lanes, 0.0), [&](Value block, Value sum) {
        return b.fma(load(op.getSums(), block),
                     emitExp(load(op.getMaxima(), block), base), sum);
      });
      b.storeMasked(maximum, inside, op.getMaxima(), {group, row});
      b.storeMasked(sum, inside, op.getSums(), {group, row});
    });
  }

  /// A finite number in the place of -∞, so that -∞ less it gives 0.
  Value emitFinite(Value maximum) {
    return arith::MaximumFOp::create(b, maximum, b.splat(b.lanes(), -FLT_MAX));
  }

  /// exp(x - base).
  Value emitExp(Value number, Value base) {
    Value difference = arith::SubFOp::create(b, number, base);
    return b.exp2(
        arith::MulFOp::create(b, difference, b.splat(b.lanes(), M_LOG2E)));
  }

  /// Writes -∞ past the last column, if that is in the block.
  void emitPadding(Value block, Value begin, Value end) {
    int64_t lanes = b.lanes(), tail = columns - (blocks - 1) * width;
    if (tail == width)
      return;
    Value isLast = b.isEqual(block, b.index(blocks - 1));
    auto emitRow = [&](Value row) {
      for (int64_t at = tail / lanes * lanes; at < width; at += lanes) {
        SmallVector<Value> place = {block, row, b.index(at)};
        Value inside = b.maskBefore(lanes, b.index(at), b.index(tail));
        Value numbers = b.load(op.getValues(), place, lanes);
        b.store(arith::SelectOp::create(b, inside, numbers, noLogits()),
                op.getValues(), place);
      }
    };
    b.ifThen(isLast, [&] { b.forLoop(begin, end, 1, emitRow); });
  }

  /// What adds nothing.
  Value noLogits() {
    return b.splat(b.lanes(), -std::numeric_limits<double>::infinity());
  }

  /// All of a row of a block: whole vectors, as a block has whole panels.
  SmallVector<Value> loadRow(Value block, Value row) {
    SmallVector<Value> numbers;
    for (int64_t at = 0; at < width; at += b.lanes())
      numbers.push_back(
          b.load(op.getValues(), {block, row, b.index(at)}, b.lanes()));
    return numbers;
  }

  Value emitMaximum(ArrayRef<Value> numbers) {
    Value maximum = numbers.front();
    for (Value other : numbers.drop_front())
      maximum = b.larger(maximum, other);
    return maximum;
  }

  /// Σ exp(x - base), in each lane.
  Value emitSum(ArrayRef<Value> numbers, Value base) {
    Value sum;
    for (Value number : numbers) {
      Value power = emitExp(number, base);
      sum = sum ? arith::AddFOp::create(b, sum, power) : power;
    }
    return sum;
  }

  KernelBuilder &b;
  LogitsOp op;
  MemRefType values;
  int64_t blocks, width, columns;
  Value rows;
};

} // namespace

void attn::emitLogits(KernelBuilder &b, LogitsOp op) {
  LogitsKernel(b, op).emit();
}
