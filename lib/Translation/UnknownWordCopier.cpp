// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/UnknownWordCopier.h"

#include "attn/Generation/Alignment.h"
#include "attn/Generation/Translator.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace llvm;
using namespace attn;

/// Translates again, with the target given: only what it attends to is new. The
/// step of the search itself does not tell, so that sentences without unknown
/// tokens pay nothing.
Expected<Hypothesis> UnknownWordCopier::attend(ArrayRef<int32_t> source,
                                               ArrayRef<int32_t> target) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!model) {
    Expected<TranslationModel> loaded = load();
    if (!loaded)
      return loaded.takeError();
    model.emplace(std::move(*loaded));
  }
  Expected<GenerationOptions> options = generationOptions(model->config);
  if (!options)
    return options.takeError();
  options->beamSize = options->nBest = 1;
  options->scores = false;
  options->attention = true;
  // A step attends with the tokens before it: the last one may choose freely.
  options->prefix = target.drop_back().vec();
  options->maxLength = static_cast<int64_t>(target.size()) + 1;
  options->minLength = 0;
  DecoderModel *decoder = model->decoders.front().get();
  Expected<std::unique_ptr<Translator>> translator =
      Translator::create(decoder, std::move(*options));
  if (!translator)
    return translator.takeError();
  Expected<std::vector<SentenceResult>> results =
      (*translator)->translate(source.vec());
  if (!results)
    return results.takeError();
  SentenceResult &result = results->front();
  if (!result.error.empty())
    return createStringError(result.error);
  return std::move(result.hypotheses.front());
}

Expected<std::vector<std::string>>
UnknownWordCopier::targetPieces(const Hypothesis &hypothesis,
                                std::optional<StringRef> text,
                                ArrayRef<int32_t> source) {
  ArrayRef<int32_t> target = hypothesis.ids;
  auto isUnknownTarget = [&](size_t token) {
    return target[token] == tokenizer.targetUnknownId();
  };
  Expected<std::vector<std::string>> pieces = tokenizer.targetPieces(target);
  if (!pieces || !text || !segmenter ||
      (!is_contained(source, tokenizer.unknownId()) &&
       !is_contained(target, tokenizer.targetUnknownId())))
    return pieces;

  Expected<std::vector<std::string>> texts = tokenizer.sourceTexts(*text);
  if (!texts)
    return texts.takeError();
  const bool hasLanguageCode = !Tokenizer::languageCode(*text).empty();
  auto isUnknownSource = [&](size_t token) {
    return source[token] == tokenizer.unknownId() &&
           !(token == 0 && hasLanguageCode);
  };
  Expected<std::vector<Segment>> sources = segmenter(*texts, isUnknownSource);
  if (!sources)
    return sources.takeError();
  std::vector<std::string> targetTexts = *pieces;
  for (auto [token, piece] : enumerate(targetTexts))
    if (isUnknownTarget(token))
      piece = "\ufffc"; // "object replacement character", a sign
  Expected<std::vector<Segment>> targets =
      segmenter(targetTexts, isUnknownTarget);
  if (!targets)
    return targets.takeError();

  auto isUnknown = [](const Segment &segment) { return segment.isUnknown; };
  if (none_of(*sources, isUnknown) && none_of(*targets, isUnknown))
    return pieces;

  Expected<Hypothesis> attended = hypothesis;
  if (hypothesis.attention.empty() && !target.empty())
    attended = attend(source, target);
  if (!attended)
    return attended.takeError();
  auto spans = [](ArrayRef<Segment> segments) {
    return map_to_vector(segments, [](const Segment &segment) {
      return TokenSpan{segment.begin, segment.end};
    });
  };
  Alignment alignment = alignWords(*attended, source.size(), spans(*sources),
                                   spans(*targets), AlignmentStep::Choosing);
  copyUnknown(
      *sources, *targets,
      [&](size_t target, size_t source) {
        return alignment.row(target)[source];
      },
      *pieces);
  return pieces;
}

Expected<std::vector<std::string>>
UnknownWordCopier::sourcePieces(std::optional<StringRef> text,
                                ArrayRef<int32_t> source) const {
  std::vector<std::string> pieces = tokenizer.sourcePieces(source);
  if (!text || !is_contained(source, tokenizer.unknownId()))
    return pieces;
  Expected<std::vector<std::string>> texts = tokenizer.sourceTexts(*text);
  if (!texts)
    return texts;
  for (auto [id, piece, text] : zip_equal(source, pieces, *texts))
    if (id == tokenizer.unknownId())
      piece = text;
  return pieces;
}
