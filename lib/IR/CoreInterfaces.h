// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all cores say of themselves (Attn_CoreOp).

#ifndef ATTN_LIB_IR_COREINTERFACES_H
#define ATTN_LIB_IR_COREINTERFACES_H

#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace attn {

using Effects = llvm::SmallVectorImpl<
    mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>>;

/// A result of a core has the shape of its destination.
mlir::LogicalResult
reifyFromDestinations(mlir::DestinationStyleOpInterface op,
                      mlir::OpBuilder &builder,
                      mlir::ReifiedRankedShapedTypeDims &shapes);

/// On memrefs a core reads its inputs and writes its destinations.
void addCoreEffects(mlir::DestinationStyleOpInterface op, Effects &effects);

} // namespace attn

#endif // ATTN_LIB_IR_COREINTERFACES_H
