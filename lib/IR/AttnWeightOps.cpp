// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of weights.

#include "attn/IR/AttnOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

void WeightsOp::build(OpBuilder &builder, OperationState &state,
                      StringRef name) {
  state.addAttribute(mlir::SymbolTable::getSymbolAttrName(),
                     builder.getStringAttr(name));
  state.addRegion()->emplaceBlock();
}

LogicalResult WeightsOp::verify() {
  for (Operation &op : *getBody().begin())
    if (!isa<WeightOp>(op))
      return op.emitOpError() << "expected only 'attn.weight' in a group";
  return success();
}

void WeightOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                     StringAttr visibility, ArrayAttr sources, bool sinusoidal,
                     RankedTensorType type) {
  build(builder, state, builder.getStringAttr(name), visibility, sources,
        sinusoidal ? builder.getUnitAttr() : UnitAttr(),
        /*measure=*/RowMeasureAttr(), /*transposed=*/UnitAttr(),
        /*panel=*/IntegerAttr(),
        /*group=*/IntegerAttr(), TypeAttr::get(type));
}

RankedTensorType WeightOp::getStoredType() {
  RankedTensorType type = getLogicalType();
  if (!getPanel())
    return type;
  int64_t panel = *getPanel();
  int64_t columns = type.getDimSize(getTransposed() ? 1 : 0);
  int64_t panels = llvm::divideCeil(columns, panel);
  if (type.getRank() == 1)
    return type.clone({panels * panel});
  int64_t depth = type.getDimSize(getTransposed() ? 0 : 1);
  if (!getGroup())
    return type.clone({panels, depth, panel});
  int64_t row = kTileRows * *getGroup();
  return type.clone({panels, static_cast<int64_t>(llvm::divideCeil(depth, row)),
                     panel / kTileRows, kTileRows, row});
}

LogicalResult WeightOp::verify() {
  RankedTensorType type = getLogicalType();
  if (!type.hasStaticShape())
    return emitOpError() << "expected a static shape, got " << type;
  if (getSinusoidal() == getSources().has_value())
    return emitOpError() << "expected either sources or 'sinusoidal'";
  if (getSources() && getSources()->empty())
    return emitOpError() << "expected at least one source";
  if (getSinusoidal() && (type.getRank() != 2 || type.getDimSize(1) % 2 != 0))
    return emitOpError() << "expected sinusoidal positions of shape [P, D], D "
                            "even, got "
                         << type;
  if (getMeasure() && (getSinusoidal() || type.getRank() != 1 ||
                       !type.getElementType().isF32()))
    return emitOpError() << "expected '" << stringifyRowMeasure(*getMeasure())
                         << "' of sources as a vector of f32, got " << type;
  if (getPanel() && getMeasure() && *getMeasure() != RowMeasure::Scales)
    return emitOpError() << "expected '" << stringifyRowMeasure(*getMeasure())
                         << "' without panels";
  if (type.getElementType().isInteger() &&
      (type.getRank() < 2 || getSinusoidal() || getTransposed()))
    return emitOpError() << "expected a matrix of sources, not transposed, for "
                            "integers, got "
                         << type;
  if (getPanel() && type.getRank() != 1 && type.getRank() != 2)
    return emitOpError() << "expected a matrix or a vector in panels, got "
                         << type;
  if (getTransposed() && (!getPanel() || type.getRank() != 2))
    return emitOpError() << "expected 'transposed' of a matrix in panels, got "
                         << type;
  if (!getGroup())
    return success();
  constexpr int64_t bits = 32;
  if (!getPanel() || type.getRank() != 2 || *getPanel() % kTileRows != 0)
    return emitOpError() << "expected groups of a matrix in panels of a "
                            "multiple of "
                         << kTileRows << " columns, got " << type;
  if (*getGroup() * type.getElementTypeBitWidth() != bits ||
      type.getElementTypeBitWidth() == bits)
    return emitOpError() << "expected groups of several numbers that have "
                         << bits << " bits, got " << *getGroup() << " of "
                         << type.getElementType();
  return success();
}

LogicalResult
GetWeightOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight =
      symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "expected the symbol of an 'attn.weight', got "
                         << getWeightAttr();
  auto expected = weight.getStoredType();
  auto type = cast<ShapedType>(getResult().getType());
  if (type.getShape() != expected.getShape() ||
      type.getElementType() != expected.getElementType())
    return emitOpError() << "expected the type of the weight, " << expected
                         << ", got " << type;
  return success();
}
