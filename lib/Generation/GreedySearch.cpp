// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AttentionHistory.h"
#include "SentenceSearch.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace attn;

SentenceSearch::~SentenceSearch() = default;

namespace {

class GreedySearch : public SentenceSearch {
public:
  GreedySearch(const LogitProcessor &processor, int64_t sourceTokens)
      : processor(processor), options(processor.getOptions()),
        history(options.attentionHeads, sourceTokens) {
    tokens.reserve(64);
    tokens.push_back(options.startToken);
  }

  llvm::ArrayRef<Row> rows(bool) override { return row; }
  bool advance(const Logits &logits, const StepAttention &attention,
               int64_t first) override;
  bool wantsGreatest() const override { return !options.scores; }
  std::optional<bool> advance(int32_t greatest, const StepAttention &attention,
                              int64_t first) override;
  llvm::ArrayRef<int32_t> sureTokens() const override {
    return llvm::ArrayRef(tokens).drop_front();
  }
  SentenceResult result() const override;

private:
  /// Tells whether that is the last one.
  bool append(int32_t token);

  const LogitProcessor &processor;
  const GenerationOptions &options;
  Row row = {processor.getOptions().startToken, -1, 0, 0};
  /// Start token first.
  std::vector<int32_t> tokens;
  float score = 0;
  /// Of each step, if that is asked for.
  AttentionHistory history;
  bool isValid = true;
};

} // namespace

bool GreedySearch::advance(const Logits &all, const StepAttention &attention,
                           int64_t first) {
  if (options.attention)
    history.add(attention, first);
  LogitRow logits = all.row(first);
  int64_t length = tokens.size();
  RowNormalizer normalizer;
  if (options.scores)
    normalizer = processor.process(logits, tokens, length);
  else
    processor.restrict(logits, tokens, length);
  int64_t token = argMax(logits);
  if (token < 0) {
    isValid = false;
    return true;
  }
  if (options.scores)
    score += normalizer(logits[token]);
  return append(static_cast<int32_t>(token));
}

std::optional<bool> GreedySearch::advance(int32_t greatest,
                                          const StepAttention &attention,
                                          int64_t first) {
  const int64_t length = tokens.size();
  if (greatest < 0)
    return std::nullopt;
  std::optional<int32_t> token = processor.restrict(greatest, tokens, length);
  if (!token)
    return std::nullopt;
  if (options.attention)
    history.add(attention, first);
  return append(*token);
}

bool GreedySearch::append(int32_t token) {
  tokens.push_back(token);
  row = {token, 0, 0, 0};
  return int64_t(tokens.size()) >= options.maxLength ||
         llvm::is_contained(options.endTokens, token);
}

SentenceResult GreedySearch::result() const {
  SentenceResult result;
  if (!isValid) {
    result.error = "the decoder's output is not a number";
    return result;
  }
  Hypothesis hypothesis;
  hypothesis.ids.assign(tokens.begin() + 1, tokens.end());
  hypothesis.attention = history.all();
  if (options.scores)
    hypothesis.score =
        score /
        static_cast<float>(std::pow(static_cast<double>(hypothesis.ids.size()),
                                    options.lengthPenalty));
  if (llvm::is_contained(options.endTokens, hypothesis.ids.back()))
    hypothesis.ids.pop_back();
  result.hypotheses.push_back(std::move(hypothesis));
  return result;
}

std::unique_ptr<SentenceSearch>
attn::createGreedySearch(const LogitProcessor &processor,
                         int64_t sourceTokens) {
  return std::make_unique<GreedySearch>(processor, sourceTokens);
}
