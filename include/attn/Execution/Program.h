// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_PROGRAM_H
#define ATTN_EXECUTION_PROGRAM_H

#include "attn/Execution/CompiledCode.h"
#include "attn/Execution/HostTarget.h"
#include "attn/Execution/Manifest.h"
#include "attn/Execution/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace attn {

/// Where the time of loading a program went.
struct LoadStatistics {
  /// Seconds from MLIR to linked code, or to take the code from the cache.
  double compileSeconds = 0;
  /// Seconds to map and pack the weights.
  double weightsSeconds = 0;
  /// Whether the code came from the cache, so that nothing was compiled.
  bool fromCache = false;
  /// Bytes that packed weights take.
  size_t weightBytes = 0;
  /// Threads that calls use.
  int threads = 0;
  CpuTarget target;
};

/// A set of compiled functions together with their weights.
class Program {
public:
  ~Program();

  /// Compiles the functions of `module` (or takes them from the disk cache),
  /// maps and packs its weights. The module stays as it is.
  static llvm::Expected<std::unique_ptr<Program>>
  load(mlir::ModuleOp module, const CompileOptions &options);

  /// The last part of `load`: links the code and gives it its weights.
  /// `threads` and `timer` as in CompileOptions.
  static llvm::Expected<std::unique_ptr<Program>>
  load(CompiledCode code, int threads, mlir::Timer timer = {});

  /// The functions that can be called.
  llvm::ArrayRef<FunctionSignature> functions() const;

  /// The signature of a function, or null.
  const FunctionSignature *lookup(llvm::StringRef name) const;

  /// Calls a function. Arguments are checked against the signature: types,
  /// static sizes, and dynamic ones that have to be equal. Arguments with the
  /// role "cache" are updated in place; all others are only read. A result
  /// either owns its memory or shares that of the argument it is. May be called
  /// from several threads at once, each of which runs it on `threads` of its
  /// own; 0 means as many as were asked for when it was loaded.
  llvm::Expected<llvm::SmallVector<Tensor>>
  call(llvm::StringRef function, llvm::ArrayRef<Tensor> arguments,
       int threads = 0) const;

  /// Gives back the memory of weights that are read straight from their file,
  /// as embeddings are, row by row: what was read so far otherwise stays. Worth
  /// a call now and then in a long run; may be called at any time.
  void releaseFilePages() const;

  const LoadStatistics &statistics() const;

private:
  struct State;
  explicit Program(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace attn

#endif // ATTN_EXECUTION_PROGRAM_H
