// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_COMPILEDDECODER_H
#define ATTN_GENERATION_COMPILEDDECODER_H

#include "attn/Execution/Manifest.h"
#include "attn/Execution/Tensor.h"
#include "attn/Generation/CacheRows.h"
#include "attn/Generation/DecoderModel.h"
#include <functional>
#include <memory>

namespace attn {

class Program;

/// The functions of a compiled model. A search needs no more of a Program.
struct DecoderFunctions {
  std::function<const FunctionSignature *(llvm::StringRef name)> lookup;
  std::function<llvm::Expected<llvm::SmallVector<Tensor>>(
      llvm::StringRef name, llvm::ArrayRef<Tensor> arguments)>
      call;
  /// Called before each batch, if set: a good time to give memory back.
  std::function<void()> release;
};

/// Limits that signatures do not tell.
struct DecoderLimits {
  int64_t sourceVocabulary = 0;
  int64_t sourcePositions = 0;
  int64_t targetPositions = 0;
};

/// The compiled functions `encode`, `decode_prepare` and `decode_step` as a
/// DecoderModel. Arguments are bound by the roles in the signatures; how many
/// cross tensors and caches there are, and how large, is theirs to say.
///
/// A cache is [cache rows, capacity, …]. It grows by doubling its capacity, is
/// kept from batch to batch, and is never cleared: what is not in use costs no
/// memory until it is written.
class CompiledDecoder : public DecoderModel {
public:
  /// Checks the signatures; an error names the function and the argument.
  static llvm::Expected<std::unique_ptr<CompiledDecoder>>
  create(DecoderFunctions functions, DecoderLimits limits);

  /// The same for a program, which must outlive the result.
  static llvm::Expected<std::unique_ptr<CompiledDecoder>>
  create(const Program &program, DecoderLimits limits);

  int64_t sourceVocabulary() const override { return limits.sourceVocabulary; }
  int64_t targetVocabulary() const override { return vocabulary; }
  int64_t sourcePositions() const override { return limits.sourcePositions; }
  int64_t targetPositions() const override { return limits.targetPositions; }

  llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                     int32_t padToken) override;

  llvm::Expected<llvm::MutableArrayRef<float>>
  step(llvm::ArrayRef<int32_t> ids, llvm::ArrayRef<int32_t> parents,
       llvm::ArrayRef<int32_t> sentences) override;

private:
  /// What an argument of a function is filled with.
  enum class Role {
    Ids,
    Lengths,
    Memory,
    Positions,
    CacheRows,
    MemoryRows,
    Cross,
    Cache,
  };
  /// The arguments of one function: the role of each, and, for roles that come
  /// more than once, the number among its like.
  struct Binding {
    llvm::SmallVector<Role> roles;
    llvm::SmallVector<size_t> numbers;
  };

  CompiledDecoder(DecoderFunctions functions, DecoderLimits limits)
      : functions(std::move(functions)), limits(limits) {}

  static llvm::Expected<Binding> bind(const FunctionSignature &signature);
  llvm::Error bindAll();
  void reserveCaches(int64_t rows, int64_t capacity);

  DecoderFunctions functions;
  DecoderLimits limits;
  int64_t vocabulary = 0;
  Binding encodeBinding, prepareBinding, stepBinding;

  // Of the batch.
  std::vector<int32_t> sourceIds, sourceLengths;
  Tensor lengths;
  llvm::SmallVector<Tensor> cross;

  // Of the decoder.
  llvm::SmallVector<TensorSignature> cacheSignatures;
  llvm::SmallVector<Tensor> caches;
  int64_t numCacheRows = 0, cacheCapacity = 0;
  CacheRows cacheRows;
  std::vector<int32_t> positions;
  llvm::SmallVector<Tensor> arguments;
  Tensor logits;
};

} // namespace attn

#endif // ATTN_GENERATION_COMPILEDDECODER_H
