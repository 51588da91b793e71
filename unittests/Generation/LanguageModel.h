// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model for tests of searches: logits that look random and depend on the
// source sentence and on the whole prefix. utils/generate_search_cases.py has
// the same function, to the bit.

#ifndef ATTN_UNITTESTS_GENERATION_LANGUAGEMODEL_H
#define ATTN_UNITTESTS_GENERATION_LANGUAGEMODEL_H

#include "attn/Generation/DecoderModel.h"
#include "attn/Generation/Translator.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace attn {

struct LanguageModel {
  uint64_t seed = 0;
  int64_t vocabulary = 8;
  /// Added to the logits of `favoured`, which makes outputs shorter or longer.
  std::vector<int32_t> favoured;
  float bonus = 0;

  static uint64_t mix(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  void logits(llvm::ArrayRef<int32_t> source, llvm::ArrayRef<int32_t> prefix,
              float *result) const {
    uint64_t state = mix(seed + 1);
    for (int32_t token : source)
      state = mix(state * 31 + token + 1);
    state = mix(state + 0x5eed);
    for (int32_t token : prefix)
      state = mix(state * 31 + token + 1);
    for (int64_t token = 0; token < vocabulary; ++token)
      result[token] = static_cast<float>(mix(state + token) >> 40) * 0x1p-21f;
    for (int32_t token : favoured)
      result[token] += bonus;
  }

  /// What a prefix attends to.
  float weight(llvm::ArrayRef<int32_t> prefix, int64_t head,
               int64_t token) const {
    uint64_t state = mix(seed + head * 1000 + token);
    for (int32_t id : prefix)
      state = mix(state * 31 + id + 1);
    return static_cast<float>(state >> 40) * 0x1p-24f;
  }

  std::vector<float> logits(llvm::ArrayRef<int32_t> source,
                            llvm::ArrayRef<int32_t> prefix) const {
    std::vector<float> result(vocabulary);
    logits(source, prefix, result.data());
    return result;
  }
};

/// Logits of rows in blocks, as a step gives them.
class BlockedLogits {
public:
  BlockedLogits() = default;
  BlockedLogits(int64_t rows, int64_t vocabulary, int64_t width)
      : logits{nullptr, nullptr, nullptr, rows, vocabulary, width} {
    LogitRow row = logits.row(0);
    values.resize(row.numBlocks() * rows * width);
    maxima.resize((row.numBlocks() + row.numGroups()) * rows);
    sums.resize(maxima.size());
    logits.values = values.data();
    logits.maxima = maxima.data();
    logits.sums = sums.data();
  }
  BlockedLogits(BlockedLogits &&) = default;
  BlockedLogits &operator=(BlockedLogits &&) = default;

  void setRow(int64_t index, llvm::ArrayRef<float> plain) {
    LogitRow row = logits.row(index);
    for (auto [token, logit] : llvm::enumerate(plain))
      row.set(static_cast<int64_t>(token), logit);
    for (int64_t block = 0; block < row.numBlocks(); ++block)
      row.summarize(block);
  }

  Logits logits;
  std::vector<float> values, maxima, sums;
};

/// Keeps the prefix of each row as it is, and counts rows.
class FakeModel : public DecoderModel {
public:
  explicit FakeModel(LanguageModel language) : language(std::move(language)) {}

  int64_t sourceVocabulary() const override { return 100; }
  int64_t targetVocabulary() const override { return language.vocabulary; }
  int64_t sourcePositions() const override { return 12; }
  int64_t targetPositions() const override { return 40; }

  void setThreads(int64_t count) override {
    fewestThreads = std::min(fewestThreads, count);
  }

  llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                     llvm::ArrayRef<int32_t> slots, int32_t) override {
    EXPECT_EQ(sentences.size(), slots.size());
    for (auto [sentence, slot] : llvm::zip_equal(sentences, slots)) {
      if (sources.size() <= size_t(slot))
        sources.resize(slot + 1);
      sources[slot] = sentence;
    }
    encoded.push_back(sentences.size());
    return llvm::Error::success();
  }

  llvm::Error step(llvm::ArrayRef<DecoderRow> inputs) override {
    if (!stepError.empty() && rowsOfSteps.size() == 3)
      return llvm::createStringError(stepError);
    std::vector<Row> next(inputs.size());
    std::set<int32_t> cacheRows;
    blocked = BlockedLogits(static_cast<int64_t>(inputs.size()),
                            language.vocabulary, /*width=*/5);
    tokens.clear();
    for (auto [i, input] : llvm::enumerate(inputs)) {
      if (input.parent >= 0) {
        next[i] = histories.at(input.parent);
        EXPECT_EQ(next[i].slot, input.slot);
      }
      EXPECT_TRUE(cacheRows.insert(input.cacheRow).second);
      next[i].slot = input.slot;
      next[i].tokens.push_back(input.token);
      llvm::ArrayRef<int32_t> source = sources.at(input.slot);
      std::vector<float> plain = language.logits(source, next[i].tokens);
      if (source.front() == brokenSource &&
          int64_t(next[i].tokens.size()) == brokenLength)
        plain[1] = std::numeric_limits<float>::quiet_NaN();
      blocked.setRow(static_cast<int64_t>(i), plain);
      int64_t token = argMax(blocked.logits.row(static_cast<int64_t>(i)));
      tokens.push_back(static_cast<int32_t>(token));
    }
    for (auto [row, input] : llvm::zip_equal(next, inputs))
      histories[input.history] = row;
    rowsOfSteps.push_back(inputs.size());
    weights.clear();
    for (const Row &row : next)
      for (int64_t head = 0; head < heads; ++head)
        for (int64_t token = 0; token < sourcePositions(); ++token)
          weights.push_back(language.weight(row.tokens, head, token));
    return llvm::Error::success();
  }

  llvm::Expected<Logits> logits() override {
    ++timesLogits;
    return blocked.logits;
  }

  llvm::Expected<llvm::ArrayRef<int32_t>> greatest() override {
    return llvm::ArrayRef(tokens);
  }

  int64_t attentionHeads() const override { return heads; }
  StepAttention attention() const override {
    return {weights.data(), heads, sourcePositions()};
  }

  LanguageModel language;
  /// Rows of each step, and sentences of each encode().
  std::vector<size_t> rowsOfSteps, encoded;
  /// Of all steps.
  int64_t fewestThreads = std::numeric_limits<int64_t>::max();
  /// How often all logits were asked for.
  int timesLogits = 0;
  /// A NaN appears in the logits of sentences that begin with this token, after
  /// a prefix of this length.
  int32_t brokenSource = -1;
  int64_t brokenLength = 2;
  /// The error of the fourth step.
  std::string stepError;
  /// Of attention.
  int64_t heads = 0;

private:
  struct Row {
    int32_t slot = -1;
    std::vector<int32_t> tokens;
  };
  std::vector<std::vector<int32_t>> sources;
  std::map<int32_t, Row> histories;
  BlockedLogits blocked;
  std::vector<int32_t> tokens;
  std::vector<float> weights;
};

/// Translates with `model`; none, and a failure of the test, on an error.
inline std::vector<SentenceResult>
translate(DecoderModel &model, const GenerationOptions &options,
          llvm::ArrayRef<std::vector<int32_t>> sentences,
          BatchOptions batchOptions) {
  auto translator = Translator::create(&model, options, batchOptions);
  if (!translator) {
    ADD_FAILURE() << llvm::toString(translator.takeError());
    return {};
  }
  auto results = (*translator)->translate(sentences);
  if (!results) {
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }
  return std::move(*results);
}

} // namespace attn

#endif // ATTN_UNITTESTS_GENERATION_LANGUAGEMODEL_H
