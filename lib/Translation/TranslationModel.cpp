// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/TranslationModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace attn;

Expected<GenerationOptions>
attn::generationOptions(const MarianConfig &config) {
  const MarianConfig::Generation &generation = config.generation;
  SmallVector<StringRef> unknown;
  for (auto [key, isSet] :
       {std::pair("do_sample", generation.doSample),
        std::pair("no_repeat_ngram_size", generation.noRepeatNgramSize > 0),
        std::pair("repetition_penalty", generation.repetitionPenalty != 1),
        std::pair("forced_bos_token_id",
                  generation.forcedBosTokenId.has_value())})
    if (isSet)
      unknown.push_back(key);
  llvm::append_range(unknown, generation.unsupported);
  if (!unknown.empty())
    return createStringError("the checkpoint's generation settings " +
                             join(unknown, ", ") +
                             " are not supported; hint: a copy of the "
                             "checkpoint without them can be translated with");

  GenerationOptions options;
  options.beamSize = generation.numBeams;
  options.nBest = generation.numReturnSequences;
  options.lengthPenalty = generation.lengthPenalty;
  options.maxLength = generation.maxLength;
  options.minLength = generation.minLength;
  switch (generation.earlyStopping) {
  case MarianConfig::EarlyStopping::No:
    options.earlyStopping = EarlyStopping::Heuristic;
    break;
  case MarianConfig::EarlyStopping::Yes:
    options.earlyStopping = EarlyStopping::WhenFull;
    break;
  case MarianConfig::EarlyStopping::Never:
    options.earlyStopping = EarlyStopping::Never;
    break;
  }
  options.startToken = config.decoderStartTokenId;
  options.endTokens = {config.eosTokenId};
  if (generation.forcedEosTokenId)
    options.forcedEndTokens = {*generation.forcedEosTokenId};
  options.padToken = config.padTokenId;
  for (const auto &word : generation.badWordsIds)
    options.badWords.emplace_back(word.begin(), word.end());
  options.renormalize = generation.renormalizeLogits;
  return options;
}

Expected<TranslationModel>
TranslationModel::read(StringRef directory, bool withTokenizer,
                       const IntrusiveRefCntPtr<vfs::FileSystem> &files) {
  TranslationModel model;
  if (Error error =
          MarianConfig::load(directory, *files).moveInto(model.config))
    return std::move(error);
  if (!withTokenizer)
    return std::move(model);
  if (Error error = Tokenizer::load(directory, files).moveInto(model.tokenizer))
    return std::move(error);
  // A vocabulary of another model: sentences would end anywhere.
  const int32_t end = model.tokenizer->targetEndId();
  if (end != model.config.eosTokenId)
    return createStringError(
        directory +
        ": expected the eos_token_id of config.json to be that of "
        "</s> in the vocabulary, " +
        Twine(end) + ", got " + Twine(model.config.eosTokenId));
  return std::move(model);
}

Expected<int64_t> TranslationModel::decoderLayer(int64_t layer) const {
  const int64_t layers = config.decoderLayers;
  if (layer < -layers || layer >= layers)
    return createStringError("expected an alignment layer in " +
                             Twine(-layers) + ".." + Twine(layers - 1) +
                             ", got " + Twine(layer));
  return layer < 0 ? layer + layers : layer;
}

Error TranslationModel::addDecoders(const DecoderFunctions &functions) {
  DecoderLimits limits;
  limits.sourceVocabulary = config.vocabSize;
  limits.targetVocabulary = config.decoderVocabSize;
  limits.sourcePositions = limits.targetPositions =
      config.maxPositionEmbeddings;
  for (int i = 0; i < threads; ++i) {
    Expected<std::unique_ptr<CompiledDecoder>> decoder =
        CompiledDecoder::create(functions, limits);
    if (!decoder)
      return decoder.takeError();
    decoders.push_back(std::move(*decoder));
  }
  return Error::success();
}

BatchPlan TranslationModel::planBatches(int64_t beamSize, int64_t threads,
                                        int64_t batchSize) const {
  BatchPlan plan;
  plan.workers = std::min<size_t>(threads, decoders.size());
  plan.options.threads = threads;
  // More rows at a time are not faster, and caches and logits take memory. A
  // step feeds some two thirds of the beams.
  plan.options.batchSize =
      batchSize ? batchSize
                : std::clamp<int64_t>(72 / beamSize, 1, plan.options.batchSize);
  constexpr size_t largeWeights = 64 << 20;
  if (plan.options.batchSize == 1 || weightBytes <= largeWeights)
    return plan;
  // To read large weights takes longer than to wait for each other: then all
  // threads share one batch, which reads them once. Not so where each
  // multiplies many rows by them: that takes longer than to read them. Numbers
  // of fewer bits are read, and multiplied, in as much less time.
  constexpr int64_t manyRows = 32;
  const int64_t sentences = divideCeil(manyRows, beamSize);
  if (!multipliesTiles && plan.options.batchSize >= sentences) {
    plan.options.sentencesOfWorker = sentences;
  } else {
    plan.options.batchSize *= static_cast<int64_t>(plan.workers);
    plan.workers = 1;
  }
  return plan;
}
