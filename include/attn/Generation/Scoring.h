// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_SCORING_H
#define ATTN_GENERATION_SCORING_H

#include "llvm/ADT/ArrayRef.h"
#include <cmath>
#include <cstdint>

namespace attn {

/// Logits are looked at in blocks of this many, so that most of a vocabulary
/// is dismissed by one comparison a block.
constexpr int64_t logitBlock = 64;

/// The number of blocks that `vocabulary` logits make; the last may be short.
inline int64_t numLogitBlocks(int64_t vocabulary) {
  return (vocabulary + logitBlock - 1) / logitBlock;
}

/// Turns a logit x into a log probability, (x - maximum) - logSum, in this
/// order of float operations.
struct RowNormalizer {
  float maximum = 0;
  float logSum = 0;

  float operator()(float logit) const { return (logit - maximum) - logSum; }
  /// False if a logit is not a number, or if none is above -infinity.
  bool isValid() const {
    return std::isfinite(logSum) && std::isfinite(maximum);
  }
};

/// Writes the greatest logit of each block to `maxima` [blocks] and returns
/// the greatest of all.
float blockMaxima(llvm::ArrayRef<float> logits,
                  llvm::MutableArrayRef<float> maxima);

/// The normaliser of a row whose greatest logit is `maximum`.
RowNormalizer normalizer(llvm::ArrayRef<float> logits, float maximum);

/// The lowest index among the greatest logits; -1 if one is not a number or
/// if none is above -infinity.
int64_t argMax(llvm::ArrayRef<float> logits);

/// A token chosen for a beam: `index` is beam * vocabulary + token.
struct Candidate {
  float score;
  int64_t index;
};

/// One beam's share of the candidates of a sentence.
struct BeamLogits {
  const float *logits;
  const float *blockMaxima;
  RowNormalizer normalizer;
  /// The sum of log probabilities so far.
  float score;
};

/// Fills `best` [n] with the n best candidates of all beams, best first, equal
/// scores by index. `vocabulary` is the number of logits of each beam; there
/// are at least n candidates in all. Candidates at -infinity count.
void topCandidates(llvm::ArrayRef<BeamLogits> beams, int64_t vocabulary,
                   llvm::MutableArrayRef<Candidate> best);

} // namespace attn

#endif // ATTN_GENERATION_SCORING_H
