// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes only what is used of elementwise operations.

#include "SliceElements.h"
#include "Elements.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace attn;

namespace {

/// The size of each dimension that is shorter, the first elements of a tensor;
/// null for those that stay.
using Prefix = SmallVector<OpFoldResult>;

/// Builds the first elements of tensors anew.
class PrefixBuilder {
public:
  PrefixBuilder(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc) {}

  Value build(Value tensor, const Prefix &prefix);

private:
  Value buildStructured(linalg::LinalgOp op, const Prefix &prefix);
  Value buildExpanded(tensor::ExpandShapeOp op, const Prefix &prefix);
  SmallVector<OpFoldResult> getSizes(Value tensor, const Prefix &prefix);

  OpBuilder &builder;
  Location loc;
};

} // namespace

SmallVector<OpFoldResult> PrefixBuilder::getSizes(Value tensor,
                                                  const Prefix &prefix) {
  SmallVector<OpFoldResult> sizes = attn::getSizes(builder, loc, tensor);
  for (auto [size, shorter] : llvm::zip(sizes, prefix))
    if (shorter)
      size = shorter;
  return sizes;
}

/// An elementwise operation on the first elements of its operands; null if an
/// operand is indexed in another way.
Value PrefixBuilder::buildStructured(linalg::LinalgOp op,
                                     const Prefix &prefix) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!map.isPermutation() || op->getNumResults() != 1)
    return {};
  Prefix loops(op.getNumLoops());
  for (auto [dim, size] : llvm::enumerate(prefix))
    loops[map.getDimPosition(dim)] = size;
  SmallVector<Prefix> prefixes;
  for (OpOperand &operand : op->getOpOperands()) {
    Prefix &ofOperand = prefixes.emplace_back();
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type)
      continue;
    for (auto [dim, expression] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expression);
      if (!loop && !isa<AffineConstantExpr>(expression))
        return {};
      ofOperand.push_back(loop ? loops[loop.getPosition()] : OpFoldResult());
    }
  }
  SmallVector<Value> operands;
  for (auto [operand, ofOperand] : llvm::zip(op->getOperands(), prefixes))
    operands.push_back(build(operand, ofOperand));
  return clone(builder, op, operands.back().getType(), operands)->getResult(0);
}

/// Where dimensions of size 1 are inserted; null elsewhere.
Value PrefixBuilder::buildExpanded(tensor::ExpandShapeOp op,
                                   const Prefix &prefix) {
  Prefix ofSource;
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  for (const auto &group : op.getReassociationIndices()) {
    OpFoldResult &size = ofSource.emplace_back();
    if (llvm::count_if(group, [&](int64_t dim) {
          return shape[dim] != 1 || prefix[dim];
        }) > 1)
      return {};
    for (int64_t dim : group)
      if (prefix[dim])
        size = prefix[dim];
  }
  Value source = build(op.getSrc(), ofSource);
  SmallVector<OpFoldResult> sizes = getSizes(op.getResult(), prefix);
  SmallVector<int64_t> known = decomposeMixedValues(sizes).first;
  return tensor::ExpandShapeOp::create(
      builder, loc,
      RankedTensorType::get(known, op.getResultType().getElementType()), source,
      op.getReassociationIndices(), sizes);
}

Value PrefixBuilder::build(Value tensor, const Prefix &prefix) {
  if (llvm::none_of(prefix, [](OpFoldResult size) { return !!size; }))
    return tensor;
  Operation *op = tensor.getDefiningOp();
  if (isa_and_present<tensor::EmptyOp>(op))
    return createEmpty(builder, loc, getSizes(tensor, prefix),
                       getElementTypeOrSelf(tensor));
  Value result;
  if (auto structured = dyn_cast_or_null<linalg::LinalgOp>(op);
      structured && isElementwise(op))
    result = buildStructured(structured, prefix);
  else if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    result = buildExpanded(expand, prefix);
  if (result)
    return result;
  SmallVector<OpFoldResult> zeros(prefix.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(prefix.size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, tensor, zeros,
                                        getSizes(tensor, prefix), ones);
}

/// Whether what gives `value` adds up anything, or does more than elements do.
static bool isReduced(Value value, llvm::SmallPtrSetImpl<Operation *> &seen) {
  Operation *op = value.getDefiningOp();
  if (!op || !seen.insert(op).second)
    return false;
  if (op->getNumRegions() != 0 && !isElementwise(op))
    return true;
  return llvm::any_of(op->getOperands(),
                      [&](Value operand) { return isReduced(operand, seen); });
}

void attn::sliceElements(Operation *root) {
  SmallVector<tensor::ExtractSliceOp> slices;
  root->walk([&](tensor::ExtractSliceOp slice) { slices.push_back(slice); });
  for (tensor::ExtractSliceOp slice : slices) {
    Operation *source = slice.getSource().getDefiningOp();
    if (!isa_and_present<linalg::LinalgOp, tensor::ExpandShapeOp>(source) ||
        slice.getDroppedDims().any() || !slice.hasUnitStride() ||
        !llvm::all_of(slice.getMixedOffsets(), isZeroInteger))
      continue;
    OpBuilder builder(slice);
    Prefix prefix;
    SmallVector<OpFoldResult> whole =
        getSizes(builder, slice.getLoc(), slice.getSource());
    for (auto [size, all] : llvm::zip(slice.getMixedSizes(), whole))
      prefix.push_back(isEqualConstantIntOrValue(size, all) ? OpFoldResult()
                                                            : size);
    // Parts of a known size, such as half of each head, are read as they are.
    if (llvm::any_of(prefix, [](OpFoldResult size) {
          return size && getConstantIntValue(size);
        }))
      continue;
    llvm::SmallPtrSet<Operation *, 16> seen;
    if (isReduced(slice.getSource(), seen))
      continue;
    Value result =
        PrefixBuilder(builder, slice.getLoc()).build(slice.getSource(), prefix);
    if (result.getType() != slice.getType())
      result = tensor::CastOp::create(builder, slice.getLoc(), slice.getType(),
                                      result);
    slice.replaceAllUsesWith(result);
    slice.erase();
  }
}
