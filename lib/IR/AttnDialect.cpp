// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, and its attributes.

#include "attn/IR/AttnDialect.h"
#include "CoreInterfaces.h"
#include "attn/IR/AttnOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

#include "attn/IR/AttnDialect.cpp.inc"
#include "attn/IR/AttnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "attn/IR/AttnAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "attn/IR/AttnOps.cpp.inc"

void AttnDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "attn/IR/AttnOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attn/IR/AttnAttributes.cpp.inc"
      >();
}

/// Checks the attributes that may stand on operations of other dialects.
/// Whether `attribute` names tensors whose numbers can be weights.
static bool isOfConstants(Attribute attribute) {
  auto named = dyn_cast<DictionaryAttr>(attribute);
  return named && llvm::all_of(named, [](NamedAttribute entry) {
           auto elements = dyn_cast<ElementsAttr>(entry.getValue());
           if (!elements ||
               !isa<DenseElementsAttr, DenseResourceElementsAttr>(elements))
             return false;
           Type type = elements.getElementType();
           return type.isF32() || type.isF16() || type.isBF16();
         });
}

LogicalResult AttnDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  auto require = [&](bool holds, StringRef expected) -> LogicalResult {
    if (holds)
      return success();
    return op->emitError() << "expected " << expected << " for '"
                           << attribute.getName().getValue() << "', got "
                           << attribute.getValue();
  };
  StringRef name = attribute.getName();
  if (name == kWeightsFileAttr)
    return require(isa<StringAttr>(attribute.getValue()), "a path");
  if (name == kConstantsAttr)
    return require(isOfConstants(attribute.getValue()),
                   "a tensor of f32, f16 or bf16 for each name");
  if (name == kTargetAttr)
    return require(isa<TargetAttr>(attribute.getValue()), "an #attn.target");
  return op->emitError() << "unknown attribute '" << name << "'";
}

bool AttnDialect::isCache(FunctionOpInterface function,
                          BlockArgument argument) {
  auto role =
      function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kRoleAttr);
  return role && role.getValue() == "cache";
}

/// Checks the attributes that may stand on arguments of functions.
LogicalResult AttnDialect::verifyRegionArgAttribute(Operation *op,
                                                    unsigned regionIndex,
                                                    unsigned argIndex,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == kSizesAttr) {
    auto type = dyn_cast<ShapedType>(
        op->getRegion(regionIndex).getArgument(argIndex).getType());
    auto names = dyn_cast<ArrayAttr>(attribute.getValue());
    if (type && type.hasRank() && names &&
        llvm::all_of(names, llvm::IsaPred<StringAttr>) &&
        static_cast<int64_t>(names.size()) == type.getRank())
      return success();
    return op->emitError() << "expected a string for each dimension in '"
                           << name << "' of argument " << argIndex << ", got "
                           << attribute.getValue();
  }
  if (name != kRoleAttr)
    return op->emitError() << "unknown attribute '" << name << "' of argument "
                           << argIndex;
  if (!isa<StringAttr>(attribute.getValue()))
    return op->emitError() << "expected a string for '" << name
                           << "' of argument " << argIndex << ", got "
                           << attribute.getValue();
  return success();
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef, StringRef, int64_t l1, int64_t l2) {
  if (l1 <= 0 || l2 < l1)
    return emitError() << "expected cache sizes 0 < l1 ≤ l2, got l1 = " << l1
                       << " and l2 = " << l2;
  return success();
}

bool TargetAttr::hasFeature(StringRef feature) const {
  bool on = false;
  for (StringRef item : llvm::split(getFeatures(), ','))
    if (item.drop_front(item.empty() ? 0 : 1) == feature)
      on = item.front() == '+';
  return on;
}

int64_t TargetAttr::getVectorLanes() const {
  if (hasFeature("avx512f"))
    return 16;
  return hasFeature("avx2") ? 8 : 4;
}
