// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, shape inference and canonicalisation of layers.

#include "ShapeChecks.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace attn;

static int64_t widthOf(Value value) {
  return cast<ShapedType>(value.getType()).getShape().back();
}

namespace {

/// Looks up and checks the weights that a layer's group has to hold.
class WeightGroup {
public:
  WeightGroup(Operation *layer, SymbolRefAttr name,
              SymbolTableCollection &symbolTable)
      : layer(layer), name(name) {
    group = symbolTable.lookupNearestSymbolFrom<WeightsOp>(layer, name);
  }

  /// The type of the weight; none, and a message, if it is absent or not of
  /// the expected shape.
  FailureOr<RankedTensorType> require(StringRef weight, ExpectedShape shape) {
    FailureOr<WeightOp> op = find(weight);
    if (failed(op))
      return failure();
    if (!*op)
      return layer->emitOpError()
             << "expected weight '" << weight << "' in " << name;
    if (failed(checkShape(layer, weight, op->getLogicalType(), shape)))
      return failure();
    return op->getLogicalType();
  }

  /// Checks the shape of a weight that may be absent.
  LogicalResult allow(StringRef weight, ExpectedShape shape) {
    FailureOr<WeightOp> op = find(weight);
    if (failed(op))
      return failure();
    return *op ? checkShape(layer, weight, op->getLogicalType(), shape)
               : success();
  }

  /// Checks the weights of the normalisation of a layer's input. They are
  /// used as they are, so they have its element type.
  LogicalResult requireNorm(Value input) {
    auto type = cast<RankedTensorType>(input.getType());
    for (StringRef weight : {"norm.weight", "norm.bias"}) {
      FailureOr<RankedTensorType> found =
          require(weight, {type.getShape().back()});
      if (failed(found))
        return failure();
      if (found->getElementType() != type.getElementType())
        return layer->emitOpError()
               << "expected '" << weight << "' of the element type of 'input', "
               << type.getElementType() << ", got " << *found;
    }
    return success();
  }

  /// Checks the weights of an attention layer of `heads` heads.
  LogicalResult requireAttention(Value input, Value memory, int64_t heads) {
    int64_t width = widthOf(input), memoryWidth = widthOf(memory);
    FailureOr<RankedTensorType> query =
        require("q.weight", {ShapedType::kDynamic, width});
    if (failed(query))
      return failure();
    int64_t inner = query->getDimSize(0);
    if (inner % heads != 0)
      return layer->emitOpError() << "expected rows of 'q.weight' divisible by "
                                  << heads << " heads, got " << *query;
    return success(succeeded(require("k.weight", {inner, memoryWidth})) &&
                   succeeded(require("v.weight", {inner, memoryWidth})) &&
                   succeeded(require("out.weight", {width, inner})) &&
                   succeeded(allow("q.bias", {inner})) &&
                   succeeded(allow("k.bias", {inner})) &&
                   succeeded(allow("v.bias", {inner})) &&
                   succeeded(allow("out.bias", {width})) &&
                   succeeded(requireNorm(input)));
  }

private:
  FailureOr<WeightOp> find(StringRef weight) {
    if (!group)
      return layer->emitOpError()
             << "expected the symbol of an 'attn.weights' group, got " << name;
    return dyn_cast_or_null<WeightOp>(
        SymbolTable::lookupSymbolIn(group, weight));
  }

  Operation *layer;
  SymbolRefAttr name;
  WeightsOp group;
};

} // namespace

/// A layer's input and result are [batch, length, width] of the same shape.
static LogicalResult checkSequence(Operation *op, RankedTensorType input,
                                   RankedTensorType result) {
  if (failed(checkRank(op, "input", input, 3)) ||
      failed(checkStaticWidth(op, "input", input)))
    return failure();
  if (input == result)
    return success();
  return op->emitOpError() << "expected a result of the input's type, " << input
                           << ", got " << result;
}

/// Lengths are [batch]; probabilities [batch, heads, length, memory length].
static LogicalResult checkAttention(Operation *op, Value inputValue,
                                    Value memoryValue, Value lengths,
                                    Value probabilities, int64_t heads) {
  auto input = cast<RankedTensorType>(inputValue.getType());
  auto memory = cast<RankedTensorType>(memoryValue.getType());
  if (lengths &&
      failed(checkShape(op, "lengths", cast<ShapedType>(lengths.getType()),
                        {memory.getDimSize(0)})))
    return failure();
  if (probabilities &&
      failed(checkShape(op, "probabilities",
                        cast<ShapedType>(probabilities.getType()),
                        {input.getDimSize(0), heads, input.getDimSize(1),
                         memory.getDimSize(1)})))
    return failure();
  return checkSameElementType(op, {{"input", inputValue},
                                   {"memory", memoryValue},
                                   {"probabilities", probabilities}});
}

/// The sizes of `result`: static ones from its type, dynamic ones from the
/// operand dimensions given, or the size where there is no operand.
static SmallVector<OpFoldResult>
reify(OpBuilder &builder, Location loc, Value result,
      ArrayRef<std::pair<Value, int64_t>> sources) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<OpFoldResult> sizes;
  for (auto [index, source] : llvm::enumerate(sources)) {
    if (!type.isDynamicDim(index))
      sizes.push_back(builder.getIndexAttr(type.getDimSize(index)));
    else if (!source.first)
      sizes.push_back(
          arith::ConstantIndexOp::create(builder, loc, source.second)
              .getResult());
    else
      sizes.push_back(
          tensor::getMixedSize(builder, loc, source.first, source.second));
  }
  return sizes;
}

LogicalResult EmbeddingOp::verify() {
  auto ids = cast<RankedTensorType>(getIds().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (failed(checkRank(*this, "ids", ids, 2)) ||
      failed(checkShape(
          *this, "result", result,
          {ids.getDimSize(0), ids.getDimSize(1), ShapedType::kDynamic})))
    return failure();
  return checkStaticWidth(*this, "result", result);
}

LogicalResult
EmbeddingOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  WeightGroup group(*this, getWeights(), symbolTable);
  int64_t width = widthOf(getResult());
  return success(
      succeeded(group.require("table", {ShapedType::kDynamic, width})) &&
      succeeded(group.allow("positions", {ShapedType::kDynamic, width})));
}

LogicalResult
EmbeddingOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reify(builder, getLoc(), getResult(),
                         {{getIds(), 0}, {getIds(), 1}, {{}, 0}}));
  return success();
}

LogicalResult SelfAttentionOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  if (failed(checkSequence(*this, input,
                           cast<RankedTensorType>(getResult().getType()))))
    return failure();
  return checkAttention(*this, getInput(), getInput(), getLengths(),
                        getProbabilities(), getHeads());
}

LogicalResult
SelfAttentionOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return WeightGroup(*this, getWeights(), symbolTable)
      .requireAttention(getInput(), getInput(), getHeads());
}

LogicalResult
SelfAttentionOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  Value input = getInput();
  const auto heads = static_cast<int64_t>(getHeads());
  shapes.push_back(reify(builder, getLoc(), getResult(),
                         {{input, 0}, {input, 1}, {input, 2}}));
  if (getProbabilities())
    shapes.push_back(reify(builder, getLoc(), getProbabilities(),
                           {{input, 0}, {{}, heads}, {input, 1}, {input, 1}}));
  return success();
}

LogicalResult CrossAttentionOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto memory = cast<RankedTensorType>(getMemory().getType());
  if (failed(checkSequence(*this, input,
                           cast<RankedTensorType>(getResult().getType()))) ||
      failed(checkStaticWidth(*this, "memory", memory)) ||
      failed(checkShape(
          *this, "memory", memory,
          {input.getDimSize(0), ShapedType::kDynamic, ShapedType::kDynamic})))
    return failure();
  return checkAttention(*this, getInput(), getMemory(), getLengths(),
                        getProbabilities(), getHeads());
}

LogicalResult
CrossAttentionOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return WeightGroup(*this, getWeights(), symbolTable)
      .requireAttention(getInput(), getMemory(), getHeads());
}

LogicalResult
CrossAttentionOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  Value input = getInput(), memory = getMemory();
  const auto heads = static_cast<int64_t>(getHeads());
  shapes.push_back(reify(builder, getLoc(), getResult(),
                         {{input, 0}, {input, 1}, {input, 2}}));
  if (getProbabilities())
    shapes.push_back(reify(builder, getLoc(), getProbabilities(),
                           {{input, 0}, {{}, heads}, {input, 1}, {memory, 1}}));
  return success();
}

/// A sequence that attends to itself is self-attention. With pre-norm the two
/// differ: there, the memory is not normalised.
LogicalResult CrossAttentionOp::canonicalize(CrossAttentionOp op,
                                             PatternRewriter &rewriter) {
  if (op.getInput() != op.getMemory() || op.getNorm() != NormPlacement::Post)
    return failure();
  rewriter.replaceOpWithNewOp<SelfAttentionOp>(
      op, op->getResultTypes(), op.getInput(), op.getLengths(), op.getWeights(),
      op.getHeads(), /*causal=*/false, op.getNorm(), op.getEpsilon());
  return success();
}

LogicalResult FeedForwardOp::verify() {
  return checkSequence(*this, cast<RankedTensorType>(getInput().getType()),
                       cast<RankedTensorType>(getResult().getType()));
}

LogicalResult
FeedForwardOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  WeightGroup group(*this, getWeights(), symbolTable);
  int64_t width = widthOf(getInput());
  FailureOr<RankedTensorType> in =
      group.require("in.weight", {ShapedType::kDynamic, width});
  if (failed(in))
    return failure();
  int64_t inner = in->getDimSize(0);
  return success(succeeded(group.require("out.weight", {width, inner})) &&
                 succeeded(group.allow("in.bias", {inner})) &&
                 succeeded(group.allow("out.bias", {width})) &&
                 succeeded(group.requireNorm(getInput())));
}

LogicalResult
FeedForwardOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  Value input = getInput();
  shapes.push_back(reify(builder, getLoc(), getResult(),
                         {{input, 0}, {input, 1}, {input, 2}}));
  return success();
}

LogicalResult NormalizeOp::verify() {
  return checkSequence(*this, cast<RankedTensorType>(getInput().getType()),
                       cast<RankedTensorType>(getResult().getType()));
}

LogicalResult
NormalizeOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return WeightGroup(*this, getWeights(), symbolTable).requireNorm(getInput());
}

LogicalResult
NormalizeOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  Value input = getInput();
  shapes.push_back(reify(builder, getLoc(), getResult(),
                         {{input, 0}, {input, 1}, {input, 2}}));
  return success();
}

LogicalResult ProjectOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (failed(checkRank(*this, "input", input, 3)) ||
      failed(checkStaticWidth(*this, "input", input)) ||
      failed(checkShape(
          *this, "result", result,
          {input.getDimSize(0), input.getDimSize(1), ShapedType::kDynamic})))
    return failure();
  if (failed(checkStaticWidth(*this, "result", result)))
    return failure();
  return checkSameElementType(*this,
                              {{"input", getInput()}, {"result", getResult()}});
}

LogicalResult ProjectOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  WeightGroup group(*this, getWeights(), symbolTable);
  int64_t width = widthOf(getResult());
  return success(
      succeeded(group.require("weight", {width, widthOf(getInput())})) &&
      succeeded(group.allow("bias", {width})));
}

LogicalResult
ProjectOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  Value input = getInput();
  shapes.push_back(
      reify(builder, getLoc(), getResult(), {{input, 0}, {input, 1}, {{}, 0}}));
  return success();
}

LogicalResult DistanceBiasesOp::verify() {
  ShapedType table = getTable().getType();
  if (failed(checkRank(*this, "table", table, 2)))
    return failure();
  int64_t buckets = table.getDimSize(0), sides = getBidirectional() ? 2 : 1;
  if (ShapedType::isDynamic(buckets) || buckets < 2 * sides ||
      buckets % sides != 0)
    return emitOpError() << "expected a static number of buckets, at least 2 "
                            "for each direction, got "
                         << table;
  auto farthest = static_cast<int64_t>(getMaxDistance());
  if (int64_t exact = buckets / sides / 2; farthest <= exact)
    return emitOpError() << "expected 'max_distance' above the " << exact
                         << " distances with a bucket of their own, got "
                         << farthest;
  if (failed(checkShape(*this, "result", getType(),
                        {table.getDimSize(1), 2 * farthest + 1})))
    return failure();
  return checkSameElementType(*this,
                              {{"table", getTable()}, {"result", getResult()}});
}

int64_t DistanceBiasesOp::getBucket(int64_t distance) {
  int64_t buckets = getTable().getType().getDimSize(0), first = 0;
  if (getBidirectional()) {
    buckets /= 2;
    first = distance > 0 ? buckets : 0;
    distance = std::abs(distance);
  } else {
    distance = std::max<int64_t>(-distance, 0);
  }
  int64_t exact = buckets / 2;
  if (distance < exact)
    return first + distance;
  auto unit = static_cast<float>(exact);
  auto farthest = static_cast<double>(getMaxDistance());
  float part = std::log(static_cast<float>(distance) / unit) /
               static_cast<float>(std::log(farthest / unit));
  auto rest = static_cast<float>(buckets - exact);
  return first +
         std::min(buckets - 1, exact + static_cast<int64_t>(part * rest));
}
