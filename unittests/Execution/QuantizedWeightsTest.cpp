// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightsStoreFixture.h"

#include <cmath>

using namespace attn;
using namespace attn::test;

namespace {

using QuantizedWeightsTest = WeightsStoreTest;

/// A recipe of i8 in panels of tiles, and one of its scales.
std::pair<WeightRecipe, WeightRecipe>
integerRecipes(const std::vector<std::string> &sources, int64_t rows,
               int64_t depth) {
  WeightRecipe matrix = recipe(sources, {rows, depth}, 32, ElementType::I8);
  matrix.group = 4;
  WeightRecipe scales = recipe(sources, {rows}, 32);
  scales.measure = WeightMeasure::Scales;
  return {matrix, scales};
}

/// So many numbers of both signs, in no order.
std::vector<float> scattered(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = float(int(i * 7919 % 2001) - 1000) * 0.37f;
  return values;
}

/// Where an element of a matrix of that depth is in such panels.
size_t placeInTiles(int64_t n, int64_t k, int64_t depth) {
  int64_t place = n / 32 * ((depth + 63) / 64) + k / 64;
  place = place * 2 + n % 32 / 16;
  place = place * 16 + k % 64 / 4;
  return place * 64 + n % 16 * 4 + k % 4;
}

TEST_F(QuantizedWeightsTest, RoundsRowsToIntegers) {
  constexpr int64_t rows = 45, depth = 70;
  std::vector<float> values = scattered(rows * depth);
  auto row = [&](int64_t n) {
    return llvm::MutableArrayRef(values).slice(n * depth, depth);
  };
  // Zeros; denormal numbers; an outlier; ties; what is not finite.
  llvm::fill(row(1), 0);
  llvm::fill(row(2), 1e-42f);
  row(3)[69] = -3e38f;
  for (int64_t k = 0; k < depth; ++k)
    row(4)[k] = float(k) - 34.5f;
  row(4)[0] = 127;
  row(5)[3] = NAN;
  row(6)[69] = -INFINITY;
  llvm::fill(row(7), -0.25f);
  FileBuilder file;
  file.addFloats("a", "[40,70]", llvm::ArrayRef(values).take_front(40 * depth));
  file.addFloats("b", "[5,70]", llvm::ArrayRef(values).drop_front(40 * depth));
  std::string path = file.write(directory, 1);
  auto [matrix, scales] = integerRecipes({"a", "b"}, rows, depth);
  std::vector<int8_t> numbers = make<int8_t>(path, matrix);
  std::vector<float> steps = make(path, scales);
  ASSERT_EQ(numbers.size(), size_t(64 * 128));
  ASSERT_EQ(steps.size(), 64u);
  std::vector<int8_t> expected(numbers.size(), 0);
  for (int64_t n = 0; n < rows; ++n) {
    float largest = 0x1p-100f;
    bool isFinite = n != 5 && n != 6;
    for (float value : row(n))
      largest = std::fmax(largest, std::fabs(value));
    if (isFinite)
      EXPECT_EQ(steps[n], largest / 127) << n;
    else
      EXPECT_TRUE(std::isnan(steps[n])) << n;
    for (int64_t k = 0; k < depth && isFinite; ++k)
      expected[placeInTiles(n, k, depth)] =
          int8_t(std::lrint(row(n)[k] * (127 / largest)));
  }
  EXPECT_EQ(numbers, expected);
  EXPECT_EQ(numbers[placeInTiles(7, 9, depth)], -127);
  EXPECT_EQ(numbers[placeInTiles(4, 1, depth)], -34); // -33.5, to even
  EXPECT_EQ(std::vector<float>(steps.begin() + rows, steps.end()),
            std::vector<float>(64 - rows, 0));
}

TEST_F(QuantizedWeightsTest, IntegersOfAFileAreTakenAsTheyAre) {
  constexpr int64_t rows = 45, depth = 70;
  std::string bytes;
  for (int64_t i = 0; i < rows * depth; ++i)
    bytes.push_back(char(i * 37 % 255 - 127));
  FileBuilder file;
  file.add("a", "I8", "[40,70]", llvm::StringRef(bytes).take_front(40 * depth));
  file.add("b", "I8", "[5,70]", llvm::StringRef(bytes).drop_front(40 * depth));
  file.addFloats("c", "[5,70]", numbers(5 * depth));
  std::string path = file.write(directory);
  auto [matrix, scales] = integerRecipes({"a", "b"}, rows, depth);
  std::vector<int8_t> expected(64 * 128, 0);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < depth; ++k)
      expected[placeInTiles(n, k, depth)] = int8_t(bytes[n * depth + k]);
  EXPECT_EQ(make<int8_t>(path, matrix), expected);

  // Next to numbers that are rounded.
  auto [mixed, mixedScales] = integerRecipes({"c", "a"}, rows, depth);
  std::vector<int8_t> got = make<int8_t>(path, mixed);
  for (int64_t k = 0; k < depth; ++k)
    EXPECT_EQ(got[placeInTiles(5, k, depth)], int8_t(bytes[k]));
  EXPECT_EQ(got[placeInTiles(4, 69, depth)], 127);
}

TEST_F(QuantizedWeightsTest, IntegersStandForMultiplesOfTheirScales) {
  std::string bytes = {1, -2, 3, 127, -127, 0};
  FileBuilder file;
  file.add("a", "I8", "[2,3]", bytes);
  file.addFloats("a_scale", "[2]", {0.5f, 2});
  file.add("b", "I8", "[2,3]", bytes);
  file.addFloats("b_scale", "[3]", {1, 2, 3});
  file.add("c", "I8", "[2,3]", bytes);
  file.addFloats("d", "[1,3]", {0, -254, 1});
  std::string path = file.write(directory, 1);
  EXPECT_EQ(make(path, recipe({"a"}, {2, 3})),
            (std::vector<float>{0.5f, -1, 1.5f, 254, -254, 0}));
  EXPECT_EQ(make<uint16_t>(path, recipe({"a"}, {2, 3}, 0, ElementType::BF16)),
            (std::vector<uint16_t>{0x3f00, 0xbf80, 0x3fc0, 0x437e, 0xc37e, 0}));
  WeightRecipe scales = recipe({"a", "d"}, {3});
  scales.measure = WeightMeasure::Scales;
  EXPECT_EQ(make(path, scales), (std::vector<float>{0.5f, 2, 2}));
  EXPECT_EQ(messageOf(WeightsStore::create(path, {recipe({"b"}, {2, 3})}, 1)),
            path + ": tensor 'b_scale': expected F32, a number for each row of "
                   "'b'");
  EXPECT_THAT(messageOf(WeightsStore::create(path, {recipe({"c"}, {2, 3})}, 1)),
              testing::HasSubstr("c_scale"));
}

TEST_F(QuantizedWeightsTest, BoundsRowsAndWhatRoundingTakesAway) {
  // By 32 rows: as they are, of zeros but for one, not finite, and of integers.
  constexpr int64_t rows = 129, depth = 70;
  std::vector<float> values = scattered((rows - 1) * depth);
  auto row = [&](int64_t n) {
    return llvm::MutableArrayRef(values).slice(n * depth, depth);
  };
  std::fill(values.begin() + 32 * depth, values.end(), 0);
  // The sum of squares is more than the greatest float.
  llvm::fill(row(40), 3e37f);
  row(64)[5] = NAN;
  row(96)[6] = INFINITY;
  std::string bytes;
  for (int64_t i = 0; i < depth; ++i)
    bytes.push_back(char(i * 37 % 255 - 127));
  FileBuilder file;
  file.addFloats("a", "[128,70]", values);
  file.add("b", "I8", "[1,70]", bytes);
  file.addFloats("b_scale", "[1]", {0.5f});
  std::string path = file.write(directory, 1);
  WeightRecipe measure = recipe({"a", "b"}, {5});
  measure.measure = WeightMeasure::Norms;
  std::vector<float> norms = make(path, measure);
  measure.measure = WeightMeasure::Errors;
  std::vector<float> errors = make(path, measure);
  ASSERT_EQ(norms.size(), 5u);
  ASSERT_EQ(errors.size(), 5u);
  auto [matrix, scales] = integerRecipes({"a", "b"}, rows, depth);
  std::vector<int8_t> integers = make<int8_t>(path, matrix);
  std::vector<float> steps = make(path, scales);
  for (int64_t group : {0, 1}) {
    double norm = 0, error = 0;
    for (int64_t n = 32 * group; n < 32 * group + 32; ++n) {
      double squares = 0, rest = 0;
      for (int64_t k = 0; k < depth; ++k) {
        double number = row(n)[k];
        double less =
            number - double(steps[n]) * integers[placeInTiles(n, k, depth)];
        squares += number * number;
        rest += less * less;
      }
      norm = std::fmax(norm, std::sqrt(squares));
      error = std::fmax(error, std::sqrt(rest));
    }
    EXPECT_FLOAT_EQ(norms[group], float(norm)) << group;
    EXPECT_NEAR(errors[group], error, 1e-6 * norms[group]) << group;
  }
  EXPECT_GT(errors[0], 0);
  EXPECT_LT(errors[0], 0.02f * norms[0]);
  for (int64_t group : {2, 3}) {
    EXPECT_EQ(norms[group], INFINITY);
    EXPECT_EQ(errors[group], INFINITY);
  }
  double squares = 0;
  for (char byte : bytes)
    squares += double(byte) * byte;
  EXPECT_FLOAT_EQ(norms[4], float(std::sqrt(squares) / 2));
  EXPECT_EQ(errors[4], 0);

  measure.shape = {4};
  EXPECT_THAT(messageOf(WeightsStore::create(path, {measure}, 1)),
              testing::HasSubstr("expected 4 times 32 rows in all, got 129"));
}

TEST_F(QuantizedWeightsTest, WhatIsMadeOfTheSameRowsIsWhatEachWouldBe) {
  // More than a task takes.
  constexpr int64_t rows = 130, depth = 5000;
  FileBuilder file;
  file.addFloats("a", "[129,5000]", scattered((rows - 1) * depth));
  file.add("b", "I8", "[1,5000]", std::string(depth, 3));
  file.addFloats("b_scale", "[1]", {0.5f});
  std::string path = file.write(directory, 1);
  auto [matrix, scales] = integerRecipes({"a", "b"}, rows, depth);
  WeightRecipe plain = recipe({"a", "b"}, {rows, depth}, 0, ElementType::I8);
  WeightRecipe norms = recipe({"a", "b"}, {5}), errors = norms;
  norms.measure = WeightMeasure::Norms;
  errors.measure = WeightMeasure::Errors;
  std::vector<WeightRecipe> recipes = {matrix, scales, norms, plain, errors};
  auto together = llvm::cantFail(WeightsStore::create(path, recipes, 2));
  for (auto [recipe, pointer] : llvm::zip(recipes, together->pointers())) {
    auto alone = llvm::cantFail(WeightsStore::create(path, {recipe}, 1));
    size_t size = recipe.storedElements() * byteWidth(recipe.type);
    EXPECT_EQ(std::memcmp(pointer, alone->pointers()[0], size), 0);
  }
}

} // namespace
