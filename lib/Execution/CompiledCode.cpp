// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/CompiledCode.h"
#include "attn/Execution/Compiler.h"
#include "attn/Execution/ObjectCache.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/IR/AttnDialect.h"

#include "llvm/Support/WithColor.h"

#include <omp.h>

using namespace attn;

int attn::countThreads(int threads) {
  return threads > 0 ? threads : omp_get_max_threads();
}

/// The key of what `module` is compiled to. Asked before any pass has run: a
/// second start is to run none.
static ObjectCache::Key makeKey(mlir::ModuleOp module, const CpuTarget &target,
                                const CompileOptions &options,
                                llvm::StringRef preparation) {
  // The text leaves out locations, which bytecode would keep: moving a file
  // does not change its code.
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out);
  return ObjectCache::makeKey(
      {text, preparation, compilerIdentity(), target.cpu, target.features,
       std::to_string(target.l1), std::to_string(target.l2),
       std::to_string(options.optLevel)});
}

static void warn(const CompileOptions &options, llvm::StringRef message) {
  if (options.warn)
    options.warn(message);
  else
    llvm::WithColor::warning() << message << "\n";
}

llvm::Expected<CompiledCode> CompiledCode::get(mlir::ModuleOp original,
                                               const CompileOptions &options,
                                               Preparation preparation) {
  const Stopwatch watch;
  mlir::Timer timer = options.timer;
  CompiledCode code;
  if (llvm::Error error = resolveTarget(options.cpu).moveInto(code.target))
    return std::move(error);
  // Before any work is done for nothing.
  if (llvm::Error error = checkRunnable(code.target))
    return std::move(error);

  // Where the weights are has no influence on the code.
  mlir::OwningOpRef<mlir::ModuleOp> module = original.clone();
  code.weightsFile = options.weightsFile;
  if (mlir::Attribute file =
          (*module)->removeAttr(AttnDialect::kWeightsFileAttr))
    if (auto text = llvm::dyn_cast<mlir::StringAttr>(file);
        text && code.weightsFile.empty())
      code.weightsFile = text.str();

  ObjectCache cache(options.cacheDir.empty() ? ObjectCache::defaultDirectory()
                                             : options.cacheDir);
  ObjectCache::Key key;
  if (options.useCache) {
    mlir::TimingScope scope(timer.nest("Look into the cache"));
    key = makeKey(*module, code.target, options, preparation.name);
    code.archive = cache.load(key);
    code.fromCache = code.archive != nullptr;
  }
  if (!code.archive) {
    if (preparation.run)
      if (llvm::Error error = preparation.run(*module))
        return std::move(error);
    if (llvm::Error error =
            compileToArchive(*module, code.target, options.optLevel,
                             countThreads(options.threads), timer)
                .moveInto(code.archive))
      return std::move(error);
    if (options.useCache)
      if (llvm::Error error = cache.store(key, code.archive->getBuffer()))
        warn(options, llvm::toString(std::move(error)));
  }
  code.seconds = watch.seconds();
  return code;
}
