// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Import/MarianConfig.h"

#include "../TestFiles.h"
#include "gmock/gmock.h"

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;
using Activation = MarianConfig::Activation;
using EarlyStopping = MarianConfig::EarlyStopping;

namespace {

class MarianConfigTest : public testing::Test {
protected:
  /// Loads a config.json with these fields (after the model type), and a
  /// generation_config.json unless it is empty.
  llvm::Expected<MarianConfig> load(llvm::StringRef fields,
                                    llvm::StringRef generation = "") {
    std::string config = R"({"model_type": "marian")";
    if (!fields.empty())
      config += ", " + fields.str();
    directory.write("config.json", config + "}");
    if (!generation.empty())
      directory.write("generation_config.json", generation);
    return MarianConfig::load(directory.path());
  }

  MarianConfig get(llvm::StringRef fields, llvm::StringRef generation = "") {
    llvm::Expected<MarianConfig> config = load(fields, generation);
    EXPECT_TRUE(bool(config)) << llvm::toString(config.takeError());
    return config ? *config : MarianConfig();
  }

  /// The error about config.json with these fields, without its path.
  std::string errorOf(llvm::StringRef fields) {
    return strip(messageOf(load(fields)), "config.json");
  }

  /// The error about generation_config.json, without its path.
  std::string generationErrorOf(llvm::StringRef generation) {
    return strip(messageOf(load("", generation)), "generation_config.json");
  }

  std::string strip(const std::string &message, llvm::StringRef name) {
    std::string path = directory.path(name);
    EXPECT_THAT(message, testing::StartsWith(path + ": "));
    return message.substr(std::min(message.size(), path.size() + 2));
  }

  TemporaryDirectory directory;
};

TEST_F(MarianConfigTest, readsTheShippedModel) {
  auto config = MarianConfig::load(ATTN_MODELS_DIR "/tatoeba-en-fr");
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->dModel, 256);
  EXPECT_EQ(config->encoderLayers, 6);
  EXPECT_EQ(config->decoderLayers, 3);
  EXPECT_EQ(config->encoderHeads, 4);
  EXPECT_EQ(config->decoderHeads, 4);
  EXPECT_EQ(config->encoderFfnDim, 1024);
  EXPECT_EQ(config->decoderFfnDim, 1024);
  EXPECT_EQ(config->activation, Activation::Silu);
  EXPECT_EQ(config->vocabSize, 8001);
  EXPECT_EQ(config->decoderVocabSize, 8001);
  EXPECT_EQ(config->maxPositionEmbeddings, 512);
  EXPECT_TRUE(config->shareEncoderDecoderEmbeddings);
  EXPECT_TRUE(config->tieWordEmbeddings);
  EXPECT_TRUE(config->scaleEmbedding);
  EXPECT_EQ(config->padTokenId, 8000);
  EXPECT_EQ(config->eosTokenId, 0);
  EXPECT_EQ(config->decoderStartTokenId, 8000);

  const MarianConfig::Generation &generation = config->generation;
  EXPECT_EQ(generation.numBeams, 4);
  EXPECT_EQ(generation.maxLength, 256);
  EXPECT_EQ(generation.lengthPenalty, 1.0);
  EXPECT_EQ(generation.earlyStopping, EarlyStopping::No);
  EXPECT_TRUE(generation.renormalizeLogits);
  EXPECT_EQ(generation.forcedEosTokenId, 0);
  EXPECT_THAT(generation.badWordsIds, ElementsAre(ElementsAre(8000)));
  EXPECT_TRUE(generation.unsupported.empty());
}

// The values of transformers' MarianConfig and GenerationConfig.
TEST_F(MarianConfigTest, hasTheDefaultsOfTheReference) {
  MarianConfig config = get(R"("d_model": null)");
  EXPECT_EQ(config.dModel, 1024);
  EXPECT_EQ(config.encoderLayers, 12);
  EXPECT_EQ(config.decoderLayers, 12);
  EXPECT_EQ(config.encoderHeads, 16);
  EXPECT_EQ(config.decoderHeads, 16);
  EXPECT_EQ(config.encoderFfnDim, 4096);
  EXPECT_EQ(config.decoderFfnDim, 4096);
  EXPECT_EQ(config.activation, Activation::Gelu);
  EXPECT_EQ(config.vocabSize, 58101);
  EXPECT_EQ(config.decoderVocabSize, 58101);
  EXPECT_EQ(config.maxPositionEmbeddings, 1024);
  EXPECT_TRUE(config.shareEncoderDecoderEmbeddings);
  EXPECT_TRUE(config.tieWordEmbeddings);
  EXPECT_FALSE(config.scaleEmbedding);
  EXPECT_EQ(config.padTokenId, 58100);
  EXPECT_EQ(config.eosTokenId, 0);
  EXPECT_EQ(config.decoderStartTokenId, 58100);

  const MarianConfig::Generation &generation = config.generation;
  EXPECT_EQ(generation.numBeams, 1);
  // 20 new tokens after the start token.
  EXPECT_EQ(generation.maxLength, 21);
  EXPECT_EQ(generation.minLength, 0);
  EXPECT_EQ(generation.lengthPenalty, 1.0);
  EXPECT_FALSE(generation.renormalizeLogits);
  EXPECT_EQ(generation.noRepeatNgramSize, 0);
  EXPECT_EQ(generation.repetitionPenalty, 1.0);
  EXPECT_EQ(generation.numReturnSequences, 1);
  EXPECT_FALSE(generation.doSample);
  EXPECT_EQ(generation.temperature, 1.0);
  EXPECT_EQ(generation.topK, 50);
  EXPECT_EQ(generation.topP, 1.0);
  EXPECT_EQ(generation.forcedBosTokenId, std::nullopt);
  EXPECT_EQ(generation.forcedEosTokenId, std::nullopt);
  EXPECT_TRUE(generation.badWordsIds.empty());
}

TEST_F(MarianConfigTest, knowsActivations) {
  for (auto [name, activation] :
       {std::pair("relu", Activation::Relu),
        std::pair("gelu", Activation::Gelu),
        std::pair("gelu_new", Activation::GeluTanh),
        std::pair("gelu_pytorch_tanh", Activation::GeluTanh),
        std::pair("gelu_fast", Activation::GeluTanh),
        std::pair("silu", Activation::Silu),
        std::pair("swish", Activation::Silu)})
    EXPECT_EQ(
        get((llvm::Twine(R"("activation_function": ")") + name + "\"").str())
            .activation,
        activation);
  EXPECT_EQ(errorOf(R"("activation_function": "tanh")"),
            "field activation_function: expected gelu, gelu_new, relu, silu or "
            "swish, got \"tanh\"");
  EXPECT_EQ(errorOf(R"("activation_function": 3)"),
            "field activation_function: expected gelu, gelu_new, relu, silu or "
            "swish, got 3");
}

TEST_F(MarianConfigTest, separatesVocabularies) {
  MarianConfig config = get(R"("vocab_size": 100, "decoder_vocab_size": 50,
      "share_encoder_decoder_embeddings": false, "pad_token_id": 49,
      "decoder_start_token_id": 49)");
  EXPECT_FALSE(config.shareEncoderDecoderEmbeddings);
  EXPECT_EQ(config.vocabSize, 100);
  EXPECT_EQ(config.decoderVocabSize, 50);
  // A shared embedding has one size.
  config = get(R"("vocab_size": 100, "decoder_vocab_size": 50,
      "pad_token_id": 99, "decoder_start_token_id": 99)");
  EXPECT_EQ(config.decoderVocabSize, 100);
}

TEST_F(MarianConfigTest, readsGenerationSettings) {
  MarianConfig config = get(R"("num_beams": 9)", R"({
      "num_beams": 3, "max_length": 40, "min_length": 2, "length_penalty": 0.6,
      "early_stopping": "never", "renormalize_logits": true,
      "no_repeat_ngram_size": 3, "repetition_penalty": 1.2,
      "num_return_sequences": 2, "do_sample": true, "temperature": 0.5,
      "top_k": 0, "top_p": 0.9, "forced_bos_token_id": 7,
      "forced_eos_token_id": [8], "bad_words_ids": [[1], [0], [2, 3]],
      "pad_token_id": 5, "eos_token_id": [0], "decoder_start_token_id": 6})");
  const MarianConfig::Generation &generation = config.generation;
  EXPECT_EQ(generation.numBeams, 3);
  EXPECT_EQ(generation.maxLength, 40);
  EXPECT_EQ(generation.minLength, 2);
  EXPECT_EQ(generation.lengthPenalty, 0.6);
  EXPECT_EQ(generation.earlyStopping, EarlyStopping::Never);
  EXPECT_TRUE(generation.renormalizeLogits);
  EXPECT_EQ(generation.noRepeatNgramSize, 3);
  EXPECT_EQ(generation.repetitionPenalty, 1.2);
  EXPECT_EQ(generation.numReturnSequences, 2);
  EXPECT_TRUE(generation.doSample);
  EXPECT_EQ(generation.temperature, 0.5);
  EXPECT_EQ(generation.topK, 0);
  EXPECT_EQ(generation.topP, 0.9);
  EXPECT_EQ(generation.forcedBosTokenId, 7);
  EXPECT_EQ(generation.forcedEosTokenId, 8);
  // The end token cannot be banned.
  EXPECT_THAT(generation.badWordsIds,
              ElementsAre(ElementsAre(1), ElementsAre(2, 3)));
  EXPECT_EQ(config.padTokenId, 5);
  EXPECT_EQ(config.decoderStartTokenId, 6);
}

TEST_F(MarianConfigTest, takesGenerationSettingsFromTheConfigIfAlone) {
  llvm::StringRef fields = R"("num_beams": 6, "max_length": 512,
      "early_stopping": true, "bad_words_ids": [[58100]],
      "forced_eos_token_id": 0)";
  MarianConfig config = get(fields);
  EXPECT_EQ(config.generation.numBeams, 6);
  EXPECT_EQ(config.generation.maxLength, 512);
  EXPECT_EQ(config.generation.earlyStopping, EarlyStopping::Yes);
  EXPECT_THAT(config.generation.badWordsIds, ElementsAre(ElementsAre(58100)));
  EXPECT_EQ(config.generation.forcedEosTokenId, 0);
  EXPECT_EQ(errorOf(R"("num_beams": 0)"),
            "field num_beams: expected an integer in 1..2147483647, got 0");

  // With a file of their own, only that counts.
  config = get(fields, "{}");
  EXPECT_EQ(config.generation.numBeams, 1);
  EXPECT_TRUE(config.generation.badWordsIds.empty());
}

TEST_F(MarianConfigTest, countsTheStartTokenInLengths) {
  MarianConfig::Generation generation =
      get("", R"({"max_length": 9, "max_new_tokens": 30,
                  "min_length": 8, "min_new_tokens": 2})")
          .generation;
  EXPECT_EQ(generation.maxLength, 31);
  EXPECT_EQ(generation.minLength, 3);
  EXPECT_EQ(get(R"("max_position_embeddings": 16)", R"({"max_length": 500})")
                .generation.maxLength,
            16);
}

TEST_F(MarianConfigTest, namesUnsupportedSettings) {
  EXPECT_THAT(get("", R"({"typical_p": 0.9, "suppress_tokens": [3],
                          "num_beam_groups": 2, "epsilon_cutoff": 0.1})")
                  .generation.unsupported,
              ElementsAre("epsilon_cutoff", "num_beam_groups",
                          "suppress_tokens", "typical_p"));
  EXPECT_THAT(get("", R"({"typical_p": 1.0, "suppress_tokens": null,
                          "num_beam_groups": 1, "epsilon_cutoff": 0.0,
                          "begin_suppress_tokens": []})")
                  .generation.unsupported,
              ElementsAre());
}

TEST_F(MarianConfigTest, rejectsFilesThatCannotBeRead) {
  EXPECT_EQ(
      strip(messageOf(MarianConfig::load(directory.path())), "config.json"),
      "cannot read the file: no such file or directory; hint: a checkpoint is "
      "a folder in the Hugging Face MarianMT layout");
  directory.write("config.json", "{");
  EXPECT_THAT(
      strip(messageOf(MarianConfig::load(directory.path())), "config.json"),
      testing::StartsWith("expected JSON, got an error at [1:1"));
  directory.write("config.json", "[]");
  EXPECT_EQ(
      strip(messageOf(MarianConfig::load(directory.path())), "config.json"),
      "expected a JSON object, got []");
  EXPECT_EQ(generationErrorOf("7"), "expected a JSON object, got 7");
}

TEST_F(MarianConfigTest, rejectsOtherArchitectures) {
  directory.write("config.json", R"({"model_type": "bert"})");
  EXPECT_EQ(
      strip(messageOf(MarianConfig::load(directory.path())), "config.json"),
      R"(field model_type: expected "marian", got "bert")");
  directory.write("config.json", "{}");
  EXPECT_EQ(
      strip(messageOf(MarianConfig::load(directory.path())), "config.json"),
      R"(field model_type: expected "marian", got nothing)");
  get(R"("architectures": ["Other", "MarianMTModel"])");
  EXPECT_EQ(errorOf(R"("architectures": ["MarianForCausalLM"])"),
            R"(field architectures: expected a list with "MarianMTModel", got )"
            R"(["MarianForCausalLM"])");
  EXPECT_EQ(errorOf(R"("architectures": "MarianMTModel")"),
            R"(field architectures: expected a list with "MarianMTModel", got )"
            R"("MarianMTModel")");
  EXPECT_EQ(errorOf(R"("is_encoder_decoder": false)"),
            "field is_encoder_decoder: expected true, got false");
  EXPECT_EQ(errorOf(R"("static_position_embeddings": false)"),
            "field static_position_embeddings: expected true, got false");
}

TEST_F(MarianConfigTest, rejectsSizesOutOfRange) {
  for (llvm::StringRef key :
       {"d_model", "encoder_layers", "decoder_layers",
        "encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim",
        "decoder_ffn_dim", "vocab_size", "decoder_vocab_size",
        "max_position_embeddings"})
    for (llvm::StringRef value :
         {"0", "-1", "2147483648", "99999999999999999999", "1.5", "\"8\"", "[]",
          "true"}) {
      std::string fields = ("\"" + key + "\": " + value).str();
      llvm::StringRef most =
          key == "max_position_embeddings" ? "1048576" : "2147483647";
      EXPECT_THAT(
          errorOf(fields),
          testing::StartsWith(("field " + key + ": expected an integer in 1.." +
                               most + ", got ")
                                  .str()))
          << fields;
    }
  EXPECT_EQ(errorOf(R"("d_model": 255)"),
            "field d_model: expected an even number (positions are pairs of "
            "sine and cosine), got 255");
  EXPECT_EQ(errorOf(R"("encoder_attention_heads": 3)"),
            "field encoder_attention_heads: expected a divisor of d_model = "
            "1024, got 3");
  EXPECT_EQ(errorOf(R"("decoder_attention_heads": 2048)"),
            "field decoder_attention_heads: expected a divisor of d_model = "
            "1024, got 2048");
  EXPECT_EQ(errorOf(R"("scale_embedding": 1)"),
            "field scale_embedding: expected true or false, got 1");
}

TEST_F(MarianConfigTest, rejectsTokenIdsOutOfRange) {
  for (llvm::StringRef key :
       {"pad_token_id", "eos_token_id", "decoder_start_token_id"})
    for (llvm::StringRef value : {"-1", "58101", "\"0\"", "[]", "[0,1]"})
      EXPECT_EQ(
          errorOf(("\"" + key + "\": " + value).str()),
          ("field " + key + ": expected one token id in 0..58100, got " + value)
              .str());
  EXPECT_EQ(errorOf(R"("vocab_size": 100)"),
            "field pad_token_id: expected a token id in 0..99, got nothing and "
            "58100 by default");
  EXPECT_EQ(errorOf(R"("vocab_size": 100, "pad_token_id": 99)"),
            "field decoder_start_token_id: expected a token id in 0..99, got "
            "nothing and 58100 by default");
  // Either file may give them.
  get(R"("vocab_size": 100)",
      R"({"pad_token_id": 99, "decoder_start_token_id": 99})");
}

TEST_F(MarianConfigTest, rejectsGenerationSettingsOutOfRange) {
  EXPECT_EQ(generationErrorOf(R"({"num_beams": 0})"),
            "field num_beams: expected an integer in 1..2147483647, got 0");
  EXPECT_EQ(generationErrorOf(R"({"max_length": -5})"),
            "field max_length: expected an integer in 1..2147483647, got -5");
  EXPECT_EQ(
      generationErrorOf(R"({"max_new_tokens": 0})"),
      "field max_new_tokens: expected an integer in 1..2147483647, got 0");
  EXPECT_EQ(generationErrorOf(R"({"length_penalty": "1"})"),
            "field length_penalty: expected a number, got \"1\"");
  EXPECT_EQ(generationErrorOf(R"({"temperature": -1})"),
            "field temperature: expected a number from 0, got -1");
  EXPECT_EQ(generationErrorOf(R"({"early_stopping": "always"})"),
            "field early_stopping: expected true, false or \"never\", got "
            "\"always\"");
  EXPECT_EQ(generationErrorOf(R"({"forced_eos_token_id": 58101})"),
            "field forced_eos_token_id: expected one token id in 0..58100, got "
            "58101");
  for (llvm::StringRef value :
       {"3", "[3]", "[[]]", "[[-1]]", "[[58101]]", "[[\"a\"]]"})
    EXPECT_EQ(generationErrorOf((R"({"bad_words_ids": )" + value + "}").str()),
              ("field bad_words_ids: expected a list of lists of token ids in "
               "0..58100, got " +
               value)
                  .str());
}

} // namespace
