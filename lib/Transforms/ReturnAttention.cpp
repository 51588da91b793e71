// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a function return its attention probabilities too.

#include "DecoderFunctions.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"

namespace attn {
#define GEN_PASS_DEF_RETURNATTENTION
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The probabilities of an attention layer from `input` to `memory`; a layer
/// that does not give them yet is replaced by one that does.
template <typename LayerOp> Value getProbabilities(LayerOp op, Value memory) {
  if (op.getProbabilities())
    return op.getProbabilities();
  auto query = cast<RankedTensorType>(op.getInput().getType());
  auto keys = cast<RankedTensorType>(memory.getType());
  auto type = RankedTensorType::get({query.getDimSize(0),
                                     static_cast<int64_t>(op.getHeads()),
                                     query.getDimSize(1), keys.getDimSize(1)},
                                    query.getElementType());
  OpBuilder builder(op);
  auto layer = LayerOp::create(builder, op.getLoc(),
                               TypeRange{op.getResult().getType(), type},
                               op->getOperands(), op.getProperties(),
                               llvm::to_vector(op->getDiscardableAttrs()));
  op.getResult().replaceAllUsesWith(layer.getResult());
  op.erase();
  return layer.getProbabilities();
}

namespace {

struct ReturnAttention
    : public attn::impl::ReturnAttentionBase<ReturnAttention> {
  using ReturnAttentionBase::ReturnAttentionBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    ModuleOp module = getOperation();
    if (kind != "cross" && kind != "self")
      return module.emitError()
             << "expected the kind 'cross' or 'self', got '" << kind << "'";
    FailureOr<func::FuncOp> found = lookupFunction(module, function);
    if (failed(found) || failed(checkUnused(*found, module)))
      return failure();
    func::FuncOp func = *found;

    SmallVector<Operation *> attentions;
    func.walk([&](Operation *op) {
      if (kind == "cross" ? isa<CrossAttentionOp>(op)
                          : isa<SelfAttentionOp>(op))
        attentions.push_back(op);
    });
    if (failed(chooseLayers(func, attentions)))
      return failure();
    auto terminator = cast<func::ReturnOp>(func.front().getTerminator());
    for (Operation *layer : attentions) {
      if (layer->getBlock() != &func.front())
        return layer->emitOpError()
               << "expected in the body of the function, got it nested in '"
               << layer->getParentOp()->getName() << "'";
      Value probabilities;
      if (auto cross = dyn_cast<CrossAttentionOp>(layer))
        probabilities = getProbabilities(cross, cross.getMemory());
      else
        probabilities = getProbabilities(cast<SelfAttentionOp>(layer),
                                         layer->getOperand(0));
      terminator.getOperandsMutable().append(probabilities);
      if (failed(func.insertResult(func.getNumResults(),
                                   probabilities.getType(), {})))
        return failure();
    }
    return success();
  }

  /// Leaves of `found` the layers that the option names, in its order.
  LogicalResult chooseLayers(func::FuncOp func,
                             SmallVectorImpl<Operation *> &found) {
    if (layers.empty())
      return success();
    SmallVector<Operation *> chosen;
    for (int64_t number : layers) {
      if (number < 0 || number >= static_cast<int64_t>(found.size()))
        return func.emitError()
               << "expected the number of one of " << found.size() << ' '
               << kind << "-attention layers, from 0 on, got " << number;
      chosen.push_back(found[number]);
    }
    found.assign(chosen.begin(), chosen.end());
    return success();
  }
};

} // namespace
