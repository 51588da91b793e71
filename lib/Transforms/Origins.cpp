// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Origins.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace attn;

void attn::forEachUsedValue(Operation &op,
                            llvm::function_ref<void(Value)> use) {
  for (Value operand : op.getOperands())
    use(operand);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op.getRegions(), captured);
  for (Value value : captured)
    use(value);
}

Origins::Origins(Block &block, Value ids) {
  for (Value argument : block.getArguments())
    origins[argument] = argument == ids ? Origin::Token : Origin::Prepared;
  for (Operation &op : block) {
    Origin origin = of(op);
    for (Value result : op.getResults())
      origins[result] = origin;
  }
}

Origin Origins::of(Operation &op) const {
  Origin origin = Origin::Constant;
  forEachUsedValue(op,
                   [&](Value value) { origin = std::max(origin, of(value)); });
  return origin;
}

SmallVector<Operation *>
attn::collectDefinitions(Block &block, llvm::DenseSet<Value> &values) {
  SmallVector<Operation *> operations;
  for (Operation &op : llvm::reverse(block)) {
    if (llvm::none_of(op.getResults(),
                      [&](Value value) { return values.contains(value); }))
      continue;
    operations.push_back(&op);
    forEachUsedValue(op, [&](Value value) { values.insert(value); });
  }
  std::reverse(operations.begin(), operations.end());
  return operations;
}

bool attn::isWidthSlice(tensor::ExtractSliceOp slice) {
  auto source = slice.getSourceType();
  if (slice.getDroppedDims().any() || !slice.hasUnitStride())
    return false;
  int64_t last = source.getRank() - 1;
  auto offsets = slice.getStaticOffsets(), sizes = slice.getStaticSizes();
  if (ShapedType::isDynamic(offsets[last]) ||
      ShapedType::isDynamic(sizes[last]))
    return false;
  for (int64_t dim = 0; dim < last; ++dim) {
    if (offsets[dim] != 0)
      return false;
    FailureOr<bool> isWhole = ValueBoundsConstraintSet::areEqual(
        slice.getMixedSizes()[dim], {slice.getSource(), dim});
    if (failed(isWhole) || !*isWhole)
      return false;
  }
  return true;
}
