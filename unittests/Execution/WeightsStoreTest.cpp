// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightsStoreFixture.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace attn;
using namespace attn::test;

namespace {

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
