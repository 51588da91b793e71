// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libattn: translation for other programs.

#include "Call.h"
#include "Translator.h"
#include "attn/Translation/CheckpointModel.h"
#include "attn/Weights/Messages.h"
#include "llvm/Support/FileSystem.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace llvm;
using namespace attn;

static thread_local std::string errorMessage;

attn_status attn::fail(attn_status status, const Twine &message) {
  // Names in files may be of any bytes.
  errorMessage = onOneLine(json::fixUTF8(message.str()));
  return status;
}

attn_status attn::fail(attn_status status, Error error) {
  return fail(status, toString(std::move(error)));
}

const char *attn_error_message(void) { return errorMessage.c_str(); }

const char *attn_version(void) { return ATTN_VERSION; }

void attn_free(void *memory) { std::free(memory); }

//===----------------------------------------------------------------------===//
// Translators
//===----------------------------------------------------------------------===//

static std::optional<DataType> dataTypeOf(int32_t dtype) {
  switch (dtype) {
  case ATTN_DTYPE_F32:
    return DataType::F32;
  case ATTN_DTYPE_BF16:
    return DataType::BF16;
  case ATTN_DTYPE_INT8:
    return DataType::I8;
  case ATTN_DTYPE_AUTO:
    return DataType::Auto;
  default:
    return std::nullopt;
  }
}

static attn_status checkOptions(const attn_options &options) {
  for (auto [value, name] : {std::pair(options.threads, "threads"),
                             std::pair(options.beam_size, "a beam_size"),
                             std::pair(options.max_length, "a max_length")})
    if (value < 0)
      return fail(ATTN_INVALID_ARGUMENT,
                  Twine("expected ") + name + " of at least 0, got " +
                      Twine(value) + "; hint: 0 is the default");
  if (options.threads > TranslationModel::maxThreads)
    return fail(ATTN_INVALID_ARGUMENT,
                "expected at most " + Twine(TranslationModel::maxThreads) +
                    " threads, got " + Twine(options.threads));
  if (options.dtype < ATTN_DTYPE_DEFAULT || options.dtype > ATTN_DTYPE_AUTO)
    return fail(ATTN_INVALID_ARGUMENT,
                "expected an attn_dtype, got " + Twine(options.dtype));
  if (options.attention_layer > 0)
    return fail(ATTN_INVALID_ARGUMENT,
                "expected an attention layer of at most 0, got " +
                    Twine(options.attention_layer) +
                    "; hint: -1 is the last one");
  return ATTN_OK;
}

/// The folder of the model that is installed with this library.
static Expected<std::string> defaultModel() {
  Dl_info library;
  if (!dladdr(reinterpret_cast<void *>(attn_translator_create), &library))
    return createStringError("expected to be a library, in a file");
  return findDefaultModel(library.dli_fname);
}

attn_status attn_translator_create(const char *directory,
                                   const attn_options *options,
                                   attn_translator **translator) {
  if (!translator)
    return fail(ATTN_INVALID_ARGUMENT,
                "expected a place for the translator, got a null pointer");
  attn_options given = {};
  if (options) {
    if (attn_status status = readStructure(*options, given))
      return status;
    if (attn_status status = checkOptions(given))
      return status;
  }
  Expected<std::string> folder =
      directory ? std::string(directory) : defaultModel();
  if (!folder)
    return fail(ATTN_INVALID_MODEL, folder.takeError());
  CompileOptions compileOptions;
  compileOptions.threads = given.threads;
  // A library does not write to its program's standard error.
  compileOptions.warn = [](StringRef) {};
  std::optional<int64_t> attentionLayer;
  if (given.attention_layer)
    attentionLayer = given.attention_layer;
  // The program may be elsewhere by the time that attention is needed.
  SmallString<128> path(*folder);
  if (std::error_code code = sys::fs::make_absolute(path))
    return fail(ATTN_INVALID_MODEL,
                path +
                    ": cannot find the working directory: " + reasonOf(code));
  auto load = [=](bool withTokenizer, std::optional<int64_t> layer) {
    return loadCheckpoint(path, withTokenizer, dataTypeOf(given.dtype),
                          compileOptions, layer);
  };
  Expected<TranslationModel> model =
      load(/*withTokenizer=*/true, attentionLayer);
  if (!model)
    return fail(ATTN_INVALID_MODEL, model.takeError());
  Expected<GenerationOptions> search = generationOptions(model->config);
  if (!search)
    return fail(ATTN_INVALID_MODEL, search.takeError());
  if (given.beam_size)
    search->beamSize = given.beam_size;
  if (given.max_length)
    search->maxLength = given.max_length;
  search->nBest = 1;
  search->attention = attentionLayer.has_value();
  const CompiledDecoder &decoder = *model->decoders.front();
  if (Error error =
          search->verify(decoder.targetVocabulary(), decoder.targetPositions(),
                         decoder.attentionHeads()))
    return fail(ATTN_INVALID_ARGUMENT, std::move(error));
  *translator =
      new attn_translator(std::move(*model), std::move(*search), [load] {
        return load(/*withTokenizer=*/false, /*layer=*/-1);
      });
  return ATTN_OK;
}

void attn_translator_destroy(attn_translator *translator) { delete translator; }

attn_search attn_translator::search() const {
  attn_search search = {};
  search.beam_size = static_cast<int32_t>(options.beamSize);
  search.max_length = static_cast<int32_t>(options.maxLength);
  search.min_length = static_cast<int32_t>(options.minLength);
  search.n_best = static_cast<int32_t>(options.nBest);
  search.length_penalty = options.lengthPenalty;
  return search;
}

attn_status attn_search_init(const attn_translator *translator,
                             attn_search *search) {
  if (!translator || !search)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator and a search, "
                                       "got a null pointer");
  return writeStructure(translator->search(), *search);
}

//===----------------------------------------------------------------------===//
// Token ids
//===----------------------------------------------------------------------===//

/// In C an enumeration may be any number; in C++ nothing else may be read of
/// it.
static int32_t numberOf(const attn_language &language) {
  int32_t number;
  static_assert(sizeof(number) == sizeof(language));
  std::memcpy(&number, &language, sizeof(number));
  return number;
}

static bool isLanguage(int32_t number) {
  return number == ATTN_SOURCE || number == ATTN_TARGET;
}

attn_status attn_encode(const attn_translator *translator,
                        attn_language language, const char *text, int32_t **ids,
                        size_t *count) {
  if (!translator || !text || !ids || !count)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, a text and a "
                                       "place for ids, got a null pointer");
  if (int32_t number = numberOf(language); !isLanguage(number))
    return fail(ATTN_INVALID_ARGUMENT,
                "expected an attn_language, got " + Twine(number));
  const Tokenizer &tokenizer = *translator->model.tokenizer;
  Expected<std::vector<int32_t>> encoded = language == ATTN_TARGET
                                               ? tokenizer.encodeTarget(text)
                                               : tokenizer.encode(text);
  if (!encoded)
    return fail(ATTN_INVALID_INPUT, encoded.takeError());
  *ids = copy(ArrayRef(*encoded));
  *count = encoded->size();
  return ATTN_OK;
}

attn_status attn_decode(const attn_translator *translator, const int32_t *ids,
                        size_t count, char **text) {
  if (!translator || (count && !ids) || !text)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, ids and a place "
                                       "for a text, got a null pointer");
  Expected<std::string> decoded =
      translator->model.tokenizer->decode(ArrayRef(ids, count));
  if (!decoded)
    return fail(ATTN_INVALID_INPUT, decoded.takeError());
  *text = copyText(*decoded);
  return ATTN_OK;
}

const char *attn_token(const attn_translator *translator,
                       attn_language language, int32_t id) {
  if (!translator || !isLanguage(numberOf(language)))
    return nullptr;
  const Tokenizer &tokenizer = *translator->model.tokenizer;
  // Keys of a map, which end with 0.
  StringRef token = language == ATTN_TARGET ? tokenizer.targetToken(id)
                                            : tokenizer.sourceToken(id);
  return token.empty() ? nullptr : token.data();
}
