// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StoredKeys.h"
#include "Sizes.h"
#include "attn/IR/AttnOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

RankedTensorType attn::getStoredType(Value value, FloatType stored) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getElementType().isF32() ? type.clone(stored) : type;
}

Value attn::createStored(OpBuilder &builder, Value value, FloatType stored) {
  RankedTensorType type = getStoredType(value, stored);
  if (type == value.getType())
    return value;
  auto linear = value.getDefiningOp<LinearOp>();
  if (!linear || !linear->use_empty() || !linear.hasStaticWidths())
    return arith::TruncFOp::create(builder, value.getLoc(), type, value);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(linear);
  Location loc = linear.getLoc();
  SmallVector<OpFoldResult> sizes = getSizes(builder, loc, linear.getOut());
  linear.getOutMutable().assign(createEmpty(builder, loc, sizes, stored));
  value.setType(type);
  return value;
}
