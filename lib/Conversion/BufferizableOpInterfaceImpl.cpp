// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How one-shot bufferization sees the operations of the dialect.

#include "attn/Conversion/Passes.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace attn;

namespace {

/// A core reads its inputs and writes its destinations.
template <typename CoreOp>
struct CoreModel
    : DstBufferizableOpInterfaceExternalModel<CoreModel<CoreOp>, CoreOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    // Of a cache only some rows are written; the others have to stay.
    return isa<CacheAppendOp>(op) ||
           cast<DestinationStyleOpInterface>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        buffers.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    rewriter.setInsertionPoint(op);
    OperationState lowered(op->getLoc(), op->getName(), buffers,
                           /*types=*/TypeRange(), op->getAttrs());
    lowered.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(lowered);

    SmallVector<Value> results;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      results.push_back(buffers[init.getOperandNumber()]);
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};

/// A weight is memory that nobody writes.
struct GetWeightModel
    : BufferizableOpInterface::ExternalModel<GetWeightModel, GetWeightOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }

  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto lowered = GetWeightOp::create(
        rewriter, op->getLoc(),
        MemRefType::get(type.getShape(), type.getElementType()),
        cast<GetWeightOp>(op).getWeightAttr());
    replaceOpWithBufferizedValues(rewriter, op, lowered.getResult());
    return success();
  }
};

} // namespace

void attn::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    LookupOp::attachInterface<CoreModel<LookupOp>>(*context);
    LinearOp::attachInterface<CoreModel<LinearOp>>(*context);
    LogitsOp::attachInterface<CoreModel<LogitsOp>>(*context);
    GreatestOp::attachInterface<CoreModel<GreatestOp>>(*context);
    MlpOp::attachInterface<CoreModel<MlpOp>>(*context);
    LayerNormOp::attachInterface<CoreModel<LayerNormOp>>(*context);
    ScoresOp::attachInterface<CoreModel<ScoresOp>>(*context);
    SoftmaxOp::attachInterface<CoreModel<SoftmaxOp>>(*context);
    WeightedSumOp::attachInterface<CoreModel<WeightedSumOp>>(*context);
    SdpaOp::attachInterface<CoreModel<SdpaOp>>(*context);
    CacheAppendOp::attachInterface<CoreModel<CacheAppendOp>>(*context);
    GetWeightOp::attachInterface<GetWeightModel>(*context);
  });
}
