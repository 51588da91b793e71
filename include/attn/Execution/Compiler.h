// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three steps, each usable alone:
//   lowerToLLVMDialect   attn, linalg, tensor, … → LLVM dialect (Pipelines)
//   translateToLLVM      LLVM dialect → LLVM IR, entry points, optimised
//   emitObject           LLVM IR → object file in memory
//
// What they take is measured in timers that are nested in a given one, of
// passes of MLIR each by itself.

#ifndef ATTN_EXECUTION_COMPILER_H
#define ATTN_EXECUTION_COMPILER_H

#include "attn/Execution/HostTarget.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/Timing.h"

namespace attn {

/// Sets `attn.target` and runs the lowering pipeline on `module`, in place,
/// which leaves nested modules: its parts. The error is the first diagnostic,
/// in one line. A module that is in the LLVM dialect already passes unchanged.
llvm::Error lowerToLLVMDialect(mlir::ModuleOp module, const CpuTarget &target,
                               mlir::Timer timer = {});

/// Translates `module` (LLVM dialect, with `attn_manifest`) to LLVM IR, part by
/// part, adds `attn_call_NAME(void **slots)` for every function of the
/// manifest, hides all other symbols but `attn_manifest` and `attn_weights`,
/// optimises, and links the parts to one module.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                llvm::TargetMachine &machine, mlir::Timer timer = {});

/// Generates code; `module` is of no use afterwards.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
emitObject(llvm::Module &module, llvm::TargetMachine &machine);

/// The same as assembly text.
llvm::Expected<std::string> emitAssembly(llvm::Module &module,
                                         llvm::TargetMachine &machine);

/// All three steps by up to `threads` threads: an archive with an object file
/// for each part, of the same code whatever the number of threads. `module` is
/// of no use afterwards.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
compileToArchive(mlir::ModuleOp module, const CpuTarget &target,
                 unsigned threads, mlir::Timer timer = {});

} // namespace attn

#endif // ATTN_EXECUTION_COMPILER_H
