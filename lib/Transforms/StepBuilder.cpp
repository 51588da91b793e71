// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepBuilder.h"
#include "Sizes.h"
#include "StoredKeys.h"
#include "attn/IR/AttnDialect.h"

using namespace mlir;
using namespace attn;

StringRef attn::nameOf(StepRole role) {
  static constexpr StringLiteral names[] = {
      "ids",   "positions", "cache_rows", "memory_rows", "memory_lengths",
      "cross", "cache"};
  return names[static_cast<size_t>(role)];
}

StepBuilder::StepBuilder(Block &decoderBody, DecoderArguments decoder,
                         Block &body, FloatType stored)
    : OpBuilder(OpBuilder::atBlockEnd(&body)), decoder(decoder), body(body),
      stored(stored), origins(decoderBody, decoder.ids) {
  Type idsType = decoder.ids.getType();
  mapping.map(decoder.ids, addArgument(idsType, StepRole::Ids));
  auto rowsType = RankedTensorType::get({ShapedType::kDynamic}, getI32Type());
  positions = addArgument(rowsType, StepRole::Positions);
  cacheRows = addArgument(idsType, StepRole::CacheRows);
}

Value StepBuilder::addArgument(Type type, StepRole role) {
  unsigned index = llvm::upper_bound(roles, role) - roles.begin();
  roles.insert(roles.begin() + index, role);
  return body.insertArgument(index, type, decoder.ids.getLoc());
}

//===----------------------------------------------------------------------===//
// Values of the decoder
//===----------------------------------------------------------------------===//

FailureOr<Value> StepBuilder::getToken(Operation *op, StringRef name,
                                       Value value) {
  if (!value)
    return Value();
  if (Value mapped = mapping.lookupOrNull(value);
      mapped && origins.of(value) == Origin::Token)
    return mapped;
  return op->emitOpError() << "expected '" << name
                           << "' to depend on the token ids, position by "
                              "position";
}

FailureOr<Value> StepBuilder::getConstant(Operation *op, StringRef name,
                                          Value value) {
  if (!value)
    return Value();
  if (origins.of(value) != Origin::Constant)
    return op->emitOpError()
           << "expected '" << name << "' that depends on no argument";
  return cloneConstant(value);
}

Value StepBuilder::cloneConstant(Value value) {
  if (Value mapped = mapping.lookupOrNull(value))
    return mapped;
  Operation *definition = value.getDefiningOp();
  forEachUsedValue(*definition, [&](Value operand) { cloneConstant(operand); });
  clone(*definition, mapping);
  return mapping.lookup(value);
}

Value StepBuilder::getPrepared(Value value) {
  if (Value mapped = mapping.lookupOrNull(value))
    return mapped;
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  Value mapped;
  if (slice && isWidthSlice(slice)) {
    mapped = cloneSlice(slice, getPrepared(slice.getSource()));
  } else {
    crosses.push_back(value);
    mapped = addArgument(getStoredType(value, stored), StepRole::Cross);
  }
  mapping.map(value, mapped);
  return mapped;
}

void StepBuilder::map(Operation *op, ValueRange values) {
  mapping.map(op->getResults(), values);
}

Operation *StepBuilder::cloneMapped(Operation &op) {
  return clone(op, mapping);
}

//===----------------------------------------------------------------------===//
// Values of the step
//===----------------------------------------------------------------------===//

Value StepBuilder::getMemoryRows() {
  if (memoryRows)
    return memoryRows;
  memoryRows = addArgument(positions.getType(), StepRole::MemoryRows);
  if (decoder.memoryLengths)
    memoryLengths =
        addArgument(decoder.memoryLengths.getType(), StepRole::MemoryLengths);
  return memoryRows;
}

FailureOr<Value> StepBuilder::getMemoryLengths(Operation *op, Value lengths) {
  if (!lengths)
    return Value();
  if (lengths != decoder.memoryLengths)
    return op->emitOpError()
           << "expected 'lengths' to be the argument with '"
           << AttnDialect::kRoleAttr << "' = \"memory_lengths\"";
  getMemoryRows();
  return memoryLengths;
}

Value StepBuilder::addCache(Value value) {
  RankedTensorType type = getStoredType(value, stored);
  return addArgument(MemRefType::get({ShapedType::kDynamic,
                                      ShapedType::kDynamic, type.getDimSize(2)},
                                     type.getElementType()),
                     StepRole::Cache);
}

Value StepBuilder::cloneSlice(tensor::ExtractSliceOp slice, Value source) {
  SmallVector<OpFoldResult> sizes = getSizes(*this, slice.getLoc(), source);
  sizes.back() = slice.getMixedSizes().back();
  return tensor::ExtractSliceOp::create(*this, slice.getLoc(), source,
                                        slice.getMixedOffsets(), sizes,
                                        slice.getMixedStrides());
}

Value StepBuilder::createOut(Location loc, Value like, Value out) {
  auto type = cast<RankedTensorType>(out.getType());
  SmallVector<OpFoldResult> sizes = getSizes(*this, loc, like);
  sizes.resize(type.getRank());
  sizes.back() = getIndexAttr(type.getShape().back());
  return createEmpty(*this, loc, sizes, type.getElementType());
}
