// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model for tests of searches: logits that look random and depend on the
// source sentence and on the whole prefix. utils/generate_search_cases.py has
// the same function, to the bit.

#ifndef ATTN_UNITTESTS_GENERATION_LANGUAGEMODEL_H
#define ATTN_UNITTESTS_GENERATION_LANGUAGEMODEL_H

#include "attn/Generation/DecoderModel.h"
#include "attn/Generation/Translator.h"
#include "gtest/gtest.h"
#include <limits>
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

  std::vector<float> logits(llvm::ArrayRef<int32_t> source,
                            llvm::ArrayRef<int32_t> prefix) const {
    std::vector<float> result(vocabulary);
    logits(source, prefix, result.data());
    return result;
  }
};

/// Keeps the prefix of each row as it is, and counts rows.
class FakeModel : public DecoderModel {
public:
  explicit FakeModel(LanguageModel language) : language(std::move(language)) {}

  int64_t sourceVocabulary() const override { return 100; }
  int64_t targetVocabulary() const override { return language.vocabulary; }
  int64_t sourcePositions() const override { return 12; }
  int64_t targetPositions() const override { return 40; }

  llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                     int32_t) override {
    sources.assign(sentences.begin(), sentences.end());
    rows.clear();
    rowsOfSteps.clear();
    return llvm::Error::success();
  }

  llvm::Expected<llvm::MutableArrayRef<float>>
  step(llvm::ArrayRef<int32_t> ids, llvm::ArrayRef<int32_t> parents,
       llvm::ArrayRef<int32_t> sentences) override {
    std::vector<Row> next(ids.size());
    EXPECT_EQ(sentences.size(), ids.size());
    EXPECT_EQ(parents.size(), rowsOfSteps.empty() ? 0 : ids.size());
    logits.resize(ids.size() * language.vocabulary);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!parents.empty()) {
        next[i] = rows.at(parents[i]);
        EXPECT_EQ(next[i].sentence, sentences[i]);
      }
      next[i].sentence = sentences[i];
      next[i].tokens.push_back(ids[i]);
      language.logits(sources.at(sentences[i]), next[i].tokens,
                      logits.data() + i * language.vocabulary);
      if (sentences[i] == brokenSentence &&
          int64_t(next[i].tokens.size()) == brokenLength)
        logits[i * language.vocabulary + 1] =
            std::numeric_limits<float>::quiet_NaN();
    }
    rows = std::move(next);
    rowsOfSteps.push_back(ids.size());
    return llvm::MutableArrayRef<float>(logits);
  }

  LanguageModel language;
  /// Rows of each step since the last encode().
  std::vector<size_t> rowsOfSteps;
  /// A NaN appears in this sentence's logits after a prefix of this length.
  int32_t brokenSentence = -1;
  int64_t brokenLength = 2;

private:
  struct Row {
    int32_t sentence = -1;
    std::vector<int32_t> tokens;
  };
  std::vector<std::vector<int32_t>> sources;
  std::vector<Row> rows;
  std::vector<float> logits;
};

/// Translates with `model`; none, and a failure of the test, on an error.
inline std::vector<SentenceResult>
translate(DecoderModel &model, const GenerationOptions &options,
          llvm::ArrayRef<std::vector<int32_t>> sentences,
          BatchOptions batchOptions) {
  auto translator = Translator::create(model, options, batchOptions);
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
