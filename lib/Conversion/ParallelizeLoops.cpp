// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shares the loops that no kernel takes among threads.

#include "KernelBuilder.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"

namespace attn {
#define GEN_PASS_DEF_PARALLELIZELOOPS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Whether ranges of loop `index` write parts of each result that are apart,
/// and read parts of operands: it is no dimension of one together with another
/// loop.
static bool isSliceable(linalg::LinalgOp op, unsigned index) {
  AffineExpr loop = getAffineDimExpr(index, op.getContext());
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    ArrayRef<AffineExpr> results =
        op.getMatchingIndexingMap(&operand).getResults();
    return (!op.isDpsInit(&operand) || llvm::is_contained(results, loop)) &&
           llvm::all_of(results, [&](AffineExpr result) {
             return isa<AffineDimExpr>(result) ||
                    !result.isFunctionOfDim(index);
           });
  });
}

/// The outermost loops that threads can share: two, as the first may be short.
static SmallVector<unsigned> pickLoops(linalg::LinalgOp op) {
  SmallVector<unsigned> loops;
  for (auto [index, iterator, size] :
       llvm::enumerate(op.getIteratorTypesArray(), op.getStaticLoopRanges()))
    if (loops.size() < 2 && iterator == utils::IteratorType::parallel &&
        size != 1 && isSliceable(op, index))
      loops.push_back(index);
  return loops;
}

/// What one element costs, in multiplications or so.
static int64_t costOf(linalg::LinalgOp op) {
  // Its memory, and calls of mathematical functions.
  int64_t cost = 4;
  for (Operation &inner : *op.getBlock())
    cost += isa_and_present<math::MathDialect>(inner.getDialect()) ? 16 : 1;
  return cost;
}

namespace {

class LoopSharer {
public:
  LoopSharer(linalg::LinalgOp op, OpBuilder &builder, TargetAttr target)
      : op(op), b(op.getLoc(), builder, target), loops(pickLoops(op)) {
    b.setInsertionPoint(op);
  }

  /// Whether threads can share it and, as far as sizes are known, it is worth
  /// to wake them.
  bool isWorthIt() {
    if (loops.empty())
      return false;
    int64_t work = costOf(op);
    for (int64_t size : op.getStaticLoopRanges())
      if (ShapedType::isDynamic(size) || llvm::MulOverflow(work, size, work))
        return true;
    return work > KernelBuilder::kParallelWork;
  }

  void share() {
    SmallVector<Value> sizes = getSizes();
    Value work = b.index(costOf(op));
    for (Value size : sizes)
      work = b.mul(work, size);
    Value outer = loops.size() > 1 ? sizes[loops.front()] : b.index(1);
    Value inner = sizes[loops.back()];
    b.parallel(work, /*workspace=*/{}, [&](ValueRange) {
      IndexRange own = b.shared(b.mul(outer, inner));
      if (loops.size() == 1)
        return clone(own);
      // All of the inner loop but at the ends.
      Value length = b.max(inner, b.index(1));
      b.forLoop(b.div(own.begin, length), b.ceilDiv(own.end, length), 1,
                [&](Value i) {
                  Value before = b.mul(i, length);
                  clone({{i, b.add(i, b.index(1))},
                         {b.max(b.sub(own.begin, before), b.index(0)),
                          b.min(b.sub(own.end, before), length)}});
                });
    });
    op.erase();
  }

private:
  /// The sizes of all loops.
  SmallVector<Value> getSizes() {
    return llvm::map_to_vector(
        op.createLoopRanges(b, b.getLoc()), [&](const Range &range) {
          return getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size);
        });
  }

  /// The operation on the ranges given of the loops.
  void clone(ArrayRef<IndexRange> ranges) {
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(slice(operand, ranges));
    Operation *part = mlir::clone(b, op, /*newResultTypes=*/{}, operands);
    part->walk([&](linalg::IndexOp index) {
      for (auto [loop, range] : llvm::zip_equal(loops, ranges)) {
        if (index.getDim() != loop)
          continue;
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointAfter(index);
        Value whole = b.add(index, range.begin);
        index.getResult().replaceAllUsesExcept(whole, whole.getDefiningOp());
      }
    });
  }

  /// The part of an operand that the ranges read or write.
  Value slice(OpOperand &operand, ArrayRef<IndexRange> ranges) {
    SmallVector<OpFoldResult> offsets, sizes;
    bool isWhole = true;
    for (auto [dim, result] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      offsets.push_back(b.getIndexAttr(0));
      sizes.push_back(getAsOpFoldResult(b.dim(operand.get(), dim)));
      for (auto [loop, range] : llvm::zip_equal(loops, ranges)) {
        if (result != b.getAffineDimExpr(loop))
          continue;
        isWhole = false;
        offsets.back() = getAsOpFoldResult(range.begin);
        sizes.back() = getAsOpFoldResult(b.sub(range.end, range.begin));
      }
    }
    // Scalars have no dimension.
    if (isWhole)
      return operand.get();
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    return memref::SubViewOp::create(b, operand.get(), offsets, sizes, strides);
  }

  linalg::LinalgOp op;
  KernelBuilder b;
  /// One or two.
  SmallVector<unsigned> loops;
};

struct ParallelizeLoops : attn::impl::ParallelizeLoopsBase<ParallelizeLoops> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    SmallVector<linalg::LinalgOp> loops;
    module.walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() &&
          !op->getParentOfType<omp::ParallelOp>())
        loops.push_back(op);
    });
    if (loops.empty())
      return;
    if (!target) {
      module.emitError() << "expected the module attribute '"
                         << AttnDialect::kTargetAttr
                         << "' to generate code for";
      return signalPassFailure();
    }
    OpBuilder builder(module.getContext());
    for (linalg::LinalgOp op : loops)
      if (LoopSharer sharer(op, builder, target); sharer.isWorthIt())
        sharer.share();
  }
};

} // namespace
