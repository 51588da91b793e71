// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes copies of what is not dense as loops.

#include "attn/Conversion/Passes.h"
#include "attn/IR/AttnDialect.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attn {
#define GEN_PASS_DEF_LOWERCOPIES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool isDense(Value value) {
  auto type = cast<BaseMemRefType>(value.getType());
  auto ranked = dyn_cast<MemRefType>(type);
  return ranked && ranked.getLayout().isIdentity();
}

namespace {

struct LowerCopiesPass : attn::impl::LowerCopiesBase<LowerCopiesPass> {
  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp op) {
      if (!isDense(op.getSource()) || !isDense(op.getTarget()))
        copies.push_back(op);
    });
    for (memref::CopyOp op : copies) {
      OpBuilder builder(op);
      linalg::makeMemRefCopyOp(builder, op.getLoc(), op.getSource(),
                               op.getTarget());
      op.erase();
    }
    SmallVector<bufferization::CloneOp> clones, returned;
    getOperation().walk([&](bufferization::CloneOp op) {
      if (isReturnedCache(op))
        returned.push_back(op);
      else if (!isDense(op.getInput()) && isDense(op.getOutput()))
        clones.push_back(op);
    });
    for (bufferization::CloneOp op : clones)
      lowerClone(op);
    for (bufferization::CloneOp op : returned) {
      op.replaceAllUsesWith(op.getInput());
      op.erase();
    }
  }

  /// A cache that a caller gave goes back to it as it is.
  bool isReturnedCache(bufferization::CloneOp op) {
    auto argument = dyn_cast<BlockArgument>(op.getInput());
    return argument && argument.getOwner() == &getOperation().front() &&
           AttnDialect::isCache(getOperation(), argument) &&
           llvm::all_of(op->getUsers(), llvm::IsaPred<func::ReturnOp>);
  }

  /// A part that a function returns is copied for the caller.
  void lowerClone(bufferization::CloneOp op) {
    OpBuilder builder(op);
    auto type = cast<MemRefType>(op.getType());
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(
            memref::DimOp::create(builder, op.getLoc(), op.getInput(), dim));
    Value copy = memref::AllocOp::create(builder, op.getLoc(), type, sizes);
    linalg::makeMemRefCopyOp(builder, op.getLoc(), op.getInput(), copy);
    op.replaceAllUsesWith(copy);
    op.erase();
  }
};

} // namespace
