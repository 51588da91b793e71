// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/CompiledFunctions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cstdlib>
#include <omp.h>

using namespace attn;

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

/// What MLIR gives as the allocation of a constant: not to be freed.
static constexpr int64_t constantAllocation = 0xdeadbeef;

CompiledFunctions::CompiledFunctions(Manifest manifest,
                                     llvm::ArrayRef<EntryPoint> entryPoints,
                                     llvm::ArrayRef<void *> weights)
    : manifest(std::move(manifest)), entryPoints(entryPoints),
      weights(weights.begin(), weights.end()) {
  assert(this->manifest.functions.size() == entryPoints.size() &&
         "expected an entry point for each function");
}

/// Makes a tensor of a result's descriptor. `allocations` are those of the
/// results before it.
llvm::Expected<Tensor>
CompiledFunctions::takeResult(const TensorSignature &signature, int64_t *words,
                              llvm::ArrayRef<Tensor> arguments,
                              llvm::ArrayRef<Tensor> results,
                              llvm::ArrayRef<int64_t> allocations) const {
  size_t rank = signature.shape.size();
  void *allocated = asPointer(words[0]);
  char *data =
      asPointer(words[1]) + words[2] * int64_t(byteWidth(signature.type));
  llvm::ArrayRef<int64_t> sizes(words + 3, rank);
  llvm::ArrayRef<int64_t> strides(words + 3 + rank, rank);
  if (!countElements(signature.type, sizes))
    return llvm::createStringError(
        "expected " + signature.describe() + " as a result, got sizes " +
        llvm::join(
            llvm::map_range(sizes,
                            [](int64_t size) { return std::to_string(size); }),
            "x"));

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
  else if (words[0] == constantAllocation || weights.contains(allocated))
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

llvm::Expected<llvm::SmallVector<Tensor>>
CompiledFunctions::call(llvm::StringRef function,
                        llvm::ArrayRef<Tensor> arguments, int threads) const {
  const FunctionSignature *found = lookup(function);
  if (!found)
    return llvm::createStringError(
        "there is no function '" + function + "'; hint: there is " +
        llvm::join(llvm::map_range(manifest.functions,
                                   [](const FunctionSignature &f) {
                                     return "'" + f.name + "'";
                                   }),
                   ", "));
  const FunctionSignature &signature = *found;
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
  if (threads > 0)
    omp_set_num_threads(threads);
  entryPoints[found - manifest.functions.data()](slots.data());

  llvm::SmallVector<Tensor> results;
  llvm::SmallVector<int64_t> allocations;
  next = memory.data();
  for (const TensorSignature &result : signature.results) {
    llvm::Expected<Tensor> tensor =
        takeResult(result, next, arguments, results, allocations);
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
    allocations.push_back(*next);
    next += descriptorWords(result.shape.size());
  }
  return results;
}
