// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the tensors of a mapped weights file into what the manifest asks for:
// converted, concatenated, packed in panels; on all threads, giving pages of
// the file back as soon as they have been read. A large tensor that is wanted
// just as it is in the file stays there.

#ifndef ATTN_EXECUTION_WEIGHTSSTORE_H
#define ATTN_EXECUTION_WEIGHTSSTORE_H

#include "attn/Execution/Manifest.h"
#include "attn/Execution/ModuleConstants.h"
#include "attn/Weights/WeightsFile.h"

#include "llvm/Support/Memory.h"

#include <memory>

namespace attn {

struct WeightJob;

class WeightsStore {
public:
  ~WeightsStore();

  /// Makes all `recipes` from `constants`, which are not needed afterwards, and
  /// from the file at `path`, which is opened only if a recipe has sources that
  /// are not among them. `threads` of 0 means one for each core. Errors name
  /// the file and the tensor that is missing or has another shape or type.
  static llvm::Expected<std::unique_ptr<WeightsStore>>
  create(llvm::StringRef path, llvm::ArrayRef<WeightRecipe> recipes,
         unsigned threads, const ModuleConstants &constants = {});

  /// One pointer for each recipe, in their order: dense row-major elements
  /// that live as long as the store. At a multiple of 64 bytes, but for those
  /// that lie in the mapped file.
  llvm::ArrayRef<void *> pointers() const { return table; }

  /// Gives back the pages of tensors that stay in the file: they are read again
  /// when they are needed. A call that runs at the same time is not disturbed.
  void releaseFilePages() const;

  /// Bytes of memory that the store allocated (not those of the file).
  size_t packedBytes() const { return arena.allocatedSize(); }

private:
  WeightsStore();

  llvm::Error allocate(size_t bytes);
  bool staysInFile(const WeightJob &job) const;
  /// Decides where each weight is to be: the table, and the output of jobs that
  /// have something to make.
  llvm::Error place(llvm::MutableArrayRef<WeightJob> jobs);

  std::unique_ptr<WeightsFile> file;
  /// Tensors that stay in the file.
  std::vector<Weight> inFile;
  llvm::sys::OwningMemoryBlock arena;
  std::vector<void *> table;
};

} // namespace attn

#endif // ATTN_EXECUTION_WEIGHTSSTORE_H
