// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_TRANSLATOR_H
#define ATTN_GENERATION_TRANSLATOR_H

#include "attn/Generation/Search.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>
#include <optional>

namespace attn {

/// How sentences are gathered into batches. No setting changes a result.
struct BatchOptions {
  /// The most sentences of a batch.
  int64_t batchSize = 32;
  /// The most source tokens of a batch of more than one sentence, padding
  /// included, so that long sentences do not take memory without bound.
  int64_t batchTokens = 16384;
  /// Sentences read ahead and sorted by length, in batches of `batchSize`.
  int64_t windowBatches = 64;
};

/// Translates sentences of token ids in batches of similar lengths and gives
/// the results in the order of the input.
class Translator {
public:
  /// Verifies the options; `model` must outlive the translator.
  static llvm::Expected<std::unique_ptr<Translator>>
  create(DecoderModel &model, GenerationOptions options,
         BatchOptions batchOptions = {});

  /// Translates `sentences` (token ids, end token included). A sentence that
  /// cannot be translated (no ids, an id out of range, too long) has an error
  /// in its result; the others go on.
  llvm::Expected<std::vector<SentenceResult>>
  translate(llvm::ArrayRef<std::vector<int32_t>> sentences);

  /// The same for a stream: takes sentences from `next` until it has no more
  /// and gives the results to `emit` in the same order, a window at a time.
  /// Stops at the first error of `emit` or of the model.
  llvm::Error
  run(llvm::function_ref<std::optional<std::vector<int32_t>>()> next,
      llvm::function_ref<llvm::Error(SentenceResult)> emit);

private:
  Translator(DecoderModel &model, GenerationOptions options,
             BatchOptions batchOptions)
      : model(model), options(std::move(options)), batchOptions(batchOptions) {}

  /// Why `sentence` cannot be translated; empty if it can.
  std::string check(llvm::ArrayRef<int32_t> sentence) const;

  DecoderModel &model;
  GenerationOptions options;
  BatchOptions batchOptions;
};

} // namespace attn

#endif // ATTN_GENERATION_TRANSLATOR_H
