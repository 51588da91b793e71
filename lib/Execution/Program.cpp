// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Program.h"
#include "attn/Execution/CompilerMemory.h"
#include "attn/Execution/WeightsStore.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <omp.h>

using namespace attn;

namespace {

class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  }

private:
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
};

/// A compiled function.
struct Entry {
  const FunctionSignature *signature;
  void (*call)(void **slots);
};

} // namespace

/// Words in a memref descriptor: allocated and aligned pointer, offset, sizes,
/// strides.
static size_t descriptorWords(size_t rank) { return 3 + 2 * rank; }

static int64_t asWord(const void *pointer) {
  return reinterpret_cast<int64_t>(pointer);
}

/// Descriptors of ranks known only at run time are arrays of words.
static char *asPointer(int64_t word) {
  return reinterpret_cast<char *>(word); // NOLINT(performance-no-int-to-ptr)
}

static void fillDescriptor(const Tensor &tensor, int64_t *words) {
  words[0] = words[1] = asWord(tensor.rawData());
  words[2] = 0;
  size_t rank = tensor.rank();
  int64_t stride = 1;
  for (size_t d = rank; d-- > 0;) {
    words[3 + d] = tensor.dim(d);
    words[3 + rank + d] = stride;
    stride *= tensor.dim(d);
  }
}

/// Copies a strided result to dense memory.
static void copyStrided(const char *source, llvm::ArrayRef<int64_t> strides,
                        const Tensor &target) {
  size_t width = byteWidth(target.type()), rank = target.rank();
  char *output = static_cast<char *>(target.rawData());
  llvm::SmallVector<int64_t, 4> index(rank, 0);
  for (int64_t i = 0, e = target.numElements(), from = 0; i < e; ++i) {
    std::memcpy(output + i * width, source + from * int64_t(width), width);
    for (size_t d = rank; d-- > 0;) {
      from += strides[d];
      if (++index[d] < target.dim(d))
        break;
      from -= target.dim(d) * strides[d];
      index[d] = 0;
    }
  }
}

/// What MLIR gives as the allocation of a constant: not to be freed.
static constexpr int64_t constantAllocation = 0xdeadbeef;

static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>>
linkObject(std::unique_ptr<llvm::MemoryBuffer> object,
           const CpuTarget &target) {
  // Makes sure that the native target is initialised.
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(target, /*optLevel=*/0);
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
  if (llvm::Error error = (*jit)->addObjectFile(std::move(object)))
    return std::move(error);
  return std::move(*jit);
}

struct Program::State {
  /// Why linking failed; look-ups themselves only say that it did.
  std::string linkError;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  Manifest manifest;
  std::unique_ptr<WeightsStore> weights;
  llvm::StringMap<Entry> entries;
  llvm::DenseSet<void *> weightPointers;
  int threads = 0;
  LoadStatistics statistics;

  llvm::Expected<llvm::orc::ExecutorAddr> find(llvm::StringRef symbol);
  llvm::Error initialize(llvm::StringRef weightsFile);
  llvm::Expected<Tensor> takeResult(const TensorSignature &signature,
                                    int64_t *words,
                                    llvm::ArrayRef<Tensor> arguments,
                                    llvm::ArrayRef<Tensor> results,
                                    llvm::ArrayRef<int64_t> allocations) const;
};

llvm::Expected<llvm::orc::ExecutorAddr>
Program::State::find(llvm::StringRef symbol) {
  llvm::Expected<llvm::orc::ExecutorAddr> address = jit->lookup(symbol);
  if (address || linkError.empty())
    return address;
  llvm::consumeError(address.takeError());
  return llvm::createStringError("cannot link compiled code: " + linkError);
}

/// Reads the manifest of the linked code, finds its functions, and gives it its
/// weights.
llvm::Error Program::State::initialize(llvm::StringRef weightsFile) {
  auto text = find("attn_manifest");
  if (!text)
    return text.takeError();
  llvm::Expected<Manifest> parsed =
      Manifest::parse(text->toPtr<const char *>());
  if (!parsed)
    return parsed.takeError();
  manifest = std::move(*parsed);
  for (const FunctionSignature &function : manifest.functions) {
    auto address = find("attn_call_" + function.name);
    if (!address)
      return address.takeError();
    entries[function.name] = {&function, address->toPtr<void (*)(void **)>()};
  }
  if (manifest.weights.empty())
    return llvm::Error::success();

  releaseCompilerMemory();
  Stopwatch watch;
  auto table = find("attn_weights");
  if (!table)
    return table.takeError();
  llvm::Expected<std::unique_ptr<WeightsStore>> store =
      WeightsStore::create(weightsFile, manifest.weights,
                           threads > 0 ? threads : omp_get_max_threads());
  if (!store)
    return store.takeError();
  weights = std::move(*store);
  llvm::copy(weights->pointers(), table->toPtr<void **>());
  weightPointers.insert(weights->pointers().begin(), weights->pointers().end());
  statistics.weightsSeconds = watch.seconds();
  statistics.weightBytes = weights->packedBytes();
  return llvm::Error::success();
}

/// Makes a tensor of a result's descriptor. `allocations` are those of the
/// results before it.
llvm::Expected<Tensor>
Program::State::takeResult(const TensorSignature &signature, int64_t *words,
                           llvm::ArrayRef<Tensor> arguments,
                           llvm::ArrayRef<Tensor> results,
                           llvm::ArrayRef<int64_t> allocations) const {
  size_t rank = signature.shape.size();
  void *allocated = asPointer(words[0]);
  char *data =
      asPointer(words[1]) + words[2] * int64_t(byteWidth(signature.type));
  llvm::ArrayRef<int64_t> sizes(words + 3, rank);
  llvm::ArrayRef<int64_t> strides(words + 3 + rank, rank);

  // Who frees the memory: an argument, an earlier result, nobody (weights and
  // constants), or else this tensor.
  std::shared_ptr<void> owner;
  bool mustCopy = false;
  const Tensor *argument = llvm::find_if(
      arguments, [&](const Tensor &t) { return t.rawData() == allocated; });
  const int64_t *earlier = llvm::find(allocations, words[0]);
  if (argument != arguments.end())
    owner = argument->owner();
  else if (earlier != allocations.end())
    owner = results[earlier - allocations.begin()].owner();
  else if (words[0] == constantAllocation || weightPointers.contains(allocated))
    mustCopy = true;
  else
    owner = std::shared_ptr<void>(allocated, std::free);

  int64_t stride = 1;
  for (size_t d = rank; d-- > 0; stride *= sizes[d])
    mustCopy |= sizes[d] != 1 && strides[d] != stride;
  if (!mustCopy)
    return Tensor::share(signature.type, sizes, data, std::move(owner));
  llvm::Expected<Tensor> copy = Tensor::tryAllocate(signature.type, sizes);
  if (copy)
    copyStrided(data, strides, *copy);
  return copy;
}

Program::Program(std::unique_ptr<State> state) : state(std::move(state)) {}
Program::~Program() = default;

llvm::Expected<std::unique_ptr<Program>> Program::load(CompiledCode code,
                                                       int threads) {
  if (llvm::Error error = checkRunnable(code.target))
    return std::move(error);
  Stopwatch watch;
  auto state = std::make_unique<State>();
  state->threads = threads;
  state->statistics.threads = threads > 0 ? threads : omp_get_max_threads();
  state->statistics.target = code.target;
  state->statistics.fromCache = code.fromCache;
  keepWorkingMemory();
  auto jit = linkObject(std::move(code.object), code.target);
  if (!jit)
    return jit.takeError();
  state->jit = std::move(*jit);
  state->jit->getExecutionSession().setErrorReporter(
      [&text = state->linkError](llvm::Error error) {
        text += (text.empty() ? "" : "; ") + llvm::toString(std::move(error));
      });
  if (llvm::Error error = state->initialize(code.weightsFile))
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
  return load(std::move(*code), options.threads);
}

llvm::ArrayRef<FunctionSignature> Program::functions() const {
  return state->manifest.functions;
}

const FunctionSignature *Program::lookup(llvm::StringRef name) const {
  return state->manifest.lookup(name);
}

void Program::releaseFilePages() const {
  if (state->weights)
    state->weights->releaseFilePages();
}

const LoadStatistics &Program::statistics() const { return state->statistics; }

llvm::Expected<llvm::SmallVector<Tensor>>
Program::call(llvm::StringRef function, llvm::ArrayRef<Tensor> arguments,
              int threads) const {
  auto found = state->entries.find(function);
  if (found == state->entries.end())
    return llvm::createStringError(
        "there is no function '" + function + "'; hint: there is " +
        llvm::join(llvm::map_range(state->manifest.functions,
                                   [](const FunctionSignature &f) {
                                     return "'" + f.name + "'";
                                   }),
                   ", "));
  const FunctionSignature &signature = *found->second.signature;
  if (llvm::Error error = signature.check(arguments))
    return std::move(error);
  size_t words = 0;
  for (const TensorSignature &result : signature.results)
    words += descriptorWords(result.shape.size());
  for (const TensorSignature &argument : signature.arguments)
    words += descriptorWords(argument.shape.size());

  llvm::SmallVector<int64_t, 256> memory(words, 0);
  llvm::SmallVector<void *, 32> slots;
  int64_t *next = memory.data();
  // All results are written through one pointer, one after the other.
  if (!signature.results.empty()) {
    slots.push_back(next);
    for (const TensorSignature &result : signature.results)
      next += descriptorWords(result.shape.size());
  }
  for (const Tensor &argument : arguments) {
    slots.push_back(next);
    fillDescriptor(argument, next);
    next += descriptorWords(argument.rank());
  }
  // The number belongs to the calling thread, so it is set for each call.
  if (threads <= 0)
    threads = state->threads;
  if (threads > 0)
    omp_set_num_threads(threads);
  found->second.call(slots.data());

  llvm::SmallVector<Tensor> results;
  llvm::SmallVector<int64_t> allocations;
  next = memory.data();
  for (const TensorSignature &result : signature.results) {
    llvm::Expected<Tensor> tensor =
        state->takeResult(result, next, arguments, results, allocations);
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
    allocations.push_back(*next);
    next += descriptorWords(result.shape.size());
  }
  return results;
}
