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

void LogitProcessor::restrict(llvm::MutableArrayRef<float> logits,
                              llvm::ArrayRef<int32_t> tail,
                              int64_t length) const {
  if (isForced(length)) {
    llvm::fill(logits, minusInfinity);
    for (int32_t token : options.forcedEndTokens)
      logits[token] = 0;
    return;
  }
  for (int32_t token : bannedTokens)
    logits[token] = minusInfinity;
  for (llvm::ArrayRef<int32_t> word : bannedSequences) {
    llvm::ArrayRef<int32_t> prefix = word.drop_back();
    if (tail.size() >= prefix.size() && tail.take_back(prefix.size()) == prefix)
      logits[word.back()] = minusInfinity;
  }
}

RowNormalizer
LogitProcessor::process(llvm::MutableArrayRef<float> logits,
                        llvm::ArrayRef<int32_t> tail, int64_t length,
                        llvm::MutableArrayRef<float> maxima) const {
  // A forced end token has log probability 0 whatever the model says.
  if (isForced(length) && !options.renormalize) {
    restrict(logits, tail, length);
    blockMaxima(logits, maxima);
    return {};
  }
  if (options.renormalize) {
    restrict(logits, tail, length);
    return normalizer(logits, blockMaxima(logits, maxima));
  }
  RowNormalizer result = normalizer(logits, blockMaxima(logits, maxima));
  if (bannedTokens.empty() && bannedSequences.empty())
    return result;
  restrict(logits, tail, length);
  blockMaxima(logits, maxima);
  return result;
}
