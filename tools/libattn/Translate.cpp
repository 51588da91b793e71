// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sentences → results.

#include "Call.h"
#include "Results.h"
#include "Translator.h"

using namespace llvm;
using namespace attn;

/// Which sentence a message is about, if there are several.
static std::string nameOf(size_t sentence, size_t count) {
  return count > 1 ? ("sentence " + Twine(sentence) + ": ").str() : "";
}

/// The ids of source sentences; none of those that have nothing to translate.
using Sentences = std::vector<std::optional<std::vector<int32_t>>>;

static attn_status encodeAll(const attn_translator &translator,
                             ArrayRef<const char *> texts,
                             Sentences &sentences) {
  for (const auto &[i, text] : enumerate(texts)) {
    if (!text)
      return fail(ATTN_INVALID_ARGUMENT,
                  nameOf(i, texts.size()) +
                      "expected text, got a null pointer");
    Expected<std::vector<int32_t>> ids =
        translator.model.tokenizer->encode(text);
    if (!ids)
      return fail(ATTN_INVALID_INPUT,
                  nameOf(i, texts.size()) + toString(ids.takeError()));
    // There is nothing but the end token in space.
    sentences.emplace_back();
    if (ids->size() > 1)
      sentences.back() = std::move(*ids);
  }
  return ATTN_OK;
}

/// Translates `sentences`; what has nothing to translate gets a hypothesis that
/// is empty.
static attn_status translate(attn_translator &translator,
                             const Sentences &sentences,
                             const GenerationOptions &options,
                             function_ref<bool()> asksToStop,
                             std::vector<SentenceResult> &results) {
  const DecoderModel &model = *translator.model.decoders.front();
  // Nothing is begun that an error would end.
  if (Error error =
          options.verify(model.targetVocabulary(), model.targetPositions(),
                         model.attentionHeads()))
    return fail(ATTN_INVALID_ARGUMENT, std::move(error));
  size_t count = 0;
  for (const auto &[i, ids] : enumerate(sentences)) {
    if (!ids)
      continue;
    ++count;
    if (std::string error = checkSentence(model, *ids); !error.empty())
      return fail(ATTN_INVALID_INPUT, nameOf(i, sentences.size()) + error);
  }
  results.assign(sentences.size(), {{Hypothesis()}, ""});
  if (count == 0)
    return ATTN_OK;

  DecoderPool::Loan loan(translator.pool, count, asksToStop);
  if (loan.get().empty())
    return fail(ATTN_CANCELLED, "cancelled");
  BatchPlan plan =
      translator.model.planBatches(options.beamSize, loan.get().size());
  bool isCancelled = false;
  if (asksToStop)
    plan.options.isCancelled = [&] { return isCancelled = asksToStop(); };
  Expected<std::unique_ptr<Translator>> search = Translator::create(
      loan.get().take_front(plan.workers), options, plan.options);
  if (!search)
    return fail(ATTN_FAILED, search.takeError());
  size_t read = 0, written = 0;
  auto skipEmpty = [&](size_t &i) {
    while (i < sentences.size() && !sentences[i])
      ++i;
  };
  auto next = [&]() -> std::optional<std::vector<int32_t>> {
    skipEmpty(read);
    if (read == sentences.size())
      return std::nullopt;
    return *sentences[read++];
  };
  auto emit = [&](MutableArrayRef<SentenceResult> found) -> Error {
    for (SentenceResult &result : found) {
      skipEmpty(written);
      if (!result.error.empty())
        return createStringError(nameOf(written, sentences.size()) +
                                 result.error);
      results[written++] = std::move(result);
    }
    return Error::success();
  };
  if (Error error = (*search)->run(next, emit))
    return fail(isCancelled ? ATTN_CANCELLED : ATTN_FAILED, std::move(error));
  return ATTN_OK;
}

/// Translates the only one of `sentences`, in the way of the translator.
static attn_status translateOne(attn_translator &translator,
                                const Sentences &sentences, Hypothesis &best) {
  GenerationOptions options = translator.options;
  options.scores = options.attention = false;
  std::vector<SentenceResult> results;
  if (attn_status status =
          translate(translator, sentences, options, nullptr, results))
    return status;
  best = std::move(results.front().hypotheses.front());
  return ATTN_OK;
}

/// Translates `sentences`, which were `texts` unless there are none, as
/// `search` says, if it is not null.
static attn_status translateAll(attn_translator &translator,
                                ArrayRef<const char *> texts,
                                const Sentences &sentences,
                                const attn_search *search,
                                attn_results **results) {
  attn_search given = translator.search();
  if (search)
    if (attn_status status = readStructure(*search, given))
      return status;
  if (given.prefix_length && !given.prefix)
    return fail(ATTN_INVALID_ARGUMENT, "expected a prefix, got a null pointer");
  GenerationOptions options = translator.options;
  options.beamSize = given.beam_size;
  options.maxLength = given.max_length;
  options.minLength = given.min_length;
  options.nBest = given.n_best;
  options.lengthPenalty = given.length_penalty;
  options.prefix.assign(given.prefix, given.prefix + given.prefix_length);
  auto asksToStop = [&] {
    return given.cancelled && given.cancelled(given.context);
  };
  std::vector<SentenceResult> found;
  if (attn_status status =
          translate(translator, sentences, options, asksToStop, found))
    return status;
  auto all = std::make_unique<attn_results>();
  all->hasAttention = options.attention;
  for (auto [i, ids, result] : enumerate(sentences, found))
    if (Error error = all->add(
            ids ? ArrayRef(*ids) : ArrayRef<int32_t>(),
            texts.empty() ? std::nullopt : std::optional<StringRef>(texts[i]),
            std::move(result), translator.copier))
      return fail(ATTN_FAILED,
                  nameOf(i, found.size()) + toString(std::move(error)));
  *results = all.release();
  return ATTN_OK;
}

attn_status attn_translate_ids(attn_translator *translator, const int32_t *ids,
                               size_t count, int32_t **translation,
                               size_t *length) {
  if (!translator || !ids || !translation || !length)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, ids and a place "
                                       "for a translation, got a null pointer");
  Hypothesis result;
  if (attn_status status =
          translateOne(*translator, {ArrayRef(ids, count).vec()}, result))
    return status;
  *translation = copy(ArrayRef(result.ids));
  *length = result.ids.size();
  return ATTN_OK;
}

attn_status attn_translate(attn_translator *translator, const char *text,
                           char **translation) {
  if (!translator || !text || !translation)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, a text and a "
                                       "place for a translation, got a null "
                                       "pointer");
  Sentences sentences;
  if (attn_status status = encodeAll(*translator, text, sentences))
    return status;
  Hypothesis result;
  if (attn_status status = translateOne(*translator, sentences, result))
    return status;
  Expected<std::vector<std::string>> pieces = translator->copier.targetPieces(
      result, StringRef(text),
      sentences.front() ? ArrayRef(*sentences.front()) : ArrayRef<int32_t>());
  if (!pieces)
    return fail(ATTN_FAILED, pieces.takeError());
  Expected<std::string> joined = translator->model.tokenizer->join(*pieces);
  if (!joined)
    return fail(ATTN_FAILED, joined.takeError());
  *translation = copyText(*joined);
  return ATTN_OK;
}

attn_status attn_translate_batch(attn_translator *translator,
                                 const char *const *texts, size_t count,
                                 const attn_search *search,
                                 attn_results **results) {
  if (!translator || (count && !texts) || !results)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, texts and a "
                                       "place for results, got a null pointer");
  Sentences sentences;
  if (attn_status status =
          encodeAll(*translator, ArrayRef(texts, count), sentences))
    return status;
  return translateAll(*translator, ArrayRef(texts, count), sentences, search,
                      results);
}

attn_status attn_translate_ids_batch(attn_translator *translator,
                                     const int32_t *const *ids,
                                     const size_t *lengths, size_t count,
                                     const attn_search *search,
                                     attn_results **results) {
  if (!translator || (count && !(ids && lengths)) || !results)
    return fail(ATTN_INVALID_ARGUMENT, "expected a translator, ids and a place "
                                       "for results, got a null pointer");
  Sentences sentences;
  for (size_t i = 0; i < count; ++i) {
    if (!ids[i] && lengths[i])
      return fail(ATTN_INVALID_ARGUMENT,
                  nameOf(i, count) + "expected ids, got a null pointer");
    sentences.emplace_back(ArrayRef(ids[i], lengths[i]).vec());
  }
  return translateAll(*translator, /*texts=*/{}, sentences, search, results);
}
