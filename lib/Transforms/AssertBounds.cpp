// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asserts what operations take for granted of dynamic sizes and of indices.

#include "Assertions.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_ASSERTBOUNDS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using arith::CmpIPredicate;

/// Whether the index is one from 0 to `extent` - 1, as it was limited to that,
/// in either order, if there is one.
static bool isClamped(Value index, const SizeProduct &extent) {
  auto max = index.getDefiningOp<arith::MaxSIOp>();
  auto min = (max ? max.getLhs() : index).getDefiningOp<arith::MinSIOp>();
  if (min && !max)
    max = min.getLhs().getDefiningOp<arith::MaxSIOp>();
  if (!min || !max || getConstantIntValue(max.getRhs()) != 0)
    return false;
  if (std::optional<int64_t> last = getConstantIntValue(min.getRhs()))
    return extent.unknown.empty() && *last >= 0 && *last < extent.number;
  auto last = min.getRhs().getDefiningOp<arith::SubIOp>();
  return last && getConstantIntValue(last.getRhs()) == 1 &&
         getIndexProduct(last.getLhs()).equals(extent);
}

//===----------------------------------------------------------------------===//
// Slices and elements
//===----------------------------------------------------------------------===//

void Assertions::addSlice(OffsetSizeAndStrideOpInterface op, Value whole) {
  for (auto [dim, offset, size, stride] : llvm::enumerate(
           op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides())) {
    SizeProduct extent = getSizeProduct(whole, dim), count = toProduct(size);
    std::optional<int64_t> step = getConstantIntValue(stride);
    if (isZeroInteger(offset) && step == 1 && count.equals(extent))
      continue;
    Value first = getValue(offset), all = getValue(extent),
          elements = getValue(count);
    Value isInside;
    if (step && *step > 0) {
      // Nothing overflows, nor wraps around where the offset is inside.
      Value left = builder.createOrFold<arith::SubIOp>(all, first);
      left = builder.createOrFold<arith::CeilDivUIOp>(
          left, getValue(SizeProduct(*step)));
      isInside = builder.createOrFold<arith::AndIOp>(
          compare(CmpIPredicate::ule, first, all),
          compare(CmpIPredicate::ule, elements, left));
    } else {
      Value last = builder.createOrFold<arith::SubIOp>(
          elements, getValue(SizeProduct(1)));
      last = builder.createOrFold<arith::AddIOp>(
          builder.createOrFold<arith::MulIOp>(last, getValue(stride)), first);
      isInside = builder.createOrFold<arith::AndIOp>(
          compare(CmpIPredicate::ult, first, all),
          compare(CmpIPredicate::ult, last, all));
    }
    Value zero = getValue(SizeProduct(0));
    require(either(isInside, compare(CmpIPredicate::eq, elements, zero)),
            "a slice inside of dimension " + Twine(dim));
  }
}

void Assertions::addInserted(tensor::InsertSliceOp op) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  int64_t part = 0;
  for (auto [dim, size] : llvm::enumerate(op.getMixedSizes()))
    if (!dropped.test(dim)) {
      requireEqual(getSizeProduct(op.getSource(), part), toProduct(size),
                   "the size of the slice in " + describe(part, 0));
      ++part;
    }
  addSlice(op, op.getDest());
}

/// What `index`, in a body, is less than, outside of it; null if it is data.
Value Assertions::getLimit(Value index, linalg::LinalgOp body) {
  if (auto loop = index.getDefiningOp<linalg::IndexOp>())
    if (std::optional<SizeProduct> size = getLoopSize(body, loop.getDim()))
      return getValue(*size);
  if (std::optional<int64_t> constant = getConstantIntValue(index);
      constant && *constant >= 0)
    return getValue(SizeProduct(*constant + 1));
  auto select = index.getDefiningOp<arith::SelectOp>();
  auto compared = select ? select.getCondition().getDefiningOp<arith::CmpIOp>()
                         : arith::CmpIOp();
  if (!compared)
    return {};
  auto isOutside = [&](Value value) {
    return !body->isAncestor(value.getParentBlock()->getParentOp()) ||
           getConstantIntValue(value);
  };
  Value ifTrue = getLimit(select.getTrueValue(), body);
  Value ifFalse = getLimit(select.getFalseValue(), body);
  if (!ifTrue || !ifFalse || !isOutside(compared.getLhs()) ||
      !isOutside(compared.getRhs()))
    return {};
  IRMapping mapping;
  for (Value operand : compared->getOperands())
    if (std::optional<int64_t> constant = getConstantIntValue(operand))
      mapping.map(operand, arith::ConstantOp::create(
                               builder, builder.getIntegerAttr(
                                            operand.getType(), *constant)));
  Value condition = builder.clone(*compared, mapping)->getResult(0);
  return builder.createOrFold<arith::SelectOp>(condition, ifTrue, ifFalse);
}

void Assertions::addElement(Operation *op, Value tensor, ValueRange indices) {
  for (auto [dim, index] : llvm::enumerate(indices)) {
    SizeProduct extent = getSizeProduct(tensor, dim);
    std::string message = ("an index inside of dimension " + Twine(dim)).str();
    auto body = dyn_cast<linalg::LinalgOp>(op->getParentOp());
    const bool isInsideIfAny = isClamped(index, extent);
    if (isInsideIfAny && extent.unknown.empty() && extent.number > 0)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    Value limit;
    if (body && !body->isAncestor(tensor.getParentBlock()->getParentOp())) {
      builder.setInsertionPoint(body);
      if (auto loop = index.getDefiningOp<linalg::IndexOp>())
        if (std::optional<SizeProduct> size = getLoopSize(body, loop.getDim());
            size && size->equals(extent))
          continue;
      limit = isInsideIfAny ? getValue(SizeProduct(1)) : getLimit(index, body);
    }
    if (limit) {
      require(either(compare(CmpIPredicate::ule, limit, getValue(extent)),
                     isWithoutLoops(body)),
              message);
    } else {
      builder.setInsertionPoint(op);
      require(compare(CmpIPredicate::ult, index, getValue(extent)), message);
    }
  }
}

void Assertions::add(Operation *op) {
  current = op;
  builder.setInsertionPoint(op);
  builder.setLoc(op->getLoc());
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](tensor::DimOp op) { addDim(op); })
      .Case([&](tensor::EmptyOp op) {
        requireFit(op.getType(), op.getDynamicSizes());
      })
      .Case([&](tensor::GenerateOp op) {
        requireFit(op.getType(), op.getDynamicExtents());
      })
      .Case([&](tensor::SplatOp op) {
        requireFit(op.getType(), op.getDynamicSizes());
      })
      .Case([&](tensor::CastOp op) { addCast(op); })
      .Case([&](tensor::ExpandShapeOp op) { addExpandShape(op); })
      .Case([&](tensor::ReshapeOp op) { addReshape(op); })
      .Case([&](tensor::ConcatOp op) { addConcat(op); })
      .Case([&](tensor::PadOp op) { addPad(op); })
      .Case([&](tensor::ExtractSliceOp op) { addSlice(op, op.getSource()); })
      .Case([&](tensor::InsertSliceOp op) { addInserted(op); })
      .Case([&](tensor::ExtractOp op) {
        addElement(op, op.getTensor(), op.getIndices());
      })
      .Case([&](tensor::InsertOp op) {
        addElement(op, op.getDest(), op.getIndices());
      })
      .Case([&](linalg::SoftmaxOp op) {
        requireSameShape({op.getInput(), op.getOutput()});
      })
      .Case([&](linalg::LinalgOp op) { addStructured(op); })
      .Default([&](Operation *op) {
        if (OpTrait::hasElementwiseMappableTraits(op))
          addElementwise(op);
      });
}

namespace {

struct AssertBounds : public attn::impl::AssertBoundsBase<AssertBounds> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    // Assertions have operations of their own, which are right.
    SmallVector<Operation *> operations;
    function.walk<WalkOrder::PreOrder>(
        [&](Operation *op) { operations.push_back(op); });
    Assertions assertions(function);
    for (Operation *op : operations)
      assertions.add(op);
  }
};

} // namespace
