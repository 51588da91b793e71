// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

/// A value of the same shape further up; none if the definition of `value`
/// computes its shape.
static Value getShapeSource(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return {};
  Operation *op = result.getOwner();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    // What both sides have it from, outside.
    auto getSource = [&](Region &side) {
      Value source =
          side.front().getTerminator()->getOperand(result.getResultNumber());
      while (source && side.isAncestor(source.getParentRegion()))
        source = getShapeSource(source);
      return source;
    };
    Value source = getSource(branch.getThenRegion());
    return source == getSource(branch.getElseRegion()) ? source : Value();
  }
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return destination.getTiedOpOperand(result)->get();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  if (OpTrait::hasElementwiseMappableTraits(op))
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        return operand;
  return {};
}

/// The sizes that the operation which makes the tensor is given; empty if it is
/// given none.
static SmallVector<OpFoldResult> getGivenSizes(Value tensor) {
  using Sizes = SmallVector<OpFoldResult>;
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return {};
  return llvm::TypeSwitch<Operation *, Sizes>(op)
      .Case([](tensor::EmptyOp empty) { return empty.getMixedSizes(); })
      .Case([](tensor::ExpandShapeOp expand) {
        return expand.getMixedOutputShape();
      })
      .Case([](tensor::ExtractSliceOp slice) {
        return slice.getDroppedDims().none() ? slice.getMixedSizes() : Sizes();
      })
      .Default(Sizes());
}

SmallVector<OpFoldResult> attn::getSizes(OpBuilder &builder, Location loc,
                                         Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Value source = value;
  for (Value above = value; above; above = getShapeSource(above))
    source = above;

  SmallVector<OpFoldResult> sizes = getGivenSizes(source);
  if (sizes.empty())
    sizes = tensor::getMixedSizes(builder, loc, source);
  // A cast on the way may have made the type more precise.
  for (auto [index, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      sizes[index] = builder.getIndexAttr(size);
  return sizes;
}

/// Where an index value comes from.
static attn::SizeOrigin getSizeOrigin(Value index) {
  if (auto dim = attn::getDimOf(index))
    return attn::getSizeOrigin(dim->first, dim->second);
  return {index, std::nullopt};
}

attn::SizeOrigin attn::getSizeOrigin(Value tensor, int64_t dim) {
  while (true) {
    SmallVector<OpFoldResult> sizes = getGivenSizes(tensor);
    if (auto size = sizes.empty() ? Value() : dyn_cast<Value>(sizes[dim]))
      return ::getSizeOrigin(size);
    Value above = getShapeSource(tensor);
    if (!above)
      return {tensor, dim};
    tensor = above;
  }
}

/// Whether all sizes are numbers of `type`: in others, they may overflow.
static bool hasSizes(Type type) { return type.isIndex() || type.isInteger(64); }

/// What `index` is before it was made another type that has all sizes.
static Value skipCast(Value index) {
  if (auto cast = index.getDefiningOp<arith::IndexCastOp>();
      cast && hasSizes(cast.getType()) && hasSizes(cast.getIn().getType()))
    return cast.getIn();
  return index;
}

attn::SizeProduct attn::getIndexProduct(Value index, unsigned depth) {
  index = skipCast(index);
  Operation *op = index.getDefiningOp();
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return SizeProduct(*constant);
  if (auto dim = getDimOf(index))
    return getSizeProduct(dim->first, dim->second);
  if (isa_and_present<arith::MulIOp>(op) && depth > 0) {
    SizeProduct product = getIndexProduct(op->getOperand(0), depth - 1);
    product.multiply(getIndexProduct(op->getOperand(1), depth - 1));
    return product;
  }
  return SizeProduct(SizeOrigin(index, std::nullopt));
}

attn::SizeProduct attn::getSizeProduct(Value tensor, int64_t dim) {
  auto sizeOf = [](Value value, int64_t dim) {
    return cast<RankedTensorType>(value.getType()).getDimSize(dim);
  };
  if (!ShapedType::isDynamic(sizeOf(tensor, dim)))
    return SizeProduct(sizeOf(tensor, dim));
  SizeOrigin origin = getSizeOrigin(tensor, dim);
  if (!origin.second)
    return getIndexProduct(origin.first);
  std::tie(tensor, dim) = std::pair(origin.first, *origin.second);
  if (!ShapedType::isDynamic(sizeOf(tensor, dim)))
    return SizeProduct(sizeOf(tensor, dim));
  auto collapse = tensor.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return SizeProduct(origin);
  SizeProduct product;
  const ReassociationIndices parts = collapse.getReassociationIndices()[dim];
  for (int64_t part : parts)
    product.multiply(getSizeProduct(collapse.getSrc(), part));
  return product;
}

Value attn::createProduct(OpBuilder &builder, Location loc,
                          const SizeProduct &product, Type type) {
  Value result = arith::ConstantOp::create(
      builder, loc, builder.getIntegerAttr(type, product.number));
  for (const SizeOrigin &origin : product.unknown) {
    Value size = origin.first;
    if (origin.second)
      size = tensor::DimOp::create(builder, loc, size, *origin.second);
    if (size.getType() != type)
      size = arith::IndexCastOp::create(builder, loc, type, size);
    result = builder.createOrFold<arith::MulIOp>(loc, size, result);
  }
  return result;
}

std::optional<attn::SizeProduct> attn::getLoopSize(linalg::LinalgOp op,
                                                   unsigned loop) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (std::optional<unsigned> dim =
            map.getResultPosition(getAffineDimExpr(loop, op.getContext())))
      return getSizeProduct(operand.get(), *dim);
  }
  return std::nullopt;
}

bool attn::isSizeLike(Value index, unsigned depth) {
  index = skipCast(index);
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return *constant >= 0;
  Operation *op = index.getDefiningOp();
  auto isGood = [&](unsigned operand) {
    return isSizeLike(op->getOperand(operand), depth - 1);
  };
  if (!hasSizes(index.getType()) || depth == 0)
    return false;
  if (isa_and_present<tensor::DimOp>(op))
    return true;
  if (isa_and_present<arith::ExtUIOp>(op))
    return op->getOperand(0).getType().isInteger(1);
  if (isa_and_present<arith::MulIOp, arith::AddIOp, arith::DivSIOp,
                      arith::MinSIOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    return isGood(0) && isGood(1);
  return isa_and_present<arith::SelectOp>(op) && isGood(1) && isGood(2);
}

Value attn::createEmpty(OpBuilder &builder, Location loc,
                        ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(builder, loc, sizes, elementType);
}
