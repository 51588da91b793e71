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

/// The functions of a compiled model, which must outlive its decoders. A search
/// needs no more of a program.
struct DecoderFunctions {
  std::function<const FunctionSignature *(llvm::StringRef name)> lookup;
  /// Runs a function on so many threads.
  std::function<llvm::Expected<llvm::SmallVector<Tensor>>(
      llvm::StringRef name, llvm::ArrayRef<Tensor> arguments, int64_t threads)>
      call;
  /// Called before each batch, if set: a good time to give memory back.
  std::function<void()> release;
};

/// Limits that signatures do not tell.
struct DecoderLimits {
  int64_t sourceVocabulary = 0;
  int64_t targetVocabulary = 0;
  int64_t sourcePositions = 0;
  int64_t targetPositions = 0;
};

/// The compiled functions `encode`, `decode_prepare`, `decode_step`,
/// `decode_logits` and `decode_greatest` as a DecoderModel. Arguments are bound
/// by the roles in the signatures; how many cross tensors and caches there are,
/// and how large, is theirs to say, and so is how wide the rows are that
/// `decode_step` gives the last two, the width of the blocks in which
/// `decode_logits` gives logits, and whether a last result of `decode_step`
/// tells what it attended to, [rows, heads, 1, source positions].
///
/// A cache is [cache rows, capacity, …]. It grows by doubling its capacity and
/// is never cleared: what is not in use costs no memory until it is written.
/// What is prepared from a sentence is kept in the same way, [slots, source
/// positions, …].
class CompiledDecoder : public DecoderModel {
public:
  /// Checks the signatures; an error names the function and the argument.
  static llvm::Expected<std::unique_ptr<CompiledDecoder>>
  create(DecoderFunctions functions, DecoderLimits limits);

  int64_t sourceVocabulary() const override { return limits.sourceVocabulary; }
  int64_t targetVocabulary() const override { return limits.targetVocabulary; }
  int64_t sourcePositions() const override { return limits.sourcePositions; }
  int64_t targetPositions() const override { return limits.targetPositions; }

  void setThreads(int64_t count) override { threads = count; }

  llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                     llvm::ArrayRef<int32_t> slots, int32_t padToken) override;

  llvm::Error step(llvm::ArrayRef<DecoderRow> rows) override;
  llvm::Expected<Logits> logits() override;
  llvm::Expected<llvm::ArrayRef<int32_t>> greatest() override;

  /// Rows of all steps together.
  int64_t numRows() const { return allRows; }

  int64_t attentionHeads() const override { return heads; }
  StepAttention attention() const override;

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
  llvm::Expected<const FunctionSignature *> find(llvm::StringRef name) const;
  llvm::Error checkProjection(const FunctionSignature &step,
                              const FunctionSignature &signature) const;
  llvm::Error checkLogits(const FunctionSignature &signature) const;
  llvm::Error checkGreatest(const FunctionSignature &signature) const;
  llvm::Error bindAttention(const FunctionSignature &signature);
  /// Several tensors [entries, capacity, …] that grow together.
  struct Storage {
    llvm::SmallVector<TensorSignature> signatures;
    llvm::SmallVector<Tensor> tensors;
    int64_t entries = 0, capacity = 0;

    /// Makes room; of each entry, the first `used` places are kept. Those after
    /// them are not touched, and take no memory until they are.
    void reserve(int64_t wantedEntries, int64_t wantedCapacity, int64_t used);
  };

  llvm::Error checkStorage(const FunctionSignature &signature,
                           llvm::StringRef what, llvm::StringRef sizes,
                           const TensorSignature &tensor, Storage &storage);
  llvm::Error fillArguments(int64_t numRows);
  llvm::Error project(llvm::StringRef name);
  llvm::Error keepPrepared(llvm::ArrayRef<Tensor> prepared,
                           llvm::ArrayRef<int32_t> slots);

  DecoderFunctions functions;
  DecoderLimits limits;
  int64_t threads = 0;
  int64_t allRows = 0;
  Binding encodeBinding, prepareBinding, stepBinding;

  // Of the sentences: [slots, source positions, …], and their lengths.
  Storage cross;
  std::vector<int32_t> sourceIds, sourceLengths, slotLengths;

  // Of the rows: [cache rows, capacity, …].
  Storage caches;
  CacheRows cacheRows;
  std::vector<int32_t> ids, rowSlots;
  llvm::SmallVector<Tensor> arguments;
  /// What logits are computed from; and attention, if `heads` is not 0.
  llvm::SmallVector<Tensor> results;
  /// What was computed from that: values, maxima and sums, or tokens.
  llvm::SmallVector<Tensor> projected;
  int64_t heads = 0;
};

} // namespace attn

#endif // ATTN_GENERATION_COMPILEDDECODER_H
