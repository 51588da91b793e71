// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LanguageModel.h"
#include "ReferenceSearch.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace attn;

static std::string describe(const SentenceResult &result) {
  std::string text = result.error;
  for (const Hypothesis &hypothesis : result.hypotheses) {
    text += "[";
    for (int32_t id : hypothesis.ids)
      text += " " + std::to_string(id);
    text += " ] " + std::to_string(hypothesis.score) + "; ";
  }
  return text;
}

/// The same ids, and scores as close as float arithmetic in another order.
static void expectSame(const SentenceResult &got,
                       const SentenceResult &expected) {
  ASSERT_EQ(got.error, expected.error);
  ASSERT_EQ(got.hypotheses.size(), expected.hypotheses.size())
      << "got " << describe(got) << "\nexpected " << describe(expected);
  for (size_t i = 0; i < got.hypotheses.size(); ++i) {
    ASSERT_EQ(got.hypotheses[i].ids, expected.hypotheses[i].ids)
        << "got " << describe(got) << "\nexpected " << describe(expected);
    float score = expected.hypotheses[i].score;
    ASSERT_NEAR(got.hypotheses[i].score, score,
                1e-5f * std::max(1.0f, std::abs(score)));
  }
}

/// Translates all sentences in one batch.
static std::vector<SentenceResult>
run(DecoderModel &model, const GenerationOptions &options,
    const std::vector<std::vector<int32_t>> &sentences) {
  std::vector<SentenceResult> results =
      translate(model, options, sentences,
                {/*batchSize=*/static_cast<int64_t>(sentences.size())});
  results.resize(sentences.size());
  return results;
}

namespace {

/// One random search: a model and options that exercise every setting.
struct RandomCase {
  LanguageModel language;
  GenerationOptions options;

  explicit RandomCase(uint64_t seed) {
    std::mt19937_64 random(seed);
    auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
    language.seed = seed;
    language.vocabulary = 4 + below(below(4) ? 12 : 200);
    options.beamSize = 1 + below(5);
    options.nBest = 1 + below(options.beamSize);
    options.maxLength = 2 + below(below(2) ? 5 : 24);
    options.lengthPenalty = std::array{1.0, 1.0, 0.0, 0.6, 2.0, -1.0}[below(6)];
    options.earlyStopping = static_cast<EarlyStopping>(below(3));
    options.startToken = static_cast<int32_t>(language.vocabulary) - 1;
    if (below(8))
      options.endTokens.push_back(0);
    if (below(6) == 0)
      options.endTokens.push_back(2);
    if (below(2))
      options.forcedEndTokens = {0};
    else if (below(8) == 0)
      options.forcedEndTokens = {0, 1};
    if (below(4))
      options.badWords.push_back({options.startToken});
    if (below(4) == 0)
      options.badWords.push_back({0});
    for (int64_t words = below(2) * below(6); words > 0; --words) {
      std::vector<int32_t> &word = options.badWords.emplace_back();
      for (int64_t length = 2 + below(2); length > 0; --length)
        word.push_back(below(4) ? below(4) : options.startToken);
    }
    options.renormalize = below(2);
    if (below(3) == 0)
      options.minLength = below(options.maxLength + 1);
    language.favoured = options.endTokens;
    language.bonus = 0.5f * below(7);
    // Tokens that are no end tokens.
    if (below(3) == 0)
      for (int64_t length = below(options.maxLength - 1); length > 0; --length)
        options.prefix.push_back(1 + 2 * below(2));
  }

  SentenceResult expected(llvm::ArrayRef<int32_t> source) const {
    return options.beamSize == 1
               ? referenceGreedySearch(language, options, source)
               : referenceBeamSearch(language, options, source);
  }
};

} // namespace

TEST(Search, EqualsTheTranscriptionOfTheReference) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomCase test(seed);
    FakeModel model(test.language);
    std::vector<std::vector<int32_t>> sentences(1 + seed % 4);
    for (auto [i, sentence] : llvm::enumerate(sentences))
      sentence = {int32_t(i), int32_t(seed % 50), 0};
    std::vector<SentenceResult> results = run(model, test.options, sentences);
    for (size_t i = 0; i < sentences.size(); ++i)
      expectSame(results[i], test.expected(sentences[i]));
    if (HasFatalFailure())
      return;
  }
}

static std::vector<int32_t> readIds(const llvm::json::Value *value) {
  std::vector<int32_t> ids;
  for (const llvm::json::Value &id : *value->getAsArray())
    ids.push_back(static_cast<int32_t>(id.getAsInteger().value_or(-1)));
  return ids;
}

/// The cases that utils/generate_search_cases.py recorded.
TEST(Search, EqualsTransformers) {
  auto file = llvm::MemoryBuffer::getFile(
      ATTN_TEST_DIR "/Generation/Inputs/search-cases.jsonl");
  ASSERT_TRUE(bool(file)) << file.getError().message();
  int numCases = 0;
  for (llvm::line_iterator line(**file); !line.is_at_eof(); ++line) {
    SCOPED_TRACE(line->str());
    ++numCases;
    llvm::json::Value json = llvm::cantFail(llvm::json::parse(*line));
    const llvm::json::Object &object = *json.getAsObject();
    LanguageModel language;
    language.seed = *object.getInteger("seed");
    language.vocabulary = *object.getInteger("vocabulary");
    language.favoured = readIds(object.get("end"));
    language.bonus = *object.getNumber("bonus");
    GenerationOptions options;
    options.beamSize = *object.getInteger("beams");
    options.nBest = *object.getInteger("n_best");
    options.maxLength = *object.getInteger("max_length");
    options.lengthPenalty = *object.getNumber("length_penalty");
    options.renormalize = *object.getBoolean("renormalize");
    options.startToken = *object.getInteger("start");
    options.endTokens = readIds(object.get("end"));
    options.forcedEndTokens = readIds(object.get("forced_end"));
    for (const llvm::json::Value &word : *object.getArray("bad_words"))
      options.badWords.push_back(readIds(&word));
    llvm::StringRef earlyStopping = *object.getString("early_stopping");
    options.earlyStopping = earlyStopping == "true" ? EarlyStopping::WhenFull
                            : earlyStopping == "never"
                                ? EarlyStopping::Never
                                : EarlyStopping::Heuristic;
    SentenceResult expected;
    for (const llvm::json::Value &value : *object.getArray("hypotheses")) {
      const llvm::json::Object &hypothesis = *value.getAsObject();
      expected.hypotheses.push_back(
          {readIds(hypothesis.get("ids")),
           static_cast<float>(*hypothesis.getNumber("score")),
           {}});
    }

    FakeModel model(language);
    std::vector<int32_t> source = readIds(object.get("source"));
    SentenceResult result = run(model, options, {source}).front();
    // The reference fills up with copies of what never finished, which have a
    // penalty for a score.
    llvm::erase_if(result.hypotheses, [](const Hypothesis &hypothesis) {
      return hypothesis.score < -1e6f;
    });
    // Its greedy search does not score.
    if (options.beamSize == 1)
      result.hypotheses[0].score = expected.hypotheses[0].score = 0;
    expectSame(result, expected);
    if (HasFatalFailure())
      return;
  }
  EXPECT_GE(numCases, 300);
}

TEST(Search, DoesNotDependOnTheBatch) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomCase test(seed);
    FakeModel model(test.language);
    std::vector<std::vector<int32_t>> sentences(9);
    for (auto [i, sentence] : llvm::enumerate(sentences))
      sentence.assign(1 + i % 4, int32_t(i));
    std::vector<SentenceResult> together = run(model, test.options, sentences);
    for (size_t i = 0; i < sentences.size(); ++i) {
      SentenceResult alone = run(model, test.options, {sentences[i]}).front();
      ASSERT_EQ(alone.error, together[i].error);
      ASSERT_EQ(alone.hypotheses.size(), together[i].hypotheses.size());
      for (size_t k = 0; k < alone.hypotheses.size(); ++k) {
        ASSERT_EQ(alone.hypotheses[k].ids, together[i].hypotheses[k].ids);
        ASSERT_EQ(alone.hypotheses[k].score, together[i].hypotheses[k].score);
      }
    }
  }
}

TEST(Search, BeamsThatCannotMatterAreNotFed) {
  GenerationOptions options;
  options.startToken = 7;
  options.endTokens = {0};
  options.maxLength = 20;
  options.beamSize = options.nBest = 4;
  std::vector<std::vector<int32_t>> sentences(12);
  for (auto [i, sentence] : llvm::enumerate(sentences))
    sentence = {int32_t(i), 0};
  auto countRows = [](const FakeModel &model) {
    return std::accumulate(model.rowsOfSteps.begin(), model.rowsOfSteps.end(),
                           size_t(0));
  };
  size_t rowsTogether = 0, rowsAlone = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    // Of one token it is mostly sure.
    LanguageModel language{seed, /*vocabulary=*/12, /*favoured=*/{3}, 6.0f};
    FakeModel together(language);
    std::vector<SentenceResult> results = run(together, options, sentences);
    rowsTogether += countRows(together);
    for (auto [sentence, result] : llvm::zip_equal(sentences, results)) {
      // Few rows do not wait, so that all are fed.
      FakeModel alone(language);
      expectSame(run(alone, options, {sentence}).front(), result);
      rowsAlone += countRows(alone);
    }
  }
  EXPECT_LT(rowsTogether, rowsAlone);
}

TEST(Search, FinishedSentencesLeaveTheBatch) {
  GenerationOptions options;
  options.startToken = 7;
  options.endTokens = {0};
  options.maxLength = 20;
  std::vector<std::vector<int32_t>> sentences(12);
  for (auto [i, sentence] : llvm::enumerate(sentences))
    sentence = {int32_t(i), 0};
  for (int64_t beams : {1, 3}) {
    options.beamSize = beams;
    FakeModel model({/*seed=*/5, /*vocabulary=*/8, /*favoured=*/{0}, 2.0f});
    std::vector<SentenceResult> results = run(model, options, sentences);
    // The first step has one row a sentence, later ones at most one a beam.
    ASSERT_GE(model.rowsOfSteps.size(), 3u);
    EXPECT_EQ(model.rowsOfSteps[0], sentences.size());
    std::vector<size_t> rows(model.rowsOfSteps);
    for (size_t count : rows)
      EXPECT_LE(count, sentences.size() * beams);
    EXPECT_LT(rows.back(), sentences.size());
    if (beams == 1) // A greedy row lives exactly as long as its sentence.
      for (size_t step = 0; step < rows.size(); ++step)
        EXPECT_EQ(rows[step],
                  size_t(llvm::count_if(results, [&](const auto &result) {
                    return result.hypotheses[0].ids.size() >= step;
                  })));
  }
}

TEST(Search, ForcedEndComesAtTheGreatestLength) {
  GenerationOptions options;
  options.startToken = 5;
  options.badWords = {{5}};
  options.forcedEndTokens = {0};
  options.endTokens = {0};
  options.maxLength = 6;
  for (int64_t beams : {1, 4}) {
    options.beamSize = beams;
    FakeModel model({/*seed=*/1, /*vocabulary=*/6, /*favoured=*/{0}, -9.0f});
    SentenceResult forced = run(model, options, {{1}}).front();
    EXPECT_EQ(forced.hypotheses[0].ids.size(), 4u);
    EXPECT_EQ(model.rowsOfSteps.size(), 5u);
    options.forcedEndTokens.clear();
    SentenceResult cut = run(model, options, {{1}}).front();
    EXPECT_EQ(cut.hypotheses[0].ids.size(), 5u);
    options.forcedEndTokens = {0};
  }
}

TEST(Search, OfSeveralForcedEndsGreedySearchTakesTheFirstOfTheVocabulary) {
  GenerationOptions options;
  options.startToken = 5;
  options.endTokens = {0};
  options.forcedEndTokens = {4, 2, 3};
  options.maxLength = 4;
  for (bool scores : {false, true}) {
    options.scores = scores;
    FakeModel model({/*seed=*/1, /*vocabulary=*/6, /*favoured=*/{0}, -9.0f});
    SentenceResult result = run(model, options, {{1}}).front();
    EXPECT_EQ(result.hypotheses[0].ids.back(), 2);
  }
}

TEST(Search, OutputsHaveTheLeastLength) {
  GenerationOptions options;
  options.startToken = 5;
  options.badWords = {{5}};
  options.endTokens = {0};
  options.maxLength = 12;
  for (int64_t beams : {1, 4}) {
    options.beamSize = beams;
    for (int64_t length : {0, 5, 12}) {
      options.minLength = length;
      FakeModel model({/*seed=*/1, /*vocabulary=*/6, /*favoured=*/{0}, 9.0f});
      SentenceResult result = run(model, options, {{1}}).front();
      EXPECT_EQ(result.hypotheses[0].ids.size(),
                std::max<size_t>(length, 1) - 1);
    }
  }
}

TEST(Search, NaNIsAnErrorOfItsSentence) {
  GenerationOptions options;
  options.startToken = 7;
  options.endTokens = {0};
  options.maxLength = 8;
  for (int64_t beams : {1, 3})
    for (bool scores : {false, true}) {
      options.beamSize = beams;
      options.scores = scores;
      FakeModel model({/*seed=*/2, /*vocabulary=*/8, /*favoured=*/{0}, -5.0f});
      std::vector<SentenceResult> sound = run(model, options, {{1}, {2}, {3}});
      model.brokenSource = 2;
      std::vector<SentenceResult> broken = run(model, options, {{1}, {2}, {3}});
      EXPECT_EQ(broken[1].error, "the decoder's output is not a number");
      EXPECT_TRUE(broken[1].hypotheses.empty());
      for (size_t i : {0, 2})
        expectSame(broken[i], sound[i]);
    }
}

TEST(Search, GreedyIdsNeedNoScores) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomCase test(seed);
    test.options.beamSize = test.options.nBest = 1;
    FakeModel model(test.language);
    SentenceResult scored = run(model, test.options, {{3, 0}}).front();
    test.options.scores = false;
    SentenceResult bare = run(model, test.options, {{3, 0}}).front();
    EXPECT_EQ(scored.hypotheses[0].ids, bare.hypotheses[0].ids);
    EXPECT_EQ(bare.hypotheses[0].score, 0.0f);
  }
}

TEST(Search, LogitsAreOnlyAskedForWhereTheGreatestIsNotEnough) {
  GenerationOptions options;
  options.scores = false;
  options.startToken = 7;
  options.endTokens = {0};
  options.maxLength = 9;
  FakeModel model({/*seed=*/2, /*vocabulary=*/8, /*favoured=*/{0}, -99.0f});
  std::vector<std::vector<int32_t>> sentences = {{1}, {2}, {3}};
  std::vector<SentenceResult> free = run(model, options, sentences);
  EXPECT_EQ(model.timesLogits, 0);
  // The second token of one sentence.
  int32_t second = free[1].hypotheses[0].ids[1];
  options.badWords = {{free[1].hypotheses[0].ids[0], second}};
  std::vector<SentenceResult> banned = run(model, options, sentences);
  EXPECT_EQ(model.timesLogits, 1);
  EXPECT_NE(banned[1].hypotheses[0].ids[1], second);
  options.badWords.clear();
  // Forced tokens need none.
  model.timesLogits = 0;
  options.prefix = {5, 6};
  options.forcedEndTokens = {0};
  for (const SentenceResult &result : run(model, options, sentences)) {
    llvm::ArrayRef<int32_t> ids = result.hypotheses[0].ids;
    EXPECT_EQ(ids.size(), 7u);
    EXPECT_EQ(ids.take_front(2), llvm::ArrayRef<int32_t>({5, 6}));
  }
  EXPECT_EQ(model.timesLogits, 0);
  options.scores = true;
  run(model, options, sentences);
  EXPECT_EQ(model.timesLogits, 8);
}

static std::string verify(const GenerationOptions &options) {
  return llvm::toString(options.verify(/*vocabulary=*/10, /*positions=*/32));
}

TEST(GenerationOptions, Verify) {
  GenerationOptions good;
  good.startToken = 9;
  good.endTokens = {0};
  good.maxLength = 33;
  EXPECT_EQ(verify(good), "");
  auto changed = [&](auto &&change) {
    GenerationOptions options = good;
    change(options);
    return verify(options);
  };
  using Options = GenerationOptions;
  EXPECT_EQ(changed([](Options &o) { o.beamSize = 0; }),
            "expected a beam size in 1..1024, got 0");
  EXPECT_EQ(changed([](Options &o) { o.nBest = 2; }),
            "expected an n-best in 1..1 (the beam size), got 2");
  EXPECT_EQ(changed([](Options &o) { o.maxLength = 1; }),
            "expected a maximum length in 2..33 (the model's positions "
            "and the end token), got 1");
  EXPECT_EQ(changed([](Options &o) { o.maxLength = 34; }),
            "expected a maximum length in 2..33 (the model's positions "
            "and the end token), got 34");
  EXPECT_EQ(changed([](Options &o) { o.minLength = 34; }),
            "expected a minimum length in 0..33 (the maximum length), got 34");
  EXPECT_EQ(changed([](Options &o) { o.prefix.assign(32, 1); }),
            "expected a prefix of at most 31 tokens (the maximum length "
            "without start and end), got 32");
  EXPECT_EQ(changed([](Options &o) { o.prefix = {1, 10}; }),
            "expected the prefix token in 0..9, got 10");
  EXPECT_EQ(changed([](Options &o) {
              o.endTokens = {3};
              o.prefix = {1, 3};
            }),
            "expected a prefix without end tokens, got 3");
  EXPECT_EQ(changed([](Options &o) { o.startToken = 10; }),
            "expected the decoder start token in 0..9, got 10");
  EXPECT_EQ(changed([](Options &o) { o.endTokens = {-1}; }),
            "expected the end token in 0..9, got -1");
  EXPECT_EQ(changed([](Options &o) { o.forcedEndTokens = {12}; }),
            "expected the forced end token in 0..9, got 12");
  EXPECT_EQ(changed([](Options &o) { o.badWords = {{1}, {2, 11}}; }),
            "expected the bad word token in 0..9, got 11");
  EXPECT_EQ(changed([](Options &o) { o.badWords = {{}}; }),
            "expected a token or more in each bad word, got none");
  EXPECT_EQ(changed([](Options &o) {
              o.lengthPenalty = std::numeric_limits<double>::quiet_NaN();
            }),
            "expected a length penalty in -10..10, got nan");
  EXPECT_EQ(changed([](Options &o) { o.lengthPenalty = -HUGE_VAL; }),
            "expected a length penalty in -10..10, got -inf");
  EXPECT_EQ(changed([](Options &o) { o.lengthPenalty = 1e300; }),
            "expected a length penalty in -10..10, got 1e+300");
  EXPECT_EQ(changed([](Options &o) { o.lengthPenalty = 10.001; }),
            "expected a length penalty in -10..10, got 10.001");
}
