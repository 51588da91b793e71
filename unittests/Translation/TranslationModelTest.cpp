// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/TranslationModel.h"

#include "gtest/gtest.h"

using namespace attn;

static BatchPlan plan(size_t weightBytes, bool multipliesTiles,
                      int64_t beamSize, int64_t batchSize) {
  TranslationModel model;
  model.weightBytes = weightBytes;
  model.multipliesTiles = multipliesTiles;
  model.decoders.resize(2);
  return model.planBatches(beamSize, /*threads=*/2, batchSize);
}

static constexpr size_t small = 1 << 20, large = 1 << 30;

TEST(TranslationModel, SmallWeightsAreReadByEachThread) {
  for (int64_t beamSize : {1, 4}) {
    BatchPlan found = plan(small, /*multipliesTiles=*/true, beamSize, 32);
    EXPECT_EQ(found.workers, 2u);
    EXPECT_EQ(found.options.batchSize, 32);
    EXPECT_EQ(found.options.sentencesOfWorker, 1);
  }
}

TEST(TranslationModel, LargeWeightsAreReadOnceForFewRows) {
  BatchPlan found = plan(large, /*multipliesTiles=*/false, /*beamSize=*/1, 16);
  EXPECT_EQ(found.workers, 1u);
  EXPECT_EQ(found.options.batchSize, 32);
}

TEST(TranslationModel, LargeWeightsAreReadOnceWhereTilesMultiply) {
  BatchPlan found = plan(large, /*multipliesTiles=*/true, /*beamSize=*/4, 32);
  EXPECT_EQ(found.workers, 1u);
  EXPECT_EQ(found.options.batchSize, 64);
}

TEST(TranslationModel, LargeWeightsAreReadByEachThreadForManyRows) {
  for (auto [beamSize, sentences] : {std::pair(1, 32), std::pair(4, 8)}) {
    BatchPlan found = plan(large, /*multipliesTiles=*/false, beamSize, 32);
    EXPECT_EQ(found.workers, 2u);
    EXPECT_EQ(found.options.batchSize, 32);
    EXPECT_EQ(found.options.sentencesOfWorker, sentences);
  }
}
