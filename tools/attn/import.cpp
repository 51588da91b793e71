// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn import: a checkpoint or an ONNX model → MLIR text.

#include "../command-line/CommandLine.h"
#include "LineFile.h"
#include "Subcommand.h"
#include "attn/Import/ImportMarian.h"
#include "attn/Import/ImportOnnx.h"
#include "attn/Translation/CheckpointModel.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static Error runImport();

static attn::Subcommand
    command("import", "write a checkpoint's network as MLIR",
            "attn import: writes the network of a checkpoint as MLIR\n\n"
            "A folder is a checkpoint in the Hugging Face MarianMT layout, a\n"
            "file is an ONNX model.\n"
            "The weights stay in the checkpoint; the module names their file.\n"
            "\nexample: attn import models/tatoeba-en-fr -o model.mlir\n"
            "example: attn import model.onnx -o model.mlir\n",
            runImport);

static cl::opt<std::string> checkpoint(cl::Positional, cl::Required,
                                       cl::value_desc("DIR|FILE.onnx"),
                                       cl::desc("<checkpoint>"),
                                       cl::sub(command));
static cl::opt<std::string> output("o", cl::value_desc("FILE"),
                                   cl::desc("Where to write (default: -, "
                                            "standard output)"),
                                   cl::init("-"), cl::sub(command));

/// Prints the module, whose weights stay in a file, to `path`.
static Error write(mlir::ModuleOp module, StringRef path) {
  auto file = attn::OutputFile::open(path);
  if (!file)
    return file.takeError();
  // Arguments get the names of their locations: %ids rather than %arg0.
  module->print((*file)->stream(),
                mlir::OpPrintingFlags().printNameLocAsPrefix());
  (*file)->stream() << '\n';
  return (*file)->close();
}

static Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(mlir::MLIRContext &context) {
  Expected<std::unique_ptr<attn::OnnxFile>> file =
      attn::OnnxFile::open(checkpoint);
  if (!file)
    return file.takeError();
  if ((*file)->isMadeOf(output))
    return attn::makeCheckpointFileError(output);
  return attn::importOnnx(**file, context);
}

static Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importCheckpoint(mlir::MLIRContext &context) {
  if (attn::isOfCheckpoint(output, checkpoint))
    return attn::makeCheckpointFileError(output);
  return attn::importMarian(checkpoint, context);
}

static Error runImport() {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      sys::fs::is_regular_file(checkpoint) ? importModel(context)
                                           : importCheckpoint(context);
  if (!module)
    return module.takeError();
  return write(**module, output);
}
