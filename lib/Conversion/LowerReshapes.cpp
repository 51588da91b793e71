// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes reshapes that upstream cannot lower by their sizes and strides.

#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attn {
#define GEN_PASS_DEF_LOWERRESHAPES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// Whether a dimension becomes several whose sizes the type does not say.
static bool hasSeveralUnknownSizes(memref::ExpandShapeOp op) {
  MemRefType type = op.getResultType();
  return llvm::any_of(op.getReassociationIndices(),
                      [&](const ReassociationIndices &group) {
                        return llvm::count_if(group, [&](int64_t dim) {
                                 return type.isDynamicDim(dim);
                               }) > 1;
                      });
}

static OpFoldResult multiply(OpBuilder &builder, Location loc, OpFoldResult a,
                             OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a);
  std::optional<int64_t> y = getConstantIntValue(b);
  if (x && y)
    return builder.getIndexAttr(*x * *y);
  return arith::MulIOp::create(builder, loc,
                               getValueOrCreateConstantIndexOp(builder, loc, a),
                               getValueOrCreateConstantIndexOp(builder, loc, b))
      .getResult();
}

static void lower(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto source =
      memref::ExtractStridedMetadataOp::create(builder, loc, op.getSrc());
  SmallVector<OpFoldResult> outer = source.getConstifiedMixedStrides();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  (void)foldDynamicIndexList(sizes, /*onlyNonNegative=*/true);
  SmallVector<OpFoldResult> strides(sizes.size());
  MemRefLayoutAttrInterface layout = op.getResultType().getLayout();
  OpFoldResult inner = builder.getIndexAttr(1);
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  for (auto [stride, group] : llvm::reverse(llvm::zip(outer, groups))) {
    if (!layout.isIdentity())
      inner = stride;
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = inner;
      inner = multiply(builder, loc, inner, sizes[dim]);
    }
  }
  OpFoldResult offset = source.getConstifiedMixedOffset();

  SmallVector<int64_t> staticSizes, staticStrides, staticOffset;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, staticSizes);
  dispatchIndexOpFoldResults(strides, dynamic, staticStrides);
  dispatchIndexOpFoldResults(offset, dynamic, staticOffset);
  // What is dense stays so in its type: casts are folded into copies, which
  // upstream lowers to memcpy for that reason alone.
  if (!layout.isIdentity())
    layout = StridedLayoutAttr::get(builder.getContext(), staticOffset.front(),
                                    staticStrides);
  auto type = MemRefType::get(staticSizes, op.getResultType().getElementType(),
                              layout, op.getResultType().getMemorySpace());
  Value result = memref::ReinterpretCastOp::create(
      builder, loc, type, source.getBaseBuffer(), offset, sizes, strides);
  if (result.getType() != op.getResultType())
    result = memref::CastOp::create(builder, loc, op.getResultType(), result);
  op.replaceAllUsesWith(result);
  op.erase();
}

namespace {

struct LowerReshapesPass : attn::impl::LowerReshapesBase<LowerReshapesPass> {
  void runOnOperation() override {
    SmallVector<memref::ExpandShapeOp> reshapes;
    getOperation().walk([&](memref::ExpandShapeOp op) {
      if (hasSeveralUnknownSizes(op))
        reshapes.push_back(op);
    });
    for (memref::ExpandShapeOp op : reshapes)
      lower(op);
  }
};

} // namespace
