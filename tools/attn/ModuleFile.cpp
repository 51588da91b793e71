// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModuleFile.h"

#include "attn/Execution/DiagnosticError.h"
#include "attn/IR/AttnDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Path.h"

using namespace llvm;

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
attn::parseModuleFile(StringRef path, mlir::MLIRContext &context) {
  attn::DiagnosticError errors(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(path, &context);
  if (!module)
    return errors.take((path + ": cannot parse the module").str());
  StringRef attribute = attn::AttnDialect::kWeightsFileAttr;
  if (auto file = (*module)->getAttrOfType<mlir::StringAttr>(attribute);
      file && sys::path::is_relative(file.getValue())) {
    SmallString<128> absolute = sys::path::parent_path(path);
    sys::path::append(absolute, file.getValue());
    (*module)->setAttr(attribute, mlir::StringAttr::get(&context, absolute));
  }
  return module;
}
