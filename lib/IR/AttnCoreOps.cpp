// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, shape inference, effects and canonicalisation of cores; what is
// particular to those of attention is in AttnAttentionOps.cpp.

#include "CoreInterfaces.h"
#include "ShapeChecks.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

LogicalResult attn::reifyFromDestinations(DestinationStyleOpInterface op,
                                          OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  for (OpResult result : op->getResults()) {
    Value init = op.getTiedOpOperand(result)->get();
    shapes.push_back(tensor::getMixedSizes(builder, op.getLoc(), init));
  }
  return success();
}

void attn::addCoreEffects(DestinationStyleOpInterface op, Effects &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isInit = op.isDpsInit(&operand);
    // A cache is written in part: what was there before still counts.
    if (!isInit || isa<CacheAppendOp>(*op))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
    if (isInit)
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

namespace {
/// What is in a table, with rows that fill its last panel or block.
struct TableSize {
  int64_t rows, width;
};
} // namespace

/// Checks the form of a table: f32 [V,D], in panels, or i8 in blocks.
static FailureOr<TableSize> checkTable(LookupOp op) {
  ShapedType table = typeOf(op.getTable());
  bool isInteger = table.getElementType().isInteger();
  if (op.isPacked() &&
      (!table.hasStaticShape() || table.getShape().back() == 0))
    return op.emitOpError()
           << "expected 'table' in panels of static size, got " << table;
  if (isInteger && table.getRank() == 5) {
    constexpr int64_t lanes = WeightOp::kTileRows;
    ShapedType out = typeOf(op.getOut());
    if (failed(checkRank(op, "out", out, 3)) ||
        failed(checkStaticWidth(op, "out", out)))
      return failure();
    int64_t width = out.getDimSize(2);
    if (failed(
            checkShape(op, "table", table,
                       {kDynamic, int64_t(llvm::divideCeil(width, 4 * lanes)),
                        2, lanes, 4 * lanes})))
      return failure();
    return TableSize{table.getDimSize(0) * 2 * lanes, width};
  }
  if (!isInteger && table.getRank() == 3) {
    return TableSize{table.getDimSize(0) * table.getDimSize(2),
                     table.getDimSize(1)};
  }
  if (failed(checkRank(op, "table", table, 2)) ||
      failed(checkStaticWidth(op, "table", table)))
    return failure();
  return TableSize{table.getDimSize(0), table.getDimSize(1)};
}

LogicalResult LookupOp::verify() {
  ShapedType ids = typeOf(getIds()), table = typeOf(getTable());
  if (failed(checkRank(*this, "ids", ids, 2)))
    return failure();
  FailureOr<TableSize> size = checkTable(*this);
  if (failed(size))
    return failure();
  auto [rows, width] = *size;
  bool isInteger = table.getElementType().isInteger();
  if (isPacked() != bool(getRows()))
    return emitOpError() << "expected 'rows' with a packed table and with no "
                            "other, got "
                         << table;
  if (isPacked() && *getRows() > static_cast<uint64_t>(rows))
    return emitOpError() << "expected at most " << rows << " 'rows' of "
                         << table << ", got " << *getRows();
  if (isInteger != bool(getScales()))
    return emitOpError() << "expected 'scales' with a table of i8 and with no "
                            "other, got "
                         << table;
  if (isInteger && !typeOf(getScales()).getElementType().isF32())
    return emitOpError() << "expected 'scales' of f32, got "
                         << getScales().getType();
  if (isPacked() && isInteger && !typeOf(getScales()).hasStaticShape())
    return emitOpError()
           << "expected 'scales' of static size beside a table in "
              "panels, got "
           << getScales().getType();
  if (isInteger &&
      failed(checkShape(*this, "scales", typeOf(getScales()), {rows})))
    return failure();
  if (failed(checkShape(*this, "out", typeOf(getOut()),
                        {ids.getDimSize(0), ids.getDimSize(1), width})))
    return failure();
  if (getPositions() &&
      failed(checkShape(*this, "positions", typeOf(getPositions()),
                        {kDynamic, width})))
    return failure();
  if (!getOffsets())
    return success();
  if (!getPositions())
    return emitOpError() << "expected 'positions' where there are 'offsets'";
  return checkShape(*this, "offsets", typeOf(getOffsets()),
                    {ids.getDimSize(0)});
}

namespace {
/// A multiplication by a weight matrix, as part of an operation.
struct Product {
  StringRef weightName;
  Value weight;
  Value scales;
  StringRef biasName;
  Value bias;
  bool isTransposed;
  int64_t inWidth, outWidth;

  bool isPacked() const { return typeOf(weight).getRank() > 2; }
};
} // namespace

static LogicalResult checkWeightRank(Operation *op, StringRef name,
                                     ShapedType type) {
  if (type.getRank() == 2 || type.getRank() == 3 || type.getRank() == 5)
    return success();
  return op->emitOpError() << "expected '" << name
                           << "' of rank 2, or 3 in panels, or 5 in tiles, got "
                           << type;
}

/// Checks a weight in tiles, given the widths; gives the columns of a panel.
static FailureOr<int64_t> checkTiles(Operation *op, StringRef name,
                                     ShapedType weight, int64_t inWidth,
                                     int64_t outWidth) {
  constexpr int64_t rows = WeightOp::kTileRows;
  int64_t halves = weight.getDimSize(2), row = weight.getDimSize(4);
  if (halves <= 0 || row <= 0 || row % rows != 0) {
    op->emitOpError() << "expected '" << name << "' in tiles of " << rows
                      << " rows, of a multiple of " << rows
                      << " numbers each, got " << weight;
    return failure();
  }
  int64_t panel = halves * rows;
  if (failed(
          checkShape(op, name, weight,
                     {static_cast<int64_t>(llvm::divideCeil(outWidth, panel)),
                      static_cast<int64_t>(llvm::divideCeil(inWidth, row)),
                      halves, rows, row})))
    return failure();
  return panel;
}

/// Checks weight and bias, given the widths.
static LogicalResult checkProduct(Operation *op, const Product &product) {
  StringRef name = product.weightName;
  ShapedType weight = typeOf(product.weight);
  if (failed(checkWeightRank(op, name, weight)))
    return failure();
  int64_t inWidth = product.inWidth, outWidth = product.outWidth;
  int64_t biasSize = outWidth;
  if (product.isPacked()) {
    if (product.isTransposed)
      return op->emitOpError()
             << "expected no '" << name
             << "' in panels where it is transposed, got " << weight;
    int64_t panel = weight.getShape().back();
    if (!weight.hasStaticShape() || panel == 0)
      return op->emitOpError() << "expected '" << name
                               << "' in panels of static size, got " << weight;
    int64_t panels = llvm::divideCeil(outWidth, panel);
    if (weight.getRank() == 5) {
      FailureOr<int64_t> columns =
          checkTiles(op, name, weight, inWidth, outWidth);
      if (failed(columns))
        return failure();
      panel = *columns;
      panels = llvm::divideCeil(outWidth, panel);
    } else if (failed(checkShape(op, name, weight, {panels, inWidth, panel}))) {
      return failure();
    }
    biasSize = panels * panel;
  } else {
    SmallVector<int64_t> shape = {outWidth, inWidth};
    if (product.isTransposed)
      std::swap(shape[0], shape[1]);
    if (failed(checkShape(op, name, weight, shape)))
      return failure();
  }
  // Nothing tells at run time how many there are in panels.
  auto checkVector = [&](StringRef name, Value vector) -> LogicalResult {
    if (!vector)
      return success();
    ShapedType type = typeOf(vector);
    if (product.isPacked() && !type.hasStaticShape())
      return op->emitOpError()
             << "expected '" << name
             << "' of static size beside a weight in panels, got " << type;
    return checkShape(op, name, type, {biasSize});
  };
  if (failed(checkVector(product.biasName, product.bias)))
    return failure();
  return checkVector("scales", product.scales);
}

/// Checks the element types of factors: a weight of i8 has scales; if it is not
/// in panels, one of floats has the type of the input, or bf16, to which f32 is
/// rounded.
static LogicalResult checkFactors(Operation *op, Value input, StringRef name,
                                  Value weight, Value scales = Value()) {
  ShapedType type = typeOf(weight), inputType = typeOf(input);
  if (!type.getElementType().isInteger()) {
    if (scales)
      return op->emitOpError()
             << "expected 'scales' only with a weight of i8, got " << type;
    if (type.getRank() == 3 ||
        (inputType.getElementType().isF32() && type.getElementType().isBF16()))
      return success();
    return checkSameElementType(op, {{"input", input}, {name, weight}});
  }
  // Of more products of 127 a sum may not fit.
  constexpr int64_t mostDepth = 1 << 17;
  if (!scales || !typeOf(scales).getElementType().isF32())
    return op->emitOpError() << "expected 'scales' of f32 with a weight of i8";
  if (!inputType.getElementType().isF32() ||
      inputType.getShape().back() > mostDepth)
    return op->emitOpError()
           << "expected 'input' of f32 and at most " << mostDepth
           << " columns with a weight of i8, got " << inputType;
  if (type.getRank() == 3)
    return op->emitOpError()
           << "expected a weight of i8 of rank 2, or 5 in tiles, got " << type;
  return success();
}

/// Checks the shapes that do not depend on weights.
static LogicalResult checkRows(Operation *op, ShapedType input, Value residual,
                               ShapedType out, bool isStatic) {
  if (input.getRank() == 0)
    return op->emitOpError()
           << "expected 'input' of rank at least 1, got " << input;
  if (out.getRank() == 0)
    return checkRank(op, "out", out, input.getRank());
  if (isStatic && (failed(checkStaticWidth(op, "out", out)) ||
                   failed(checkStaticWidth(op, "input", input))))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = out.getShape().back();
  if (failed(checkShape(op, "out", out, shape)))
    return failure();
  if (!residual)
    return success();
  return checkShape(op, "residual", typeOf(residual), shape);
}

LogicalResult LinearOp::verify() {
  ShapedType input = typeOf(getInput()), out = typeOf(getOut());
  if (getScales() && getTransposed())
    return emitOpError() << "expected no 'transposed' with 'scales'";
  if (failed(checkRows(*this, input, getResidual(), out,
                       /*isStatic=*/isPacked() || getScales())))
    return failure();
  // Its sums wait in `out` for others.
  if (ShapedType::isDynamic(input.getShape().back()) &&
      (!out.getElementType().isF32() || (getResidual() && getActivation())))
    return emitOpError()
           << "expected 'out' of f32, and no 'residual' beside an "
              "activation, with an input of dynamic width, got "
           << input;
  if (failed(checkProduct(*this,
                          {"weight", getWeight(), getScales(), "bias",
                           getBias(), getTransposed(), input.getShape().back(),
                           out.getShape().back()})))
    return failure();
  if (failed(
          checkFactors(*this, getInput(), "weight", getWeight(), getScales())))
    return failure();
  if (failed(checkSameElementTypeOrF32(*this, {{"input", getInput()},
                                               {"bias", getBias()},
                                               {"residual", getResidual()}})))
    return failure();
  if (out.getElementType().isF32())
    return success();
  return checkSameElementTypeOrBF16(*this,
                                    {{"input", getInput()}, {"out", getOut()}});
}

bool LinearOp::hasStaticWidths() {
  auto isStatic = [](Value value) {
    return !ShapedType::isDynamic(typeOf(value).getShape().back());
  };
  return isStatic(getInput()) && isStatic(getOut());
}

int64_t MlpOp::getHiddenWidth() {
  ShapedType weight = typeOf(getWeight());
  // Panels tell the width that goes in exactly, but not the one that comes out;
  // tiles tell neither.
  if (weight.getRank() < 5)
    return weight.getDimSize(getTransposed() ? 0 : 1);
  ShapedType hidden = typeOf(getHiddenWeight());
  if (hidden.getRank() == 2)
    return hidden.getDimSize(getHiddenTransposed() ? 1 : 0);
  if (weight.isDynamicDim(1) || weight.isDynamicDim(4))
    return kDynamic;
  return weight.getDimSize(1) * weight.getDimSize(4);
}

LogicalResult LogitsOp::verify() {
  if (getOuts().size() != 3)
    return emitOpError() << "expected three destinations, got "
                         << getOuts().size();
  ShapedType input = typeOf(getInput()), values = typeOf(getValues());
  if (failed(checkRank(*this, "input", input, 2)) ||
      failed(checkStaticWidth(*this, "input", input)) ||
      failed(checkRank(*this, "values", values, 3)) ||
      failed(checkStaticWidth(*this, "values", values)))
    return failure();
  int64_t columns = getColumns(), width = values.getDimSize(2);
  if (width == 0)
    return emitOpError() << "expected blocks of at least one column, got "
                         << values;
  int64_t blocks = llvm::divideCeil(columns, width);
  int64_t summaries = countSummaries(blocks);
  if (failed(checkShape(*this, "values", values,
                        {blocks, input.getDimSize(0), width})) ||
      failed(checkShape(*this, "maxima", typeOf(getMaxima()),
                        {summaries, input.getDimSize(0)})) ||
      failed(checkShape(*this, "sums", typeOf(getSums()),
                        {summaries, input.getDimSize(0)})) ||
      failed(checkProduct(*this, {"weight", getWeight(), getScales(), "bias",
                                  getBias(), /*isTransposed=*/false,
                                  input.getDimSize(1), columns})) ||
      failed(
          checkFactors(*this, getInput(), "weight", getWeight(), getScales())))
    return failure();
  return checkSameElementType(*this, {{"input", getInput()},
                                      {"bias", getBias()},
                                      {"values", getValues()},
                                      {"maxima", getMaxima()},
                                      {"sums", getSums()}});
}

LogicalResult MlpOp::verify() {
  ShapedType input = typeOf(getInput()), out = typeOf(getOut());
  ShapedType weight = typeOf(getWeight());
  if (failed(checkRows(*this, input, getResidual(), out, /*isStatic=*/true)) ||
      failed(checkWeightRank(*this, "weight", weight)))
    return failure();
  int64_t hidden = getHiddenWidth();
  if (ShapedType::isDynamic(hidden))
    return emitOpError() << "expected 'weight' with a static hidden width, got "
                         << weight;
  if (failed(checkProduct(*this, {"hidden_weight", getHiddenWeight(),
                                  /*scales=*/Value(), "hidden_bias",
                                  getHiddenBias(), getHiddenTransposed(),
                                  input.getShape().back(), hidden})) ||
      failed(checkProduct(*this, {"weight", getWeight(), /*scales=*/Value(),
                                  "bias", getBias(), getTransposed(), hidden,
                                  out.getShape().back()})))
    return failure();
  if (failed(checkFactors(*this, getInput(), "hidden_weight",
                          getHiddenWeight())) ||
      failed(checkFactors(*this, getInput(), "weight", getWeight())))
    return failure();
  return checkSameElementTypeOrF32(*this, {{"input", getInput()},
                                           {"hidden_bias", getHiddenBias()},
                                           {"bias", getBias()},
                                           {"residual", getResidual()},
                                           {"out", getOut()}});
}

/// Drops an optional operand that is a constant of zeros: it adds nothing.
static bool dropZeros(MutableOperandRange optional, PatternRewriter &rewriter) {
  DenseFPElementsAttr constant;
  if (optional.empty() ||
      !matchPattern(optional[0].get(), m_Constant(&constant)) ||
      !constant.isSplat() || !constant.getSplatValue<APFloat>().isZero())
    return false;
  rewriter.modifyOpInPlace(optional.getOwner(), [&] { optional.clear(); });
  return true;
}

LogicalResult LinearOp::canonicalize(LinearOp op, PatternRewriter &rewriter) {
  bool changed = dropZeros(op.getBiasMutable(), rewriter);
  changed |= dropZeros(op.getResidualMutable(), rewriter);
  return success(changed);
}

LogicalResult MlpOp::canonicalize(MlpOp op, PatternRewriter &rewriter) {
  bool changed = dropZeros(op.getHiddenBiasMutable(), rewriter);
  changed |= dropZeros(op.getBiasMutable(), rewriter);
  changed |= dropZeros(op.getResidualMutable(), rewriter);
  return success(changed);
}

/// Checks what an estimate of a product is made of.
static LogicalResult checkEstimate(GreatestOp op) {
  ValueRange estimate = op.getEstimate();
  size_t expected = op.getBias() ? 5 : 4;
  if (estimate.size() != expected)
    return op.emitOpError()
           << "expected an estimate of " << expected
           << " operands: matrix, scales, norms, errors"
           << (op.getBias() ? " and bias" : "") << ", got " << estimate.size();
  for (Value operand : estimate)
    if (!typeOf(operand).hasStaticShape())
      return op.emitOpError() << "expected an estimate of static sizes, got "
                              << operand.getType();
  ShapedType matrix = typeOf(estimate[0]);
  Type element = typeOf(op.getWeight()).getElementType();
  if (!matrix.getElementType().isInteger() ||
      !(element.isF32() || element.isBF16()))
    return op.emitOpError()
           << "expected an estimate of i8 for a weight of f32 or bf16, got "
           << matrix << " for " << op.getWeight().getType();
  constexpr StringRef names[] = {"norms", "errors", "estimate's bias"};
  ValueRange vectors = estimate.drop_front(2);
  for (auto [name, vector] : llvm::zip(names, vectors))
    if (!typeOf(vector).getElementType().isF32())
      return op.emitOpError()
             << "expected '" << name << "' of f32, got " << vector.getType();
  auto columns = static_cast<int64_t>(op.getColumns());
  if (failed(checkProduct(op, {"estimate", estimate[0], estimate[1], names[2],
                               op.getBias() ? vectors[2] : Value(),
                               /*isTransposed=*/false,
                               typeOf(op.getInput()).getDimSize(1), columns})))
    return failure();
  const int64_t bounds = llvm::divideCeil(columns, WeightOp::kBoundedRows);
  for (auto [name, vector] : llvm::zip(names, vectors.take_front(2)))
    if (failed(checkShape(op, name, typeOf(vector), {bounds})))
      return failure();
  return checkFactors(op, op.getInput(), "estimate", estimate[0], estimate[1]);
}

LogicalResult GreatestOp::verify() {
  ShapedType input = typeOf(getInput());
  if (failed(checkRank(*this, "input", input, 2)) ||
      failed(checkStaticWidth(*this, "input", input)) ||
      failed(
          checkShape(*this, "out", typeOf(getOut()), {input.getDimSize(0)})) ||
      failed(checkProduct(*this, {"weight", getWeight(), getScales(), "bias",
                                  getBias(), /*isTransposed=*/false,
                                  input.getDimSize(1),
                                  static_cast<int64_t>(getColumns())})) ||
      failed(
          checkFactors(*this, getInput(), "weight", getWeight(), getScales())))
    return failure();
  if (!getEstimate().empty() && failed(checkEstimate(*this)))
    return failure();
  return checkSameElementType(*this,
                              {{"input", getInput()}, {"bias", getBias()}});
}

LogicalResult LayerNormOp::verify() {
  ShapedType input = typeOf(getInput());
  if (failed(checkStaticWidth(*this, "input", input)))
    return failure();
  int64_t width = input.getShape().back();
  if (failed(checkShape(*this, "weight", typeOf(getWeight()), {width})) ||
      failed(checkShape(*this, "bias", typeOf(getBias()), {width})) ||
      failed(checkShape(*this, "out", typeOf(getOut()), input.getShape())))
    return failure();
  return checkSameElementType(*this, {{"input", getInput()},
                                      {"weight", getWeight()},
                                      {"bias", getBias()},
                                      {"out", getOut()}});
}
