// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Alignment.h"
#include "llvm/ADT/STLExtras.h"

using namespace attn;

int64_t Alignment::strongest(size_t target) const {
  llvm::ArrayRef<float> weights = row(target);
  const float *best = llvm::max_element(weights);
  return best != weights.end() && *best > 0 ? best - weights.begin() : -1;
}

Alignment attn::alignWords(const Hypothesis &hypothesis, size_t sourceTokens,
                           llvm::ArrayRef<TokenSpan> sources,
                           llvm::ArrayRef<TokenSpan> targets,
                           AlignmentStep step) {
  Alignment alignment;
  alignment.sources = sources.size();
  const size_t steps = hypothesis.attention.size() / sourceTokens;
  for (const TokenSpan &target : targets) {
    std::vector<float> row(sources.size());
    float sum = 0;
    for (size_t token = target.begin; token < target.end; ++token) {
      size_t shown =
          step == AlignmentStep::Fed && token + 1 < steps ? token + 1 : token;
      const float *weights = hypothesis.attention.data() + shown * sourceTokens;
      for (auto [source, weight] : llvm::zip_equal(sources, row))
        for (size_t i = source.begin; i < source.end; ++i) {
          weight += weights[i];
          sum += weights[i];
        }
    }
    // Division by the number of tokens is part of this one.
    for (float &weight : row)
      weight = sum > 0 ? weight / sum : 0;
    llvm::append_range(alignment.weights, row);
  }
  return alignment;
}
