// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Translator.h"
#include "LanguageModel.h"
#include "gtest/gtest.h"

using namespace attn;

static GenerationOptions options(int64_t beams) {
  GenerationOptions options;
  options.beamSize = beams;
  options.startToken = 19;
  options.endTokens = {0};
  options.badWords = {{19}};
  options.maxLength = 15;
  return options;
}

static LanguageModel language() {
  return {/*seed=*/11, /*vocabulary=*/20, /*favoured=*/{0}, /*bonus=*/1.5f};
}

static std::vector<std::vector<int32_t>> manySentences() {
  std::vector<std::vector<int32_t>> sentences(100);
  for (size_t i = 0; i < sentences.size(); ++i)
    sentences[i].assign(1 + i * 7 % 12, int32_t(i));
  return sentences;
}

static std::vector<SentenceResult>
translate(const std::vector<std::vector<int32_t>> &sentences, int64_t beams,
          BatchOptions batchOptions) {
  FakeModel model(language());
  return translate(model, options(beams), sentences, batchOptions);
}

TEST(Translator, ResultsDoNotDependOnBatches) {
  std::vector<std::vector<int32_t>> sentences = manySentences();
  for (int64_t beams : {1, 4}) {
    std::vector<SentenceResult> single =
        translate(sentences, beams, {/*batchSize=*/1});
    for (BatchOptions batchOptions :
         {BatchOptions{7}, BatchOptions{64}, BatchOptions{1000},
          BatchOptions{64, /*batchTokens=*/1}, BatchOptions{64, 50}}) {
      std::vector<SentenceResult> results =
          translate(sentences, beams, batchOptions);
      ASSERT_EQ(results.size(), single.size());
      for (size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(results[i].hypotheses[0].ids, single[i].hypotheses[0].ids);
        EXPECT_EQ(results[i].hypotheses[0].score,
                  single[i].hypotheses[0].score);
      }
    }
  }
}

TEST(Translator, StreamKeepsTheOrder) {
  std::vector<std::vector<int32_t>> sentences = manySentences();
  std::vector<SentenceResult> expected = translate(sentences, 2, {});
  FakeModel model(language());
  auto translator = Translator::create(model, options(2),
                                       {/*batchSize=*/3,
                                        /*batchTokens=*/1000,
                                        /*windowBatches=*/2});
  ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
  size_t taken = 0, given = 0;
  llvm::Error error = (*translator)
                          ->run(
                              [&]() -> std::optional<std::vector<int32_t>> {
                                EXPECT_LE(taken - given, 6u);
                                if (taken == sentences.size())
                                  return std::nullopt;
                                return sentences[taken++];
                              },
                              [&](SentenceResult result) {
                                EXPECT_EQ(result.hypotheses[0].ids,
                                          expected[given].hypotheses[0].ids);
                                ++given;
                                return llvm::Error::success();
                              });
  EXPECT_EQ(llvm::toString(std::move(error)), "");
  EXPECT_EQ(given, sentences.size());
}

TEST(Translator, StreamStopsAtAnErrorOfTheOutput) {
  FakeModel model(language());
  auto translator = Translator::create(model, options(1));
  ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
  size_t given = 0;
  int left = 10;
  llvm::Error error = (*translator)
                          ->run(
                              [&]() -> std::optional<std::vector<int32_t>> {
                                if (left-- == 0)
                                  return std::nullopt;
                                return std::vector<int32_t>{1, 0};
                              },
                              [&](const SentenceResult &) -> llvm::Error {
                                if (++given == 3)
                                  return llvm::createStringError("disk full");
                                return llvm::Error::success();
                              });
  EXPECT_EQ(llvm::toString(std::move(error)), "disk full");
  EXPECT_EQ(given, 3u);
}

TEST(Translator, BadSentencesAreReportedAndTheOthersTranslated) {
  std::vector<std::vector<int32_t>> sentences = {
      {1, 0}, {}, {2, 0}, {100, 0}, {-1}, std::vector<int32_t>(13, 1), {3, 0}};
  for (int64_t beams : {1, 3}) {
    std::vector<SentenceResult> results = translate(sentences, beams, {});
    EXPECT_EQ(results[1].error, "sentence has no token ids");
    EXPECT_EQ(results[3].error, "token id 100 is out of range, expected 0 to "
                                "99");
    EXPECT_EQ(results[4].error, "token id -1 is out of range, expected 0 to "
                                "99");
    EXPECT_EQ(results[5].error,
              "sentence has 13 token ids, the model takes at most 12");
    for (size_t i : {1, 3, 4, 5})
      EXPECT_TRUE(results[i].hypotheses.empty());
    std::vector<SentenceResult> good =
        translate({{1, 0}, {2, 0}, {3, 0}}, beams, {});
    EXPECT_EQ(results[0].hypotheses[0].ids, good[0].hypotheses[0].ids);
    EXPECT_EQ(results[2].hypotheses[0].ids, good[1].hypotheses[0].ids);
    EXPECT_EQ(results[6].hypotheses[0].ids, good[2].hypotheses[0].ids);
  }
}

TEST(Translator, OptionsAreVerified) {
  FakeModel model(language());
  GenerationOptions bad = options(1);
  bad.startToken = 20;
  EXPECT_EQ(llvm::toString(Translator::create(model, bad).takeError()),
            "decoder start token 20 is out of range, expected 0 to 19");
  EXPECT_EQ(
      llvm::toString(
          Translator::create(model, options(1), {/*batchSize=*/0}).takeError()),
      "batch size must be at least 1");
}
