// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_MODULEFILE_H
#define ATTN_TOOLS_ATTN_MODULEFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// Parses a file; weights that it names relatively are beside it.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
parseModuleFile(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_MODULEFILE_H
