// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Scoring.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <limits>
#include <random>

using namespace attn;

static constexpr float infinity = std::numeric_limits<float>::infinity();

static std::vector<float> randomLogits(std::mt19937 &random, int64_t size) {
  std::normal_distribution<float> normal(0, 4);
  std::vector<float> logits(size);
  for (float &logit : logits)
    logit = normal(random);
  return logits;
}

/// Sizes around every block, chunk and vector length.
static const int64_t sizes[] = {1,  2,   3,   15,  16,   17,   63,   64,
                                65, 255, 256, 257, 1023, 1024, 1025, 8001};

TEST(Scoring, Normalizer) {
  std::mt19937 random(1); // NOLINT(bugprone-random-generator-seed)
  for (int64_t size : sizes) {
    std::vector<float> logits = randomLogits(random, size);
    if (size > 2)
      logits[size / 2] = -infinity;
    std::vector<float> maxima(numLogitBlocks(size));
    float maximum = blockMaxima(logits, maxima);
    EXPECT_EQ(maximum, *llvm::max_element(logits));
    for (int64_t block = 0; block < numLogitBlocks(size); ++block) {
      auto begin = logits.begin() + block * logitBlock;
      auto end = logits.begin() + std::min(size, (block + 1) * logitBlock);
      EXPECT_EQ(maxima[block], *std::max_element(begin, end));
    }
    double sum = 0;
    for (float logit : logits)
      sum += std::exp(static_cast<double>(logit) - maximum);
    RowNormalizer normalize = normalizer(logits, maximum);
    EXPECT_TRUE(normalize.isValid());
    EXPECT_NEAR(normalize.logSum, std::log(sum), 2e-6);
    EXPECT_NEAR(normalize(maximum), -std::log(sum), 2e-6);
  }
}

TEST(Scoring, InvalidRows) {
  std::vector<float> logits(100, -infinity), maxima(numLogitBlocks(100));
  EXPECT_FALSE(normalizer(logits, blockMaxima(logits, maxima)).isValid());
  EXPECT_EQ(argMax(logits), -1);
  for (float bad : {infinity, std::numeric_limits<float>::quiet_NaN()}) {
    llvm::fill(logits, 1.0f);
    logits[70] = bad;
    EXPECT_FALSE(normalizer(logits, blockMaxima(logits, maxima)).isValid());
  }
  EXPECT_EQ(argMax(logits), -1);
}

TEST(Scoring, ArgMaxIsTheFirst) {
  std::mt19937 random(2); // NOLINT(bugprone-random-generator-seed)
  for (int64_t size : sizes) {
    std::vector<float> logits = randomLogits(random, size);
    EXPECT_EQ(argMax(logits), llvm::max_element(logits) - logits.begin());
    for (int repeat = 0; repeat < 3; ++repeat)
      logits[random() % size] = 100;
    EXPECT_EQ(argMax(logits), llvm::max_element(logits) - logits.begin());
  }
}

TEST(Scoring, TopCandidatesAreThoseOfAFullSort) {
  std::mt19937 random(3); // NOLINT(bugprone-random-generator-seed)
  for (int repeat = 0; repeat < 300; ++repeat) {
    int64_t vocabulary = 4 + random() % (repeat % 2 ? 30 : 3000);
    size_t numBeams = 1 + random() % 5;
    size_t n = 1 + random() % (2 * numBeams);
    std::vector<std::vector<float>> logits, maxima;
    std::vector<BeamLogits> beams;
    for (size_t beam = 0; beam < numBeams; ++beam) {
      logits.push_back(randomLogits(random, vocabulary));
      // Many ties, and some tokens that are banned.
      if (repeat % 3 == 0)
        for (float &logit : logits.back())
          logit = std::round(logit / 8);
      for (int banned = 0; banned < 3; ++banned)
        logits.back()[random() % vocabulary] = -infinity;
      maxima.emplace_back(numLogitBlocks(vocabulary));
      float maximum = blockMaxima(logits[beam], maxima[beam]);
      float score = beam && repeat % 5 == 0 ? -1e9f : -0.1f * beam;
      beams.push_back(
          {nullptr, nullptr, normalizer(logits[beam], maximum), score});
    }
    std::vector<Candidate> all;
    for (size_t beam = 0; beam < numBeams; ++beam) {
      beams[beam].logits = logits[beam].data();
      beams[beam].blockMaxima = maxima[beam].data();
      for (int64_t token = 0; token < vocabulary; ++token)
        all.push_back(
            {beams[beam].normalizer(logits[beam][token]) + beams[beam].score,
             static_cast<int64_t>(beam) * vocabulary + token});
    }
    llvm::sort(all, [](const auto &a, const auto &b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    });
    std::vector<Candidate> best(n);
    topCandidates(beams, vocabulary, best);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(best[i].index, all[i].index);
      ASSERT_EQ(best[i].score, all[i].score);
    }
  }
}
