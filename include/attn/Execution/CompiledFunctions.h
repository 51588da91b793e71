// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_COMPILEDFUNCTIONS_H
#define ATTN_EXECUTION_COMPILEDFUNCTIONS_H

#include "attn/Execution/Manifest.h"
#include "attn/Execution/Tensor.h"

#include "llvm/ADT/DenseSet.h"

namespace attn {

/// Machine code that is in memory, with its weights, however it came there: the
/// functions of a manifest, to be called with tensors.
class CompiledFunctions {
public:
  /// A function of compiled code, given pointers to the descriptors of its
  /// results and its arguments.
  using EntryPoint = void (*)(void **slots);

  CompiledFunctions() = default;
  /// `entryPoints` are those of the functions of `manifest`, in their order,
  /// and `weights` what code reads, which all live longer than this object.
  CompiledFunctions(Manifest manifest, llvm::ArrayRef<EntryPoint> entryPoints,
                    llvm::ArrayRef<void *> weights);

  llvm::ArrayRef<FunctionSignature> signatures() const {
    return manifest.functions;
  }

  /// The signature of a function, or null.
  const FunctionSignature *lookup(llvm::StringRef name) const {
    return manifest.lookup(name);
  }

  /// Calls a function on so many threads of its own; 0 means as many as OpenMP
  /// has for the calling thread. Arguments are checked against the signature:
  /// types, static sizes, and dynamic ones that have to be equal. Arguments
  /// with the role "cache" are updated in place; all others are only read. A
  /// result either owns its memory or shares that of the argument it is. May be
  /// called from several threads at once.
  llvm::Expected<llvm::SmallVector<Tensor>>
  call(llvm::StringRef function, llvm::ArrayRef<Tensor> arguments,
       int threads) const;

private:
  bool isConstant(int64_t allocation) const;
  llvm::Expected<Tensor> takeResult(const TensorSignature &signature,
                                    int64_t *words,
                                    std::shared_ptr<void> owner) const;

  Manifest manifest;
  llvm::SmallVector<EntryPoint> entryPoints;
  llvm::DenseSet<void *> weights;
};

} // namespace attn

#endif // ATTN_EXECUTION_COMPILEDFUNCTIONS_H
