// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_GENERATION_LOGITPROCESSOR_H
#define ATTN_LIB_GENERATION_LOGITPROCESSOR_H

#include "attn/Generation/GenerationOptions.h"
#include "attn/Generation/Scoring.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <vector>

namespace attn {

/// Applies the prefix, bad words and the forced end token to the logits of a
/// row. Where there is no prefix, the order is that of generate(): bad words,
/// then the forced end, then the second normalisation.
class LogitProcessor {
public:
  explicit LogitProcessor(const GenerationOptions &options);

  const GenerationOptions &getOptions() const { return options; }

  /// How many of the last tokens of a row process() looks at.
  int64_t contextLength() const { return context; }

  /// Rewrites `logits` so that a banned token has -infinity. `tail` holds the
  /// last contextLength() tokens of the row, or all of them if it has fewer,
  /// start token included. `length` counts all tokens of the row. The result
  /// turns the rewritten logits into log probabilities.
  ///
  /// Where generate() normalises twice, before the bans and after, the first
  /// cancels out and only the second is computed.
  RowNormalizer process(const LogitRow &logits, llvm::ArrayRef<int32_t> tail,
                        int64_t length) const;

  /// process() without normalisation, for a search that needs only the order.
  void restrict(const LogitRow &logits, llvm::ArrayRef<int32_t> tail,
                int64_t length) const;

  /// The token that has the greatest logit after restrict(), if `greatest` has
  /// it before; none where that is banned, so that logits decide.
  std::optional<int32_t> restrict(int32_t greatest,
                                  llvm::ArrayRef<int32_t> tail,
                                  int64_t length) const;

private:
  /// The only tokens that a row of so many may go on with; none if it is not
  /// forced.
  llvm::ArrayRef<int32_t> forcedTokens(int64_t length) const;
  /// Calls visit(token) for what a row that is not forced must not go on with.
  void forEachBanned(llvm::ArrayRef<int32_t> tail, int64_t length,
                     llvm::function_ref<void(int32_t)> visit) const;

  bool isInPrefix(int64_t length) const {
    return length <= int64_t(options.prefix.size());
  }
  /// Whether it has to be an end token.
  bool isEndForced(int64_t length) const {
    return !isInPrefix(length) && !forcedTokens(length).empty();
  }

  const GenerationOptions &options;
  std::vector<int32_t> bannedTokens;
  std::vector<llvm::ArrayRef<int32_t>> bannedSequences;
  int64_t context = 0;
};

} // namespace attn

#endif // ATTN_LIB_GENERATION_LOGITPROCESSOR_H
