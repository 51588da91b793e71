// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sizes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

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

SmallVector<OpFoldResult> attn::getSizes(OpBuilder &builder, Location loc,
                                         Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Value source = value;
  for (Value above = value; above; above = getShapeSource(above))
    source = above;

  SmallVector<OpFoldResult> sizes;
  if (auto empty = source.getDefiningOp<tensor::EmptyOp>())
    sizes = empty.getMixedSizes();
  else if (auto slice = source.getDefiningOp<tensor::ExtractSliceOp>();
           slice && slice.getDroppedDims().none())
    sizes = slice.getMixedSizes();
  else
    sizes = tensor::getMixedSizes(builder, loc, source);
  // A cast on the way may have made the type more precise.
  for (auto [index, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      sizes[index] = builder.getIndexAttr(size);
  return sizes;
}

/// Where an index value comes from.
static attn::SizeOrigin getSizeOrigin(Value index) {
  auto dim = index.getDefiningOp<tensor::DimOp>();
  if (dim && dim.getConstantIndex())
    return attn::getSizeOrigin(dim.getSource(), *dim.getConstantIndex());
  return {index, std::nullopt};
}

attn::SizeOrigin attn::getSizeOrigin(Value tensor, int64_t dim) {
  while (true) {
    if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>();
        empty && empty.getType().isDynamicDim(dim))
      return ::getSizeOrigin(empty.getDynamicSize(dim));
    if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>())
      if (auto size = dyn_cast<Value>(expand.getMixedOutputShape()[dim]))
        return ::getSizeOrigin(size);
    Value above = getShapeSource(tensor);
    if (!above)
      return {tensor, dim};
    tensor = above;
  }
}

Value attn::createEmpty(OpBuilder &builder, Location loc,
                        ArrayRef<OpFoldResult> sizes, Type elementType) {
  return tensor::EmptyOp::create(builder, loc, sizes, elementType);
}
