// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Scoring.h"
#include "LanguageModel.h"
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

/// Row 1 of three.
static BlockedLogits blocked(llvm::ArrayRef<float> plain, int64_t width) {
  BlockedLogits result(3, static_cast<int64_t>(plain.size()), width);
  result.setRow(1, plain);
  return result;
}

/// Sizes around those of blocks.
static const int64_t sizes[] = {1, 2, 3, 15, 16, 17, 63, 64, 65, 8001};
static const int64_t widths[] = {1, 16, 64};

TEST(Scoring, Normalizer) {
  std::mt19937 random(1); // NOLINT(bugprone-random-generator-seed)
  for (int64_t size : sizes)
    for (int64_t width : widths) {
      std::vector<float> logits = randomLogits(random, size);
      // A block that is empty, and a row with little else.
      if (size > 64)
        std::fill_n(logits.begin(), 64, -infinity);
      BlockedLogits blocks = blocked(logits, width);
      LogitRow row = blocks.logits.row(1);
      float maximum = *llvm::max_element(logits);
      double sum = 0;
      for (auto [token, logit] : llvm::enumerate(logits)) {
        EXPECT_EQ(row[static_cast<int64_t>(token)], logit);
        sum += std::exp(static_cast<double>(logit) - maximum);
      }
      RowNormalizer normalize = normalizer(row);
      EXPECT_TRUE(normalize.isValid());
      EXPECT_EQ(normalize.maximum, maximum);
      EXPECT_NEAR(normalize.logSum, std::log(sum), 2e-6);
      EXPECT_NEAR(normalize(maximum), -std::log(sum), 2e-6);
    }
}

TEST(Scoring, BanAllIsWhatSummarizeFinds) {
  std::mt19937 random(3); // NOLINT(bugprone-random-generator-seed)
  for (int64_t width : widths) {
    BlockedLogits blocks = blocked(randomLogits(random, 100), width);
    LogitRow row = blocks.logits.row(1);
    row.banAll();
    for (int64_t token = 0; token < 100; ++token)
      EXPECT_EQ(row[token], -infinity);
    for (int64_t block = 0; block < row.numBlocks(); ++block) {
      const float maximum = row.maximum(block);
      const float sum = row.sums[block * row.stride];
      row.summarize(block);
      EXPECT_EQ(row.maximum(block), maximum);
      EXPECT_EQ(row.sums[block * row.stride], sum);
    }
  }
}

TEST(Scoring, InvalidRows) {
  for (int64_t width : widths) {
    std::vector<float> logits(100, -infinity);
    BlockedLogits empty = blocked(logits, width);
    EXPECT_FALSE(normalizer(empty.logits.row(1)).isValid());
    EXPECT_EQ(argMax(empty.logits.row(1)), -1);
    for (float bad : {infinity, std::numeric_limits<float>::quiet_NaN()}) {
      llvm::fill(logits, 1.0f);
      logits[70] = bad;
      BlockedLogits broken = blocked(logits, width);
      EXPECT_FALSE(normalizer(broken.logits.row(1)).isValid());
      EXPECT_EQ(argMax(broken.logits.row(1)), -1);
    }
  }
}

TEST(Scoring, ArgMaxIsTheFirst) {
  std::mt19937 random(2); // NOLINT(bugprone-random-generator-seed)
  for (int64_t size : sizes)
    for (int64_t width : widths) {
      std::vector<float> logits = randomLogits(random, size);
      for (int repeat = 0; repeat < 4; ++repeat) {
        EXPECT_EQ(argMax(blocked(logits, width).logits.row(1)),
                  llvm::max_element(logits) - logits.begin());
        logits[random() % size] = 100;
      }
    }
}

TEST(Scoring, TopCandidatesAreThoseOfAFullSort) {
  std::mt19937 random(3); // NOLINT(bugprone-random-generator-seed)
  for (int repeat = 0; repeat < 300; ++repeat) {
    int64_t vocabulary = 4 + random() % (repeat % 2 ? 30 : 3000);
    size_t numBeams = 1 + random() % 5;
    size_t n = 1 + random() % (2 * numBeams);
    std::vector<BlockedLogits> rows;
    std::vector<BeamLogits> beams;
    std::vector<Candidate> all;
    for (size_t beam = 0; beam < numBeams; ++beam) {
      std::vector<float> logits = randomLogits(random, vocabulary);
      // Many ties, and some tokens that are banned.
      if (repeat % 3 == 0)
        for (float &logit : logits)
          logit = std::round(logit / 8);
      for (int banned = 0; banned < 3; ++banned)
        logits[random() % vocabulary] = -infinity;
      rows.push_back(blocked(logits, widths[repeat % 3]));
      LogitRow row = rows.back().logits.row(1);
      float score = beam && repeat % 5 == 0 ? -1e9f : -0.1f * beam;
      beams.push_back({row, normalizer(row), score});
      for (int64_t token = 0; token < vocabulary; ++token)
        all.push_back({beams[beam].normalizer(logits[token]) + score,
                       static_cast<int64_t>(beam) * vocabulary + token});
    }
    llvm::sort(all, [](const auto &a, const auto &b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    });
    std::vector<Candidate> best;
    for (auto [beam, row] : llvm::enumerate(beams))
      addCandidates(static_cast<int64_t>(beam), row, n, best);
    ASSERT_EQ(best.size(), n);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(best[i].index, all[i].index);
      ASSERT_EQ(best[i].score, all[i].score);
    }
  }
}
