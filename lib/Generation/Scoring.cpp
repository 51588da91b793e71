// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Scoring.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include <limits>

using namespace attn;

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

void LogitRow::summarize(int64_t index) const {
  /// What parts with a maximum and a sum each are together.
  auto set = [&](int64_t place, auto parts) {
    float maximum = minusInfinity, sum = 0;
    for (auto [other, _] : parts)
      maximum = std::max(maximum, other);
    // A finite number, so that -infinity adds nothing.
    float base = std::max(maximum, std::numeric_limits<float>::lowest());
    for (auto [other, otherSum] : parts)
      sum += otherSum * std::exp(other - base);
    maxima[place * stride] = maximum;
    sums[place * stride] = sum;
  };
  set(index, llvm::map_range(block(index), [](float logit) {
        return std::pair(logit, 1.0f);
      }));
  const int64_t group = index / kGroupBlocks;
  auto [begin, end] = blocksOf(group);
  set(numBlocks() + group,
      llvm::map_range(llvm::seq(begin, end), [&](int64_t block) {
        return std::pair(maximum(block), sum(block));
      }));
}

void LogitRow::banAll() const {
  const int64_t blocks = numBlocks();
  for (int64_t index = 0; index < blocks; ++index)
    llvm::fill(block(index), minusInfinity);
  for (int64_t index = 0, e = blocks + numGroups(); index < e; ++index) {
    maxima[index * stride] = minusInfinity;
    sums[index * stride] = 0;
  }
}

RowNormalizer attn::normalizer(LogitRow logits) {
  const int64_t groups = logits.numGroups();
  float maximum = minusInfinity;
  for (int64_t group = 0; group < groups; ++group)
    maximum = std::max(maximum, logits.groupMaximum(group));
  double sum = 0;
  for (int64_t group = 0; group < groups; ++group) {
    // An empty group must not make a NaN of -infinity less -infinity.
    if (float groupSum = logits.groupSum(group); groupSum != 0)
      sum += groupSum * std::exp(logits.groupMaximum(group) - maximum);
  }
  return {maximum, static_cast<float>(std::log(sum))};
}

int64_t attn::argMax(LogitRow logits) {
  float maximum = minusInfinity;
  int64_t best = -1;
  for (int64_t group = 0, e = logits.numGroups(); group < e; ++group) {
    if (std::isnan(logits.groupSum(group)))
      return -1;
    if (logits.groupMaximum(group) > maximum) {
      maximum = logits.groupMaximum(group);
      best = group;
    }
  }
  if (best < 0)
    return -1;
  int64_t index = logits.blocksOf(best).first;
  while (logits.maximum(index) != maximum)
    ++index;
  llvm::MutableArrayRef<float> block = logits.block(index);
  return index * logits.width + (llvm::find(block, maximum) - block.begin());
}

void attn::addCandidates(int64_t beam, BeamLogits row, size_t n,
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
  auto scoreOf = [&](float logit) { return row.normalizer(logit) + row.score; };
  // Scoring keeps the order of logits, hence that of a maximum is a bound.
  auto mayEnter = [&](float score) {
    return size < n || score > best.back().score;
  };
  auto addBlock = [&](int64_t block) {
    int64_t index = beam * row.logits.vocabulary + block * row.logits.width;
    for (float logit : row.logits.block(block)) {
      if (float score = scoreOf(logit); mayEnter(score))
        insert(score, index);
      ++index;
    }
  };
  for (int64_t group = 0, e = row.logits.numGroups(); group < e; ++group) {
    if (!mayEnter(scoreOf(row.logits.groupMaximum(group))))
      continue;
    auto [begin, end] = row.logits.blocksOf(group);
    for (int64_t block = begin; block < end; ++block)
      if (mayEnter(scoreOf(row.logits.maximum(block))))
        addBlock(block);
  }
  best.resize(size);
}
