// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepOperations.h"
#include "Sizes.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

/// Says that `derived` is `op` in the step.
static LogicalResult finish(StepBuilder &b, Operation *op, Operation *derived) {
  b.map(op, derived->getResults());
  return success();
}

//===----------------------------------------------------------------------===//
// Each position alone
//===----------------------------------------------------------------------===//

static LogicalResult deriveOp(StepBuilder &b, LookupOp op) {
  if (op.getOffsets())
    return op.emitOpError() << "expected no 'offsets' in a decoder that "
                               "starts at the first position";
  FailureOr<Value> ids = b.getToken(op, "ids", op.getIds());
  FailureOr<Value> table = b.getConstant(op, "table", op.getTable());
  FailureOr<Value> scales = b.getConstant(op, "scales", op.getScales());
  FailureOr<Value> added = b.getConstant(op, "positions", op.getPositions());
  if (failed(ids) || failed(table) || failed(scales) || failed(added))
    return failure();
  SmallVector<OpFoldResult> sizes = getSizes(b, op.getLoc(), *ids);
  auto type = cast<RankedTensorType>(op.getOut().getType());
  sizes.push_back(b.getIndexAttr(type.getDimSize(2)));
  Value out = createEmpty(b, op.getLoc(), sizes, type.getElementType());
  return finish(b, op,
                LookupOp::create(b, op.getLoc(), out.getType(), *ids, *table,
                                 *scales, *added,
                                 *added ? b.getPositions() : Value(), out,
                                 op.getScaleAttr(), op.getRowsAttr()));
}

static LogicalResult deriveOp(StepBuilder &b, LinearOp op) {
  FailureOr<Value> input = b.getToken(op, "input", op.getInput());
  FailureOr<Value> residual = b.getToken(op, "residual", op.getResidual());
  FailureOr<Value> weight = b.getConstant(op, "weight", op.getWeight());
  FailureOr<Value> scales = b.getConstant(op, "scales", op.getScales());
  FailureOr<Value> bias = b.getConstant(op, "bias", op.getBias());
  if (failed(input) || failed(residual) || failed(weight) || failed(scales) ||
      failed(bias))
    return failure();
  Value out = b.createOut(op.getLoc(), *input, op.getOut());
  return finish(b, op,
                LinearOp::create(b, op.getLoc(), out.getType(), *input, *weight,
                                 *scales, *bias, *residual, out,
                                 op.getActivationAttr(),
                                 op.getTransposedAttr()));
}

static LogicalResult deriveOp(StepBuilder &b, MlpOp op) {
  FailureOr<Value> input = b.getToken(op, "input", op.getInput());
  FailureOr<Value> residual = b.getToken(op, "residual", op.getResidual());
  FailureOr<Value> hiddenWeight =
      b.getConstant(op, "hidden_weight", op.getHiddenWeight());
  FailureOr<Value> hiddenBias =
      b.getConstant(op, "hidden_bias", op.getHiddenBias());
  FailureOr<Value> weight = b.getConstant(op, "weight", op.getWeight());
  FailureOr<Value> bias = b.getConstant(op, "bias", op.getBias());
  if (failed(input) || failed(residual) || failed(hiddenWeight) ||
      failed(hiddenBias) || failed(weight) || failed(bias))
    return failure();
  Value out = b.createOut(op.getLoc(), *input, op.getOut());
  return finish(b, op,
                MlpOp::create(b, op.getLoc(), out.getType(), *input,
                              *hiddenWeight, *hiddenBias, *weight, *bias,
                              *residual, out, op.getActivationAttr(),
                              op.getHiddenTransposedAttr(),
                              op.getTransposedAttr()));
}

static LogicalResult deriveOp(StepBuilder &b, LayerNormOp op) {
  FailureOr<Value> input = b.getToken(op, "input", op.getInput());
  FailureOr<Value> weight = b.getConstant(op, "weight", op.getWeight());
  FailureOr<Value> bias = b.getConstant(op, "bias", op.getBias());
  if (failed(input) || failed(weight) || failed(bias))
    return failure();
  Value out = b.createOut(op.getLoc(), *input, op.getOut());
  return finish(b, op,
                LayerNormOp::create(b, op.getLoc(), out.getType(), *input,
                                    *weight, *bias, out, op.getEpsilonAttr()));
}

static LogicalResult deriveOp(StepBuilder &b, SoftmaxOp op) {
  FailureOr<Value> input = b.getToken(op, "input", op.getInput());
  if (failed(input))
    return failure();
  Value out = createEmpty(b, op.getLoc(), getSizes(b, op.getLoc(), *input),
                          getElementTypeOrSelf(op.getOut()));
  return finish(b, op,
                SoftmaxOp::create(b, op.getLoc(), out.getType(), *input, out));
}

static LogicalResult deriveOp(StepBuilder &b, tensor::ExtractSliceOp op) {
  if (!isWidthSlice(op))
    return op.emitOpError() << "expected a slice of the width alone";
  FailureOr<Value> source = b.getToken(op, "source", op.getSource());
  if (failed(source))
    return failure();
  b.map(op, b.cloneSlice(op, *source));
  return success();
}

/// A cast tells of sizes of the decoder, which are not those of the step.
static LogicalResult deriveOp(StepBuilder &b, tensor::CastOp op) {
  FailureOr<Value> source = b.getToken(op, "source", op.getSource());
  if (failed(source))
    return failure();
  b.map(op, *source);
  return success();
}

/// Arithmetic on each element, between tensors and constant scalars.
static LogicalResult deriveElementwise(StepBuilder &b, Operation *op) {
  if (!OpTrait::hasElementwiseMappableTraits(op) || op->getNumRegions() != 0 ||
      !isMemoryEffectFree(op))
    return op->emitOpError() << "expected an operation that treats each "
                                "position alone, or attention";
  Value like;
  for (Value operand : op->getOperands()) {
    bool isTensor = isa<RankedTensorType>(operand.getType());
    FailureOr<Value> mapped = isTensor ? b.getToken(op, "operand", operand)
                                       : b.getConstant(op, "operand", operand);
    if (failed(mapped))
      return failure();
    if (isTensor)
      like = *mapped;
  }
  Operation *clone = b.cloneMapped(*op);
  for (Value result : clone->getResults())
    result.setType(cast<RankedTensorType>(like.getType())
                       .clone(getElementTypeOrSelf(result)));
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// What an attention of the step reads that is not the same for all steps.
struct SdpaOperands {
  Value query, key, value, lengths, rows;
};
} // namespace

/// The same attention of new positions. Distances count from where these are.
static LogicalResult finishSdpa(StepBuilder &b, SdpaOp op,
                                const SdpaOperands &operands, ValueRange outs) {
  FailureOr<Value> slopes = b.getConstant(op, "slopes", op.getSlopes());
  FailureOr<Value> biases = b.getConstant(op, "biases", op.getBiases());
  FailureOr<Value> sinks = b.getConstant(op, "sinks", op.getSinks());
  if (failed(slopes) || failed(biases) || failed(sinks))
    return failure();
  bool areCounted = op.isBanded() || op.dependsOnDistance();
  return finish(
      b, op,
      SdpaOp::create(b, op.getLoc(), outs.getTypes(), operands.query,
                     operands.key, operands.value, /*mask=*/Value(),
                     operands.lengths, areCounted ? b.getPositions() : Value(),
                     operands.rows, *slopes, *biases, *sinks,
                     /*query_offsets=*/Value(), /*key_offsets=*/Value(), outs,
                     op.getHeadsAttr(), op.getScaleAttr(), op.getCausalAttr(),
                     op.getWindowBeforeAttr(), op.getWindowAfterAttr(),
                     op.getSoftcapAttr(), op.getShownHeadsAttr(),
                     op.getShownMeanAttr(), /*shown_stage=*/ScoreStageAttr()));
}

/// `value` appended to a new cache. The cache is a buffer, so that the update
/// is an effect of the step: of a tensor, it would have to be a result, and
/// nothing would promise that it is not a copy.
static Value appendToCache(StepBuilder &b, Location loc, Value value) {
  Value buffer = b.addCache(value);
  auto bufferType = cast<MemRefType>(buffer.getType());
  auto type =
      RankedTensorType::get(bufferType.getShape(), bufferType.getElementType());
  Value cache = bufferization::ToTensorOp::create(
      b, loc, type, buffer, /*restrict=*/true, /*writable=*/true);
  Value appended = CacheAppendOp::create(b, loc, type, value, b.getPositions(),
                                         b.getCacheRows(), cache)
                       .getResult(0);
  auto write = bufferization::MaterializeInDestinationOp::create(
      b, loc, /*result=*/Type(), appended, buffer);
  write.setWritable(true);
  return appended;
}

/// Attention to what was decoded so far: its keys and values are in caches.
static LogicalResult deriveCached(StepBuilder &b, SdpaOp op, Value query) {
  if (!op.getCausal())
    return op.emitOpError() << "expected 'causal' attention to the tokens "
                               "that are decoded";
  if (op.getLengths())
    return op.emitOpError()
           << "expected no 'lengths' in attention to the tokens that are "
              "decoded";
  if (op.getOuts().size() != 1)
    return op.emitOpError() << "expected no probabilities of attention to "
                               "the tokens that are decoded";
  FailureOr<Value> key = b.getToken(op, "key", op.getKey());
  FailureOr<Value> value = b.getToken(op, "value", op.getValue());
  if (failed(key) || failed(value))
    return failure();
  Value keys = appendToCache(b, op.getLoc(), *key);
  Value values = appendToCache(b, op.getLoc(), *value);
  Value out = b.createOut(op.getLoc(), query, op.getOuts()[0]);
  return finishSdpa(
      b, op, {query, keys, values, /*lengths=*/Value(), b.getCacheRows()}, out);
}

/// Attention to what was prepared: the rows of the step share it.
static LogicalResult derivePrepared(StepBuilder &b, SdpaOp op, Value query) {
  FailureOr<Value> lengths = b.getMemoryLengths(op, op.getLengths());
  if (failed(lengths))
    return failure();
  Value key = b.getPrepared(op.getKey()), value = b.getPrepared(op.getValue());
  SmallVector<Value> outs = {b.createOut(op.getLoc(), query, op.getOuts()[0])};
  if (op.getOuts().size() == 2) {
    SmallVector<OpFoldResult> sizes = getSizes(b, op.getLoc(), query);
    sizes[2] = getSizes(b, op.getLoc(), key)[1];
    if (!op.getShownMean()) {
      size_t heads = op.getHeads();
      if (std::optional<ArrayRef<int64_t>> shown = op.getShownHeads())
        heads = shown->size();
      sizes.insert(sizes.begin() + 1,
                   b.getIndexAttr(static_cast<int64_t>(heads)));
    }
    outs.push_back(createEmpty(b, op.getLoc(), sizes,
                               getElementTypeOrSelf(op.getOuts()[1])));
  }
  return finishSdpa(b, op, {query, key, value, *lengths, b.getMemoryRows()},
                    outs);
}

static LogicalResult deriveOp(StepBuilder &b, SdpaOp op) {
  if (op.getPositions() || op.getRows())
    return op.emitOpError() << "expected attention over a whole sentence, "
                               "without 'positions' and 'rows'";
  if (op.getMask() || op.hasHeadDim())
    return op.emitOpError() << "expected attention without a mask of its own "
                               "and with heads side by side";
  if (op.getQueryOffsets() || op.getKeyOffsets())
    return op.emitOpError() << "expected attention without offsets";
  if (op.getShownStage())
    return op.emitOpError() << "expected attention without 'shown_stage'";
  FailureOr<Value> query = b.getToken(op, "query", op.getQuery());
  if (failed(query))
    return failure();
  Origin key = b.getOrigins().of(op.getKey()),
         value = b.getOrigins().of(op.getValue());
  if (key == Origin::Token && value == Origin::Token)
    return deriveCached(b, op, *query);
  if (key == Origin::Prepared && value == Origin::Prepared)
    return derivePrepared(b, op, *query);
  return op.emitOpError() << "expected keys and values that both depend on "
                             "the token ids, or both on other arguments";
}

LogicalResult attn::deriveOperation(StepBuilder &b, Operation *op) {
  // Sizes are taken anew, from the arguments of the step.
  if (isa<tensor::EmptyOp>(op) ||
      (isMemoryEffectFree(op) &&
       llvm::none_of(op->getResultTypes(), llvm::IsaPred<TensorType>)))
    return success();
  if (isa<EmbeddingOp, SelfAttentionOp, CrossAttentionOp, FeedForwardOp,
          NormalizeOp, ProjectOp>(op))
    return op->emitOpError() << "expected no layer; hint: run "
                                "--attn-decompose-layers and "
                                "--attn-fuse-attention first";
  if (isa<ScoresOp, WeightedSumOp>(op))
    return op->emitOpError() << "expected fused attention; hint: run "
                                "--attn-fuse-attention first";
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<LookupOp, LinearOp, MlpOp, LayerNormOp, SoftmaxOp, SdpaOp,
            tensor::ExtractSliceOp, tensor::CastOp>(
          [&](auto typed) { return deriveOp(b, typed); })
      .Default([&](Operation *op) { return deriveElementwise(b, op); });
}
