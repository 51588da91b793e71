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
  if (isInPrefix(length)) {
    int32_t token = options.prefix[length - 1];
    float logit = logits[token];
    logits.banAll();
    set(token, logit);
    return;
  }
  if (isForced(length)) {
    logits.banAll();
    for (int32_t token : options.forcedEndTokens)
      set(token, 0);
    return;
  }
  if (length < options.minLength)
    for (int32_t token : options.endTokens)
      set(token, minusInfinity);
  for (int32_t token : bannedTokens)
    set(token, minusInfinity);
  for (llvm::ArrayRef<int32_t> word : bannedSequences)
    if (completesSequence(word, tail))
      set(word.back(), minusInfinity);
}

std::optional<int32_t> LogitProcessor::forcedToken(int64_t length) const {
  if (isInPrefix(length))
    return options.prefix[length - 1];
  if (isForced(length))
    return *llvm::min_element(options.forcedEndTokens);
  return std::nullopt;
}

bool LogitProcessor::isAllowed(int32_t token, llvm::ArrayRef<int32_t> tail,
                               int64_t length) const {
  return !(length < options.minLength &&
           llvm::is_contained(options.endTokens, token)) &&
         !llvm::is_contained(bannedTokens, token) &&
         llvm::none_of(bannedSequences, [&](llvm::ArrayRef<int32_t> word) {
           return word.back() == token && completesSequence(word, tail);
         });
}

RowNormalizer LogitProcessor::process(const LogitRow &logits,
                                      llvm::ArrayRef<int32_t> tail,
                                      int64_t length) const {
  // A forced end token has log probability 0 whatever the model says.
  RowNormalizer result;
  if (!options.renormalize && !isForced(length))
    result = normalizer(logits);
  restrict(logits, tail, length);
  return options.renormalize ? normalizer(logits) : result;
}
