// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libattn: translation for other programs.

#include "attn-c/attn.h"
#include "attn/Generation/Translator.h"
#include "attn/Translation/TranslationModel.h"
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace llvm;
using namespace attn;

static thread_local std::string errorMessage;

static attn_status fail(attn_status status, const Twine &message) {
  errorMessage = message.str();
  return status;
}

static attn_status fail(attn_status status, Error error) {
  return fail(status, toString(std::move(error)));
}

namespace {

/// Decoders that are not in use.
class DecoderPool {
public:
  explicit DecoderPool(ArrayRef<std::unique_ptr<CompiledDecoder>> decoders) {
    for (const auto &decoder : decoders)
      free.push_back(decoder.get());
  }

  /// Waits for one.
  CompiledDecoder *take() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return !free.empty(); });
    return free.pop_back_val();
  }
  void giveBack(CompiledDecoder *decoder) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      free.push_back(decoder);
    }
    changed.notify_one();
  }

private:
  std::mutex mutex;
  std::condition_variable changed;
  SmallVector<CompiledDecoder *> free;
};

} // namespace

struct attn_translator {
  attn_translator(TranslationModel model, GenerationOptions options)
      : model(std::move(model)), options(std::move(options)),
        pool(this->model.decoders) {}

  TranslationModel model;
  GenerationOptions options;
  DecoderPool pool;
};

const char *attn_error_message(void) { return errorMessage.c_str(); }

const char *attn_version(void) { return ATTN_VERSION; }

attn_status attn_translator_create(const char *directory,
                                   const attn_options *options,
                                   attn_translator **translator) {
  if (!directory || !translator)
    return fail(ATTN_INVALID_ARGUMENT, "expected a model and a place for the "
                                       "translator, got a null pointer");
  attn_options given = {};
  if (options) {
    if (options->size < sizeof(size_t))
      return fail(ATTN_INVALID_ARGUMENT,
                  "expected the size of the options in them, got " +
                      Twine(options->size));
    std::memcpy(&given, options, std::min(options->size, sizeof(given)));
    for (int32_t value : {given.threads, given.beam_size, given.max_length})
      if (value < 0)
        return fail(ATTN_INVALID_ARGUMENT,
                    "expected options of at least 0, got " + Twine(value));
  }
  CompileOptions compileOptions;
  compileOptions.threads = given.threads;
  // A library does not write to its program's standard error.
  compileOptions.warn = [](StringRef) {};
  Expected<TranslationModel> model =
      TranslationModel::load(directory, /*withTokenizer=*/true,
                             /*dataType=*/std::nullopt, compileOptions);
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
  search->scores = false;
  const CompiledDecoder &decoder = *model->decoders.front();
  if (Error error =
          search->verify(decoder.targetVocabulary(), decoder.targetPositions()))
    return fail(ATTN_INVALID_ARGUMENT, std::move(error));
  *translator = new attn_translator(std::move(*model), std::move(*search));
  return ATTN_OK;
}

void attn_translator_destroy(attn_translator *translator) { delete translator; }

/// Translates `ids` to `result`, on this thread alone.
static attn_status translate(attn_translator &translator, ArrayRef<int32_t> ids,
                             std::vector<int32_t> &result) {
  CompiledDecoder *decoder = translator.pool.take();
  BatchOptions batch;
  batch.batchSize = 1;
  Expected<std::vector<SentenceResult>> results = std::vector<SentenceResult>();
  Expected<std::unique_ptr<Translator>> search =
      Translator::create(decoder, translator.options, batch);
  if (search)
    results = (*search)->translate(ids.vec());
  translator.pool.giveBack(decoder);
  if (!search) {
    consumeError(results.takeError());
    return fail(ATTN_FAILED, search.takeError());
  }
  if (!results)
    return fail(ATTN_FAILED, results.takeError());
  SentenceResult &sentence = results->front();
  if (!sentence.error.empty())
    return fail(ATTN_INVALID_INPUT, sentence.error);
  result = std::move(sentence.hypotheses.front().ids);
  return ATTN_OK;
}

/// A copy that attn_free() frees.
template <typename T> static T *copy(ArrayRef<T> values) {
  auto *memory = static_cast<T *>(safe_malloc(values.size() * sizeof(T)));
  std::copy(values.begin(), values.end(), memory);
  return memory;
}

attn_status attn_translate_ids(attn_translator *translator, const int32_t *ids,
                               size_t count, int32_t **translation,
                               size_t *length) {
  if (!translator || !ids || !translation || !length)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, ids and a place "
                                       "for a translation, got a null pointer");
  std::vector<int32_t> result;
  if (attn_status status = translate(*translator, {ids, count}, result))
    return status;
  *translation = copy(ArrayRef(result));
  *length = result.size();
  return ATTN_OK;
}

attn_status attn_translate(attn_translator *translator, const char *text,
                           char **translation) {
  if (!translator || !text || !translation)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, a text and a "
                                       "place for a translation, got a null "
                                       "pointer");
  const Tokenizer &tokenizer = *translator->model.tokenizer;
  Expected<std::vector<int32_t>> ids = tokenizer.encode(text);
  if (!ids)
    return fail(ATTN_INVALID_INPUT, ids.takeError());
  std::vector<int32_t> result;
  // There is nothing to translate in space.
  if (ids->size() > 1)
    if (attn_status status = translate(*translator, *ids, result))
      return status;
  Expected<std::string> decoded = tokenizer.decode(result);
  if (!decoded)
    return fail(ATTN_FAILED, decoded.takeError());
  *translation = copy(ArrayRef(decoded->c_str(), decoded->size() + 1));
  return ATTN_OK;
}

void attn_free(void *memory) { std::free(memory); }
