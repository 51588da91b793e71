// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_ALIGNMENT_H
#define ATTN_GENERATION_ALIGNMENT_H

#include "attn/Generation/Search.h"

namespace attn {

/// The tokens begin..end-1.
struct TokenSpan {
  size_t begin, end;
};

/// How much each target word has to do with each source word.
struct Alignment {
  size_t sources = 0;
  /// [targets, sources]; those of a target word sum to 1, or are all 0.
  std::vector<float> weights;

  size_t targets() const { return sources ? weights.size() / sources : 0; }
  llvm::ArrayRef<float> row(size_t target) const {
    return llvm::ArrayRef(weights).slice(target * sources, sources);
  }
  /// The source word with the greatest weight; -1 if all are 0.
  int64_t strongest(size_t target) const;
};

/// Which step shows what a token has to do with the source.
enum class AlignmentStep {
  /// The one that chose it, fed with the token before.
  Choosing,
  /// The one after, which is fed with it: it attends with the token known (Chen
  /// et al., Accurate Word Alignment Induction from Neural Machine Translation,
  /// 2020). For a last token that no step was fed with, the one that chose it.
  Fed,
};

/// Makes what a hypothesis attended to, [steps, sourceTokens], one of words.
/// The weights of a word's source tokens are added; of its target tokens the
/// mean is taken. What goes to source tokens of no word, such as the end token,
/// is left out, and the others are scaled to sum to 1.
Alignment alignWords(const Hypothesis &hypothesis, size_t sourceTokens,
                     llvm::ArrayRef<TokenSpan> sources,
                     llvm::ArrayRef<TokenSpan> targets, AlignmentStep step);

} // namespace attn

#endif // ATTN_GENERATION_ALIGNMENT_H
