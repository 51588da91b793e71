// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled functions for programs without a compiler at run time: an object
// file with all its weights, and a C header.

#ifndef ATTN_EXECUTION_AHEADOFTIME_H
#define ATTN_EXECUTION_AHEADOFTIME_H

#include "attn/Execution/HostTarget.h"
#include "attn/Execution/Manifest.h"

#include "llvm/Support/MemoryBuffer.h"

#include "mlir/IR/BuiltinOps.h"

namespace attn {

struct AheadOfTimeCode {
  /// Needs an OpenMP runtime (libomp), libc and libm. Defines one symbol for
  /// each function, `attn_call_NAME`; several such objects can be linked into
  /// one program if these differ.
  std::unique_ptr<llvm::MemoryBuffer> object;
  std::string header;
};

/// Compiles all public functions of `module`, which is changed, for `target`,
/// which need not be the host. Weights are packed and become constants of the
/// object; `weightsFile` replaces the file that the module names. Errors: those
/// of compiling and of reading weights, a function whose name is none in C.
llvm::Expected<AheadOfTimeCode> compileAheadOfTime(mlir::ModuleOp module,
                                                   const CpuTarget &target,
                                                   llvm::StringRef weightsFile);

/// The same for a program of this project's: an object that defines
/// `attn_embedded_program` (EmbeddedProgram.h), with `files`, names and
/// contents, and nothing else.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
embedProgram(mlir::ModuleOp module, const CpuTarget &target,
             llvm::ArrayRef<std::pair<std::string, llvm::StringRef>> files);

} // namespace attn

#endif // ATTN_EXECUTION_AHEADOFTIME_H
