// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CompiledDecoder.h"
#include "LanguageModel.h"
#include "llvm/ADT/STLExtras.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <map>
#include <random>

using namespace attn;

namespace {

/// Functions with the contract of compiled ones that keep the tokens of a
/// prefix in the caches, and find them again through cache_rows alone.
class FakeFunctions {
public:
  explicit FakeFunctions(LanguageModel language)
      : language(std::move(language)) {
    ElementType i32 = ElementType::I32, f32 = ElementType::F32;
    signatures["encode"] = {"encode",
                            {{i32, {-1, -1}, "ids"}, {i32, {-1}, "lengths"}},
                            {{f32, {-1, -1, 2}, ""}}};
    signatures["decode_prepare"] = {
        "decode_prepare",
        {{f32, {-1, -1, 2}, "memory"}},
        {{f32, {-1, -1, 2}, ""}, {f32, {-1, -1, 1}, ""}}};
    // In another order than usual: roles decide.
    signatures["decode_step"] = {"decode_step",
                                 {{f32, {-1, -1, 1}, "cache"},
                                  {i32, {-1}, "memory_rows"},
                                  {i32, {-1, -1}, "ids"},
                                  {f32, {-1, -1, 2}, "cross"},
                                  {i32, {-1, -1}, "cache_rows"},
                                  {f32, {-1, -1, 3}, "cache"},
                                  {i32, {-1}, "positions"},
                                  {f32, {-1, -1, 1}, "cross"},
                                  {i32, {-1}, "memory_lengths"}},
                                 {{f32, {-1, 9}, ""}}};
    signatures["decode_logits"] = {
        "decode_logits",
        {{f32, {-1, 9}, ""}},
        {{f32, {2, -1, 5}, ""}, {f32, {3, -1}, ""}, {f32, {3, -1}, ""}}};
    signatures["decode_greatest"] = {
        "decode_greatest", {{f32, {-1, 9}, ""}}, {{i32, {-1}, ""}}};
  }

  DecoderFunctions functions() {
    return {[this](llvm::StringRef name) -> const FunctionSignature * {
              auto found = signatures.find(name.str());
              return found == signatures.end() ? nullptr : &found->second;
            },
            [this](llvm::StringRef name, llvm::ArrayRef<Tensor> arguments,
                   int64_t threads) {
              EXPECT_EQ(threads, 3);
              return call(name, arguments);
            },
            [this] { ++releases; }};
  }

  LanguageModel language;
  std::map<std::string, FunctionSignature> signatures;
  /// Capacities that caches have had.
  std::vector<int64_t> capacities;
  /// How often memory was asked back.
  int releases = 0;

private:
  using Results = llvm::SmallVector<Tensor>;

  llvm::Expected<Results> call(llvm::StringRef name,
                               llvm::ArrayRef<Tensor> arguments) {
    const FunctionSignature &signature = signatures.at(name.str());
    EXPECT_EQ(arguments.size(), signature.arguments.size());
    for (auto [type, argument] :
         llvm::zip_equal(signature.arguments, arguments))
      EXPECT_TRUE(type.accepts(argument)) << argument.describe();
    if (name == "encode")
      return encode(arguments);
    if (name == "decode_prepare")
      return prepare(arguments);
    if (name == "decode_step")
      return step(arguments);
    return project(name, arguments[0]);
  }

  /// The rows of a step are logits already.
  Results project(llvm::StringRef name, const Tensor &plain) {
    const int64_t rows = plain.dim(0);
    BlockedLogits blocked(rows, language.vocabulary, /*width=*/5);
    for (int64_t row = 0; row < rows; ++row)
      blocked.setRow(
          row, llvm::ArrayRef(plain.data<float>(), rows * 9).slice(row * 9, 9));
    if (name == "decode_greatest") {
      Tensor tokens = Tensor::allocate(ElementType::I32, {rows});
      for (int64_t row = 0; row < rows; ++row)
        tokens.data<int32_t>()[row] =
            static_cast<int32_t>(argMax(blocked.logits.row(row)));
      return {tokens};
    }
    Results logits = {Tensor::allocate(ElementType::F32, {2, rows, 5}),
                      Tensor::allocate(ElementType::F32, {3, rows}),
                      Tensor::allocate(ElementType::F32, {3, rows})};
    llvm::copy(blocked.values, logits[0].data<float>());
    llvm::copy(blocked.maxima, logits[1].data<float>());
    llvm::copy(blocked.sums, logits[2].data<float>());
    return logits;
  }

  Results encode(llvm::ArrayRef<Tensor> arguments) {
    const Tensor &ids = arguments[0];
    EXPECT_EQ(arguments[1].dim(0), ids.dim(0));
    Tensor memory =
        Tensor::allocate(ElementType::F32, {ids.dim(0), ids.dim(1), 2});
    for (int64_t i = 0; i < ids.numElements(); ++i) {
      memory.data<float>()[2 * i] = ids.data<int32_t>()[i];
      memory.data<float>()[2 * i + 1] = -ids.data<int32_t>()[i];
    }
    return {memory};
  }

  Results prepare(llvm::ArrayRef<Tensor> arguments) {
    const Tensor &memory = arguments[0];
    Tensor second =
        Tensor::allocate(ElementType::F32, {memory.dim(0), memory.dim(1), 1});
    for (int64_t i = 0; i < second.numElements(); ++i)
      second.data<float>()[i] = memory.data<float>()[2 * i] + 1000;
    return {memory, second};
  }

  Results step(llvm::ArrayRef<Tensor> arguments) {
    const Tensor &cache = arguments[0], &ids = arguments[2],
                 &cacheRows = arguments[4], &wide = arguments[5],
                 &cross = arguments[3], &otherCross = arguments[7];
    const int32_t *memoryRows = arguments[1].data<int32_t>();
    const int32_t *positions = arguments[6].data<int32_t>();
    const int32_t *lengths = arguments[8].data<int32_t>();
    int64_t rows = ids.dim(0), capacity = cache.dim(1);
    if (capacities.empty() || capacities.back() != capacity)
      capacities.push_back(capacity);
    EXPECT_EQ(ids.dim(1), 1);
    EXPECT_EQ(cache.dim(0), wide.dim(0));
    EXPECT_EQ(capacity, wide.dim(1));
    EXPECT_EQ(cacheRows.dim(0), rows);
    EXPECT_EQ(arguments[1].dim(0), rows);
    EXPECT_EQ(arguments[6].dim(0), rows);
    int64_t indexed = cacheRows.dim(1);

    Tensor logits = Tensor::allocate(ElementType::F32, {rows, 9});
    // All writes first, as a compiled step may do.
    for (int64_t row = 0; row < rows; ++row) {
      int64_t position = positions[row];
      EXPECT_LT(position, capacity);
      EXPECT_LT(position, indexed);
      int32_t to = cacheRows.data<int32_t>()[row * indexed + position];
      EXPECT_GE(to, 0);
      EXPECT_LT(to, cache.dim(0));
      int32_t id = ids.data<int32_t>()[row];
      cache.data<float>()[to * capacity + position] = id;
      for (int32_t i = 0; i < 3; ++i)
        wide.data<float>()[(to * capacity + position) * 3 + i] =
            static_cast<float>(id * 10 + i);
    }
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<int32_t> prefix, source;
      for (int64_t t = 0; t <= positions[row]; ++t) {
        int64_t from = cacheRows.data<int32_t>()[row * indexed + t];
        EXPECT_GE(from, 0);
        EXPECT_LT(from, cache.dim(0));
        float value = cache.data<float>()[from * capacity + t];
        for (int64_t i = 0; i < 3; ++i)
          EXPECT_EQ(wide.data<float>()[(from * capacity + t) * 3 + i],
                    value * 10 + i);
        prefix.push_back(static_cast<int32_t>(value));
      }
      int64_t sentence = memoryRows[row];
      EXPECT_LT(sentence, cross.dim(0));
      for (int64_t s = 0; s < lengths[sentence]; ++s) {
        float value = cross.data<float>()[(sentence * cross.dim(1) + s) * 2];
        EXPECT_EQ(otherCross.data<float>()[sentence * cross.dim(1) + s],
                  value + 1000);
        source.push_back(static_cast<int32_t>(value));
      }
      language.logits(source, prefix, logits.data<float>() + row * 9);
    }
    return {logits};
  }
};

} // namespace

TEST(CompiledDecoder, FindsEveryHistoryAgain) {
  std::mt19937 random(7); // NOLINT(bugprone-random-generator-seed)
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    LanguageModel language{seed, 9, {0}, 0.5f};
    FakeFunctions fake(language);
    auto decoder = CompiledDecoder::create(fake.functions(), {100, 9, 12, 150});
    ASSERT_TRUE(bool(decoder)) << llvm::toString(decoder.takeError());
    FakeModel model(language);
    // The same decoder for several searches: what is left in the caches must
    // not matter.
    for (int64_t beams : {3, 1, 5}) {
      GenerationOptions options;
      options.beamSize = beams;
      options.scores = beams > 1 || seed % 2;
      options.startToken = 8;
      options.endTokens = {0};
      options.maxLength = 39;
      std::vector<std::vector<int32_t>> sentences(11);
      for (std::vector<int32_t> &sentence : sentences)
        sentence.assign(1 + random() % 12, random() % 100);
      BatchOptions batchOptions{int64_t(1 + random() % 11)};
      batchOptions.threads = 3;
      auto got = translate(**decoder, options, sentences, batchOptions);
      auto expected = translate(model, options, sentences, {/*batchSize=*/11});
      ASSERT_EQ(got.size(), expected.size());
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i].hypotheses[0].ids, expected[i].hypotheses[0].ids);
        ASSERT_EQ(got[i].hypotheses[0].score, expected[i].hypotheses[0].score);
      }
    }
  }
}

TEST(CompiledDecoder, GivesMemoryBackBeforeEachBatch) {
  LanguageModel language{3, 9, {0}, 0.5f};
  FakeFunctions fake(language);
  auto decoder = CompiledDecoder::create(fake.functions(), {100, 9, 12, 150});
  ASSERT_TRUE(bool(decoder)) << llvm::toString(decoder.takeError());
  EXPECT_EQ(fake.releases, 0);
  GenerationOptions options;
  options.startToken = 8;
  options.endTokens = {0};
  options.maxLength = 9;
  std::vector<std::vector<int32_t>> sentences(5, {1, 2, 3});
  BatchOptions batchOptions{/*batchSize=*/2};
  batchOptions.threads = 3;
  translate(**decoder, options, sentences, batchOptions);
  EXPECT_EQ(fake.releases, 3);
}

TEST(CompiledDecoder, CachesGrowByDoublingUpToThePositions) {
  LanguageModel language{3, 9, {0}, -20.0f};
  FakeFunctions fake(language);
  auto decoder = CompiledDecoder::create(fake.functions(), {100, 9, 12, 150});
  ASSERT_TRUE(bool(decoder)) << llvm::toString(decoder.takeError());
  GenerationOptions options;
  options.beamSize = 2;
  options.startToken = 8;
  options.endTokens = {0};
  options.maxLength = 151;
  BatchOptions batchOptions{/*batchSize=*/2};
  batchOptions.threads = 3;
  auto results =
      translate(**decoder, options, {{1, 0}, {2, 2, 0}}, batchOptions);
  EXPECT_EQ(results[0].hypotheses[0].ids.size(), 150u);
  EXPECT_THAT(fake.capacities, testing::ElementsAre(64, 128, 150));
}

TEST(CompiledDecoder, SignaturesAreChecked) {
  using Signatures = std::map<std::string, FunctionSignature>;
  auto error = [](auto &&change) -> std::string {
    FakeFunctions fake({1, 9, {}, 0});
    change(fake.signatures);
    auto decoder = CompiledDecoder::create(fake.functions(), {100, 9, 12, 150});
    return decoder ? "" : llvm::toString(decoder.takeError());
  };
  EXPECT_EQ(error([](Signatures &) {}), "");
  EXPECT_EQ(error([](Signatures &s) { s.erase("decode_step"); }),
            "the program has no function 'decode_step'; hint: import a "
            "translation model");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_step"].arguments[2].role = "tokens";
            }),
            "function 'decode_step': argument 2, tensor<?x?xi32>, has the role "
            "'tokens', expected one that a decoder knows");
  EXPECT_EQ(error([](Signatures &s) {
              s["encode"].arguments[1].type = ElementType::I64;
            }),
            "function 'encode': argument 1 with the role 'lengths' is "
            "tensor<?xi64>, expected rank 1 of i32");
  EXPECT_EQ(
      error([](Signatures &s) { s["decode_prepare"].results.pop_back(); }),
      "function 'decode_prepare': expected 2 results, one for each cross "
      "argument of 'decode_step', got 1");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_step"].arguments[0].shape = {-1, -1, -1};
            }),
            "function 'decode_step': expected a cache [cache rows, capacity, "
            "static sizes], got tensor<?x?x?xf32>");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_step"].arguments[3].shape = {-1, -1, -1};
            }),
            "function 'decode_step': expected prepared values [sentences, "
            "positions, static sizes], got tensor<?x?x?xf32>");
  EXPECT_EQ(error([](Signatures &s) { s.erase("decode_greatest"); }),
            "the program has no function 'decode_greatest'; hint: import a "
            "translation model");
  EXPECT_EQ(error([](Signatures &s) { s["decode_step"].results.pop_back(); }),
            "function 'decode_step': expected first a result tensor<?xWxf32>, "
            "from which logits are computed");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_logits"].arguments[0].shape = {-1, 8};
            }),
            "function 'decode_logits': expected one argument, the first result "
            "of 'decode_step', tensor<?x9xf32>");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_greatest"].results[0].type = ElementType::I64;
            }),
            "function 'decode_greatest': expected one result, a token for each "
            "row, tensor<?xi32>");
  EXPECT_EQ(error([](Signatures &s) { s["decode_logits"].results.pop_back(); }),
            "function 'decode_logits': expected three results: logits "
            "tensor<Bx?xWxf32>, and maxima and sums tensor<Sx?xf32>");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_logits"].results[0].shape = {3, -1, 5};
            }),
            "function 'decode_logits': expected 2 blocks of 5 logits for 9 "
            "tokens, got tensor<3x?x5xf32>");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_logits"].results[1].shape = {2, -1};
            }),
            "function 'decode_logits': expected 3 maxima and sums, of 2 blocks "
            "and of each 8 of them, got tensor<2x?xf32>");
  EXPECT_EQ(error([](Signatures &s) {
              s["decode_step"].results.push_back(
                  {ElementType::F32, {-1, 4, -1}, ""});
            }),
            "function 'decode_step': expected attention tensor<?xHx?x?xf32> or "
            "nothing as the second result, got 1 more, the first "
            "tensor<?x4x?xf32>");
}
