// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights that a module brings along.

#ifndef ATTN_EXECUTION_MODULECONSTANTS_H
#define ATTN_EXECUTION_MODULECONSTANTS_H

#include "attn/Weights/WeightsFile.h"

#include "llvm/ADT/StringMap.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace attn {

/// The tensors of `attn.constants`, by name, in memory of its own: it needs
/// neither the module nor its context any more.
class ModuleConstants final : public WeightsFile {
public:
  /// Makes weights of the constants of `module` (the pipeline
  /// `attn-import-weights`), and takes their numbers out of it: what is left
  /// does not depend on them. Errors: those of the pipeline, and a constant
  /// that has no numbers, as after printing with its resources left out.
  static llvm::Expected<std::unique_ptr<ModuleConstants>>
  take(mlir::ModuleOp module);

  bool contains(llvm::StringRef name) const { return tensors.contains(name); }

  llvm::StringRef path() const override { return "attn.constants"; }
  llvm::Expected<Weight> find(llvm::StringRef name) const override;
  /// Nothing can be read again.
  void release(const Weight &) const override {}

private:
  struct Tensor {
    WeightType type;
    std::vector<int64_t> shape;
    std::vector<uint8_t> bytes;
  };
  llvm::StringMap<Tensor> tensors;
};

} // namespace attn

#endif // ATTN_EXECUTION_MODULECONSTANTS_H
