// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Translation/CheckpointModel.h"

#include "attn/Execution/Program.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/Import/ImportMarian.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Transforms/Passes.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cstdlib>

using namespace llvm;
using namespace attn;

bool attn::isOfCheckpoint(StringRef path, StringRef directory) {
  auto isPath = [&](StringRef name) {
    SmallString<128> file(directory);
    sys::path::append(file, name);
    return sys::fs::equivalent(file, path);
  };
  return isPath("model.safetensors") || any_of(checkpointFiles, isPath);
}

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

StringRef attn::typeOfWeights(std::optional<DataType> dataType,
                              const MarianConfig &config) {
  switch (
      dataType.value_or(config.isQuantized ? DataType::I8 : DataType::F32)) {
  case DataType::F32:
    return "f32";
  case DataType::BF16:
    return "bf16";
  // Fastest on every processor: even without instructions for them, integers
  // are multiplied no slower than f32, and a quarter of the bytes is read.
  case DataType::Auto:
  case DataType::I8:
    return "i8";
  }
  llvm_unreachable("no such type");
}

Error attn::deriveSteps(mlir::ModuleOp module, StringRef weights,
                        std::optional<int64_t> attentionLayer) {
  mlir::PassManager passes(module.getContext());
  if (attentionLayer)
    passes.addPass(createReturnAttention({/*function=*/"decode",
                                          /*kind=*/"cross",
                                          /*layers=*/{*attentionLayer}}));
  // Where weights are rounded, keys and values may be too.
  buildDecodingPipeline(passes, weights == "f32" ? "f32" : "bf16");
  if (weights != "f32")
    passes.addPass(createQuantizeWeights({weights.str()}));
  if (failed(passes.run(module)))
    return createStringError("cannot derive the steps of decoding");
  module.lookupSymbol("decode")->erase();
  return Error::success();
}

/// The code of a checkpoint. Nothing of MLIR is left when it returns, so that
/// its memory does not add up with that of the weights.
static Expected<CompiledCode> compile(StringRef directory, StringRef weights,
                                      const CompileOptions &options,
                                      std::optional<int64_t> attentionLayer) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  // Threads would cost more to start than the few functions here gain.
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      importMarian(directory, context);
  if (!module)
    return module.takeError();
  std::string name = ("decoding steps, weights of " + weights).str();
  if (attentionLayer)
    name += ", attention in layer " + itostr(*attentionLayer);
  return CompiledCode::get(
      **module, options, {name, [&](mlir::ModuleOp module) {
                            return deriveSteps(module, weights, attentionLayer);
                          }});
}

/// The functions of a program, which outlives what is returned.
static DecoderFunctions functionsOf(const Program &program) {
  DecoderFunctions functions;
  functions.lookup = [&](StringRef name) { return program.lookup(name); };
  functions.call = [&](StringRef name, ArrayRef<Tensor> arguments,
                       int64_t threads) {
    return program.call(name, arguments, static_cast<int>(threads));
  };
  functions.release = [&] { program.releaseFilePages(); };
  return functions;
}

Expected<TranslationModel> attn::loadCheckpoint(
    StringRef directory, bool withTokenizer, std::optional<DataType> dataType,
    const CompileOptions &options, std::optional<int64_t> attentionLayer) {
  const Stopwatch watch;
  Expected<TranslationModel> model =
      TranslationModel::read(directory, withTokenizer);
  if (!model)
    return model;
  if (attentionLayer)
    if (Error error =
            model->decoderLayer(*attentionLayer).moveInto(*attentionLayer))
      return std::move(error);
  const StringRef weights = typeOfWeights(dataType, model->config);
  Expected<CompiledCode> code =
      compile(directory, weights, options, attentionLayer);
  if (!code)
    return code.takeError();
  Expected<std::unique_ptr<Program>> loaded =
      Program::load(std::move(*code), options.threads);
  if (!loaded)
    return loaded.takeError();
  std::shared_ptr<const Program> program = std::move(*loaded);
  const LoadStatistics &statistics = program->statistics();
  model->threads = statistics.threads;
  model->fromCache = statistics.fromCache;
  model->weightBytes = statistics.weightBytes;
  model->multipliesTiles =
      weights != "f32" && statistics.target.has("amx-tile");
  model->compileSeconds = statistics.compileSeconds;
  model->loadSeconds = watch.seconds() - model->compileSeconds;
  model->code = program;
  if (Error error = model->addDecoders(functionsOf(*program)))
    return std::move(error);
  return model;
}
