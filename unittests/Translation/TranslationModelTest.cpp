// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/TranslationModel.h"

#include "gtest/gtest.h"

using namespace attn;

static BatchPlan plan(size_t weightBytes, bool isF32, int64_t beamSize,
                      int64_t batchSize) {
  TranslationModel model;
  model.weightBytes = weightBytes;
  model.isF32 = isF32;
  model.decoders.resize(2);
  return model.planBatches(beamSize, /*threads=*/2, batchSize);
}

static constexpr size_t small = 1 << 20, large = 1 << 30;

TEST(TranslationModel, SmallWeightsAreReadByEachThread) {
  for (int64_t beamSize : {1, 4}) {
    BatchPlan found = plan(small, /*isF32=*/true, beamSize, 32);
    EXPECT_EQ(found.workers, 2u);
    EXPECT_EQ(found.options.batchSize, 32);
    EXPECT_EQ(found.options.sentencesOfWorker, 1);
  }
}

TEST(TranslationModel, LargeWeightsAreReadOnce) {
  for (auto [isF32, beamSize] : {std::pair(true, 1), std::pair(false, 4)}) {
    BatchPlan found = plan(large, isF32, beamSize, 32);
    EXPECT_EQ(found.workers, 1u);
    EXPECT_EQ(found.options.batchSize, 64);
  }
}

TEST(TranslationModel, LargeWeightsAreReadByEachThreadForManyRows) {
  BatchPlan found = plan(large, /*isF32=*/true, /*beamSize=*/4, 32);
  EXPECT_EQ(found.workers, 2u);
  EXPECT_EQ(found.options.batchSize, 32);
  EXPECT_EQ(found.options.sentencesOfWorker, 16);
}
