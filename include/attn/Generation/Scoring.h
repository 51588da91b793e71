// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_SCORING_H
#define ATTN_GENERATION_SCORING_H

#include "llvm/ADT/ArrayRef.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace attn {

/// The logits of one row over a vocabulary, in blocks of adjacent tokens, with
/// the greatest of each block and the sum of exp(logit - greatest), which is 0
/// in a block that is -infinity throughout, and a NaN where there is a NaN or
/// +infinity; and the same of each group of blocks. So most of a vocabulary is
/// dismissed by one comparison a group.
struct LogitRow {
  /// Blocks of a group; the last one may have fewer.
  static constexpr int64_t kGroupBlocks = 8;

  /// Block j begins at values + j · valueStride; it has `width` logits, the
  /// last one those that are left of `vocabulary`.
  float *values = nullptr;
  /// Those of block j are at j · stride, those of groups after all blocks.
  float *maxima = nullptr, *sums = nullptr;
  int64_t vocabulary = 0, width = 1, valueStride = 0, stride = 1;

  int64_t numBlocks() const { return (vocabulary + width - 1) / width; }
  llvm::MutableArrayRef<float> block(int64_t index) const {
    return {values + index * valueStride,
            size_t(std::min(width, vocabulary - index * width))};
  }
  int64_t numGroups() const {
    return (numBlocks() + kGroupBlocks - 1) / kGroupBlocks;
  }
  /// The blocks of a group, begin..end-1.
  std::pair<int64_t, int64_t> blocksOf(int64_t group) const {
    int64_t begin = group * kGroupBlocks;
    return {begin, std::min(begin + kGroupBlocks, numBlocks())};
  }
  float maximum(int64_t block) const { return maxima[block * stride]; }
  float sum(int64_t block) const { return sums[block * stride]; }
  float groupMaximum(int64_t group) const {
    return maximum(numBlocks() + group);
  }
  float groupSum(int64_t group) const { return sum(numBlocks() + group); }
  float operator[](int64_t token) const {
    return values[token / width * valueStride + token % width];
  }

  /// Changes a logit; call summarize() for its block afterwards.
  void set(int64_t token, float logit) const {
    values[token / width * valueStride + token % width] = logit;
  }
  /// Computes the maximum and the sum of block `index`, and of its
  /// group.
  void summarize(int64_t index) const;
  /// Makes all logits -infinity, with maxima and sums.
  void banAll() const;
};

/// The logits of several rows: of row r, block j is values[j, r, :], and its
/// maximum and sum are maxima[j, r] and sums[j, r]; those of group g come after
/// those of all blocks.
struct Logits {
  float *values = nullptr, *maxima = nullptr, *sums = nullptr;
  int64_t rows = 0, vocabulary = 0, width = 1;

  LogitRow row(int64_t index) const {
    return {values + index * width,
            maxima + index,
            sums + index,
            vocabulary,
            width,
            rows * width,
            rows};
  }
};

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

// Rows are taken by value: what follows from their sizes is computed once then,
// and not again after each write.
RowNormalizer normalizer(LogitRow logits);

/// The lowest index among the greatest logits; -1 if one is not a number or
/// if none is above -infinity.
int64_t argMax(LogitRow logits);

/// A token chosen for a beam: `index` is beam * vocabulary + token.
struct Candidate {
  float score;
  int64_t index;
};

/// One beam's share of the candidates of a sentence.
struct BeamLogits {
  LogitRow logits;
  RowNormalizer normalizer;
  /// The sum of log probabilities so far.
  float score;
};

/// Adds the candidates of beam number `beam` to `best`, which keeps the n best
/// there are, best first, equal scores by index. Beams come by ascending
/// number. Candidates at -infinity count.
void addCandidates(int64_t beam, BeamLogits row, size_t n,
                   std::vector<Candidate> &best);

} // namespace attn

#endif // ATTN_GENERATION_SCORING_H
