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

/// Whether nobody frees what a result is in, and it is not to be given away.
bool CompiledFunctions::isConstant(int64_t allocation) const {
  return allocation == constantAllocation ||
         weights.contains(asPointer(allocation));
}

/// Makes a tensor of a result's descriptor. `owner` frees its memory; weights
/// and constants have none.
llvm::Expected<Tensor>
CompiledFunctions::takeResult(const TensorSignature &signature, int64_t *words,
                              std::shared_ptr<void> owner) const {
  size_t rank = signature.shape.size();
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

  bool mustCopy = isConstant(words[0]);
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

  // Who frees what results are in: those of arguments, or else the results that
  // share it. Known for all of them before any can be an error, or be copied.
  llvm::SmallDenseMap<int64_t, std::shared_ptr<void>, 64> owners;
  for (const Tensor &argument : arguments)
    owners.try_emplace(asWord(argument.rawData()), argument.owner());
  next = memory.data();
  for (const TensorSignature &result : signature.results) {
    if (!isConstant(*next) && !owners.contains(*next))
      owners[*next] = std::shared_ptr<void>(asPointer(*next), std::free);
    next += descriptorWords(result.shape.size());
  }
  llvm::SmallVector<Tensor> results;
  next = memory.data();
  for (const TensorSignature &result : signature.results) {
    llvm::Expected<Tensor> tensor =
        takeResult(result, next, owners.lookup(*next));
    if (!tensor)
      return tensor.takeError();
    results.push_back(std::move(*tensor));
    next += descriptorWords(result.shape.size());
  }
  return results;
}
