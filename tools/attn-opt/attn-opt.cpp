// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs passes over MLIR modules: every upstream pass and dialect, and ours.

#include "attn/Pipelines/Pipelines.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  mlir::registerAllPasses();
  attn::registerPassesAndPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv,
                        "attn-opt: runs passes over attention networks\n\n"
                        "example: attn-opt model.mlir --attn-fuse\n",
                        registry));
}
