// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_TRANSLATOR_H
#define ATTN_GENERATION_TRANSLATOR_H

#include "attn/Generation/Search.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <functional>
#include <memory>
#include <optional>

namespace attn {

/// How sentences are gathered into batches. No setting changes a result.
struct BatchOptions {
  /// The most sentences that a worker translates at once.
  int64_t batchSize = 32;
  /// The most source tokens that are encoded at once if they are more than one
  /// sentence, padding included, so that long sentences do not take memory
  /// without bound.
  int64_t batchTokens = 16384;
  /// Sentences are read ahead and sorted by length, this many times `batchSize`
  /// in a window. No window is read before the last but one is finished.
  int64_t windowBatches = 64;
  /// The fewest sentences for each of several workers: where there are less,
  /// threads share the batch of one.
  int64_t sentencesOfWorker = 1;
  /// The threads of all workers together.
  int64_t threads = 1;
  /// If set, asked between steps, by the thread that called the translator and
  /// by no other. True ends the call with the error operation_canceled.
  std::function<bool()> isCancelled = nullptr;
};

/// Why `model` cannot translate a sentence of these ids; empty if it can.
std::string checkSentence(const DecoderModel &model,
                          llvm::ArrayRef<int32_t> sentence);

/// Translates sentences of token ids and gives the results in the order of the
/// input.
///
/// Where there are several models, each is driven by a worker, a thread of its
/// own: small batches side by side take less time than the threads of one batch
/// that wait for each other. With batches of one sentence there is one worker,
/// so that each sentence is done as soon as can be, and workers that are left
/// at the end share the threads of the others.
class Translator {
public:
  /// Gives the next sentence (token ids, end token included); none at the end.
  using Source = llvm::function_ref<std::optional<std::vector<int32_t>>()>;
  /// Takes the next results in the order of the sentences. A sentence that
  /// cannot be translated has an error in place of hypotheses.
  using Sink =
      llvm::function_ref<llvm::Error(llvm::MutableArrayRef<SentenceResult>)>;

  /// Is told each time that a sentence is done, in whatever order.
  using Observer = llvm::function_ref<void()>;

  /// Takes what is sure of the output of the first sentence whose result was
  /// not taken: more each time.
  using Growth = llvm::function_ref<llvm::Error(llvm::ArrayRef<int32_t> ids)>;

  /// Verifies the options; `models` (at least one, all alike) must outlive the
  /// translator.
  static llvm::Expected<std::unique_ptr<Translator>>
  create(llvm::ArrayRef<DecoderModel *> models, GenerationOptions options,
         BatchOptions batchOptions = {});

  /// Translates `sentences`. A sentence that cannot be translated (no ids, an
  /// id out of range, too long) has an error in its result; the others go on.
  llvm::Expected<std::vector<SentenceResult>>
  translate(llvm::ArrayRef<std::vector<int32_t>> sentences);

  /// The same for a stream. `emit`, `finished` and `growth` are called by one
  /// thread at a time, but not always by the same; `next` likewise, and while
  /// it waits for a sentence, results that are there are emitted. Stops at the
  /// first error of `emit`, of `growth` or of a model.
  llvm::Error run(Source next, Sink emit, Observer finished = nullptr,
                  Growth growth = nullptr);

private:
  Translator(llvm::ArrayRef<DecoderModel *> models, GenerationOptions options,
             BatchOptions batchOptions)
      : models(models), options(std::move(options)),
        batchOptions(std::move(batchOptions)) {}

  llvm::SmallVector<DecoderModel *> models;
  GenerationOptions options;
  BatchOptions batchOptions;
};

} // namespace attn

#endif // ATTN_GENERATION_TRANSLATOR_H
