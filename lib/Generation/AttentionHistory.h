// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_GENERATION_ATTENTIONHISTORY_H
#define ATTN_LIB_GENERATION_ATTENTIONHISTORY_H

#include "attn/Generation/DecoderModel.h"
#include <vector>

namespace attn {

/// What the rows of one sentence attended to, step after step: for each the
/// mean over some heads, [source tokens].
class AttentionHistory {
public:
  /// `heads` must outlive it; none stand for all.
  AttentionHistory(llvm::ArrayRef<int32_t> heads, int64_t sourceTokens)
      : heads(heads), sourceTokens(sourceTokens) {}

  /// Keeps what a row of a step attended to, and returns its number, from 0 on.
  int32_t add(const StepAttention &step, int64_t row);

  /// What add() returned this number for.
  llvm::ArrayRef<float> operator[](int32_t number) const {
    return llvm::ArrayRef(weights).slice(number * sourceTokens, sourceTokens);
  }

  /// All of them, one after the other.
  const std::vector<float> &all() const { return weights; }

private:
  llvm::ArrayRef<int32_t> heads;
  int64_t sourceTokens;
  std::vector<float> weights;
};

} // namespace attn

#endif // ATTN_LIB_GENERATION_ATTENTIONHISTORY_H
