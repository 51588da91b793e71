// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derives a step with caches from a whole-sentence decoder.

#include "Origins.h"
#include "Sizes.h"
#include "StoredKeys.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_INCREMENTALDECODING
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
/// Arguments of the step, in their order.
enum Role {
  Ids,
  Positions,
  CacheRows,
  MemoryRows,
  MemoryLengths,
  Cross,
  Cache
};
} // namespace

static constexpr StringLiteral kRoleNames[] = {
    "ids",   "positions", "cache_rows", "memory_rows", "memory_lengths",
    "cross", "cache"};

static StringRef getRole(func::FuncOp func, unsigned index) {
  auto role = func.getArgAttrOfType<StringAttr>(index, AttnDialect::kRoleAttr);
  return role ? role.getValue() : StringRef();
}

/// The argument with a role; none if there is not exactly one.
static Value findArgument(func::FuncOp func, Role role) {
  Value found;
  for (BlockArgument argument : func.getArguments())
    if (getRole(func, argument.getArgNumber()) == kRoleNames[role]) {
      if (found)
        return {};
      found = argument;
    }
  return found;
}

namespace {

/// The two functions as they are derived from one.
class Derivation {
public:
  /// Keys and values of f32 are stored as \p stored.
  Derivation(func::FuncOp decode, FloatType stored)
      : decode(decode), stored(stored), builder(decode.getContext()) {}

  LogicalResult run() {
    if (failed(checkFunction()))
      return failure();
    origins.emplace(decode.front(), ids);

    builder.setInsertionPointAfter(decode);
    step = createFunction("step");
    step.addEntryBlock();
    builder.setInsertionPointToStart(&step.front());
    mapping.map(ids, addArgument(ids.getType(), Ids));
    auto rowsType =
        RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
    positions = addArgument(rowsType, Positions);
    cacheRows = addArgument(ids.getType(), CacheRows);

    if (failed(deriveBody())) {
      step.erase();
      return failure();
    }
    setSignature(step, [&](unsigned index) {
      return builder.getDictionaryAttr(builder.getNamedAttr(
          AttnDialect::kRoleAttr,
          builder.getStringAttr(kRoleNames[roles[index]])));
    });
    if (!crosses.empty())
      createPrepare();
    return success();
  }

private:
  //===--------------------------------------------------------------------===//
  // The decoder
  //===--------------------------------------------------------------------===//

  LogicalResult checkFunction() {
    if (!decode.getBody().hasOneBlock())
      return decode.emitError() << "expected a decoder of one block, got "
                                << decode.getBody().getBlocks().size();
    ids = findArgument(decode, Ids);
    memoryLengths = findArgument(decode, MemoryLengths);
    if (!ids)
      return decode.emitError()
             << "expected one argument with '" << AttnDialect::kRoleAttr
             << "' = \"ids\": the tokens that are decoded";
    auto expected = RankedTensorType::get(
        {ShapedType::kDynamic, ShapedType::kDynamic}, builder.getI32Type());
    if (ids.getType() != expected)
      return decode.emitError() << "expected token ids of type " << expected
                                << ", got " << ids.getType();
    for (StringRef suffix : {"prepare", "step"})
      if (Operation *other = SymbolTable::lookupNearestSymbolFrom(
              decode, builder.getStringAttr(nameOf(suffix))))
        return other->emitError() << "expected no symbol '" << nameOf(suffix)
                                  << "', which is to be derived";
    return success();
  }

  std::string nameOf(StringRef suffix) {
    return (decode.getSymName() + "_" + suffix).str();
  }

  //===--------------------------------------------------------------------===//
  // Signatures
  //===--------------------------------------------------------------------===//

  func::FuncOp createFunction(StringRef suffix) {
    auto func = func::FuncOp::create(builder, decode.getLoc(), nameOf(suffix),
                                     builder.getFunctionType({}, {}));
    func.setVisibility(decode.getVisibility());
    return func;
  }

  /// Adds an argument to the step, after those of the same role.
  Value addArgument(Type type, Role role) {
    unsigned index = llvm::upper_bound(roles, role) - roles.begin();
    roles.insert(roles.begin() + index, role);
    return step.front().insertArgument(index, type, decode.getLoc());
  }

  /// Makes the type of `func` that of its body.
  void setSignature(func::FuncOp func,
                    llvm::function_ref<DictionaryAttr(unsigned)> attributes) {
    func.setFunctionType(builder.getFunctionType(
        func.front().getArgumentTypes(),
        func.front().getTerminator()->getOperandTypes()));
    for (unsigned index = 0; index < func.getNumArguments(); ++index)
      func.setArgAttrs(index, attributes(index));
  }

  //===--------------------------------------------------------------------===//
  // Values in the step
  //===--------------------------------------------------------------------===//

  /// The value of new positions; a message if `value` is none.
  FailureOr<Value> getToken(Operation *op, StringRef name, Value value) {
    if (!value)
      return Value();
    if (Value mapped = mapping.lookupOrNull(value);
        mapped && origins->of(value) == Origin::Token)
      return mapped;
    return op->emitOpError() << "expected '" << name
                             << "' to depend on the token ids, position by "
                                "position";
  }

  /// A copy of what computes `value`; a message if it depends on arguments.
  FailureOr<Value> getConstant(Operation *op, StringRef name, Value value) {
    if (!value)
      return Value();
    if (origins->of(value) != Origin::Constant)
      return op->emitOpError()
             << "expected '" << name << "' that depends on no argument";
    return cloneConstant(value);
  }

  Value cloneConstant(Value value) {
    if (Value mapped = mapping.lookupOrNull(value))
      return mapped;
    Operation *definition = value.getDefiningOp();
    forEachUsedValue(*definition,
                     [&](Value operand) { cloneConstant(operand); });
    builder.clone(*definition, mapping);
    return mapping.lookup(value);
  }

  /// A value that `decode_prepare` computes. Slices of the width are taken in
  /// the step, so that what was computed as one tensor is passed as one.
  Value getPrepared(Value value) {
    if (Value mapped = mapping.lookupOrNull(value))
      return mapped;
    auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
    Value mapped;
    if (slice && isWidthSlice(slice)) {
      mapped = cloneSlice(slice, getPrepared(slice.getSource()));
    } else {
      crosses.push_back(value);
      mapped = addArgument(getStoredType(value, stored), Cross);
    }
    mapping.map(value, mapped);
    return mapped;
  }

  /// The same slice of the width of `source`.
  Value cloneSlice(tensor::ExtractSliceOp slice, Value source) {
    SmallVector<OpFoldResult> sizes = getSizes(builder, slice.getLoc(), source);
    sizes.back() = slice.getMixedSizes().back();
    return tensor::ExtractSliceOp::create(builder, slice.getLoc(), source,
                                          slice.getMixedOffsets(), sizes,
                                          slice.getMixedStrides());
  }

  /// A destination with the leading sizes of `like` and the width of the
  /// decoder's destination `out`.
  Value createOut(Location loc, Value like, Value out) {
    auto type = cast<RankedTensorType>(out.getType());
    SmallVector<OpFoldResult> sizes = getSizes(builder, loc, like);
    sizes.resize(type.getRank());
    sizes.back() = builder.getIndexAttr(type.getShape().back());
    return createEmpty(builder, loc, sizes, type.getElementType());
  }

  //===--------------------------------------------------------------------===//
  // Operations of the step
  //===--------------------------------------------------------------------===//

  LogicalResult deriveBody() {
    for (Operation &op : decode.front().without_terminator())
      if (origins->of(op) == Origin::Token && failed(derive(&op)))
        return failure();
    return deriveReturn();
  }

  LogicalResult derive(Operation *op) {
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
            [&](auto typed) { return deriveOp(typed); })
        .Default([&](Operation *op) { return deriveElementwise(op); });
  }

  LogicalResult deriveOp(LookupOp op) {
    if (op.getOffsets())
      return op.emitOpError() << "expected no 'offsets' in a decoder that "
                                 "starts at the first position";
    FailureOr<Value> ids = getToken(op, "ids", op.getIds());
    FailureOr<Value> table = getConstant(op, "table", op.getTable());
    FailureOr<Value> scales = getConstant(op, "scales", op.getScales());
    FailureOr<Value> added = getConstant(op, "positions", op.getPositions());
    if (failed(ids) || failed(table) || failed(scales) || failed(added))
      return failure();
    SmallVector<OpFoldResult> sizes = getSizes(builder, op.getLoc(), *ids);
    auto type = cast<RankedTensorType>(op.getOut().getType());
    sizes.push_back(builder.getIndexAttr(type.getDimSize(2)));
    Value out = createEmpty(builder, op.getLoc(), sizes, type.getElementType());
    return finish(op, LookupOp::create(builder, op.getLoc(), out.getType(),
                                       *ids, *table, *scales, *added,
                                       *added ? positions : Value(), out,
                                       op.getScaleAttr()));
  }

  LogicalResult deriveOp(LinearOp op) {
    FailureOr<Value> input = getToken(op, "input", op.getInput());
    FailureOr<Value> residual = getToken(op, "residual", op.getResidual());
    FailureOr<Value> weight = getConstant(op, "weight", op.getWeight());
    FailureOr<Value> scales = getConstant(op, "scales", op.getScales());
    FailureOr<Value> bias = getConstant(op, "bias", op.getBias());
    if (failed(input) || failed(residual) || failed(weight) || failed(scales) ||
        failed(bias))
      return failure();
    Value out = createOut(op.getLoc(), *input, op.getOut());
    return finish(op, LinearOp::create(builder, op.getLoc(), out.getType(),
                                       *input, *weight, *scales, *bias,
                                       *residual, out, op.getActivationAttr(),
                                       op.getTransposedAttr()));
  }

  LogicalResult deriveOp(MlpOp op) {
    FailureOr<Value> input = getToken(op, "input", op.getInput());
    FailureOr<Value> residual = getToken(op, "residual", op.getResidual());
    FailureOr<Value> hiddenWeight =
        getConstant(op, "hidden_weight", op.getHiddenWeight());
    FailureOr<Value> hiddenBias =
        getConstant(op, "hidden_bias", op.getHiddenBias());
    FailureOr<Value> weight = getConstant(op, "weight", op.getWeight());
    FailureOr<Value> bias = getConstant(op, "bias", op.getBias());
    if (failed(input) || failed(residual) || failed(hiddenWeight) ||
        failed(hiddenBias) || failed(weight) || failed(bias))
      return failure();
    Value out = createOut(op.getLoc(), *input, op.getOut());
    return finish(op, MlpOp::create(builder, op.getLoc(), out.getType(), *input,
                                    *hiddenWeight, *hiddenBias, *weight, *bias,
                                    *residual, out, op.getActivationAttr(),
                                    op.getHiddenTransposedAttr(),
                                    op.getTransposedAttr()));
  }

  LogicalResult deriveOp(LayerNormOp op) {
    FailureOr<Value> input = getToken(op, "input", op.getInput());
    FailureOr<Value> weight = getConstant(op, "weight", op.getWeight());
    FailureOr<Value> bias = getConstant(op, "bias", op.getBias());
    if (failed(input) || failed(weight) || failed(bias))
      return failure();
    Value out = createOut(op.getLoc(), *input, op.getOut());
    return finish(op, LayerNormOp::create(builder, op.getLoc(), out.getType(),
                                          *input, *weight, *bias, out,
                                          op.getEpsilonAttr()));
  }

  LogicalResult deriveOp(SoftmaxOp op) {
    FailureOr<Value> input = getToken(op, "input", op.getInput());
    if (failed(input))
      return failure();
    Value out = createEmpty(builder, op.getLoc(),
                            getSizes(builder, op.getLoc(), *input),
                            getElementTypeOrSelf(op.getOut()));
    return finish(op, SoftmaxOp::create(builder, op.getLoc(), out.getType(),
                                        *input, out));
  }

  LogicalResult deriveOp(tensor::ExtractSliceOp op) {
    if (!isWidthSlice(op))
      return op.emitOpError() << "expected a slice of the width alone";
    FailureOr<Value> source = getToken(op, "source", op.getSource());
    if (failed(source))
      return failure();
    mapping.map(op.getResult(), cloneSlice(op, *source));
    return success();
  }

  /// A cast tells of sizes of the decoder, which are not those of the step.
  LogicalResult deriveOp(tensor::CastOp op) {
    FailureOr<Value> source = getToken(op, "source", op.getSource());
    if (failed(source))
      return failure();
    mapping.map(op.getResult(), *source);
    return success();
  }

  LogicalResult deriveOp(SdpaOp op) {
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
    FailureOr<Value> query = getToken(op, "query", op.getQuery());
    if (failed(query))
      return failure();
    Origin key = origins->of(op.getKey()), value = origins->of(op.getValue());
    if (key == Origin::Token && value == Origin::Token)
      return deriveCached(op, *query);
    if (key == Origin::Prepared && value == Origin::Prepared)
      return derivePrepared(op, *query);
    return op.emitOpError() << "expected keys and values that both depend on "
                               "the token ids, or both on other arguments";
  }

  /// Attention to what was decoded so far: its keys and values are in caches.
  LogicalResult deriveCached(SdpaOp op, Value query) {
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
    FailureOr<Value> key = getToken(op, "key", op.getKey());
    FailureOr<Value> value = getToken(op, "value", op.getValue());
    if (failed(key) || failed(value))
      return failure();
    Value keys = appendToCache(op.getLoc(), *key);
    Value values = appendToCache(op.getLoc(), *value);
    Value out = createOut(op.getLoc(), query, op.getOuts()[0]);
    return finishSdpa(op, {query, keys, values, /*lengths=*/Value(), cacheRows},
                      out);
  }

  /// A new cache, with `value` appended. The cache is a buffer, so that the
  /// update is an effect of the step: of a tensor, it would have to be a
  /// result, and nothing would promise that it is not a copy.
  Value appendToCache(Location loc, Value value) {
    RankedTensorType type = getStoredType(value, stored);
    auto cacheType = type.clone(
        {ShapedType::kDynamic, ShapedType::kDynamic, type.getDimSize(2)});
    Value buffer = addArgument(
        MemRefType::get(cacheType.getShape(), cacheType.getElementType()),
        Cache);
    Value cache = bufferization::ToTensorOp::create(
        builder, loc, cacheType, buffer, /*restrict=*/true, /*writable=*/true);
    Value appended = CacheAppendOp::create(builder, loc, cacheType, value,
                                           positions, cacheRows, cache)
                         .getResult(0);
    auto write = bufferization::MaterializeInDestinationOp::create(
        builder, loc, /*result=*/Type(), appended, buffer);
    write.setWritable(true);
    return appended;
  }

  /// Attention to what was prepared: the rows of the step share it.
  LogicalResult derivePrepared(SdpaOp op, Value query) {
    if (op.getLengths() && op.getLengths() != memoryLengths)
      return op.emitOpError()
             << "expected 'lengths' to be the argument with '"
             << AttnDialect::kRoleAttr << "' = \"memory_lengths\"";
    if (!memoryRows) {
      memoryRows = addArgument(positions.getType(), MemoryRows);
      if (memoryLengths)
        mapping.map(memoryLengths,
                    addArgument(memoryLengths.getType(), MemoryLengths));
    }
    Value key = getPrepared(op.getKey()), value = getPrepared(op.getValue());
    SmallVector<Value> outs = {createOut(op.getLoc(), query, op.getOuts()[0])};
    if (op.getOuts().size() == 2) {
      SmallVector<OpFoldResult> sizes = getSizes(builder, op.getLoc(), query);
      sizes[2] = getSizes(builder, op.getLoc(), key)[1];
      if (!op.getShownMean()) {
        size_t heads = op.getHeads();
        if (std::optional<ArrayRef<int64_t>> shown = op.getShownHeads())
          heads = shown->size();
        sizes.insert(sizes.begin() + 1,
                     builder.getIndexAttr(static_cast<int64_t>(heads)));
      }
      outs.push_back(createEmpty(builder, op.getLoc(), sizes,
                                 getElementTypeOrSelf(op.getOuts()[1])));
    }
    return finishSdpa(
        op,
        {query, key, value, mapping.lookupOrNull(op.getLengths()), memoryRows},
        outs);
  }

  /// What an attention of the step reads that is not the same for all steps.
  struct SdpaOperands {
    Value query, key, value, lengths, rows;
  };

  /// The same attention of new positions. Distances count from where these are.
  LogicalResult finishSdpa(SdpaOp op, const SdpaOperands &operands,
                           ValueRange outs) {
    FailureOr<Value> slopes = getConstant(op, "slopes", op.getSlopes());
    FailureOr<Value> biases = getConstant(op, "biases", op.getBiases());
    FailureOr<Value> sinks = getConstant(op, "sinks", op.getSinks());
    if (failed(slopes) || failed(biases) || failed(sinks))
      return failure();
    bool areCounted = op.isBanded() || op.dependsOnDistance();
    return finish(op,
                  SdpaOp::create(
                      builder, op.getLoc(), outs.getTypes(), operands.query,
                      operands.key, operands.value, /*mask=*/Value(),
                      operands.lengths, areCounted ? positions : Value(),
                      operands.rows, *slopes, *biases, *sinks,
                      /*query_offsets=*/Value(), /*key_offsets=*/Value(), outs,
                      op.getHeadsAttr(), op.getScaleAttr(), op.getCausalAttr(),
                      op.getWindowBeforeAttr(), op.getWindowAfterAttr(),
                      op.getSoftcapAttr(), op.getShownHeadsAttr(),
                      op.getShownMeanAttr(), /*shown_stage=*/ScoreStageAttr()));
  }

  /// Arithmetic on each element, between tensors and constant scalars.
  LogicalResult deriveElementwise(Operation *op) {
    if (!OpTrait::hasElementwiseMappableTraits(op) ||
        op->getNumRegions() != 0 || !isMemoryEffectFree(op))
      return op->emitOpError() << "expected an operation that treats each "
                                  "position alone, or attention";
    Value like;
    for (Value operand : op->getOperands()) {
      bool isTensor = isa<RankedTensorType>(operand.getType());
      FailureOr<Value> mapped = isTensor ? getToken(op, "operand", operand)
                                         : getConstant(op, "operand", operand);
      if (failed(mapped))
        return failure();
      if (isTensor)
        like = *mapped;
    }
    Operation *clone = builder.clone(*op, mapping);
    for (Value result : clone->getResults())
      result.setType(cast<RankedTensorType>(like.getType())
                         .clone(getElementTypeOrSelf(result)));
    return success();
  }

  LogicalResult finish(Operation *op, Operation *derived) {
    mapping.map(op->getResults(), derived->getResults());
    return success();
  }

  LogicalResult deriveReturn() {
    Operation *terminator = decode.front().getTerminator();
    SmallVector<Value> results;
    for (Value operand : terminator->getOperands()) {
      FailureOr<Value> result = getToken(terminator, "result", operand);
      if (failed(result))
        return failure();
      results.push_back(*result);
    }
    func::ReturnOp::create(builder, terminator->getLoc(), results);
    return success();
  }

  //===--------------------------------------------------------------------===//
  // What is computed once
  //===--------------------------------------------------------------------===//

  void createPrepare() {
    llvm::DenseSet<Value> needed(crosses.begin(), crosses.end());
    SmallVector<Operation *> operations =
        collectDefinitions(decode.front(), needed);

    builder.setInsertionPointAfter(decode);
    func::FuncOp prepare = createFunction("prepare");
    Block *body = prepare.addEntryBlock();
    IRMapping prepared;
    SmallVector<DictionaryAttr> attributes;
    for (BlockArgument argument : decode.getArguments()) {
      if (!needed.contains(argument))
        continue;
      prepared.map(argument,
                   body->addArgument(argument.getType(), argument.getLoc()));
      attributes.push_back(decode.getArgAttrDict(argument.getArgNumber()));
    }
    builder.setInsertionPointToStart(body);
    for (Operation *op : operations)
      builder.clone(*op, prepared);
    auto results = llvm::map_to_vector(crosses, [&](Value value) {
      return createStored(builder, prepared.lookup(value), stored);
    });
    func::ReturnOp::create(builder, decode.getLoc(), results);
    setSignature(prepare, [&](unsigned index) { return attributes[index]; });
  }

  func::FuncOp decode, step;
  FloatType stored;
  OpBuilder builder;
  /// Arguments of the decoder.
  Value ids, memoryLengths;
  std::optional<Origins> origins;
  /// Arguments of the step, and the roles of all of them.
  Value positions, cacheRows, memoryRows;
  SmallVector<Role> roles;
  /// Values of the decoder to those of the step.
  IRMapping mapping;
  /// Values of the decoder that are computed once, as the step takes them.
  SmallVector<Value> crosses;
};

struct IncrementalDecoding
    : public attn::impl::IncrementalDecodingBase<IncrementalDecoding> {
  using IncrementalDecodingBase::IncrementalDecodingBase;

  void runOnOperation() override {
    auto decode = getOperation().lookupSymbol<func::FuncOp>(function);
    if (!decode || decode.isExternal()) {
      getOperation().emitError()
          << "expected a function '" << function << "' with a body";
      return signalPassFailure();
    }
    Builder builder(&getContext());
    if (cacheType != "f32" && cacheType != "bf16") {
      getOperation().emitError()
          << "expected 'f32' or 'bf16' as element type of caches, got '"
          << cacheType << "'";
      return signalPassFailure();
    }
    FloatType stored = builder.getF32Type();
    if (cacheType == "bf16")
      stored = builder.getBF16Type();
    if (failed(Derivation(decode, stored).run()))
      signalPassFailure();
  }
};

} // namespace
