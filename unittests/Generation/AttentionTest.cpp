// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What hypotheses attended to, and alignments of words made of it.

#include "LanguageModel.h"
#include "attn/Generation/Alignment.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace attn;
using testing::ElementsAre;
using testing::FloatEq;

static std::vector<std::vector<int32_t>> sentences() {
  return {{1, 2, 3}, {4, 0}, {5, 6, 7, 8, 0}, {9}, {10, 11, 12, 0}};
}

static GenerationOptions searchOptions(int64_t beams) {
  GenerationOptions options;
  options.beamSize = options.nBest = beams;
  options.startToken = 8;
  options.endTokens = {0};
  options.maxLength = 12;
  options.attention = true;
  return options;
}

/// Whatever beams a hypothesis was in and whatever sentences beside it, it has
/// the weights of its own prefixes.
TEST(Attention, IsThatOfEachPrefix) {
  for (int64_t beams : {1, 2, 4}) {
    for (const std::vector<int32_t> &heads :
         {std::vector<int32_t>(), {1}, {2, 0}}) {
      LanguageModel language{static_cast<uint64_t>(beams), 9, {0}, 0.5f};
      FakeModel model(language);
      model.heads = 3;
      GenerationOptions options = searchOptions(beams);
      options.attentionHeads = heads;
      auto results = translate(model, options, sentences(), {/*batchSize=*/2});
      ASSERT_EQ(results.size(), sentences().size());
      for (auto [source, result] : llvm::zip_equal(sentences(), results))
        for (const Hypothesis &hypothesis : result.hypotheses) {
          std::vector<int32_t> prefix = {options.startToken};
          size_t steps = hypothesis.attention.size() / source.size();
          ASSERT_EQ(steps * source.size(), hypothesis.attention.size());
          // The end token has a step, too, unless the output was cut off.
          ASSERT_EQ(steps, std::min<size_t>(hypothesis.ids.size() + 1, 11));
          for (size_t step = 0; step < steps; ++step) {
            for (size_t token = 0; token < source.size(); ++token) {
              float sum = 0;
              for (int32_t head :
                   heads.empty() ? std::vector<int32_t>{0, 1, 2} : heads)
                sum += language.weight(prefix, head, token);
              float count = heads.empty() ? 3.0f : heads.size();
              ASSERT_NEAR(hypothesis.attention[step * source.size() + token],
                          sum / count, 1e-6f);
            }
            if (step < hypothesis.ids.size())
              prefix.push_back(hypothesis.ids[step]);
          }
        }
    }
  }
}

TEST(Attention, IsNotKeptUnlessAskedFor) {
  FakeModel model({3, 9, {0}, 0.5f});
  model.heads = 3;
  for (int64_t beams : {1, 3}) {
    GenerationOptions options = searchOptions(beams);
    options.attention = false;
    for (const SentenceResult &result :
         translate(model, options, sentences(), {/*batchSize=*/2}))
      EXPECT_TRUE(result.hypotheses[0].attention.empty());
  }
}

TEST(Attention, OptionsAreChecked) {
  FakeModel model({3, 9, {0}, 0.5f});
  auto error = [&](const GenerationOptions &options) {
    auto translator = Translator::create(&model, options);
    return translator ? "" : llvm::toString(translator.takeError());
  };
  GenerationOptions options = searchOptions(1);
  EXPECT_EQ(error(options), "the model does not tell what it attends to");
  model.heads = 3;
  EXPECT_EQ(error(options), "");
  options.attentionHeads = {0, 3};
  EXPECT_EQ(error(options), "expected attention heads in 0..2, got 3");
  options.attentionHeads = {-1};
  EXPECT_EQ(error(options), "expected attention heads in 0..2, got -1");
}

/// Source tokens: a word of two, a word of one, the end. Target tokens: a word
/// of one, a word of two, then the end.
TEST(Alignment, MergesTokensIntoWords) {
  Hypothesis hypothesis;
  hypothesis.ids = {1, 2, 3};
  hypothesis.attention = {0.1f, 0.3f, 0.4f, 0.2f, //
                          0.5f, 0.0f, 0.5f, 0.0f, //
                          0.0f, 0.0f, 0.0f, 1.0f, //
                          0.2f, 0.2f, 0.1f, 0.5f};
  std::vector<TokenSpan> sources = {{0, 2}, {2, 3}}, targets = {{0, 1}, {1, 3}};
  Alignment alignment =
      alignWords(hypothesis, 4, sources, targets, AlignmentStep::Choosing);
  EXPECT_EQ(alignment.targets(), 2u);
  EXPECT_THAT(alignment.weights, ElementsAre(FloatEq(0.5f), FloatEq(0.5f),
                                             FloatEq(0.5f), FloatEq(0.5f)));
  alignment = alignWords(hypothesis, 4, sources, targets, AlignmentStep::Fed);
  EXPECT_THAT(alignment.weights, ElementsAre(FloatEq(0.5f), FloatEq(0.5f),
                                             FloatEq(0.8f), FloatEq(0.2f)));
  EXPECT_EQ(alignment.strongest(1), 0);
}

/// A word that attends to no word at all aligns with none.
TEST(Alignment, MayBeEmpty) {
  Hypothesis hypothesis;
  hypothesis.ids = {1};
  hypothesis.attention = {0.0f, 1.0f};
  for (AlignmentStep step : {AlignmentStep::Choosing, AlignmentStep::Fed}) {
    Alignment alignment =
        alignWords(hypothesis, 2, TokenSpan{0, 1}, TokenSpan{0, 1}, step);
    EXPECT_THAT(alignment.weights, ElementsAre(0.0f));
    EXPECT_EQ(alignment.strongest(0), -1);
  }
}
