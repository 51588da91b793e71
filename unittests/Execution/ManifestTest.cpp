// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Manifest.h"

#include "../TestFiles.h"

#include <gmock/gmock.h>

using namespace attn;
using attn::test::messageOf;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

TEST(Manifest, HoldsWeightsAndFunctions) {
  llvm::Expected<Manifest> manifest = Manifest::parse(R"({
    "version": 1,
    "weights": [
      {"name": "w", "sources": ["a", "b"], "type": "f32", "shape": [33, 8],
       "panel": 32},
      {"name": "p", "sinusoidal": true, "type": "f32", "shape": [4, 6]}],
    "functions": [
      {"name": "f",
       "arguments": [{"type": "i32", "shape": [-1, 3], "role": "ids"}],
       "results": [{"type": "f16", "shape": []}]}]})");
  ASSERT_EQ(manifest ? "" : llvm::toString(manifest.takeError()), "");
  ASSERT_EQ(manifest->weights.size(), 2u);
  EXPECT_EQ(manifest->weights[0].storedElements(), 64 * 8);
  EXPECT_EQ(manifest->weights[0].sources.size(), 2u);
  EXPECT_TRUE(manifest->weights[1].sinusoidal);
  const FunctionSignature *function = manifest->lookup("f");
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(function->arguments[0].describe(), "tensor<?x3xi32>");
  EXPECT_EQ(function->arguments[0].role, "ids");
  EXPECT_EQ(function->results[0].describe(), "tensor<f16>");
  EXPECT_EQ(manifest->lookup("g"), nullptr);
}

TEST(Manifest, SignaturesAcceptWhatFitsThem) {
  TensorSignature signature;
  signature.type = ElementType::I32;
  signature.shape = {-1, 3};
  auto accepts = [&](ElementType type, llvm::ArrayRef<int64_t> shape) {
    return signature.accepts(Tensor::borrow(type, shape, nullptr));
  };
  EXPECT_TRUE(accepts(ElementType::I32, {0, 3}));
  EXPECT_TRUE(accepts(ElementType::I32, {7, 3}));
  EXPECT_FALSE(accepts(ElementType::I32, {7, 4}));
  EXPECT_FALSE(accepts(ElementType::I32, {3}));
  EXPECT_FALSE(accepts(ElementType::F32, {7, 3}));
}

std::string errorForWeight(llvm::StringRef weight) {
  return messageOf(Manifest::parse(
      ("{\"version\": 1, \"functions\": [], \"weights\": [" + weight + "]}")
          .str()));
}

TEST(Manifest, ChecksSizesThatHaveToBeEqual) {
  llvm::Expected<Manifest> manifest = Manifest::parse(R"({
    "version": 1, "weights": [], "functions": [{
      "name": "f", "results": [],
      "arguments": [{"type": "f32", "shape": [-1, -1]},
                    {"type": "i32", "shape": [-1]}],
      "equal": [{"places": [[0, 0], [1, 0]]},
                {"places": [[0, 1]], "value": 4}]}]})");
  ASSERT_TRUE(bool(manifest)) << llvm::toString(manifest.takeError());
  const FunctionSignature &f = manifest->functions[0];
  Tensor matrix = Tensor::allocate(ElementType::F32, {3, 4});
  Tensor vector = Tensor::allocate(ElementType::I32, {3});
  EXPECT_FALSE(bool(f.check({matrix, vector})));
  EXPECT_EQ(llvm::toString(f.check({matrix})),
            "'f': expected 2 arguments, got 1");
  EXPECT_EQ(llvm::toString(f.check({vector, vector})),
            "argument 0 of 'f': expected tensor<?x?xf32>, got i32 [3]");
  EXPECT_EQ(llvm::toString(
                f.check({matrix, Tensor::allocate(ElementType::I32, {5})})),
            "argument 1 of 'f': expected size 3 in dimension 0, as dimension 0 "
            "of argument 0 of 'f', got i32 [5]");
  EXPECT_EQ(llvm::toString(
                f.check({Tensor::allocate(ElementType::F32, {3, 6}), vector})),
            "argument 0 of 'f': expected size 4 in dimension 1, got f32 [3,6]");
}

TEST(Manifest, ChecksSizesThatHaveToBeOneMore) {
  llvm::Expected<Manifest> manifest = Manifest::parse(R"({
    "version": 1, "weights": [], "functions": [{
      "name": "f", "results": [],
      "arguments": [{"type": "i32", "shape": [-1]},
                    {"type": "i32", "shape": [-1]},
                    {"type": "i32", "shape": [-1]}],
      "equal": [{"places": [[0, 0, 1], [1, 0], [2, 0, 1]]}]}]})");
  ASSERT_TRUE(bool(manifest)) << llvm::toString(manifest.takeError());
  const FunctionSignature &f = manifest->functions[0];
  Tensor four = Tensor::allocate(ElementType::I32, {4});
  Tensor three = Tensor::allocate(ElementType::I32, {3});
  EXPECT_FALSE(bool(f.check({four, three, four})));
  EXPECT_EQ(llvm::toString(f.check({four, four, four})),
            "argument 1 of 'f': expected size 3 in dimension 0, one less than "
            "dimension 0 of argument 0 of 'f', got i32 [4]");
  EXPECT_EQ(llvm::toString(f.check({four, three, three})),
            "argument 2 of 'f': expected size 4 in dimension 0, as dimension 0 "
            "of argument 0 of 'f', got i32 [3]");
}

TEST(Manifest, RefusesWhatItCannotUse) {
  for (llvm::StringRef text :
       {"", "[]", "{}", R"({"version": 2, "weights": [], "functions": []})",
        R"({"version": 1, "weights": []})"})
    EXPECT_THAT(messageOf(Manifest::parse(text)),
                StartsWith("malformed manifest in compiled code: "));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "f8", "shape": [1]})"),
      HasSubstr("expected an element type"));
  EXPECT_THAT(errorForWeight(R"({"name": "w", "type": "f32", "shape": [1]})"),
              HasSubstr("expected either sources or sinusoidal"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "f32", "shape": [-1]})"),
      HasSubstr("expected a size"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "f32", "shape": []})"),
      HasSubstr("expected at least one dimension"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "f32",
              "shape": [1,1,1], "panel": 8})"),
      HasSubstr("expected a panel of 1 to 4096 on a matrix or a vector"));
  EXPECT_THAT(errorForWeight(
                  R"({"name": "w", "sources": ["a"], "type": "f32",
              "shape": [8, 8], "transposed": true})"),
              HasSubstr("expected transposed of a matrix in panels"));
  for (llvm::StringRef wrong : {R"("shape": [8, 8], "group": 2)",
                                R"("shape": [8, 8], "panel": 24, "group": 2)",
                                R"("shape": [8], "panel": 32, "group": 2)",
                                R"("shape": [8, 8], "panel": 32, "group": 0)",
                                R"("shape": [8, 8], "panel": 32, "group": 5)"})
    EXPECT_THAT(
        errorForWeight(R"({"name": "w", "sources": ["a"], "type": "bf16", )" +
                       wrong.str() + "}"),
        HasSubstr("expected groups of 1 to 4 of a matrix in panels of a "
                  "multiple of 16"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "bf16", "panel": 32,
              "shape": [8, 9223372036854775807], "transposed": true})"),
      HasSubstr("expected a shape that fits in memory"));
  EXPECT_THAT(errorForWeight(
                  R"({"name": "w", "sources": ["a"], "type": "f32",
              "shape": [9223372036854775807, 8], "panel": 8})"),
              HasSubstr("expected a shape that fits in memory"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sinusoidal": true, "type": "f32", "shape": [8]})"),
      HasSubstr("expected sinusoidal positions as f32 [P,D], not packed"));
  EXPECT_THAT(errorForWeight(
                  R"({"name": "w", "sources": ["a"], "measure": "scales",
                         "type": "f32", "shape": [8, 8]})"),
              HasSubstr("expected a measure as f32 [N], of sources"));
  EXPECT_THAT(errorForWeight(
                  R"({"name": "w", "sources": ["a"], "measure": "sums",
                         "type": "f32", "shape": [8]})"),
              HasSubstr("expected 'scales', 'norms' or 'errors'"));
  EXPECT_THAT(
      errorForWeight(
          R"({"name": "w", "sources": ["a"], "type": "i8", "shape": [8]})"),
      HasSubstr("expected i8 as a matrix that is not transposed"));
}

} // namespace
