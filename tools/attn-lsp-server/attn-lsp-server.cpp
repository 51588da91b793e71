// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Language server for .mlir files: diagnostics, hover, definitions, code
// completion of every upstream dialect and ours. Editors start it by name.

#include "../command-line/CommandLine.h"
#include "attn/Pipelines/Pipelines.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  attn::explainFatalErrors();
  // The server of MLIR knows neither: it would wait for a client.
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef argument = argv[i];
    if (argument == "--version" || argument == "-version") {
      llvm::outs() << "attn-lsp-server " ATTN_VERSION "\n";
      return 0;
    }
    if (argument == "--help" || argument == "-help" || argument == "-h")
      llvm::outs() << "OVERVIEW: language server for MLIR with the attn "
                      "dialect, on standard input and output\n\n"
                      "EXAMPLE: in VS Code's MLIR extension, set "
                      "mlir.server_path to build/bin/attn-lsp-server\n\n";
  }
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
