// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asserts what operations take for granted of dynamic sizes and of indices.

#include "Sizes.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_ASSERTBOUNDS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using arith::CmpIPredicate;

static SizeProduct toProduct(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return SizeProduct(*constant);
  return getIndexProduct(cast<Value>(size));
}

/// Whether the index is one from 0 to `extent` - 1, as it was limited to that,
/// if there is one.
static bool isClamped(Value index, const SizeProduct &extent) {
  auto max = index.getDefiningOp<arith::MaxSIOp>();
  if (!max || getConstantIntValue(max.getRhs()) != 0)
    return false;
  auto min = max.getLhs().getDefiningOp<arith::MinSIOp>();
  if (!min)
    return false;
  if (std::optional<int64_t> last = getConstantIntValue(min.getRhs()))
    return extent.unknown.empty() && *last < extent.number;
  auto last = min.getRhs().getDefiningOp<arith::SubIOp>();
  return last && getConstantIntValue(last.getRhs()) == 1 &&
         getIndexProduct(last.getLhs()).equals(extent);
}

namespace {

/// Writes what has to hold before the operations of one function.
class Assertions {
public:
  explicit Assertions(func::FuncOp function)
      : builder(function.getLoc(), function.getContext()),
        entry(&function.front()) {}

  void add(Operation *op);

private:
  void addDim(tensor::DimOp op);
  void addCast(tensor::CastOp op);
  void addExpandShape(tensor::ExpandShapeOp op);
  void addReshape(tensor::ReshapeOp op);
  void addConcat(tensor::ConcatOp op);
  void addPad(tensor::PadOp op);
  void addElementwise(Operation *op);
  void addStructured(linalg::LinalgOp op);
  void addSlice(OffsetSizeAndStrideOpInterface op, Value whole);
  void addInserted(tensor::InsertSliceOp op);
  void addElement(Operation *op, Value tensor, ValueRange indices);

  void require(Value condition, const Twine &message);
  void requireEqual(const SizeProduct &size, const SizeProduct &expected,
                    const Twine &message);
  void requireSameCount(const SizeProduct &before, const SizeProduct &after,
                        const Twine &message);
  void requireSameShape(ArrayRef<Value> tensors);

  Value getValue(OpFoldResult size) {
    return getValueOrCreateConstantIndexOp(builder, builder.getLoc(), size);
  }
  Value getValue(const SizeProduct &size) {
    return createProduct(builder, builder.getLoc(), size,
                         builder.getIndexType());
  }
  Value compare(CmpIPredicate predicate, Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(predicate, a, b);
  }
  Value either(Value a, Value b) {
    return builder.createOrFold<arith::OrIOp>(a, b);
  }
  Value isWithoutLoops(linalg::LinalgOp op);
  Value getLimit(Value index, linalg::LinalgOp body);

  ImplicitLocOpBuilder builder;
  Block *entry;
  /// The operation that is looked at.
  Operation *current = nullptr;
  /// Sizes that are the same in all operations that follow in the function.
  SmallVector<std::pair<SizeProduct, SizeProduct>> known;
};

} // namespace

void Assertions::require(Value condition, const Twine &message) {
  if (getConstantIntValue(condition).value_or(0) == 0)
    cf::AssertOp::create(
        builder, condition,
        (current->getName().getStringRef() + ": expected " + message).str());
}

static bool isIn(ArrayRef<std::pair<SizeProduct, SizeProduct>> pairs,
                 const SizeProduct &a, const SizeProduct &b) {
  return llvm::any_of(pairs, [&](const auto &pair) {
    return (pair.first.equals(a) && pair.second.equals(b)) ||
           (pair.first.equals(b) && pair.second.equals(a));
  });
}

void Assertions::requireEqual(const SizeProduct &size,
                              const SizeProduct &expected,
                              const Twine &message) {
  if (size.equals(expected) || isIn(known, size, expected))
    return;
  require(compare(CmpIPredicate::eq, getValue(size), getValue(expected)),
          message);
  if (builder.getInsertionBlock() == entry)
    known.push_back({size, expected});
}

/// The same of numbers of elements, of which the second is multiplied here, so
/// that it may overflow.
void Assertions::requireSameCount(const SizeProduct &before,
                                  const SizeProduct &after,
                                  const Twine &message) {
  if (before.equals(after) || isIn(known, before, after))
    return;
  Value zero = getValue(SizeProduct(0));
  Value product;
  if (after.number != 1)
    product = getValue(SizeProduct(after.number));
  for (const SizeOrigin &origin : after.unknown) {
    Value size = getValue(SizeProduct(origin));
    if (!product) {
      product = size;
      continue;
    }
    auto multiplied = arith::MulUIExtendedOp::create(builder, size, product);
    product = multiplied.getLow();
    require(compare(CmpIPredicate::eq, multiplied.getHigh(), zero), message);
  }
  requireEqual(before, after, message);
}

/// A size, or what it is of that has it.
static std::string describe(const SizeProduct &size, const Twine &place) {
  return size.unknown.empty() ? ("size " + Twine(size.number)).str()
                              : ("the size of " + place).str();
}

static std::string describe(int64_t dim, unsigned operand) {
  return ("dimension " + Twine(dim) + " of operand " + Twine(operand)).str();
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

void Assertions::addDim(tensor::DimOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
  if (type && !getDimOf(op.getResult()))
    require(compare(CmpIPredicate::ult, op.getIndex(),
                    getValue(SizeProduct(type.getRank()))),
            "one of " + Twine(type.getRank()) + " dimensions");
}

void Assertions::addCast(tensor::CastOp op) {
  auto from = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto to = dyn_cast<RankedTensorType>(op.getType());
  if (!from || !to)
    return;
  for (auto [dim, size] : llvm::enumerate(to.getShape()))
    if (from.isDynamicDim(dim) && !ShapedType::isDynamic(size))
      requireEqual(getSizeProduct(op.getSource(), dim), SizeProduct(size),
                   "size " + Twine(size) + " in " + describe(dim, 0));
}

void Assertions::addExpandShape(tensor::ExpandShapeOp op) {
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    SizeProduct product;
    for (int64_t part : group) {
      product.multiply(toProduct(sizes[part]));
      if (auto size = dyn_cast<Value>(sizes[part]); size && !isSizeLike(size))
        require(compare(CmpIPredicate::sge, size, getValue(SizeProduct(0))),
                "no negative size of dimension " + Twine(part));
    }
    requireSameCount(getSizeProduct(op.getSrc(), dim), product,
                     "as many elements in " + describe(dim, 0) +
                         " as in what it is split into");
  }
}

void Assertions::addReshape(tensor::ReshapeOp op) {
  auto from = dyn_cast<RankedTensorType>(op.getSource().getType());
  auto to = dyn_cast<RankedTensorType>(op.getType());
  if (!from || !to)
    return;
  auto list = op.getShape().getDefiningOp<tensor::FromElementsOp>();
  SizeProduct before, after;
  for (int64_t dim = 0; dim < from.getRank(); ++dim)
    before.multiply(getSizeProduct(op.getSource(), dim));
  for (int64_t dim = 0; dim < to.getRank(); ++dim) {
    Value size;
    if (list) {
      size = list.getElements()[dim];
    } else {
      Value index = getValue(SizeProduct(dim));
      size = tensor::ExtractOp::create(builder, op.getShape(), index);
    }
    if (!to.isDynamicDim(dim)) {
      after.multiply(SizeProduct(to.getDimSize(dim)));
    } else {
      if (!isSizeLike(size))
        require(
            compare(CmpIPredicate::sge, size,
                    arith::ConstantOp::create(
                        builder, builder.getIntegerAttr(size.getType(), 0))),
            "no negative size of dimension " + Twine(dim));
      after.multiply(getIndexProduct(size));
    }
  }
  requireSameCount(before, after,
                   "as many elements in operand 0 as in the result");
}

void Assertions::addConcat(tensor::ConcatOp op) {
  for (auto [number, tensor] : llvm::enumerate(op.getInputs().drop_front()))
    for (int64_t dim = 0; dim < op.getResultType().getRank(); ++dim)
      if (dim != static_cast<int64_t>(op.getDim())) {
        SizeProduct size = getSizeProduct(op.getInputs().front(), dim);
        requireEqual(getSizeProduct(tensor, dim), size,
                     describe(size, describe(dim, 0)) + " in " +
                         describe(dim, number + 1));
      }
}

void Assertions::addPad(tensor::PadOp op) {
  RankedTensorType from = op.getSourceType(), to = op.getResultType();
  Value zero = getValue(SizeProduct(0));
  for (auto [dim, low, high] :
       llvm::enumerate(op.getMixedLowPad(), op.getMixedHighPad())) {
    for (OpFoldResult pad : {low, high})
      if (auto value = dyn_cast<Value>(pad); value && !isSizeLike(value))
        require(compare(CmpIPredicate::sge, value, zero),
                "no negative padding of dimension " + Twine(dim));
    bool isKnown = !from.isDynamicDim(dim) && getConstantIntValue(low) &&
                   getConstantIntValue(high);
    if (isKnown || to.isDynamicDim(dim))
      continue;
    Value sum = builder.createOrFold<arith::AddIOp>(
        getValue(getSizeProduct(op.getSource(), dim)),
        builder.createOrFold<arith::AddIOp>(getValue(low), getValue(high)));
    require(compare(CmpIPredicate::eq, sum,
                    getValue(SizeProduct(to.getDimSize(dim)))),
            "size " + Twine(to.getDimSize(dim)) + " of dimension " +
                Twine(dim) + " with its padding");
  }
}

void Assertions::requireSameShape(ArrayRef<Value> tensors) {
  for (auto [number, tensor] : llvm::enumerate(tensors.drop_front()))
    for (int64_t dim = 0;
         dim < cast<RankedTensorType>(tensor.getType()).getRank(); ++dim) {
      SizeProduct size = getSizeProduct(tensors.front(), dim);
      requireEqual(getSizeProduct(tensor, dim), size,
                   describe(size, describe(dim, 0)) + " in " +
                       describe(dim, number + 1));
    }
}

void Assertions::addElementwise(Operation *op) {
  SmallVector<Value> tensors(
      llvm::make_filter_range(op->getOperands(), [](Value operand) {
        return isa<RankedTensorType>(operand.getType());
      }));
  if (!tensors.empty())
    requireSameShape(tensors);
}

/// Whether there is nothing to compute.
Value Assertions::isWithoutLoops(linalg::LinalgOp op) {
  Value zero = getValue(SizeProduct(0));
  Value result =
      builder.createOrFold<arith::ConstantOp>(builder.getBoolAttr(false));
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (std::optional<SizeProduct> size = getLoopSize(op, loop))
      result =
          either(compare(CmpIPredicate::eq, getValue(*size), zero), result);
  return result;
}

/// Each loop has one size, and what it is indexed by otherwise lies inside.
void Assertions::addStructured(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return;
  SmallVector<std::optional<std::pair<SizeProduct, std::string>>> loops(
      op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands())
    for (auto [dim, expression] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expression);
      if (!loop)
        continue;
      SizeProduct size = getSizeProduct(operand.get(), dim);
      std::string place = describe(dim, operand.getOperandNumber());
      auto &first = loops[loop.getPosition()];
      if (!first)
        first = {size, place};
      else
        requireEqual(size, first->first,
                     describe(first->first, first->second) + " in " + place);
    }
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expression] : llvm::enumerate(map.getResults())) {
      if (isa<AffineDimExpr>(expression) ||
          !llvm::all_of(loops, [](auto &loop) { return loop.has_value(); }))
        continue;
      SmallVector<OpFoldResult> last;
      Value one = getValue(SizeProduct(1));
      for (auto &loop : loops)
        last.push_back(
            builder.createOrFold<arith::SubIOp>(getValue(loop->first), one));
      Value index = getValue(affine::makeComposedFoldedAffineApply(
          builder, builder.getLoc(),
          AffineMap::get(map.getNumDims(), 0, expression), last));
      Value extent = getValue(getSizeProduct(operand.get(), dim));
      require(either(compare(CmpIPredicate::ult, index, extent),
                     isWithoutLoops(op)),
              "indices inside of " + describe(dim, operand.getOperandNumber()));
    }
  }
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
