// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search for the translation of one sentence, a step at a time.

#ifndef ATTN_LIB_GENERATION_SENTENCESEARCH_H
#define ATTN_LIB_GENERATION_SENTENCESEARCH_H

#include "LogitProcessor.h"
#include "attn/Generation/Search.h"
#include <memory>

namespace attn {

class SentenceSearch {
public:
  virtual ~SentenceSearch();

  /// A partial output that needs its next token.
  struct Row {
    /// Its last token.
    int32_t token;
    /// The one among rows() of the step before that it goes on from; -1 in the
    /// first step.
    int32_t parent;
  };

  /// What the next step takes; between 1 and the beam size.
  virtual llvm::ArrayRef<Row> rows() const = 0;

  /// Takes the logits of a step, in which those after rows() begin at row
  /// `first`, and may overwrite these; and what the rows attended to, if it is
  /// told. Returns true when the search is over.
  virtual bool advance(const Logits &logits, const StepAttention &attention,
                       int64_t first) = 0;

  /// The tokens of the output that are there and will not change.
  virtual llvm::ArrayRef<int32_t> sureTokens() const { return {}; }

  /// What was found, once the search is over.
  virtual SentenceResult result() const = 0;
};

/// The token with the greatest logit is next. `processor` must outlive it; the
/// sentence has so many source tokens.
std::unique_ptr<SentenceSearch>
createGreedySearch(const LogitProcessor &processor, int64_t sourceTokens);

/// As many beams as the processor's options say.
std::unique_ptr<SentenceSearch>
createBeamSearch(const LogitProcessor &processor, int64_t vocabulary,
                 int64_t sourceTokens);

} // namespace attn

#endif // ATTN_LIB_GENERATION_SENTENCESEARCH_H
