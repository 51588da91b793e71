// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ModuleFile.h"

#include "attn/Execution/DiagnosticError.h"
#include "attn/IR/AttnDialect.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/ReadFile.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;

static Expected<std::unique_ptr<MemoryBuffer>> readStandardInput() {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getSTDIN();
  if (std::error_code code = buffer.getError())
    return createStringError(code, "standard input: cannot read the module: " +
                                       attn::reasonOf(code));
  return std::move(*buffer);
}

Expected<mlir::OwningOpRef<mlir::ModuleOp>>
attn::parseModuleFile(StringRef path, mlir::MLIRContext &context) {
  if (sys::fs::is_directory(path))
    return createStringError(path +
                             ": expected an MLIR file, got a folder; hint: "
                             "attn import makes a module of a checkpoint");
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      path == "-" ? readStandardInput() : readFile(path);
  if (!buffer)
    return buffer.takeError();
  auto source = std::make_shared<SourceMgr>();
  source->AddNewSourceBuffer(std::move(*buffer), SMLoc());
  attn::DiagnosticError errors(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(source, &context);
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
