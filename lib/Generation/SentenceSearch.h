// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search for the translation of one sentence, a step at a time.

#ifndef ATTN_LIB_GENERATION_SENTENCESEARCH_H
#define ATTN_LIB_GENERATION_SENTENCESEARCH_H

#include "LogitProcessor.h"
#include "attn/Generation/Search.h"
#include <memory>
#include <optional>

namespace attn {

class SentenceSearch {
public:
  virtual ~SentenceSearch();

  /// A partial output that needs its next token.
  struct Row {
    /// Its last token.
    int32_t token;
    /// The history that it goes on from; -1 if it has none.
    int32_t parent;
    /// The number of its own one; below twice the beam size.
    int32_t history;
    /// Its number among the rows with as many tokens; below the beam size.
    int32_t beam;
  };

  /// What the next step takes; between 1 row and the beam size. A search that
  /// `mayWait` leaves out rows that may not matter; where they do, the step
  /// after it takes them.
  virtual llvm::ArrayRef<Row> rows(bool mayWait) = 0;

  /// Takes the logits of a step, in which those after rows() begin at row
  /// `first`, and may overwrite these; and what the rows attended to, if it is
  /// told. Returns true when the search is over.
  virtual bool advance(const Logits &logits, const StepAttention &attention,
                       int64_t first) = 0;

  /// Whether a step mostly needs no more than the token with the greatest
  /// logit, which is sooner known than all logits.
  virtual bool wantsGreatest() const { return false; }

  /// Takes that token instead, -1 if there is none (of one row): tells whether
  /// the search is over, or nothing and takes no step where it has to know the
  /// logits.
  virtual std::optional<bool>
  advance(int32_t greatest, const StepAttention &attention, int64_t first) {
    return std::nullopt;
  }

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
