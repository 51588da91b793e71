// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/HostTarget.h"

#include "../TestFiles.h"

#include "llvm/Target/TargetMachine.h"

#include <gmock/gmock.h>

using namespace attn;
using attn::test::messageOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

TEST(HostTarget, NativeIsAProcessorThatTheHostRuns) {
  llvm::Expected<CpuTarget> host = resolveTarget("native");
  ASSERT_EQ(host ? "" : llvm::toString(host.takeError()), "");
  EXPECT_NE(host->cpu, "native");
  EXPECT_TRUE(host->has("sse2"));
  EXPECT_EQ(llvm::toString(checkRunnable(*host)), "");
  EXPECT_GE(host->l1, 8 << 10);
  EXPECT_GE(host->l2, host->l1);
  // Its name is one that can be asked for.
  EXPECT_EQ(messageOf(resolveTarget(host->cpu)), "success");
}

TEST(HostTarget, NamedProcessorsListTheirFeatures) {
  llvm::Expected<CpuTarget> target = resolveTarget("skylake-avx512");
  ASSERT_EQ(target ? "" : llvm::toString(target.takeError()), "");
  EXPECT_EQ(target->cpu, "skylake-avx512");
  EXPECT_TRUE(target->has("avx512f"));
  EXPECT_TRUE(target->has("fma"));
  EXPECT_FALSE(target->has("amx-tile"));
  EXPECT_FALSE(target->has("avx512"));
  EXPECT_THAT(target->features, EndsWith(",-prefer-256-bit"));
  llvm::Expected<CpuTarget> old = resolveTarget("haswell");
  ASSERT_EQ(old ? "" : llvm::toString(old.takeError()), "");
  EXPECT_TRUE(old->has("avx2"));
  EXPECT_THAT(old->features, Not(HasSubstr("512")));
}

TEST(HostTarget, NamedProcessorsHaveCaches) {
  auto cachesOf = [](llvm::StringRef name) {
    llvm::Expected<CpuTarget> target = resolveTarget(name);
    return target ? std::pair(target->l1 >> 10, target->l2 >> 10)
                  : std::pair<int64_t, int64_t>();
  };
  EXPECT_EQ(cachesOf("haswell"), std::pair(32L, 256L));
  EXPECT_EQ(cachesOf("skylake-avx512"), std::pair(32L, 1024L));
  EXPECT_EQ(cachesOf("sapphirerapids"), std::pair(48L, 2048L));
  EXPECT_EQ(cachesOf("znver3"), std::pair(32L, 512L));
  EXPECT_EQ(cachesOf("znver5"), std::pair(48L, 1024L));
}

TEST(HostTarget, UnknownNamesGetAHint) {
  EXPECT_EQ(messageOf(resolveTarget("saphirerapids")),
            "unknown target CPU 'saphirerapids'; hint: try 'sapphirerapids'");
  EXPECT_EQ(messageOf(resolveTarget("")),
            "unknown target CPU ''; hint: try 'native'");
  // A 32-bit processor.
  EXPECT_THAT(messageOf(resolveTarget("pentium4")),
              StartsWith("unknown target CPU 'pentium4'"));
}

TEST(HostTarget, CodeForAnotherProcessorDoesNotRun) {
  // No processor has both AMD's and Intel's extensions of this kind.
  EXPECT_THAT(
      llvm::toString(checkRunnable({"imaginary", "+avx,+xop,+amx-fp8,-fma4"})),
      StartsWith("this machine cannot run code for 'imaginary': it lacks "));
  EXPECT_EQ(llvm::toString(checkRunnable({"x86-64", "+sse2,-avx512f"})), "");
}

TEST(HostTarget, MachinesGenerateForTheTarget) {
  auto machine = createTargetMachine({"haswell", "+avx2,+fma"});
  ASSERT_EQ(machine ? "" : llvm::toString(machine.takeError()), "");
  EXPECT_EQ((*machine)->getTargetCPU(), "haswell");
}

} // namespace
