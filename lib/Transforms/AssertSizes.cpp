// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What operations take for granted of sizes.

#include "Assertions.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;
using arith::CmpIPredicate;

SizeProduct Assertions::toProduct(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return SizeProduct(*constant);
  return getIndexProduct(cast<Value>(size));
}

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

/// Of an integer of any type, unless it is a size that something has.
void Assertions::requireNotNegative(OpFoldResult number, const Twine &what) {
  auto value = dyn_cast<Value>(number);
  if (!value || isSizeLike(value))
    return;
  Value zero = builder.createOrFold<arith::ConstantOp>(
      builder.getIntegerAttr(value.getType(), 0));
  require(compare(CmpIPredicate::sge, value, zero), "no negative " + what);
}

/// Multiplies so that nothing overflows, not even a sign.
void Assertions::requireNoOverflow(const SizeProduct &product,
                                   const Twine &message) {
  Value zero = getValue(SizeProduct(0));
  Value result;
  if (product.number != 1)
    result = getValue(SizeProduct(product.number));
  for (const SizeOrigin &origin : product.unknown) {
    Value size = getValue(SizeProduct(origin));
    if (!result) {
      result = size;
      continue;
    }
    auto multiplied = arith::MulUIExtendedOp::create(builder, size, result);
    result = multiplied.getLow();
    require(builder.createOrFold<arith::AndIOp>(
                compare(CmpIPredicate::eq, multiplied.getHigh(), zero),
                compare(CmpIPredicate::sge, result, zero)),
            message);
  }
}

/// The same of numbers of elements, of which the second is multiplied here.
void Assertions::requireSameCount(const SizeProduct &before,
                                  const SizeProduct &after,
                                  const Twine &message) {
  if (before.equals(after) || isIn(known, before, after))
    return;
  requireNoOverflow(after, message);
  requireEqual(before, after, message);
}

std::string Assertions::describe(const SizeProduct &size, const Twine &place) {
  return size.unknown.empty() ? ("size " + Twine(size.number)).str()
                              : ("the size of " + place).str();
}

std::string Assertions::describe(int64_t dim, unsigned operand) {
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

/// Of a new tensor, with its sizes that the type has not. Sizes of tensors that
/// there are fit; others may be anything.
void Assertions::requireFit(ShapedType type, ValueRange unknown) {
  Type element = type.getElementType();
  SizeProduct bytes(element.isIntOrFloat()
                        ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8)
                        : 8);
  bool isKnown = true;
  for (auto [dim, size] :
       llvm::enumerate(getMixedValues(type.getShape(), unknown, builder))) {
    requireNotNegative(size, "size of dimension " + Twine(dim));
    SizeProduct product = toProduct(size);
    isKnown &= llvm::all_of(product.unknown, [](const SizeOrigin &origin) {
      return origin.second.has_value();
    });
    bytes.multiply(product);
  }
  if (!isKnown)
    requireNoOverflow(bytes, "sizes that memory may have");
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
      requireNotNegative(sizes[part], "size of dimension " + Twine(part));
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
      requireNotNegative(size, "size of dimension " + Twine(dim));
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
  SmallVector<Value> unknown;
  for (auto [dim, low, high] :
       llvm::enumerate(op.getMixedLowPad(), op.getMixedHighPad())) {
    for (OpFoldResult pad : {low, high})
      requireNotNegative(pad, "padding of dimension " + Twine(dim));
    Value size = getValue(getSizeProduct(op.getSource(), dim));
    bool isKnown = getConstantIntValue(low) && getConstantIntValue(high) &&
                   from.isDynamicDim(dim) == to.isDynamicDim(dim);
    if (!isKnown) {
      // The sum of three such numbers might wrap around, that of two does not.
      size = builder.createOrFold<arith::AddIOp>(size, getValue(low));
      requireNotNegative(size, "size of dimension " + Twine(dim));
      size = builder.createOrFold<arith::AddIOp>(size, getValue(high));
    }
    if (to.isDynamicDim(dim))
      unknown.push_back(size);
    else if (!isKnown)
      require(compare(CmpIPredicate::eq, size,
                      getValue(SizeProduct(to.getDimSize(dim)))),
              "size " + Twine(to.getDimSize(dim)) + " of dimension " +
                  Twine(dim) + " with its padding");
  }
  requireFit(to, unknown);
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
