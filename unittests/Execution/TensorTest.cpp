// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Tensor.h"

#include "../TestFiles.h"

#include <limits>

using namespace attn;
using attn::test::messageOf;

namespace {

TEST(Tensor, OwnsAlignedMemoryThatCopiesShare) {
  Tensor tensor = Tensor::allocate(ElementType::F32, {3, 4});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.rawData()) % 64, 0u);
  EXPECT_EQ(tensor.numElements(), 12);
  EXPECT_EQ(tensor.numBytes(), 48u);
  EXPECT_EQ(tensor.describe(), "f32 [3,4]");
  Tensor copy = tensor;
  tensor.data<float>()[11] = 5;
  tensor = Tensor();
  EXPECT_EQ(copy.data<float>()[11], 5);
}

TEST(Tensor, BorrowsMemory) {
  int32_t values[] = {1, 2, 3};
  Tensor tensor = Tensor::borrow(ElementType::I32, {3}, values);
  tensor.data<int32_t>()[1] = 7;
  EXPECT_EQ(values[1], 7);
  EXPECT_EQ(tensor.owner(), nullptr);
}

TEST(Tensor, ScalarsHaveOneElementAndEmptyTensorsNone) {
  EXPECT_EQ(Tensor::allocate(ElementType::F64, {}).numElements(), 1);
  EXPECT_EQ(Tensor::allocate(ElementType::F64, {2, 0, 3}).numElements(), 0);
  EXPECT_NE(Tensor::allocate(ElementType::I8, {0}).rawData(), nullptr);
  EXPECT_EQ(Tensor().numElements(), 0);
}

TEST(Tensor, RefusesShapesThatDoNotFit) {
  constexpr int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(messageOf(Tensor::tryAllocate(ElementType::F32, {huge / 4, 2})),
            "not enough memory for a tensor f32 [2305843009213693951,2]");
  EXPECT_EQ(messageOf(Tensor::tryAllocate(ElementType::I8, {huge, huge, 0})),
            "not enough memory for a tensor i8 "
            "[9223372036854775807,9223372036854775807,0]");
  EXPECT_EQ(messageOf(Tensor::tryAllocate(ElementType::I8, {-1})),
            "not enough memory for a tensor i8 [?]");
  EXPECT_EQ(
      messageOf(Tensor::tryAllocate(ElementType::F32, {int64_t(1) << 60})),
      "not enough memory for a tensor f32 [1152921504606846976]");
}

TEST(Tensor, ElementTypesHaveNames) {
  for (ElementType type :
       {ElementType::F64, ElementType::F32, ElementType::F16, ElementType::BF16,
        ElementType::I64, ElementType::I32, ElementType::I8, ElementType::I1})
    EXPECT_EQ(parseElementType(stringify(type)), type);
  EXPECT_EQ(parseElementType("i16"), std::nullopt);
}

} // namespace
