// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that leave the attn dialect; docs/Passes.md says what each does.

#ifndef ATTN_CONVERSION_PASSES_H
#define ATTN_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class DialectRegistry;
class ModuleOp;
} // namespace mlir

namespace attn {

#define GEN_PASS_DECL
#include "attn/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "attn/Conversion/Passes.h.inc"

/// Lets one-shot bufferization handle the operations of the dialect.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace attn

#endif // ATTN_CONVERSION_PASSES_H
