// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LogitProcessor.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <limits>

using namespace attn;

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

LogitProcessor::LogitProcessor(const GenerationOptions &options)
    : options(options) {
  for (const std::vector<int32_t> &word : options.badWords) {
    if (word.size() > 1) {
      bannedSequences.push_back(word);
      context = std::max<int64_t>(context, word.size() - 1);
    } else if (!llvm::is_contained(options.endTokens, word[0])) {
      bannedTokens.push_back(word[0]);
    }
  }
}

void LogitProcessor::restrict(const LogitRow &logits,
                              llvm::ArrayRef<int32_t> tail,
                              int64_t length) const {
  auto set = [&](int32_t token, float logit) {
    logits.set(token, logit);
    logits.summarize(token / logits.width);
  };
  llvm::ArrayRef<int32_t> forced = forcedTokens(length);
  if (forced.empty()) {
    forEachBanned(tail, length,
                  [&](int32_t token) { set(token, minusInfinity); });
    return;
  }
  // Of a prefix, the score is what the model says.
  const float logit = isInPrefix(length) ? logits[forced.front()] : 0;
  logits.banAll();
  for (int32_t token : forced)
    set(token, logit);
}

std::optional<int32_t> LogitProcessor::restrict(int32_t greatest,
                                                llvm::ArrayRef<int32_t> tail,
                                                int64_t length) const {
  if (llvm::ArrayRef<int32_t> forced = forcedTokens(length); !forced.empty())
    return *llvm::min_element(forced);
  bool isBanned = false;
  forEachBanned(tail, length,
                [&](int32_t banned) { isBanned |= banned == greatest; });
  if (isBanned)
    return std::nullopt;
  return greatest;
}

llvm::ArrayRef<int32_t> LogitProcessor::forcedTokens(int64_t length) const {
  if (isInPrefix(length))
    return llvm::ArrayRef(options.prefix).slice(length - 1, 1);
  if (length == options.maxLength - 1)
    return options.forcedEndTokens;
  return {};
}

void LogitProcessor::forEachBanned(
    llvm::ArrayRef<int32_t> tail, int64_t length,
    llvm::function_ref<void(int32_t)> visit) const {
  if (length < options.minLength)
    llvm::for_each(options.endTokens, visit);
  llvm::for_each(bannedTokens, visit);
  for (llvm::ArrayRef<int32_t> word : bannedSequences) {
    llvm::ArrayRef<int32_t> prefix = word.drop_back();
    if (tail.size() >= prefix.size() && tail.take_back(prefix.size()) == prefix)
      visit(word.back());
  }
}

RowNormalizer LogitProcessor::process(const LogitRow &logits,
                                      llvm::ArrayRef<int32_t> tail,
                                      int64_t length) const {
  // A forced end token has log probability 0 whatever the model says.
  RowNormalizer result;
  if (!options.renormalize && !isEndForced(length))
    result = normalizer(logits);
  restrict(logits, tail, length);
  return options.renormalize ? normalizer(logits) : result;
}
