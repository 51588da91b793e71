// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of weights in the table of pointers that a loader fills.

#ifndef ATTN_LIB_CONVERSION_WEIGHTTABLE_H
#define ATTN_LIB_CONVERSION_WEIGHTTABLE_H

#include "attn/IR/AttnOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// Name of the global: an array of pointers, one for each weight.
constexpr llvm::StringLiteral kWeightTable = "attn_weights";

/// Calls `visit` with each weight of the module, its symbol and its place in
/// the table. The manifest and the code that reads the table both use this
/// order.
inline void forEachWeight(
    mlir::ModuleOp module,
    llvm::function_ref<void(mlir::SymbolRefAttr, WeightOp, int64_t)> visit) {
  int64_t place = 0;
  for (auto group : module.getOps<WeightsOp>())
    for (auto weight : group.getBody().getOps<WeightOp>())
      visit(mlir::SymbolRefAttr::get(
                group.getSymNameAttr(),
                mlir::FlatSymbolRefAttr::get(weight.getSymNameAttr())),
            weight, place++);
}

} // namespace attn

#endif // ATTN_LIB_CONVERSION_WEIGHTTABLE_H
