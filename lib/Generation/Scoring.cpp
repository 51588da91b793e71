// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Scoring.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace attn;

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

void LogitRow::summarize(int64_t index) const {
  float maximum = minusInfinity, sum = 0;
  for (float logit : block(index))
    maximum = std::max(maximum, logit);
  // A finite number, so that -infinity adds nothing.
  float base = std::max(maximum, std::numeric_limits<float>::lowest());
  for (float logit : block(index))
    sum += std::exp(logit - base);
  maxima[index * stride] = maximum;
  sums[index * stride] = sum;
}

void LogitRow::banAll() const {
  for (int64_t index = 0, e = numBlocks(); index < e; ++index) {
    llvm::fill(block(index), minusInfinity);
    maxima[index * stride] = minusInfinity;
    sums[index * stride] = 0;
  }
}

RowNormalizer attn::normalizer(const LogitRow &logits) {
  const int64_t blocks = logits.numBlocks();
  float maximum = minusInfinity;
  for (int64_t block = 0; block < blocks; ++block)
    maximum = std::max(maximum, logits.maximum(block));
  double sum = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    float blockSum = logits.sums[block * logits.stride];
    // An empty block must not make a NaN of -infinity less -infinity.
    if (blockSum != 0)
      sum += blockSum * std::exp(logits.maximum(block) - maximum);
  }
  return {maximum, static_cast<float>(std::log(sum))};
}

int64_t attn::argMax(const LogitRow &logits) {
  float maximum = minusInfinity;
  int64_t best = -1;
  for (int64_t block = 0, e = logits.numBlocks(); block < e; ++block) {
    if (std::isnan(logits.sums[block * logits.stride]))
      return -1;
    if (logits.maximum(block) > maximum) {
      maximum = logits.maximum(block);
      best = block;
    }
  }
  if (best < 0)
    return -1;
  llvm::MutableArrayRef<float> block = logits.block(best);
  return best * logits.width + (llvm::find(block, maximum) - block.begin());
}

void attn::addCandidates(int64_t beam, const BeamLogits &row, size_t n,
                         std::vector<Candidate> &best) {
  size_t size = best.size();
  best.resize(n);
  // Candidates come by ascending index, so an equal score is never better than
  // what is there: a plain insertion after its equals keeps them in order.
  auto insert = [&](float score, int64_t index) {
    size_t place = size < n ? size++ : n - 1;
    for (; place > 0 && best[place - 1].score < score; --place)
      best[place] = best[place - 1];
    best[place] = {score, index};
  };
  int64_t index = beam * row.logits.vocabulary;
  for (int64_t block = 0, e = row.logits.numBlocks(); block < e; ++block) {
    llvm::MutableArrayRef<float> logits = row.logits.block(block);
    // Scoring keeps the order of logits, hence this bounds the block.
    float bound = row.normalizer(row.logits.maximum(block)) + row.score;
    if (size == n && !(bound > best.back().score)) {
      index += static_cast<int64_t>(logits.size());
      continue;
    }
    for (float logit : logits) {
      float score = row.normalizer(logit) + row.score;
      if (size < n || score > best.back().score)
        insert(score, index);
      ++index;
    }
  }
  best.resize(size);
}
