// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_DIAGNOSTICERROR_H
#define ATTN_EXECUTION_DIAGNOSTICERROR_H

#include "llvm/Support/Error.h"

#include "mlir/IR/Diagnostics.h"

#include <string>

namespace attn {

/// Turns diagnostics into an llvm::Error: keeps the first error that is
/// reported while it lives, in one line, and swallows everything else.
class DiagnosticError {
public:
  explicit DiagnosticError(mlir::MLIRContext *context);

  /// "file:line:column: message", or `otherwise` if no error was reported.
  llvm::Error take(llvm::StringRef otherwise) const;

private:
  std::string message;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace attn

#endif // ATTN_EXECUTION_DIAGNOSTICERROR_H
