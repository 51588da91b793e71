// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ShapeChecks.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

bool attn::areCompatible(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

LogicalResult attn::checkShape(Operation *op, StringRef name, ShapedType type,
                               ExpectedShape expected) {
  if (type.getRank() == static_cast<int64_t>(expected.size()) &&
      llvm::all_of(llvm::zip(type.getShape(), expected), [](auto pair) {
        return areCompatible(std::get<0>(pair), std::get<1>(pair));
      }))
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError()
                                  << "expected '" << name << "' of shape [";
  llvm::interleaveComma(expected, diagnostic, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      diagnostic << "?";
    else
      diagnostic << size;
  });
  return diagnostic << "], got " << type;
}

LogicalResult attn::checkRank(Operation *op, StringRef name, ShapedType type,
                              int64_t rank) {
  if (type.getRank() == rank)
    return success();
  return op->emitOpError() << "expected '" << name << "' of rank " << rank
                           << ", got " << type;
}

LogicalResult attn::checkStaticWidth(Operation *op, StringRef name,
                                     ShapedType type) {
  if (type.getRank() > 0 && !type.isDynamicDim(type.getRank() - 1))
    return success();
  return op->emitOpError() << "expected '" << name << "' of static width, got "
                           << type;
}

LogicalResult
attn::checkSameElementType(Operation *op,
                           ArrayRef<std::pair<StringRef, Value>> values) {
  Type expected = getElementTypeOrSelf(values.front().second.getType());
  for (auto [name, value] : values.drop_front()) {
    if (!value || getElementTypeOrSelf(value.getType()) == expected)
      continue;
    return op->emitOpError()
           << "expected '" << name << "' of the element type of '"
           << values.front().first << "', " << expected << ", got "
           << value.getType();
  }
  return success();
}

LogicalResult
attn::checkSameElementTypeOrF32(Operation *op,
                                ArrayRef<std::pair<StringRef, Value>> values) {
  auto first = values.front();
  for (auto value : values.drop_front())
    if (value.second && !getElementTypeOrSelf(value.second.getType()).isF32() &&
        failed(checkSameElementType(op, {first, value})))
      return failure();
  return success();
}

LogicalResult
attn::checkSameElementTypeOrBF16(Operation *op,
                                 ArrayRef<std::pair<StringRef, Value>> values) {
  auto first = values.front();
  bool isF32 = getElementTypeOrSelf(first.second.getType()).isF32();
  for (auto value : values.drop_front())
    if (!(isF32 && getElementTypeOrSelf(value.second.getType()).isBF16()) &&
        failed(checkSameElementType(op, {first, value})))
      return failure();
  return success();
}
