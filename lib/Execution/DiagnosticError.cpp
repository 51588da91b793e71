// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/DiagnosticError.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

using namespace attn;

static std::string oneLine(mlir::Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto place =
          diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
    out << place.getFilename().getValue() << ":" << place.getLine() << ":"
        << place.getColumn() << ": ";
  std::string full = diagnostic.str();
  out << llvm::StringRef(full).split('\n').first;
  return text;
}

DiagnosticError::DiagnosticError(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error &&
            message.empty())
          message = oneLine(diagnostic);
        return mlir::success();
      }) {}

llvm::Error DiagnosticError::take(llvm::StringRef otherwise) const {
  return llvm::createStringError(message.empty() ? otherwise.str() : message);
}
