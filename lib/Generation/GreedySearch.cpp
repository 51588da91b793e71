// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LogitProcessor.h"
#include "attn/Generation/Search.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace attn;

namespace {

struct GreedyRow {
  int32_t sentence;
  /// The row of the step before.
  int32_t parent;
  /// Start token first.
  std::vector<int32_t> tokens;
  float score = 0;
  bool isValid = true;
};

} // namespace

/// Appends the best token to `row`.
static void advance(GreedyRow &row, const GenerationOptions &options,
                    const LogitProcessor &processor,
                    llvm::MutableArrayRef<float> logits,
                    llvm::MutableArrayRef<float> maxima) {
  int64_t length = row.tokens.size();
  RowNormalizer normalizer;
  if (options.scores)
    normalizer = processor.process(logits, row.tokens, length, maxima);
  else
    processor.restrict(logits, row.tokens, length);
  int64_t token = argMax(logits);
  if (token < 0) {
    row.isValid = false;
    return;
  }
  if (options.scores)
    row.score += normalizer(logits[token]);
  row.tokens.push_back(static_cast<int32_t>(token));
}

/// Whether `row` has its last token.
static bool isDone(const GreedyRow &row, const GenerationOptions &options) {
  return !row.isValid || int64_t(row.tokens.size()) >= options.maxLength ||
         llvm::is_contained(options.endTokens, row.tokens.back());
}

static SentenceResult result(const GreedyRow &row,
                             const GenerationOptions &options) {
  SentenceResult result;
  if (!row.isValid) {
    result.error = "the decoder's output is not a number";
    return result;
  }
  Hypothesis hypothesis;
  hypothesis.ids.assign(row.tokens.begin() + 1, row.tokens.end());
  if (options.scores)
    hypothesis.score =
        row.score /
        static_cast<float>(std::pow(static_cast<double>(hypothesis.ids.size()),
                                    options.lengthPenalty));
  if (llvm::is_contained(options.endTokens, hypothesis.ids.back()))
    hypothesis.ids.pop_back();
  result.hypotheses.push_back(std::move(hypothesis));
  return result;
}

llvm::Expected<std::vector<SentenceResult>>
attn::greedySearch(DecoderModel &model, const GenerationOptions &options,
                   llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences) {
  std::vector<SentenceResult> results(sentences.size());
  if (sentences.empty())
    return results;
  if (llvm::Error error = model.encode(sentences, options.padToken))
    return std::move(error);

  const int64_t vocabulary = model.targetVocabulary();
  const int64_t numBlocks = numLogitBlocks(vocabulary);
  LogitProcessor processor(options);
  std::vector<GreedyRow> rows(sentences.size());
  for (auto [index, row] : llvm::enumerate(rows)) {
    row.sentence = static_cast<int32_t>(index);
    row.tokens.reserve(64);
    row.tokens.push_back(options.startToken);
  }
  std::vector<int32_t> ids, parents, rowSentences;
  std::vector<float> maxima(options.scores ? rows.size() * numBlocks : 0);
  const int64_t blocksOfRow = options.scores ? numBlocks : 0;

  for (bool isFirst = true; !rows.empty(); isFirst = false) {
    ids.clear();
    parents.clear();
    rowSentences.clear();
    for (const GreedyRow &row : rows) {
      ids.push_back(row.tokens.back());
      rowSentences.push_back(row.sentence);
      if (!isFirst)
        parents.push_back(row.parent);
    }
    llvm::Expected<llvm::MutableArrayRef<float>> logits =
        model.step(ids, parents, rowSentences);
    if (!logits)
      return logits.takeError();

    const int64_t numRows = rows.size();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < numRows; ++i)
      advance(rows[i], options, processor,
              logits->slice(i * vocabulary, vocabulary),
              llvm::MutableArrayRef<float>(maxima).slice(i * blocksOfRow,
                                                         blocksOfRow));

    size_t remaining = 0;
    for (int64_t i = 0; i < numRows; ++i) {
      if (isDone(rows[i], options)) {
        results[rows[i].sentence] = result(rows[i], options);
        continue;
      }
      rows[i].parent = static_cast<int32_t>(i);
      if (int64_t(remaining) != i)
        rows[remaining] = std::move(rows[i]);
      ++remaining;
    }
    rows.resize(remaining);
  }
  return results;
}

llvm::Expected<std::vector<SentenceResult>>
attn::searchBatch(DecoderModel &model, const GenerationOptions &options,
                  llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences) {
  return options.beamSize == 1 ? greedySearch(model, options, sentences)
                               : beamSearch(model, options, sentences);
}
