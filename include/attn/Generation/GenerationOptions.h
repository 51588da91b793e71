// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_GENERATIONOPTIONS_H
#define ATTN_GENERATION_GENERATIONOPTIONS_H

#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace attn {

/// When beam search stops although running beams are left.
enum class EarlyStopping {
  /// No running beam, scored at its present length, beats the worst finished
  /// one (`early_stopping: false` in a checkpoint).
  Heuristic,
  /// As many hypotheses as beams have finished (`early_stopping: true`).
  WhenFull,
  /// As Heuristic, but a running beam is scored at the greatest length when
  /// the length penalty is positive (`early_stopping: "never"`).
  Never,
};

/// Settings of a search, with the meaning and the defaults that Hugging Face
/// transformers 5 gives them in `generate()`.
struct GenerationOptions {
  /// Beyond is a mistake that would ask for more memory than there is.
  static constexpr int64_t maxBeamSize = 1024;

  /// Beams of a sentence; 1 is greedy search.
  int64_t beamSize = 1;
  /// Hypotheses returned for a sentence, best first; at most `beamSize`.
  int64_t nBest = 1;
  /// A hypothesis scores (sum of log probabilities) / length^lengthPenalty,
  /// the length counting the end token but not the start token.
  double lengthPenalty = 1.0;
  /// Greatest length of an output, start and end token included.
  int64_t maxLength = 21;
  /// An output does not end before it has so many tokens, the start token
  /// included.
  int64_t minLength = 0;
  EarlyStopping earlyStopping = EarlyStopping::Heuristic;
  /// The token that decoding starts from; the model attends to it.
  int32_t startToken = -1;
  /// Tokens that end an output.
  std::vector<int32_t> endTokens;
  /// If not empty, the only tokens allowed at position `maxLength` - 1.
  std::vector<int32_t> forcedEndTokens;
  /// The tokens that every output begins with, after the start token. They come
  /// before bad words, and score as the model says; with `renormalize`, 0.
  std::vector<int32_t> prefix;
  /// Fills unequal source lengths. The model masks it, so it never matters
  /// which token it is.
  int32_t padToken = 0;
  /// Token sequences that never appear in an output. The start token counts
  /// as context of the longer ones; one that is just an end token is ignored.
  std::vector<std::vector<int32_t>> badWords;
  /// Normalise probabilities again after bad words were taken out.
  bool renormalize = false;
  /// Whether greedy search sums up log probabilities. It does not need them to
  /// choose a token, and leaves the score 0 without. Beam search always scores.
  bool scores = true;
  /// Whether hypotheses tell what they attended to; the model must do so.
  bool attention = false;
  /// The heads whose mean that is; all if there are none.
  std::vector<int32_t> attentionHeads;

  /// Checks the settings against each other and against the model:
  /// `vocabulary` output tokens, `positions` decoder positions, `heads` of
  /// attention that it tells of.
  llvm::Error verify(int64_t vocabulary, int64_t positions,
                     int64_t heads = 0) const;
};

} // namespace attn

#endif // ATTN_GENERATION_GENERATIONOPTIONS_H
