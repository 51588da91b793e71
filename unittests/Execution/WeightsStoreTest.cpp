// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/WeightsStore.h"

#include "../TestFiles.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"

#include <cfloat>
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <limits>

using namespace attn;
using namespace attn::test;

namespace {

/// A safetensors file in the making.
class FileBuilder {
public:
  void add(llvm::StringRef name, llvm::StringRef type, llvm::StringRef shape,
           llvm::StringRef bytes) {
    header += (header.empty() ? "{\"" : ",\"") + name.str() +
              "\":{\"dtype\":\"" + type.str() + "\",\"shape\":" + shape.str() +
              ",\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes.str();
  }

  void addFloats(llvm::StringRef name, llvm::StringRef shape,
                 llvm::ArrayRef<float> values) {
    add(name, "F32", shape,
        {reinterpret_cast<const char *>(values.data()), values.size() * 4});
  }

  void addHalves(llvm::StringRef name, llvm::StringRef type,
                 llvm::StringRef shape, llvm::ArrayRef<uint16_t> values) {
    add(name, type, shape,
        {reinterpret_cast<const char *>(values.data()), values.size() * 2});
  }

  /// `pad` spaces move the data away from where they would be aligned.
  std::string write(const TemporaryDirectory &directory, size_t pad = 0) {
    std::string text = header + "}" + std::string(pad, ' ');
    char length[8];
    llvm::support::endian::write64le(length, text.size());
    return directory.write("model.safetensors",
                           std::string(length, 8) + text + data);
  }

private:
  std::string header, data;
};

WeightRecipe recipe(std::vector<std::string> sources,
                    std::vector<int64_t> shape, int64_t panel = 0,
                    ElementType type = ElementType::F32) {
  WeightRecipe result;
  result.name = "w";
  result.sources = std::move(sources);
  result.shape = std::move(shape);
  result.panel = panel;
  result.type = type;
  return result;
}

std::vector<float> numbers(size_t count, float first = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = first + float(i);
  return values;
}

/// The definition of a packed weight, element by element.
std::vector<float> packed(const std::vector<float> &values, int64_t rows,
                          int64_t columns, int64_t panel) {
  int64_t panels = (rows + panel - 1) / panel;
  std::vector<float> result(panels * columns * panel, 0);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < columns; ++k)
      result[((n / panel) * columns + k) * panel + n % panel] =
          values[n * columns + k];
  return result;
}

class WeightsStoreTest : public testing::Test {
protected:
  /// What the store makes of one recipe, or its error.
  template <typename T = float>
  std::vector<T> make(llvm::StringRef path, const WeightRecipe &recipe,
                      unsigned threads = 2) {
    auto store = WeightsStore::create(path, {recipe}, threads);
    EXPECT_EQ(store ? "" : llvm::toString(store.takeError()), "");
    if (!store)
      return {};
    void *pointer = (*store)->pointers()[0];
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
    T *elements = static_cast<T *>(pointer);
    return {elements, elements + recipe.storedElements()};
  }

  TemporaryDirectory directory;
};

TEST_F(WeightsStoreTest, CopiesASmallTensor) {
  FileBuilder file;
  file.addFloats("a", "[2,3]", numbers(6));
  for (size_t pad : {0, 1, 2, 3})
    EXPECT_EQ(make(file.write(directory, pad), recipe({"a"}, {2, 3})),
              numbers(6));
}

TEST_F(WeightsStoreTest, IgnoresLeadingOnes) {
  FileBuilder file;
  file.addFloats("a", "[1,1,6]", numbers(6));
  file.addFloats("b", "[3]", numbers(3));
  std::string path = file.write(directory);
  EXPECT_EQ(make(path, recipe({"a"}, {6})), numbers(6));
  EXPECT_EQ(make(path, recipe({"b"}, {1, 3})), numbers(3));
}

TEST_F(WeightsStoreTest, ConcatenatesRows) {
  FileBuilder file;
  file.addFloats("a", "[2,3]", numbers(6));
  file.addFloats("b", "[1,3]", numbers(3, 7));
  file.addFloats("c", "[4,3]", numbers(12, 10));
  EXPECT_EQ(make(file.write(directory), recipe({"a", "b", "c"}, {7, 3})),
            numbers(21));
}

TEST_F(WeightsStoreTest, PacksPanelsOfAnySize) {
  struct Case {
    int64_t rows, columns, panel;
  };
  for (auto [rows, columns, panel] :
       {Case{64, 64, 32}, Case{1, 1, 16}, Case{33, 65, 32}, Case{31, 127, 32},
        Case{100, 3, 7}, Case{5, 200, 1}, Case{2, 4, 48}}) {
    for (size_t pad : {0, 3}) {
      FileBuilder file;
      std::vector<float> values = numbers(rows * columns);
      file.addFloats(
          "a", "[" + std::to_string(rows) + "," + std::to_string(columns) + "]",
          values);
      EXPECT_EQ(make(file.write(directory, pad),
                     recipe({"a"}, {rows, columns}, panel)),
                packed(values, rows, columns, panel))
          << rows << "x" << columns << " in panels of " << panel;
    }
  }
}

TEST_F(WeightsStoreTest, PanelsSpanSourcesAndTasks) {
  // More rows than one task takes, with borders of sources inside of panels.
  constexpr int64_t columns = 500;
  FileBuilder file;
  file.addFloats("a", "[701,500]", numbers(701 * columns));
  file.addFloats("b", "[5,500]", numbers(5 * columns, 701 * columns + 1));
  file.addFloats("c", "[1303,500]", numbers(1303 * columns, 706 * columns + 1));
  std::string path = file.write(directory);
  std::vector<float> expected =
      packed(numbers(2009 * columns), 2009, columns, 48);
  for (unsigned threads : {1, 2, 5})
    EXPECT_EQ(make(path, recipe({"a", "b", "c"}, {2009, columns}, 48), threads),
              expected);
}

TEST_F(WeightsStoreTest, PadsVectors) {
  FileBuilder file;
  file.addFloats("a", "[1,5]", numbers(5));
  file.addFloats("b", "[2]", numbers(2, 6));
  std::vector<float> expected = numbers(7);
  expected.resize(8);
  EXPECT_EQ(make(file.write(directory), recipe({"a", "b"}, {7}, 4)), expected);
}

TEST_F(WeightsStoreTest, ConvertsEveryHalf) {
  std::vector<uint16_t> bits(1 << 16);
  for (size_t i = 0; i < bits.size(); ++i)
    bits[i] = i;
  FileBuilder file;
  file.addHalves("half", "F16", "[65536]", bits);
  file.addHalves("brain", "BF16", "[65536]", bits);
  std::string path = file.write(directory, 1);
  for (llvm::StringRef name : {"half", "brain"}) {
    std::vector<float> values = make(path, recipe({name.str()}, {65536}));
    ASSERT_EQ(values.size(), bits.size());
    for (size_t i = 0; i < bits.size(); ++i) {
      llvm::APFloat exact(name == "half" ? llvm::APFloat::IEEEhalf()
                                         : llvm::APFloat::BFloat(),
                          llvm::APInt(16, i));
      bool lost;
      exact.convert(llvm::APFloat::IEEEsingle(),
                    llvm::APFloat::rmNearestTiesToEven, &lost);
      float expected = exact.convertToFloat();
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(values[i])) << i;
      else
        EXPECT_EQ(llvm::bit_cast<uint32_t>(values[i]),
                  llvm::bit_cast<uint32_t>(expected))
            << i;
    }
  }
}

TEST_F(WeightsStoreTest, MixesTypesInOneWeight) {
  FileBuilder file;
  file.addFloats("a", "[1,2]", {1, 2});
  file.addHalves("b", "F16", "[1,2]", {0x4200, 0x4400});
  file.addHalves("c", "BF16", "[1,2]", {0x40a0, 0x40c0});
  EXPECT_EQ(make(file.write(directory), recipe({"a", "b", "c"}, {3, 2}, 2)),
            packed(numbers(6), 3, 2, 2));
}

TEST_F(WeightsStoreTest, KeepsHalvesThatAreWantedAsHalves) {
  FileBuilder file;
  file.addHalves("a", "F16", "[3,2]", {1, 2, 3, 4, 5, 6});
  file.addHalves("b", "BF16", "[3]", {7, 8, 9});
  std::string path = file.write(directory);
  EXPECT_EQ(make<uint16_t>(path, recipe({"a"}, {3, 2}, 2, ElementType::F16)),
            (std::vector<uint16_t>{1, 3, 2, 4, 5, 0, 6, 0}));
  EXPECT_EQ(make<uint16_t>(path, recipe({"b"}, {3}, 0, ElementType::BF16)),
            (std::vector<uint16_t>{7, 8, 9}));
}

TEST_F(WeightsStoreTest, RoundsToBFloat16) {
  std::vector<float> values = {0, -0.0f, 1, 3e38f, FLT_MAX, 1e-40f, INFINITY};
  std::vector<uint16_t> halves;
  // Ties to even, and what is just beside them.
  for (uint32_t bits : {0x3f808000u, 0x3f818000u, 0x3f807fffu, 0x3f808001u,
                        0xbf818000u, 0x7f800001u, 0xff80ffffu, 0x007fffffu})
    values.push_back(llvm::bit_cast<float>(bits));
  for (uint32_t half = 0; half < 0x10000; half += 77)
    halves.push_back(half);
  auto check = [&](uint16_t got, llvm::APFloat exact) {
    bool lost, isNaN = exact.isNaN();
    exact.convert(llvm::APFloat::BFloat(), llvm::APFloat::rmNearestTiesToEven,
                  &lost);
    llvm::APFloat number(llvm::APFloat::BFloat(), llvm::APInt(16, got));
    EXPECT_TRUE(isNaN ? number.isNaN() : number.bitwiseIsEqual(exact)) << got;
  };
  FileBuilder file;
  file.addFloats("wide", "[15]", values);
  file.addHalves("half", "F16", "[" + std::to_string(halves.size()) + "]",
                 halves);
  std::string path = file.write(directory, 1);
  auto load = [&](llvm::StringRef name, size_t size) {
    auto got = make<uint16_t>(
        path, recipe({name.str()}, {int64_t(size)}, 0, ElementType::BF16));
    EXPECT_EQ(got.size(), size);
    got.resize(size);
    return got;
  };
  for (auto [got, value] : llvm::zip_equal(load("wide", 15), values))
    check(got, llvm::APFloat(value));
  for (auto [got, half] : llvm::zip_equal(load("half", halves.size()), halves))
    check(got, llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, half)));
}

TEST_F(WeightsStoreTest, TransposesMatricesInPanels) {
  // More rows than are taken at a time, and columns that fill no panel.
  int64_t depth = 70, columns = 21;
  std::vector<float> values = numbers(depth * columns), turned;
  for (int64_t n = 0; n < columns; ++n)
    for (int64_t k = 0; k < depth; ++k)
      turned.push_back(values[k * columns + n]);
  FileBuilder file;
  file.addFloats("a", "[40,21]", llvm::ArrayRef(values).take_front(40 * 21));
  file.addFloats("b", "[30,21]", llvm::ArrayRef(values).drop_front(40 * 21));
  WeightRecipe transposed = recipe({"a", "b"}, {depth, columns}, 8);
  transposed.transposed = true;
  EXPECT_EQ(make(file.write(directory), transposed),
            packed(turned, columns, depth, 8));
}

TEST_F(WeightsStoreTest, PacksTiles) {
  int64_t columns = 70, depth = 90, panel = 32, group = 2;
  std::vector<uint16_t> rows, steps(columns * depth);
  for (int64_t i = 0; i < columns * depth; ++i)
    rows.push_back(i + 1);
  int64_t panels = 3, tiles = 3, halves = 2;
  std::vector<uint16_t> expected(panels * tiles * halves * 16 * 32, 0);
  for (int64_t n = 0; n < columns; ++n)
    for (int64_t k = 0; k < depth; ++k) {
      uint16_t value = rows[n * depth + k];
      steps[k * columns + n] = value;
      int64_t place = n / panel;
      place = place * tiles + k / 32;
      place = place * halves + n % panel / 16;
      place = place * 16 + k % 32 / group;
      place = place * 32 + n % 16 * group + k % group;
      expected[place] = value;
    }
  FileBuilder file;
  file.addHalves("rows", "BF16", "[70,90]", rows);
  file.addHalves("steps", "BF16", "[90,70]", steps);
  std::string path = file.write(directory);
  WeightRecipe tile =
      recipe({"rows"}, {columns, depth}, panel, ElementType::BF16);
  tile.group = group;
  EXPECT_EQ(make<uint16_t>(path, tile), expected);
  tile.sources = {"steps"};
  tile.shape = {depth, columns};
  tile.transposed = true;
  EXPECT_EQ(make<uint16_t>(path, tile), expected);
}

/// A recipe of i8 in panels of tiles, and one of its scales.
std::pair<WeightRecipe, WeightRecipe>
integerRecipes(std::vector<std::string> sources, int64_t rows, int64_t depth) {
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

TEST_F(WeightsStoreTest, RoundsRowsToIntegers) {
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

TEST_F(WeightsStoreTest, IntegersOfAFileAreTakenAsTheyAre) {
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

TEST_F(WeightsStoreTest, IntegersStandForMultiplesOfTheirScales) {
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

TEST_F(WeightsStoreTest, BoundsRowsAndWhatRoundingTakesAway) {
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

TEST_F(WeightsStoreTest, WhatIsMadeOfTheSameRowsIsWhatEachWouldBe) {
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

TEST_F(WeightsStoreTest, TheSameWeightsShareMemory) {
  FileBuilder file;
  file.addFloats("a", "[2,3]", numbers(6));
  file.addFloats("b", "[2,3]", numbers(6));
  std::vector<WeightRecipe> recipes = {
      recipe({"a"}, {2, 3}, 2), recipe({"b"}, {2, 3}, 2),
      recipe({"a"}, {2, 3}, 1), recipe({"a"}, {2, 3}, 2)};
  recipes.back().name = "another";
  auto store = WeightsStore::create(file.write(directory), recipes, 1);
  ASSERT_EQ(store ? "" : llvm::toString(store.takeError()), "");
  llvm::ArrayRef<void *> pointers = (*store)->pointers();
  ASSERT_EQ(pointers.size(), 4u);
  EXPECT_EQ(pointers[0], pointers[3]);
  EXPECT_NE(pointers[0], pointers[1]);
  EXPECT_NE(pointers[0], pointers[2]);
}

TEST_F(WeightsStoreTest, LargeTensorsStayInTheFile) {
  FileBuilder file;
  std::vector<float> values = numbers(1 << 16);
  file.addFloats("a", "[256,256]", values);
  std::vector<WeightRecipe> recipes = {recipe({"a"}, {256, 256})};
  for (size_t pad = 0; pad < 4; ++pad) {
    auto store = WeightsStore::create(file.write(directory, pad), recipes, 1);
    ASSERT_EQ(store ? "" : llvm::toString(store.takeError()), "");
    const float *data = static_cast<float *>((*store)->pointers()[0]);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 4, 0u);
    EXPECT_EQ(std::vector<float>(data, data + values.size()), values);
    // What was given back is read again.
    (*store)->releaseFilePages();
    EXPECT_EQ(std::vector<float>(data, data + values.size()), values);
  }
}

TEST_F(WeightsStoreTest, ComputesPositions) {
  WeightRecipe positions;
  positions.name = "positions";
  positions.sinusoidal = true;
  positions.shape = {300, 6};
  std::vector<float> values = make("", positions);
  ASSERT_EQ(values.size(), 1800u);
  for (int pos = 0; pos < 300; ++pos) {
    for (int i = 0; i < 3; ++i) {
      double angle = pos / std::pow(10000.0, 2.0 * i / 6);
      EXPECT_EQ(values[pos * 6 + i], float(std::sin(angle)));
      EXPECT_EQ(values[pos * 6 + 3 + i], float(std::cos(angle)));
    }
  }
}

TEST_F(WeightsStoreTest, SaysWhatDoesNotFit) {
  FileBuilder file;
  file.addFloats("a", "[2,3]", numbers(6));
  file.addFloats("b", "[3,2]", numbers(6));
  file.add("ints", "I32", "[1]", "1234");
  std::string path = file.write(directory);
  auto errorOf = [&](const WeightRecipe &recipe) {
    std::string message = messageOf(WeightsStore::create(path, {recipe}, 1));
    EXPECT_THAT(message, testing::StartsWith(path + ": "));
    return message.substr(std::min(message.size(), path.size() + 2));
  };
  EXPECT_EQ(errorOf(recipe({"a"}, {3, 2})),
            "tensor 'a' of weight 'w': expected f32 [3,2], got F32 [2,3]");
  EXPECT_EQ(errorOf(recipe({"a"}, {6})),
            "tensor 'a' of weight 'w': expected f32 [6], got F32 [2,3]");
  EXPECT_EQ(errorOf(recipe({"a", "b"}, {4, 3})),
            "tensor 'b' of weight 'w': expected f32 [?,3], got F32 [3,2]");
  EXPECT_EQ(errorOf(recipe({"a", "a"}, {5, 3})),
            "tensor 'a' of weight 'w': expected 5 rows in all, got 4");
  EXPECT_EQ(errorOf(recipe({"ints"}, {1})),
            "tensor 'ints' of weight 'w': expected an element type that "
            "converts to f32, got I32");
  EXPECT_EQ(errorOf(recipe({"a"}, {2, 3}, 0, ElementType::F16)),
            "tensor 'a' of weight 'w': expected an element type that "
            "converts to f16, got F32");
  EXPECT_THAT(errorOf(recipe({"missing"}, {1})), testing::HasSubstr("missing"));
  EXPECT_EQ(messageOf(WeightsStore::create("", {recipe({"a"}, {2, 3})}, 1)),
            "the functions need weights but no file is given; hint: "
            "--weights FILE names one, or the module attribute "
            "attn.weights_file");
}

} // namespace
