// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionHistory.h"

using namespace attn;

int32_t AttentionHistory::add(const StepAttention &step, int64_t row) {
  const size_t begin = weights.size();
  weights.resize(begin + sourceTokens);
  float *mean = weights.data() + begin;
  const int64_t count = heads.empty() ? step.heads : heads.size();
  for (int64_t i = 0; i < count; ++i) {
    int64_t head = heads.empty() ? i : heads[i];
    const float *values =
        step.values + (row * step.heads + head) * step.positions;
    for (int64_t token = 0; token < sourceTokens; ++token)
      mean[token] += values[token] / static_cast<float>(count);
  }
  return static_cast<int32_t>(begin / sourceTokens);
}
