// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Import/MarianConfig.h"

#include "attn/Weights/JsonFile.h"
#include "attn/Weights/ReadFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <limits>

using namespace llvm;
using namespace attn;

namespace {

/// Sizes beyond this are no model, and products of two still fit in 64 bits.
constexpr int64_t maxSize = std::numeric_limits<int32_t>::max();

/// Reads typed fields of one JSON object. Fields that are missing or null leave
/// their variable as it is. Keeps the first error, so that a caller can read
/// all fields in a row and ask once.
class FieldReader {
public:
  FieldReader(const json::Object &object, std::string path)
      : object(object), path(std::move(path)) {}

  /// The value of `key`, or null if it is missing or null.
  const json::Value *get(StringRef key) const {
    const json::Value *value = object.get(key);
    return value && value->kind() != json::Value::Null ? value : nullptr;
  }

  /// Keeps the error "field `key`: expected …, got …".
  void fail(StringRef key, const Twine &expected, const json::Value *got) {
    failText(key, expected, got ? describeJson(*got) : "nothing");
  }
  void failText(StringRef key, const Twine &expected, const Twine &got) {
    if (message.empty())
      message =
          (path + ": field " + key + ": expected " + expected + ", got " + got)
              .str();
  }

  void integer(StringRef key, int64_t &result, int64_t min,
               int64_t max = maxSize) {
    const json::Value *value = get(key);
    if (!value)
      return;
    std::optional<int64_t> number = value->getAsInteger();
    if (number && *number >= min && *number <= max)
      result = *number;
    else
      fail(key, "an integer in " + Twine(min) + ".." + Twine(max), value);
  }

  void boolean(StringRef key, bool &result) {
    const json::Value *value = get(key);
    if (!value)
      return;
    if (std::optional<bool> flag = value->getAsBoolean())
      result = *flag;
    else
      fail(key, "true or false", value);
  }

  void number(StringRef key, double &result, double min) {
    const json::Value *value = get(key);
    if (!value)
      return;
    std::optional<double> number = value->getAsNumber();
    if (number && std::isfinite(*number) && *number >= min)
      result = *number;
    else
      fail(key,
           min == std::numeric_limits<double>::lowest()
               ? Twine("a number")
               : "a number from " + Twine(static_cast<int>(min)),
           value);
  }

  /// A token id below `limit`. A list of one id counts as that id; more than
  /// one would need a search that knows several.
  template <typename Id> void token(StringRef key, Id &result, int64_t limit) {
    const json::Value *value = get(key);
    if (!value)
      return;
    const json::Array *list = value->getAsArray();
    const json::Value *single =
        list && list->size() == 1 ? &list->front() : value;
    std::optional<int64_t> id = single->getAsInteger();
    if (id && *id >= 0 && *id < limit)
      result = static_cast<int32_t>(*id);
    else
      fail(key, "one token id in 0.." + Twine(limit - 1), value);
  }

  Error takeError() {
    return message.empty() ? Error::success()
                           : createStringError(Twine(message));
  }

private:
  const json::Object &object;
  std::string path;
  std::string message;
};

} // namespace

/// Checks that this is the architecture that MarianConfig describes.
static void checkArchitecture(FieldReader &reader) {
  const json::Value *type = reader.get("model_type");
  if (!type || type->getAsString() != "marian")
    reader.fail("model_type", "\"marian\"", type);
  if (const json::Value *names = reader.get("architectures")) {
    const json::Array *list = names->getAsArray();
    if (!list || none_of(*list, [](const json::Value &name) {
          return name.getAsString() == "MarianMTModel";
        }))
      reader.fail("architectures", "a list with \"MarianMTModel\"", names);
  }
  // Learned positions and a decoder without an encoder are other networks.
  for (StringRef flag : {"is_encoder_decoder", "static_position_embeddings"}) {
    bool value = true;
    reader.boolean(flag, value);
    if (!value)
      reader.fail(flag, "true", reader.get(flag));
  }
}

static void readNetwork(FieldReader &reader, MarianConfig &config) {
  reader.integer("d_model", config.dModel, 1);
  reader.integer("encoder_layers", config.encoderLayers, 1);
  reader.integer("decoder_layers", config.decoderLayers, 1);
  reader.integer("encoder_attention_heads", config.encoderHeads, 1);
  reader.integer("decoder_attention_heads", config.decoderHeads, 1);
  reader.integer("encoder_ffn_dim", config.encoderFfnDim, 1);
  reader.integer("decoder_ffn_dim", config.decoderFfnDim, 1);
  reader.integer("vocab_size", config.vocabSize, 1);
  config.decoderVocabSize = config.vocabSize;
  reader.integer("decoder_vocab_size", config.decoderVocabSize, 1);
  // They are computed: no tensor of the file says that there are so many.
  reader.integer("max_position_embeddings", config.maxPositionEmbeddings, 1,
                 /*max=*/1 << 20);
  reader.boolean("share_encoder_decoder_embeddings",
                 config.shareEncoderDecoderEmbeddings);
  reader.boolean("tie_word_embeddings", config.tieWordEmbeddings);
  reader.boolean("scale_embedding", config.scaleEmbedding);
  if (const json::Value *value = reader.get("quantization_config"))
    if (const json::Object *object = value->getAsObject())
      config.isQuantized = object->getString("quant_method") == "attn";

  if (const json::Value *value = reader.get("activation_function")) {
    using Activation = MarianConfig::Activation;
    auto activation = StringSwitch<std::optional<Activation>>(
                          value->getAsString().value_or(""))
                          .Case("relu", Activation::Relu)
                          .Case("gelu", Activation::Gelu)
                          .Cases({"gelu_new", "gelu_pytorch_tanh", "gelu_fast"},
                                 Activation::GeluTanh)
                          .Cases({"silu", "swish"}, Activation::Silu)
                          .Default(std::nullopt);
    if (activation)
      config.activation = *activation;
    else
      reader.fail("activation_function", "gelu, gelu_new, relu, silu or swish",
                  value);
  }

  if (config.dModel % 2 != 0)
    reader.failText("d_model",
                    "an even number (positions are pairs of sine and cosine)",
                    Twine(config.dModel));
  for (auto [key, heads] :
       {std::pair("encoder_attention_heads", config.encoderHeads),
        std::pair("decoder_attention_heads", config.decoderHeads)})
    if (config.dModel % heads != 0)
      reader.failText(key, "a divisor of d_model = " + Twine(config.dModel),
                      Twine(heads));
  // The reference implementation ignores it for a shared vocabulary, too.
  if (config.shareEncoderDecoderEmbeddings)
    config.decoderVocabSize = config.vocabSize;
}

/// The ids may stand in either file; the one read last wins.
static void readTokenIds(FieldReader &reader, MarianConfig &config) {
  int64_t common = std::min(config.vocabSize, config.decoderVocabSize);
  reader.token("pad_token_id", config.padTokenId, common);
  reader.token("eos_token_id", config.eosTokenId, common);
  reader.token("decoder_start_token_id", config.decoderStartTokenId,
               config.decoderVocabSize);
}

static void readBadWords(FieldReader &reader, MarianConfig &config) {
  const json::Value *value = reader.get("bad_words_ids");
  if (!value)
    return;
  auto fail = [&] {
    reader.fail("bad_words_ids",
                "a list of lists of token ids in 0.." +
                    Twine(config.decoderVocabSize - 1),
                value);
  };
  const json::Array *words = value->getAsArray();
  if (!words)
    return fail();
  for (const json::Value &word : *words) {
    const json::Array *ids = word.getAsArray();
    if (!ids || ids->empty())
      return fail();
    SmallVector<int32_t, 1> sequence;
    for (const json::Value &element : *ids) {
      std::optional<int64_t> id = element.getAsInteger();
      if (!id || *id < 0 || *id >= config.decoderVocabSize)
        return fail();
      sequence.push_back(static_cast<int32_t>(*id));
    }
    if (sequence.size() != 1 || sequence.front() != config.eosTokenId)
      config.generation.badWordsIds.push_back(std::move(sequence));
  }
}

static void readEarlyStopping(FieldReader &reader, MarianConfig &config) {
  using EarlyStopping = MarianConfig::EarlyStopping;
  const json::Value *value = reader.get("early_stopping");
  if (!value)
    return;
  EarlyStopping &result = config.generation.earlyStopping;
  if (std::optional<bool> flag = value->getAsBoolean())
    result = *flag ? EarlyStopping::Yes : EarlyStopping::No;
  else if (value->getAsString() == "never")
    result = EarlyStopping::Never;
  else
    reader.fail("early_stopping", "true, false or \"never\"", value);
}

/// Whether `value` is what the setting `key` has when nobody sets it.
static bool isNeutral(StringRef key, const json::Value &value) {
  if (std::optional<bool> flag = value.getAsBoolean())
    return !*flag;
  if (const json::Array *list = value.getAsArray())
    return list->empty();
  std::optional<double> number = value.getAsNumber();
  double neutral = StringSwitch<double>(key)
                       .Cases({"typical_p", "encoder_repetition_penalty",
                               "num_beam_groups", "guidance_scale"},
                              1)
                       .Default(0);
  return number == neutral;
}

static void readGeneration(FieldReader &reader, MarianConfig &config) {
  constexpr double anyNumber = std::numeric_limits<double>::lowest();
  MarianConfig::Generation &generation = config.generation;
  reader.integer("num_beams", generation.numBeams, 1);
  reader.integer("max_length", generation.maxLength, 1);
  reader.integer("min_length", generation.minLength, 0);
  // The two that do not count the start token take precedence.
  int64_t newTokens = -1;
  reader.integer("max_new_tokens", newTokens, 1);
  if (newTokens >= 0)
    generation.maxLength = newTokens + 1;
  newTokens = -1;
  reader.integer("min_new_tokens", newTokens, 0);
  if (newTokens >= 0)
    generation.minLength = newTokens + 1;
  // There are no positions beyond.
  generation.maxLength =
      std::min(generation.maxLength, config.maxPositionEmbeddings);

  reader.number("length_penalty", generation.lengthPenalty, anyNumber);
  readEarlyStopping(reader, config);
  reader.boolean("renormalize_logits", generation.renormalizeLogits);
  reader.integer("no_repeat_ngram_size", generation.noRepeatNgramSize, 0);
  reader.number("repetition_penalty", generation.repetitionPenalty, 0);
  reader.integer("num_return_sequences", generation.numReturnSequences, 1);
  reader.boolean("do_sample", generation.doSample);
  reader.number("temperature", generation.temperature, 0);
  reader.integer("top_k", generation.topK, 0);
  reader.number("top_p", generation.topP, 0);
  reader.token("forced_bos_token_id", generation.forcedBosTokenId,
               config.decoderVocabSize);
  reader.token("forced_eos_token_id", generation.forcedEosTokenId,
               config.decoderVocabSize);
  readBadWords(reader, config);

  for (StringRef key :
       {"begin_suppress_tokens", "constraints", "diversity_penalty",
        "encoder_no_repeat_ngram_size", "encoder_repetition_penalty",
        "epsilon_cutoff", "eta_cutoff", "exponential_decay_length_penalty",
        "force_words_ids", "guidance_scale", "min_p", "num_beam_groups",
        "penalty_alpha", "sequence_bias", "stop_strings", "suppress_tokens",
        "top_h", "typical_p", "watermarking_config"})
    if (const json::Value *value = reader.get(key))
      if (!isNeutral(key, *value))
        generation.unsupported.push_back(key.str());
}

static std::string pathIn(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

Expected<MarianConfig> MarianConfig::load(StringRef directory,
                                          vfs::FileSystem &files) {
  // Names of files alone would be those of the working directory.
  if (directory.empty())
    return createStringError("expected a folder in the Hugging Face MarianMT "
                             "layout, got an empty name");
  std::string path = pathIn(directory, "config.json");
  Expected<json::Object> object = readJsonObject(path, files);
  if (!object && !isInFolder(path, files))
    return createStringError(toString(object.takeError()) +
                             "; hint: a checkpoint is a folder in the Hugging "
                             "Face MarianMT layout");
  if (!object)
    return object.takeError();
  FieldReader reader(*object, path);
  MarianConfig config;
  checkArchitecture(reader);
  readNetwork(reader, config);
  readTokenIds(reader, config);
  if (Error error = reader.takeError())
    return std::move(error);

  std::string generationPath = pathIn(directory, "generation_config.json");
  if (isInFolder(generationPath, files)) {
    Expected<json::Object> generationObject =
        readJsonObject(generationPath, files);
    if (!generationObject)
      return generationObject.takeError();
    FieldReader generationReader(*generationObject, generationPath);
    readTokenIds(generationReader, config);
    readGeneration(generationReader, config);
    if (Error error = generationReader.takeError())
      return std::move(error);
  } else {
    readGeneration(reader, config);
    if (Error error = reader.takeError())
      return std::move(error);
  }

  // Left to the end because the defaults are ids of a large vocabulary, which
  // either file may correct.
  int64_t common = std::min(config.vocabSize, config.decoderVocabSize);
  for (auto [key, id, limit] :
       {std::tuple("pad_token_id", config.padTokenId, common),
        std::tuple("decoder_start_token_id", config.decoderStartTokenId,
                   config.decoderVocabSize)})
    if (id >= limit)
      return createStringError(
          path + ": field " + key + ": expected a token id in 0.." +
          Twine(limit - 1) + ", got nothing and " + Twine(id) + " by default");
  return config;
}
