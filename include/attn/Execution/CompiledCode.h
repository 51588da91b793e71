// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_COMPILEDCODE_H
#define ATTN_EXECUTION_COMPILEDCODE_H

#include "attn/Execution/HostTarget.h"
#include "attn/Execution/ModuleConstants.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/Timing.h"

#include <functional>
#include <memory>
#include <string>

namespace attn {

struct CompileOptions {
  /// "native" or an LLVM CPU name that the host can run.
  std::string cpu = "native";
  /// Threads for compiling, for packing weights and for calls; 0: as OpenMP
  /// decides (one for each core, or OMP_NUM_THREADS).
  int threads = 0;
  bool useCache = true;
  /// Empty: ObjectCache::defaultDirectory().
  std::string cacheDir;
  /// Empty: the module's `attn.weights_file`.
  std::string weightsFile;
  /// Gets one-line warnings, such as a cache folder that cannot be written;
  /// by default they go to standard error.
  std::function<void(llvm::StringRef)> warn;
  /// What is measured is nested in it, pass by pass; nothing is if there is
  /// none.
  mlir::Timer timer;
};

/// What is done to a module before it is lowered, unless the cache has the
/// code.
struct Preparation {
  /// Tells one preparation from another. What comes out must follow from the
  /// name, the module and the build of the program, for these are the key.
  llvm::StringRef name = "";
  llvm::function_ref<llvm::Error(mlir::ModuleOp)> run = nullptr;
};

/// The threads that `CompileOptions::threads` stands for.
int countThreads(int threads);

/// The path `given`, or, if it is empty, the one that `module` names, which may
/// be empty too. The module's attribute is removed: where weights are has no
/// influence on code.
std::string takeWeightsFile(mlir::ModuleOp module, llvm::StringRef given);

/// Code in memory, compiled or taken from the disk cache. It needs no MLIR any
/// more: the module and its context can go before it is loaded.
struct CompiledCode {
  /// Of object files.
  std::unique_ptr<llvm::MemoryBuffer> archive;
  CpuTarget target;
  /// Empty if the module names none and none is given.
  std::string weightsFile;
  /// The weights that are not in the file.
  std::unique_ptr<ModuleConstants> constants;
  /// Whether it came from the cache, so that no pass was run.
  bool fromCache = false;
  /// Seconds that it took.
  double seconds = 0;

  /// The code of `original`, which stays as it is. Errors: a CPU that is
  /// unknown or that the host does not have, and those of the preparation and
  /// of compiling.
  static llvm::Expected<CompiledCode> get(mlir::ModuleOp original,
                                          const CompileOptions &options,
                                          Preparation preparation = {});
};

} // namespace attn

#endif // ATTN_EXECUTION_COMPILEDCODE_H
