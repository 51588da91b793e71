// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_SEARCH_H
#define ATTN_GENERATION_SEARCH_H

#include "attn/Generation/DecoderModel.h"
#include "attn/Generation/GenerationOptions.h"
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
};

/// What a search found for a sentence.
struct SentenceResult {
  /// Best first; at most `nBest`, and at least one unless there was an error.
  std::vector<Hypothesis> hypotheses;
  /// If not empty, why this sentence could not be translated.
  std::string error;
};

/// Translates one batch of sentences, each as if it were alone: a sentence
/// that is finished leaves the batch at once. The sentences must be valid (not
/// empty, within the model's positions and vocabulary) and the options
/// verified. The error is one of the model's, for the whole batch.
llvm::Expected<std::vector<SentenceResult>>
searchBatch(DecoderModel &model, const GenerationOptions &options,
            llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences);

/// searchBatch() with one beam, where the token with the greatest logit is
/// next.
llvm::Expected<std::vector<SentenceResult>>
greedySearch(DecoderModel &model, const GenerationOptions &options,
             llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences);

/// searchBatch() with `beamSize` beams of each sentence.
llvm::Expected<std::vector<SentenceResult>>
beamSearch(DecoderModel &model, const GenerationOptions &options,
           llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences);

} // namespace attn

#endif // ATTN_GENERATION_SEARCH_H
