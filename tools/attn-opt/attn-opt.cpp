// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs passes over MLIR modules: every upstream pass and dialect, and ours.

#include "../command-line/CommandLine.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Weights/Messages.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Errc.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <string>
#include <system_error>

using namespace llvm;

static cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"),
                                  cl::init("-"));
static cl::opt<std::string> output("o", cl::desc("Output filename"),
                                   cl::value_desc("filename"), cl::init("-"));

static void printVersion(raw_ostream &os) {
  os << "attn-opt " ATTN_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
}

/// What MlirOptMain would say without "error: ". It is not opened: a pipe may
/// be so once.
static std::error_code findInput() {
  if (input == "-")
    return {};
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(input, status))
    return code;
  return sys::fs::is_directory(status) ? make_error_code(errc::is_a_directory)
                                       : std::error_code();
}

int main(int argc, char **argv) {
  attn::explainFatalErrors();
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  mlir::registerAllPasses();
  attn::registerPassesAndPipelines();
  const std::string overview = mlir::registerCLIOptions(
      "attn-opt: runs passes over attention networks\n\n"
      "example: attn-opt model.mlir --attn-fuse\n",
      registry);
  cl::SetVersionPrinter(printVersion);
  if (!attn::parseCommandLine(argc, argv, overview, "attn-opt"))
    return EXIT_FAILURE;
  if (std::error_code code = findInput())
    return attn::fail(input +
                      ": cannot read the file: " + attn::reasonOf(code));
  // It would be emptied while it is read.
  if (sys::fs::is_regular_file(output) && sys::fs::equivalent(input, output))
    return attn::fail(output + ": expected a file other than that which is "
                               "read");
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, input, output, registry));
}
