// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Program.h"
#include "attn/Execution/CompiledFunctions.h"
#include "attn/Execution/CompilerMemory.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/Execution/WeightsStore.h"
#include "attn/Execution/WorkingMemory.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Target/TargetMachine.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace attn;

/// Code finds the symbols of the whole process. If this is part of a library
/// that was loaded at run time, as Python does, what it is linked with, such as
/// the OpenMP runtime, is not among them: code looks there next. Not first: the
/// process may have another malloc().
static void addOwnLibraries(llvm::orc::LLJIT &jit) {
  Dl_info file;
  if (!dladdr(reinterpret_cast<void *>(addOwnLibraries), &file))
    return;
  auto libraries = llvm::orc::DynamicLibrarySearchGenerator::Load(
      file.dli_fname, jit.getDataLayout().getGlobalPrefix());
  if (libraries)
    jit.getProcessSymbolsJITDylib()->addGenerator(std::move(*libraries));
  else // A program and no library: then the process has them.
    llvm::consumeError(libraries.takeError());
}

/// What code calls for memory: unlike malloc(), it does not return without.
static void *allocate(size_t size) {
  if (void *memory = std::malloc(size))
    return memory;
  llvm::report_bad_alloc_error(
      "not enough memory for a tensor of the function");
}

/// What code calls with the message of an assertion that does not hold, before
/// it calls abort().
static void failAssertion(const char *message) {
  llvm::report_fatal_error(
      llvm::Twine("an assertion of the function does not hold: ") + message,
      /*gen_crash_diag=*/false);
}

/// Defines what is otherwise than in the C library.
static llvm::Error defineOwnFunctions(llvm::orc::LLJIT &jit) {
  auto toSymbol = [](auto *function) {
    return llvm::orc::ExecutorSymbolDef(
        llvm::orc::ExecutorAddr::fromPtr(function),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable);
  };
  return jit.getMainJITDylib().define(llvm::orc::absoluteSymbols(
      {{jit.mangleAndIntern("malloc"), toSymbol(&allocate)},
       {jit.mangleAndIntern("puts"), toSymbol(&failAssertion)}}));
}

static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>>
linkArchive(std::unique_ptr<llvm::MemoryBuffer> archive,
            const CpuTarget &target) {
  // Makes sure that the native target is initialised.
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(target);
  if (!machine)
    return machine.takeError();
  llvm::orc::JITTargetMachineBuilder builder((*machine)->getTargetTriple());
  auto jit =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(std::move(builder))
          .setDataLayout((*machine)->createDataLayout())
          .setObjectLinkingLayerCreator(
              [](llvm::orc::ExecutionSession &session)
                  -> llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>> {
                return std::make_unique<llvm::orc::ObjectLinkingLayer>(session);
              })
          // There are no static constructors to run.
          .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
          .create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = defineOwnFunctions(**jit))
    return std::move(error);
  addOwnLibraries(**jit);
  if (llvm::Error error = (*jit)->linkStaticLibraryInto(
          (*jit)->getMainJITDylib(), std::move(archive)))
    return std::move(error);
  return std::move(*jit);
}

struct Program::State {
  /// Why linking failed; look-ups themselves only say that it did.
  std::string linkError;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::unique_ptr<WeightsStore> weights;
  CompiledFunctions functions;
  int threads = 0;
  LoadStatistics statistics;

  llvm::Expected<llvm::orc::ExecutorAddr> find(llvm::StringRef symbol);
  llvm::Error initialize(const CompiledCode &code, mlir::TimingScope &linking,
                         mlir::Timer timer);
  llvm::Error loadWeights(const CompiledCode &code,
                          llvm::ArrayRef<WeightRecipe> recipes);
};

llvm::Expected<llvm::orc::ExecutorAddr>
Program::State::find(llvm::StringRef symbol) {
  llvm::Expected<llvm::orc::ExecutorAddr> address = jit->lookup(symbol);
  if (address || linkError.empty())
    return address;
  llvm::consumeError(address.takeError());
  return llvm::createStringError("cannot link compiled code: " + linkError);
}

/// Makes the weights, and gives them to the linked code.
llvm::Error Program::State::loadWeights(const CompiledCode &code,
                                        llvm::ArrayRef<WeightRecipe> recipes) {
  releaseCompilerMemory();
  Stopwatch watch;
  auto table = find("attn_weights");
  if (!table)
    return table.takeError();
  if (llvm::Error error =
          WeightsStore::create(code.weightsFile, recipes, countThreads(threads),
                               *code.constants)
              .moveInto(weights))
    return error;
  llvm::copy(weights->pointers(), table->toPtr<void **>());
  statistics.weightsSeconds = watch.seconds();
  statistics.weightBytes = weights->packedBytes();
  return llvm::Error::success();
}

/// Reads the manifest of the linked code, finds its functions, which ends
/// `linking`, and gives it its weights.
llvm::Error Program::State::initialize(const CompiledCode &code,
                                       mlir::TimingScope &linking,
                                       mlir::Timer timer) {
  auto text = find("attn_manifest");
  if (!text)
    return text.takeError();
  llvm::Expected<Manifest> manifest =
      Manifest::parse(text->toPtr<const char *>());
  if (!manifest)
    return manifest.takeError();
  llvm::SmallVector<CompiledFunctions::EntryPoint> entryPoints;
  for (const FunctionSignature &function : manifest->functions) {
    auto address = find("attn_call_" + function.name);
    if (!address)
      return address.takeError();
    entryPoints.push_back(address->toPtr<CompiledFunctions::EntryPoint>());
  }
  linking.stop();
  llvm::ArrayRef<void *> pointers;
  mlir::TimingScope scope(timer.nest("Pack weights"));
  if (!manifest->weights.empty()) {
    if (llvm::Error error = loadWeights(code, manifest->weights))
      return error;
    pointers = weights->pointers();
  }
  functions = CompiledFunctions(std::move(*manifest), entryPoints, pointers);
  return llvm::Error::success();
}

Program::Program(std::unique_ptr<State> state) : state(std::move(state)) {}
Program::~Program() = default;

llvm::Expected<std::unique_ptr<Program>>
Program::load(CompiledCode code, int threads, mlir::Timer timer) {
  if (llvm::Error error = checkRunnable(code.target))
    return std::move(error);
  Stopwatch watch;
  mlir::Timer loading = timer.nest("Load");
  mlir::TimingScope scope(loading);
  mlir::TimingScope linking(loading.nest("Link"));
  auto state = std::make_unique<State>();
  state->threads = threads;
  state->statistics.threads = countThreads(threads);
  state->statistics.target = code.target;
  state->statistics.fromCache = code.fromCache;
  keepWorkingMemory();
  auto jit = linkArchive(std::move(code.archive), code.target);
  if (!jit)
    return jit.takeError();
  state->jit = std::move(*jit);
  state->jit->getExecutionSession().setErrorReporter(
      [&text = state->linkError](llvm::Error error) {
        text += (text.empty() ? "" : "; ") + llvm::toString(std::move(error));
      });
  if (llvm::Error error = state->initialize(code, linking, loading))
    return std::move(error);
  state->statistics.compileSeconds =
      code.seconds + watch.seconds() - state->statistics.weightsSeconds;
  return std::unique_ptr<Program>(new Program(std::move(state)));
}

llvm::Expected<std::unique_ptr<Program>>
Program::load(mlir::ModuleOp module, const CompileOptions &options) {
  llvm::Expected<CompiledCode> code = CompiledCode::get(module, options);
  if (!code)
    return code.takeError();
  return load(std::move(*code), options.threads, options.timer);
}

llvm::ArrayRef<FunctionSignature> Program::functions() const {
  return state->functions.signatures();
}

const FunctionSignature *Program::lookup(llvm::StringRef name) const {
  return state->functions.lookup(name);
}

void Program::releaseFilePages() const {
  if (state->weights)
    state->weights->releaseFilePages();
}

const LoadStatistics &Program::statistics() const { return state->statistics; }

llvm::Expected<llvm::SmallVector<Tensor>>
Program::call(llvm::StringRef function, llvm::ArrayRef<Tensor> arguments,
              int threads) const {
  return state->functions.call(function, arguments,
                               threads > 0 ? threads : state->threads);
}
