// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/CompiledCode.h"
#include "attn/Execution/Compiler.h"
#include "attn/Execution/ObjectCache.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/IR/AttnDialect.h"

#include "llvm/Support/WithColor.h"

#include <omp.h>

using namespace attn;

std::string attn::takeWeightsFile(mlir::ModuleOp module,
                                  llvm::StringRef given) {
  auto named = llvm::dyn_cast_if_present<mlir::StringAttr>(
      module->removeAttr(AttnDialect::kWeightsFileAttr));
  return named && given.empty() ? named.str() : given.str();
}

int attn::countThreads(int threads) {
  return threads > 0 ? threads : omp_get_max_threads();
}

/// The key of what `module` is compiled to. Asked before any pass has run but
/// the one that takes constants out: a second start is to run none.
static ObjectCache::Key makeKey(mlir::ModuleOp module, const CpuTarget &target,
                                llvm::StringRef preparation) {
  // The text leaves out locations, which bytecode would keep: moving a file
  // does not change its code.
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out);
  return ObjectCache::makeKey(
      {text, preparation, compilerIdentity(), target.cpu, target.features,
       std::to_string(target.l1), std::to_string(target.l2)});
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

  mlir::OwningOpRef<mlir::ModuleOp> module = original.clone();
  code.weightsFile = takeWeightsFile(*module, options.weightsFile);
  if (llvm::Error error =
          ModuleConstants::take(*module).moveInto(code.constants))
    return std::move(error);

  ObjectCache cache(options.cacheDir.empty() ? ObjectCache::defaultDirectory()
                                             : options.cacheDir);
  ObjectCache::Key key;
  if (options.useCache) {
    mlir::TimingScope scope(timer.nest("Look into the cache"));
    key = makeKey(*module, code.target, preparation.name);
    code.archive = cache.load(key);
    code.fromCache = code.archive != nullptr;
  }
  if (!code.archive) {
    if (preparation.run)
      if (llvm::Error error = preparation.run(*module))
        return std::move(error);
    if (llvm::Error error =
            compileToArchive(*module, code.target,
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
