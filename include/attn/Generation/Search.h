// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_SEARCH_H
#define ATTN_GENERATION_SEARCH_H

#include "attn/Generation/DecoderModel.h"
#include "attn/Generation/GenerationOptions.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace attn {

/// One output of a sentence.
struct Hypothesis {
  /// Token ids without start and end token.
  std::vector<int32_t> ids;
  /// The sum of the log probabilities of the ids and of the end token, divided
  /// by their number to the power of the length penalty.
  float score = 0;
  /// [steps, source tokens], if the options ask for it: row i is what the step
  /// that chose ids[i] attended to, fed with the token before; the last row is
  /// that of the end token, if the output has one. The end token of the source
  /// is the last column.
  std::vector<float> attention;
};

/// What a search found for a sentence.
struct SentenceResult {
  /// Best first; at most `nBest`, and at least one unless there was an error.
  std::vector<Hypothesis> hypotheses;
  /// If not empty, why this sentence could not be translated.
  std::string error;
};

/// Where a search gets its sentences from, and where its results go.
class SentenceQueue {
public:
  virtual ~SentenceQueue();

  /// A sentence by its number.
  struct Item {
    size_t number;
    /// Not empty, within the model's positions and vocabulary; valid until the
    /// result is given.
    llvm::ArrayRef<int32_t> ids;
  };

  /// At most `count` sentences to be encoded together. None if there are none
  /// now; with `mayWait`, none if there will never be any.
  virtual llvm::SmallVector<Item> take(int64_t count, bool mayWait) = 0;

  /// Is told, after each step, what is sure of the output of a sentence that is
  /// not done: of greedy search each token, of beam search none.
  virtual void grow(size_t number, llvm::ArrayRef<int32_t> ids) {}

  /// Takes a result. False: no more are wanted.
  virtual bool give(size_t number, SentenceResult result) = 0;

  /// The threads that the next step may run on; 0: no step is wanted any more.
  virtual int64_t threads() = 0;
};

/// Translates the sentences of a queue, at most `batchSize` at a time, each as
/// if it were alone: one that is finished leaves the batch, and the next one
/// enters it, between any two steps (continuous batching; Yu et al., Orca,
/// 2022). Sentences are encoded `batchSize` at a time, before their turn.
///
/// The options must be verified. The error is one of the model's.
llvm::Error search(DecoderModel &model, const GenerationOptions &options,
                   int64_t batchSize, SentenceQueue &queue);

} // namespace attn

#endif // ATTN_GENERATION_SEARCH_H
