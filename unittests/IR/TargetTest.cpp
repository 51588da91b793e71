// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/IR/AttnDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace attn;

namespace {

class TargetTest : public testing::Test {
protected:
  TargetTest() { context.loadDialect<AttnDialect>(); }

  TargetAttr target(llvm::StringRef features) {
    return TargetAttr::get(&context, "generic", features, /*l1=*/32 << 10,
                           /*l2=*/1 << 20);
  }

  mlir::MLIRContext context;
};

TEST_F(TargetTest, HasFeaturesThatAreTurnedOn) {
  TargetAttr attribute = target("+avx2,-fma,+avx512f");
  EXPECT_TRUE(attribute.hasFeature("avx2"));
  EXPECT_TRUE(attribute.hasFeature("avx512f"));
  EXPECT_FALSE(attribute.hasFeature("fma"));
  EXPECT_FALSE(attribute.hasFeature("avx"));
  EXPECT_FALSE(target("").hasFeature("avx2"));
}

TEST_F(TargetTest, LastMentionOfAFeatureCounts) {
  EXPECT_FALSE(target("+avx2,-avx2").hasFeature("avx2"));
  EXPECT_TRUE(target("-avx2,+avx2").hasFeature("avx2"));
}

TEST_F(TargetTest, PanelsAreTwoVectorsWide) {
  EXPECT_EQ(target("+avx2,+avx512f").getVectorLanes(), 16);
  EXPECT_EQ(target("+avx2,+avx512f").getPanelWidth(), 32);
  EXPECT_EQ(target("+avx2,-avx512f").getVectorLanes(), 8);
  EXPECT_EQ(target("+avx2").getPanelWidth(), 16);
  EXPECT_EQ(target("+sse2").getVectorLanes(), 4);
  EXPECT_EQ(target("").getPanelWidth(), 8);
}

} // namespace
