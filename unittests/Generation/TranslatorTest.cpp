// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Translator.h"
#include "LanguageModel.h"
#include "gtest/gtest.h"
#include <deque>
#include <limits>
#include <thread>

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

namespace {
/// A model for each worker.
struct WorkerModels {
  explicit WorkerModels(size_t count) {
    for (size_t i = 0; i < count; ++i)
      pointers.push_back(&models.emplace_back(language()));
  }

  std::deque<FakeModel> models;
  std::vector<DecoderModel *> pointers;
};
} // namespace

static std::vector<std::vector<int32_t>> manySentences() {
  std::vector<std::vector<int32_t>> sentences(100);
  for (size_t i = 0; i < sentences.size(); ++i)
    sentences[i].assign(1 + i * 7 % 12, int32_t(i));
  return sentences;
}

static std::vector<SentenceResult>
translate(const std::vector<std::vector<int32_t>> &sentences, int64_t beams,
          const BatchOptions &batchOptions) {
  FakeModel model(language());
  return translate(model, options(beams), sentences, batchOptions);
}

TEST(Translator, ResultsDoNotDependOnBatches) {
  std::vector<std::vector<int32_t>> sentences = manySentences();
  for (int64_t beams : {1, 4}) {
    std::vector<SentenceResult> single =
        translate(sentences, beams, {/*batchSize=*/1});
    for (const BatchOptions &batchOptions :
         {BatchOptions{7}, BatchOptions{64}, BatchOptions{int64_t(1) << 40},
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

TEST(Translator, ResultsDoNotDependOnWorkers) {
  std::vector<std::vector<int32_t>> sentences = manySentences();
  for (int64_t beams : {1, 3}) {
    std::vector<SentenceResult> expected = translate(sentences, beams, {});
    for (size_t workers : {2, 5}) {
      WorkerModels models(workers);
      auto translator = Translator::create(models.pointers, options(beams),
                                           {/*batchSize=*/4});
      ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
      auto results = (*translator)->translate(sentences);
      ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
      ASSERT_EQ(results->size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ((*results)[i].hypotheses[0].ids,
                  expected[i].hypotheses[0].ids);
    }
  }
}

TEST(Translator, ThreadsAreSharedAmongTheWorkersThatAreNeeded) {
  WorkerModels models(4);
  BatchOptions batchOptions;
  batchOptions.threads = 4;
  auto usedBy = [&](size_t numSentences) {
    for (FakeModel &model : models.models) {
      model.rowsOfSteps.clear();
      model.fewestThreads = std::numeric_limits<int64_t>::max();
    }
    auto translator =
        Translator::create(models.pointers, options(1), batchOptions);
    std::vector<std::vector<int32_t>> sentences(numSentences, {1, 0});
    EXPECT_TRUE(bool((*translator)->translate(sentences)));
    return llvm::count_if(models.models, [](FakeModel &model) {
      return !model.rowsOfSteps.empty();
    });
  };
  EXPECT_EQ(usedBy(1), 1);
  EXPECT_EQ(models.models[0].fewestThreads, 4);
  EXPECT_LE(usedBy(3), 3);
  batchOptions.sentencesOfWorker = 3;
  EXPECT_EQ(usedBy(5), 1);
  EXPECT_EQ(models.models[0].fewestThreads, 4);
  EXPECT_LE(usedBy(8), 2);
  // One after the other, each on all threads.
  batchOptions.batchSize = 1;
  EXPECT_EQ(usedBy(9), 1);
  EXPECT_EQ(models.models[0].fewestThreads, 4);
}

TEST(Translator, SentencesEnterWhereOthersLeave) {
  FakeModel model(language());
  std::vector<std::vector<int32_t>> sentences = manySentences();
  std::vector<SentenceResult> results =
      translate(model, options(1), sentences, {/*batchSize=*/8});
  size_t tokens = 0, rows = 0, full = 0;
  for (const SentenceResult &result : results)
    tokens += result.hypotheses[0].ids.size();
  for (size_t count : model.rowsOfSteps) {
    EXPECT_LE(count, 8u);
    rows += count;
    full += count == 8;
  }
  // An end token may or may not have been reached.
  EXPECT_GE(rows, tokens);
  EXPECT_LE(rows, tokens + sentences.size());
  // Only at the end is the batch not full.
  EXPECT_LE(model.rowsOfSteps.size() - full, 15u);
  for (size_t count : llvm::drop_end(model.encoded))
    EXPECT_EQ(count, 8u);
}

TEST(Translator, SentencesThatEnterTogetherHaveFewTokens) {
  FakeModel model(language());
  std::vector<std::vector<int32_t>> sentences(6, {1, 2, 3, 0});
  translate(model, options(1), sentences,
            {/*batchSize=*/8, /*batchTokens=*/11});
  ASSERT_GE(model.encoded.size(), 3u);
  EXPECT_EQ(model.encoded.front(), 2u);
  for (size_t count : model.encoded)
    EXPECT_LE(count, 2u);
}

TEST(Translator, StreamKeepsTheOrder) {
  std::vector<std::vector<int32_t>> sentences = manySentences();
  std::vector<SentenceResult> expected = translate(sentences, 2, {});
  for (size_t workers : {1, 3}) {
    WorkerModels models(workers);
    auto translator = Translator::create(models.pointers, options(2),
                                         {/*batchSize=*/3,
                                          /*batchTokens=*/1000,
                                          /*windowBatches=*/2});
    ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
    // Sentences are read while results are given.
    std::atomic<size_t> taken = 0, given = 0;
    llvm::Error error =
        (*translator)
            ->run(
                [&]() -> std::optional<std::vector<int32_t>> {
                  // Two windows.
                  EXPECT_LE(taken - given, 12u);
                  if (taken == sentences.size())
                    return std::nullopt;
                  return sentences[taken++];
                },
                [&](auto results) {
                  for (const SentenceResult &result : results)
                    EXPECT_EQ(result.hypotheses[0].ids,
                              expected[given++].hypotheses[0].ids);
                  return llvm::Error::success();
                });
    EXPECT_EQ(llvm::toString(std::move(error)), "");
    EXPECT_EQ(given, sentences.size());
  }
}

TEST(Translator, ResultsDoNotWaitForTheNextSentence) {
  // The source gives the last sentence only when all before it are there.
  FakeModel model(language());
  auto translator = Translator::create(&model, options(1),
                                       {/*batchSize=*/2, /*batchTokens=*/1000,
                                        /*windowBatches=*/2});
  ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
  size_t taken = 0, finished = 0;
  std::mutex mutex;
  std::condition_variable changed;
  size_t given = 0;
  llvm::Error error =
      (*translator)
          ->run(
              [&]() -> std::optional<std::vector<int32_t>> {
                if (taken == 6)
                  return std::nullopt;
                if (++taken == 6) {
                  std::unique_lock<std::mutex> lock(mutex);
                  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60),
                                               [&] { return given == 4; }));
                }
                return std::vector<int32_t>{1, 0};
              },
              [&](auto results) {
                std::lock_guard<std::mutex> lock(mutex);
                given += results.size();
                changed.notify_all();
                return llvm::Error::success();
              },
              [&] { ++finished; });
  EXPECT_EQ(llvm::toString(std::move(error)), "");
  EXPECT_EQ(given, 6u);
  EXPECT_EQ(finished, 6u);
}

TEST(Translator, StreamStopsAtAnErrorOfTheOutput) {
  for (size_t workers : {1, 2}) {
    WorkerModels models(workers);
    auto translator =
        Translator::create(models.pointers, options(1), {/*batchSize=*/2});
    ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
    size_t given = 0;
    int left = 40;
    llvm::Error error = (*translator)
                            ->run(
                                [&]() -> std::optional<std::vector<int32_t>> {
                                  if (left-- == 0)
                                    return std::nullopt;
                                  return std::vector<int32_t>{1, 0};
                                },
                                [&](auto results) -> llvm::Error {
                                  EXPECT_LT(given, 3u);
                                  given += results.size();
                                  if (given >= 3)
                                    return llvm::createStringError("disk full");
                                  return llvm::Error::success();
                                });
    EXPECT_EQ(llvm::toString(std::move(error)), "disk full");
  }
}

TEST(Translator, StopsAtAnErrorOfAModel) {
  WorkerModels models(3);
  for (FakeModel &model : models.models)
    model.stepError = "no memory";
  auto translator =
      Translator::create(models.pointers, options(2), {/*batchSize=*/4});
  ASSERT_TRUE(bool(translator)) << llvm::toString(translator.takeError());
  auto results = (*translator)->translate(manySentences());
  EXPECT_EQ(results ? "" : llvm::toString(results.takeError()), "no memory");
}

TEST(Translator, StopsWhenItIsCancelled) {
  // Where there are other workers, the caller's may not have much to do.
  for (auto [workers, steps] : {std::pair(1, 2), std::pair(3, 0)}) {
    WorkerModels models(workers);
    int questions = 0;
    BatchOptions batchOptions{/*batchSize=*/4};
    batchOptions.isCancelled = [&, caller = std::this_thread::get_id(),
                                steps = steps] {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      return ++questions > steps;
    };
    auto translator =
        Translator::create(models.pointers, options(1), batchOptions);
    auto results = (*translator)->translate(manySentences());
    EXPECT_TRUE(errorToErrorCode(results.takeError()) ==
                std::errc::operation_canceled);
    EXPECT_EQ(models.models[0].rowsOfSteps.size(), size_t(steps));
    // The models may be used again.
    batchOptions.isCancelled = nullptr;
    translator = Translator::create(models.pointers, options(1), batchOptions);
    EXPECT_TRUE(bool((*translator)->translate(manySentences())));
  }
}

TEST(Translator, BadSentencesAreReportedAndTheOthersTranslated) {
  std::vector<std::vector<int32_t>> sentences = {
      {1, 0}, {}, {2, 0}, {100, 0}, {-1}, std::vector<int32_t>(13, 1), {3, 0}};
  for (int64_t beams : {1, 3}) {
    std::vector<SentenceResult> results = translate(sentences, beams, {});
    EXPECT_EQ(results[1].error, "expected token ids, got none");
    EXPECT_EQ(results[3].error, "expected token ids in 0..99, got 100");
    EXPECT_EQ(results[4].error, "expected token ids in 0..99, got -1");
    EXPECT_EQ(results[5].error,
              "expected at most 12 tokens, got 13; hint: split the sentence");
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
  EXPECT_EQ(llvm::toString(Translator::create(&model, bad).takeError()),
            "expected the decoder start token in 0..19, got 20");
  EXPECT_EQ(
      llvm::toString(Translator::create(&model, options(1), {/*batchSize=*/0})
                         .takeError()),
      "expected a batch size of at least 1, got 0");
}
