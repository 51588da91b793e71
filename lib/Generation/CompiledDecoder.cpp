// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CompiledDecoder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cstring>
#include <optional>

using namespace attn;

/// Positions that caches have room for at first.
static constexpr int64_t firstCapacity = 32;

template <typename... Args>
static llvm::Error makeError(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

/// A view of integers as an argument that the function only reads.
static Tensor view(llvm::ArrayRef<int32_t> values,
                   llvm::ArrayRef<int64_t> shape) {
  return Tensor::borrow(ElementType::I32, shape,
                        const_cast<int32_t *>(values.data()));
}

llvm::Expected<std::unique_ptr<CompiledDecoder>>
CompiledDecoder::create(DecoderFunctions functions, DecoderLimits limits) {
  std::unique_ptr<CompiledDecoder> decoder(
      new CompiledDecoder(std::move(functions), limits));
  if (llvm::Error error = decoder->bindAll())
    return std::move(error);
  return decoder;
}

llvm::Expected<CompiledDecoder::Binding>
CompiledDecoder::bind(const FunctionSignature &signature) {
  Binding binding;
  size_t numCross = 0, numCaches = 0;
  for (auto [index, argument] : llvm::enumerate(signature.arguments)) {
    auto role = llvm::StringSwitch<std::optional<Role>>(argument.role)
                    .Case("ids", Role::Ids)
                    .Cases({"lengths", "memory_lengths"}, Role::Lengths)
                    .Case("memory", Role::Memory)
                    .Case("positions", Role::Positions)
                    .Case("cache_rows", Role::CacheRows)
                    .Case("memory_rows", Role::MemoryRows)
                    .Case("cross", Role::Cross)
                    .Case("cache", Role::Cache)
                    .Default(std::nullopt);
    if (!role)
      return makeError("function '{0}': argument {1}, {2}, has the role '{3}', "
                       "expected one that a decoder knows",
                       signature.name, index, argument.describe(),
                       argument.role);
    size_t rank = 0;
    ElementType type = ElementType::I32;
    switch (*role) {
    case Role::Ids:
    case Role::CacheRows:
      rank = 2;
      break;
    case Role::Lengths:
    case Role::Positions:
    case Role::MemoryRows:
      rank = 1;
      break;
    case Role::Memory:
    case Role::Cross:
    case Role::Cache:
      rank = argument.shape.size();
      type = argument.type;
      break;
    }
    if (argument.type != type || argument.shape.size() != rank || rank == 0)
      return makeError("function '{0}': argument {1} with the role '{2}' is "
                       "{3}, expected rank {4} of {5}",
                       signature.name, index, argument.role,
                       argument.describe(), rank, stringify(type));
    binding.roles.push_back(*role);
    binding.numbers.push_back(*role == Role::Cross   ? numCross++
                              : *role == Role::Cache ? numCaches++
                                                     : 0);
  }
  return binding;
}

llvm::Error CompiledDecoder::bindAll() {
  const FunctionSignature *signatures[3];
  Binding *bindings[] = {&encodeBinding, &prepareBinding, &stepBinding};
  const char *names[] = {"encode", "decode_prepare", "decode_step"};
  for (int i = 0; i < 3; ++i) {
    signatures[i] = functions.lookup(names[i]);
    if (!signatures[i])
      return makeError("the program has no function '{0}'; hint: import a "
                       "translation model",
                       names[i]);
    llvm::Expected<Binding> binding = bind(*signatures[i]);
    if (!binding)
      return binding.takeError();
    *bindings[i] = std::move(*binding);
  }
  auto [encode, prepare, step] = signatures;
  if (encode->results.size() != 1)
    return makeError("function 'encode': expected 1 result, got {0}",
                     encode->results.size());
  size_t numCross = llvm::count(stepBinding.roles, Role::Cross);
  if (prepare->results.size() != numCross)
    return makeError("function 'decode_prepare': expected {0} results, one for "
                     "each cross argument of 'decode_step', got {1}",
                     numCross, prepare->results.size());
  if (step->results.size() != 1 || step->results[0].shape.size() != 3 ||
      step->results[0].type != ElementType::F32 ||
      step->results[0].shape[2] <= 0)
    return makeError("function 'decode_step': expected one result, logits "
                     "tensor<?x?xVxf32>");
  vocabulary = step->results[0].shape[2];
  for (auto [role, argument] :
       llvm::zip_equal(stepBinding.roles, step->arguments)) {
    if (role != Role::Cache)
      continue;
    llvm::ArrayRef<int64_t> shape = argument.shape;
    if (shape.size() < 2 || llvm::any_of(shape.drop_front(2), [](int64_t size) {
          return size <= 0;
        }))
      return makeError("function 'decode_step': expected a cache [cache rows, "
                       "capacity, static sizes], got {0}",
                       argument.describe());
    cacheSignatures.push_back(argument);
  }
  return llvm::Error::success();
}

llvm::Error
CompiledDecoder::encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                        int32_t padToken) {
  const int64_t batch = sentences.size();
  size_t longest = 0;
  for (llvm::ArrayRef<int32_t> sentence : sentences)
    longest = std::max(longest, sentence.size());
  sourceIds.assign(batch * longest, padToken);
  sourceLengths.clear();
  for (auto [index, sentence] : llvm::enumerate(sentences)) {
    llvm::copy(sentence, sourceIds.begin() + index * longest);
    sourceLengths.push_back(static_cast<int32_t>(sentence.size()));
  }
  lengths = view(sourceLengths, {batch});
  // The results of the batch before are not needed beside those of this one.
  cross.clear();
  if (functions.release)
    functions.release();

  auto bound = [&](const Binding &binding,
                   const Tensor &memory) -> llvm::ArrayRef<Tensor> {
    arguments.clear();
    for (Role role : binding.roles)
      arguments.push_back(
          role == Role::Ids
              ? view(sourceIds, {batch, static_cast<int64_t>(longest)})
          : role == Role::Lengths ? lengths
                                  : memory);
    return arguments;
  };
  llvm::Expected<llvm::SmallVector<Tensor>> memory =
      functions.call("encode", bound(encodeBinding, Tensor()));
  if (!memory)
    return memory.takeError();
  llvm::Expected<llvm::SmallVector<Tensor>> prepared =
      functions.call("decode_prepare", bound(prepareBinding, memory->front()));
  if (!prepared)
    return prepared.takeError();
  cross = std::move(*prepared);
  arguments.clear();
  cacheRows.reset(cacheCapacity);
  return llvm::Error::success();
}

void CompiledDecoder::reserveCaches(int64_t rows, int64_t capacity) {
  if (rows <= numCacheRows && capacity <= cacheCapacity)
    return;
  rows = std::max(rows, numCacheRows);
  capacity = std::max(capacity, cacheCapacity);
  const int64_t usedRows = numCacheRows, used = cacheRows.positions();
  caches.resize(cacheSignatures.size());
  for (auto [cache, signature] : llvm::zip_equal(caches, cacheSignatures)) {
    llvm::SmallVector<int64_t> shape(signature.shape.begin(),
                                     signature.shape.end());
    shape[0] = rows;
    shape[1] = capacity;
    Tensor grown = Tensor::allocate(signature.type, shape);
    size_t bytes = byteWidth(signature.type);
    for (int64_t size : llvm::ArrayRef<int64_t>(shape).drop_front(2))
      bytes *= size;
    for (int64_t row = 0; used > 0 && row < usedRows; ++row)
      std::memcpy(static_cast<char *>(grown.rawData()) + row * capacity * bytes,
                  static_cast<char *>(cache.rawData()) +
                      row * cacheCapacity * bytes,
                  used * bytes);
    cache = std::move(grown);
  }
  numCacheRows = rows;
  cacheCapacity = capacity;
  cacheRows.grow(capacity);
}

llvm::Expected<llvm::MutableArrayRef<float>>
CompiledDecoder::step(llvm::ArrayRef<int32_t> ids,
                      llvm::ArrayRef<int32_t> parents,
                      llvm::ArrayRef<int32_t> sentences) {
  const int64_t rows = ids.size();
  const int64_t position = cacheRows.positions();
  if (position >= limits.targetPositions)
    return makeError("the output is longer than the model's {0} positions",
                     limits.targetPositions);
  int64_t capacity = std::max(cacheCapacity, firstCapacity);
  if (position >= capacity)
    capacity *= 2;
  reserveCaches(rows, std::min(capacity, limits.targetPositions));
  cacheRows.advance(rows, parents);
  positions.assign(rows, static_cast<int32_t>(position));

  // The logits of the step before make room before new ones are made.
  logits = Tensor();
  arguments.clear();
  for (auto [role, number] :
       llvm::zip_equal(stepBinding.roles, stepBinding.numbers)) {
    switch (role) {
    case Role::Ids:
      arguments.push_back(view(ids, {rows, 1}));
      break;
    case Role::Positions:
      arguments.push_back(view(positions, {rows}));
      break;
    case Role::CacheRows:
      arguments.push_back(view(cacheRows.table(), {rows, cacheCapacity}));
      break;
    case Role::MemoryRows:
      arguments.push_back(view(sentences, {rows}));
      break;
    case Role::Lengths:
      arguments.push_back(lengths);
      break;
    case Role::Cross:
      arguments.push_back(cross[number]);
      break;
    case Role::Cache:
      arguments.push_back(caches[number]);
      break;
    case Role::Memory:
      return makeError("function 'decode_step': expected no argument with the "
                       "role 'memory'");
    }
  }
  llvm::Expected<llvm::SmallVector<Tensor>> results =
      functions.call("decode_step", arguments);
  if (!results)
    return results.takeError();
  logits = std::move(results->front());
  if (logits.numElements() != rows * vocabulary)
    return makeError("function 'decode_step': expected logits [{0},1,{1}], got "
                     "{2}",
                     rows, vocabulary, logits.describe());
  return llvm::MutableArrayRef<float>(logits.data<float>(), rows * vocabulary);
}
