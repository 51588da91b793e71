// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/TranslationModel.h"

#include "attn/Import/ImportMarian.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Transforms/Passes.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <cstdlib>

using namespace llvm;
using namespace attn;

Expected<std::string> attn::findDefaultModel(StringRef binary) {
  if (const char *directory = std::getenv("ATTN_MODEL"))
    return std::string(directory);
  constexpr StringLiteral name = "tatoeba-en-fr";
  SmallString<128> root(sys::path::parent_path(binary));
  sys::path::append(root, "..");
  SmallString<128> inSources(root), installed(root), built(ATTN_SOURCE_DIR);
  sys::path::append(inSources, "..", "models", name);
  sys::path::append(installed, "share", "attn", "models", name);
  sys::path::append(built, "models", name);
  for (StringRef path : {inSources, installed, built})
    if (sys::fs::is_directory(path))
      return path.str();
  return createStringError("found no model beside " + binary +
                           "; hint: name a folder, or set ATTN_MODEL to one");
}

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

/// What `Auto` stands for on the processor that `cpu` names.
static Expected<DataType> resolve(DataType dataType, StringRef cpu) {
  if (dataType != DataType::Auto)
    return dataType;
  Expected<CpuTarget> target = resolveTarget(cpu);
  if (!target)
    return target.takeError();
  // Without these, products of i8 are no faster than those of f32.
  bool isFast = target->has("amx-int8") || target->has("avx512vnni") ||
                target->has("avxvnni");
  return isFast ? DataType::I8 : DataType::F32;
}

/// The element type of the weights of products.
static StringRef weightsFor(DataType dataType) {
  switch (dataType) {
  case DataType::BF16:
    return "bf16";
  case DataType::I8:
    return "i8";
  default:
    return "f32";
  }
}

Error attn::deriveSteps(mlir::ModuleOp module, StringRef weights,
                        std::optional<int64_t> attentionLayer) {
  mlir::PassManager passes(module.getContext());
  if (attentionLayer)
    passes.addPass(createReturnAttention({/*function=*/"decode",
                                          /*kind=*/"cross",
                                          /*layers=*/{*attentionLayer}}));
  buildDecodingPipeline(passes);
  if (weights != "f32")
    passes.addPass(createQuantizeWeights({weights.str()}));
  if (failed(passes.run(module)))
    return createStringError("cannot derive the steps of decoding");
  module.lookupSymbol("decode")->erase();
  return Error::success();
}

/// The code of a checkpoint. Nothing of MLIR is left when it returns, so that
/// its memory does not add up with that of the weights.
static Expected<CompiledCode> compile(StringRef directory, DataType dataType,
                                      const CompileOptions &options,
                                      std::optional<int64_t> attentionLayer) {
  Expected<DataType> resolved = resolve(dataType, options.cpu);
  if (!resolved)
    return resolved.takeError();
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  // Threads would cost more to start than the few functions here gain.
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      importMarian(directory, context);
  if (!module)
    return module.takeError();
  StringRef weights = weightsFor(*resolved);
  std::string name = ("decoding steps, weights of " + weights).str();
  if (attentionLayer)
    name += ", attention in layer " + itostr(*attentionLayer);
  return CompiledCode::get(
      **module, options, {name, [&](mlir::ModuleOp module) {
                            return deriveSteps(module, weights, attentionLayer);
                          }});
}

Expected<TranslationModel> TranslationModel::load(
    StringRef directory, bool withTokenizer, std::optional<DataType> dataType,
    const CompileOptions &options, std::optional<int64_t> attentionLayer) {
  auto start = std::chrono::steady_clock::now();
  TranslationModel model;
  Expected<MarianConfig> config = MarianConfig::load(directory);
  if (!config)
    return config.takeError();
  model.config = std::move(*config);
  if (withTokenizer) {
    Expected<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::load(directory);
    if (!tokenizer)
      return tokenizer.takeError();
    model.tokenizer = std::move(*tokenizer);
  }
  if (attentionLayer) {
    const int64_t layers = model.config.decoderLayers;
    if (*attentionLayer < -layers || *attentionLayer >= layers)
      return createStringError("expected an alignment layer in " +
                               Twine(-layers) + ".." + Twine(layers - 1) +
                               ", got " + Twine(*attentionLayer));
    if (*attentionLayer < 0)
      *attentionLayer += layers;
  }
  Expected<CompiledCode> code =
      compile(directory,
              dataType.value_or(model.config.isQuantized ? DataType::I8
                                                         : DataType::F32),
              options, attentionLayer);
  if (!code)
    return code.takeError();
  Expected<std::unique_ptr<Program>> program =
      Program::load(std::move(*code), options.threads);
  if (!program)
    return program.takeError();
  model.program = std::move(*program);
  model.compileSeconds = model.program->statistics().compileSeconds;
  model.loadSeconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count() -
      model.compileSeconds;

  DecoderLimits limits;
  limits.sourceVocabulary = model.config.vocabSize;
  limits.targetVocabulary = model.config.decoderVocabSize;
  limits.sourcePositions = limits.targetPositions =
      model.config.maxPositionEmbeddings;
  for (int i = 0; i < model.program->statistics().threads; ++i) {
    Expected<std::unique_ptr<CompiledDecoder>> decoder =
        CompiledDecoder::create(*model.program, limits);
    if (!decoder)
      return decoder.takeError();
    model.decoders.push_back(std::move(*decoder));
  }
  return model;
}

BatchPlan TranslationModel::planBatches(int64_t beamSize, int64_t threads,
                                        int64_t batchSize) const {
  BatchPlan plan;
  plan.workers = std::min<size_t>(threads, decoders.size());
  plan.options.threads = threads;
  // More rows at a time are not faster, and caches and logits take memory.
  plan.options.batchSize =
      batchSize ? batchSize
                : std::clamp<int64_t>(48 / beamSize, 1, plan.options.batchSize);
  // To read large weights takes longer than to wait for each other: then all
  // threads share one batch, which reads them once.
  constexpr size_t largeWeights = 64 << 20;
  if (plan.options.batchSize > 1 &&
      program->statistics().weightBytes > largeWeights) {
    plan.options.batchSize *= static_cast<int64_t>(plan.workers);
    plan.workers = 1;
  }
  return plan;
}
