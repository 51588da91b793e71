// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CompiledDecoder.h"
#include "MakeError.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>
#include <optional>

using namespace attn;

/// Positions that caches have room for at first. Those that no row reaches take
/// no memory; to make room for more leaves what was there before to the heap.
static constexpr int64_t firstCapacity = 64;

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

llvm::Expected<const FunctionSignature *>
CompiledDecoder::find(llvm::StringRef name) const {
  if (const FunctionSignature *signature = functions.lookup(name))
    return signature;
  return makeError("the program has no function '{0}'; hint: import a "
                   "translation model",
                   name);
}

/// Checks that a function takes what a step gives.
llvm::Error
CompiledDecoder::checkProjection(const FunctionSignature &step,
                                 const FunctionSignature &signature) const {
  llvm::ArrayRef<TensorSignature> results = step.results;
  if (results.empty() || results[0].type != ElementType::F32 ||
      results[0].shape.size() != 2 || results[0].shape[1] <= 0)
    return makeError("function 'decode_step': expected first a result "
                     "tensor<?xWxf32>, from which logits are computed");
  if (signature.arguments.size() != 1 ||
      signature.arguments[0].type != results[0].type ||
      signature.arguments[0].shape != results[0].shape)
    return makeError("function '{0}': expected one argument, the first result "
                     "of 'decode_step', {1}",
                     signature.name, results[0].describe());
  return llvm::Error::success();
}

llvm::Error
CompiledDecoder::checkGreatest(const FunctionSignature &signature) const {
  llvm::ArrayRef<TensorSignature> results = signature.results;
  if (results.size() != 1 || results[0].type != ElementType::I32 ||
      results[0].shape.size() != 1)
    return makeError("function 'decode_greatest': expected one result, a token "
                     "for each row, tensor<?xi32>");
  return llvm::Error::success();
}

/// Checks that logits come in blocks, as many as the vocabulary has.
llvm::Error
CompiledDecoder::checkLogits(const FunctionSignature &signature) const {
  auto isFloat = [](const TensorSignature &tensor, size_t rank) {
    return tensor.type == ElementType::F32 && tensor.shape.size() == rank;
  };
  llvm::ArrayRef<TensorSignature> results = signature.results;
  if (results.size() != 3 || !isFloat(results[0], 3) ||
      !isFloat(results[1], 2) || !isFloat(results[2], 2) ||
      results[0].shape[2] <= 0)
    return makeError("function 'decode_logits': expected three results: logits "
                     "tensor<Bx?xWxf32>, and maxima and sums tensor<Sx?xf32>");
  LogitRow row;
  row.vocabulary = limits.targetVocabulary;
  row.width = results[0].shape[2];
  if (results[0].shape[0] != row.numBlocks())
    return makeError("function 'decode_logits': expected {0} blocks of {1} "
                     "logits for {2} tokens, got {3}",
                     row.numBlocks(), row.width, row.vocabulary,
                     results[0].describe());
  for (const TensorSignature &result : results.drop_front())
    if (result.shape[0] != row.numBlocks() + row.numGroups())
      return makeError(
          "function 'decode_logits': expected {0} maxima and sums, "
          "of {1} blocks and of each {2} of them, got {3}",
          row.numBlocks() + row.numGroups(), row.numBlocks(),
          LogitRow::kGroupBlocks, result.describe());
  return llvm::Error::success();
}

/// Looks for what a step attended to, after what logits are computed from.
llvm::Error CompiledDecoder::bindAttention(const FunctionSignature &signature) {
  llvm::ArrayRef<TensorSignature> others =
      llvm::ArrayRef(signature.results).drop_front();
  if (others.empty())
    return llvm::Error::success();
  const TensorSignature &first = others.front();
  if (others.size() > 1 || first.type != ElementType::F32 ||
      first.shape.size() != 4 || first.shape[1] <= 0)
    return makeError("function 'decode_step': expected attention "
                     "tensor<?xHx?x?xf32> or nothing as the second result, got "
                     "{0} more, the first {1}",
                     others.size(), first.describe());
  heads = first.shape[1];
  return llvm::Error::success();
}

llvm::Error CompiledDecoder::bindAll() {
  const FunctionSignature *signatures[5];
  const char *names[] = {"encode", "decode_prepare", "decode_step",
                         "decode_logits", "decode_greatest"};
  for (auto [signature, name] : llvm::zip_equal(signatures, names))
    if (llvm::Error error = find(name).moveInto(signature))
      return error;
  Binding *bindings[] = {&encodeBinding, &prepareBinding, &stepBinding};
  for (int i = 0; i < 3; ++i) {
    llvm::Expected<Binding> binding = bind(*signatures[i]);
    if (!binding)
      return binding.takeError();
    *bindings[i] = std::move(*binding);
  }
  auto [encode, prepare, step, logits, greatest] = signatures;
  if (encode->results.size() != 1)
    return makeError("function 'encode': expected 1 result, got {0}",
                     encode->results.size());
  size_t numCross = llvm::count(stepBinding.roles, Role::Cross);
  if (prepare->results.size() != numCross)
    return makeError("function 'decode_prepare': expected {0} results, one for "
                     "each cross argument of 'decode_step', got {1}",
                     numCross, prepare->results.size());
  for (const FunctionSignature *projection : {logits, greatest})
    if (llvm::Error error = checkProjection(*step, *projection))
      return error;
  if (llvm::Error error = checkLogits(*logits))
    return error;
  if (llvm::Error error = checkGreatest(*greatest))
    return error;
  if (llvm::Error error = bindAttention(*step))
    return error;
  for (auto [role, argument] :
       llvm::zip_equal(stepBinding.roles, step->arguments)) {
    llvm::Error error = llvm::Error::success();
    if (role == Role::Cache)
      error = checkStorage(*step, "a cache", "cache rows, capacity", argument,
                           caches);
    else if (role == Role::Cross)
      error = checkStorage(*step, "prepared values", "sentences, positions",
                           argument, cross);
    if (error)
      return error;
  }
  return llvm::Error::success();
}

llvm::Error CompiledDecoder::checkStorage(const FunctionSignature &signature,
                                          llvm::StringRef what,
                                          llvm::StringRef sizes,
                                          const TensorSignature &tensor,
                                          Storage &storage) {
  llvm::ArrayRef<int64_t> shape = tensor.shape;
  if (shape.size() < 2 ||
      llvm::any_of(shape.drop_front(2), [](int64_t size) { return size <= 0; }))
    return makeError("function '{0}': expected {1} [{2}, static sizes], got "
                     "{3}",
                     signature.name, what, sizes, tensor.describe());
  storage.signatures.push_back(tensor);
  return llvm::Error::success();
}

/// Bytes at each place of a tensor [entries, capacity, …].
static size_t bytesOfPlace(const TensorSignature &signature) {
  size_t bytes = byteWidth(signature.type);
  for (int64_t size : llvm::ArrayRef<int64_t>(signature.shape).drop_front(2))
    bytes *= size;
  return bytes;
}

void CompiledDecoder::Storage::reserve(int64_t wantedEntries,
                                       int64_t wantedCapacity, int64_t used) {
  if (wantedEntries <= entries && wantedCapacity <= capacity)
    return;
  wantedEntries = std::max(wantedEntries, entries);
  wantedCapacity = std::max(wantedCapacity, capacity);
  tensors.resize(signatures.size());
  for (auto [tensor, signature] : llvm::zip_equal(tensors, signatures)) {
    llvm::SmallVector<int64_t> shape(signature.shape.begin(),
                                     signature.shape.end());
    shape[0] = wantedEntries;
    shape[1] = wantedCapacity;
    Tensor grown = Tensor::allocate(signature.type, shape);
    size_t bytes = bytesOfPlace(signature);
    for (int64_t entry = 0; entry < entries; ++entry)
      std::memcpy(
          static_cast<char *>(grown.rawData()) + entry * wantedCapacity * bytes,
          static_cast<char *>(tensor.rawData()) + entry * capacity * bytes,
          used * bytes);
    tensor = std::move(grown);
  }
  entries = wantedEntries;
  capacity = wantedCapacity;
}

llvm::Error
CompiledDecoder::encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                        llvm::ArrayRef<int32_t> slots, int32_t padToken) {
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
  if (functions.release)
    functions.release();

  auto bound = [&](const Binding &binding,
                   const Tensor &memory) -> llvm::ArrayRef<Tensor> {
    arguments.clear();
    for (Role role : binding.roles)
      arguments.push_back(
          role == Role::Ids
              ? view(sourceIds, {batch, static_cast<int64_t>(longest)})
          : role == Role::Lengths ? view(sourceLengths, {batch})
                                  : memory);
    return arguments;
  };
  llvm::Expected<llvm::SmallVector<Tensor>> memory =
      functions.call("encode", bound(encodeBinding, Tensor()), threads);
  if (!memory)
    return memory.takeError();
  llvm::Expected<llvm::SmallVector<Tensor>> prepared = functions.call(
      "decode_prepare", bound(prepareBinding, memory->front()), threads);
  if (!prepared)
    return prepared.takeError();
  arguments.clear();
  return keepPrepared(*prepared, slots);
}

/// Copies what was prepared from sentences, which has their order, to their
/// slots.
llvm::Error CompiledDecoder::keepPrepared(llvm::ArrayRef<Tensor> prepared,
                                          llvm::ArrayRef<int32_t> slots) {
  const int64_t longest = sourceIds.size() / sourceLengths.size();
  cross.reserve(*llvm::max_element(slots) + 1, longest, cross.capacity);
  slotLengths.resize(cross.entries);
  for (auto [slot, length] : llvm::zip_equal(slots, sourceLengths))
    slotLengths[slot] = length;
  for (auto [tensor, signature, from] :
       llvm::zip_equal(cross.tensors, cross.signatures, prepared)) {
    size_t bytes = bytesOfPlace(signature);
    if (from.numElements() * byteWidth(from.type()) !=
        slots.size() * longest * bytes)
      return makeError("function 'decode_prepare': expected {0} of {1} "
                       "sentences of {2} positions, got {3}",
                       signature.describe(), slots.size(), longest,
                       from.describe());
    for (auto [index, slot] : llvm::enumerate(slots))
      std::memcpy(
          static_cast<char *>(tensor.rawData()) + slot * cross.capacity * bytes,
          static_cast<const char *>(from.rawData()) + index * longest * bytes,
          sourceLengths[index] * bytes);
  }
  return llvm::Error::success();
}

/// Fills the arguments of a step of so many rows.
llvm::Error CompiledDecoder::fillArguments(int64_t numRows) {
  arguments.clear();
  for (auto [role, number] :
       llvm::zip_equal(stepBinding.roles, stepBinding.numbers)) {
    switch (role) {
    case Role::Ids:
      arguments.push_back(view(ids, {numRows, 1}));
      break;
    case Role::Positions:
      arguments.push_back(view(cacheRows.positions(), {numRows}));
      break;
    case Role::CacheRows:
      arguments.push_back(
          view(cacheRows.table(), {numRows, cacheRows.capacity()}));
      break;
    case Role::MemoryRows:
      arguments.push_back(view(rowSlots, {numRows}));
      break;
    case Role::Lengths:
      arguments.push_back(view(slotLengths, {cross.entries}));
      break;
    case Role::Cross:
      arguments.push_back(cross.tensors[number]);
      break;
    case Role::Cache:
      arguments.push_back(caches.tensors[number]);
      break;
    case Role::Memory:
      return makeError("function 'decode_step': expected no argument with the "
                       "role 'memory'");
    }
  }
  return llvm::Error::success();
}

llvm::Error CompiledDecoder::step(llvm::ArrayRef<DecoderRow> rows) {
  const int64_t numRows = rows.size();
  const int64_t positions = cacheRows.positionsAfter(rows);
  if (positions > limits.targetPositions)
    return makeError("the output is longer than the model's {0} positions",
                     limits.targetPositions);
  int64_t capacity = std::max(caches.capacity, firstCapacity);
  while (positions > capacity)
    capacity *= 2;
  int32_t lastCacheRow = 0;
  ids.clear();
  rowSlots.clear();
  for (const DecoderRow &row : rows) {
    ids.push_back(row.token);
    rowSlots.push_back(row.slot);
    lastCacheRow = std::max(lastCacheRow, row.cacheRow);
  }
  // A beam search has few rows at first: to grow then means to copy all.
  constexpr int64_t entriesAtOnce = 16;
  caches.reserve(llvm::alignTo(lastCacheRow + 1, entriesAtOnce),
                 std::min(capacity, limits.targetPositions),
                 cacheRows.longest());
  if (caches.capacity > cacheRows.capacity())
    cacheRows.grow(caches.capacity);
  cacheRows.advance(rows);
  allRows += numRows;

  // The results of the step before make room before new ones are made.
  results.clear();
  projected.clear();
  if (llvm::Error error = fillArguments(numRows))
    return error;
  llvm::Expected<llvm::SmallVector<Tensor>> found =
      functions.call("decode_step", arguments, threads);
  if (!found)
    return found.takeError();
  results = std::move(*found);
  if (results[0].dim(0) != numRows)
    return makeError("function 'decode_step': expected {0} rows, got {1}",
                     numRows, results[0].describe());
  if (heads && (results[1].dim(0) != numRows || results[1].dim(2) != 1 ||
                results[1].dim(3) != cross.capacity))
    return makeError("function 'decode_step': expected attention of {0} rows "
                     "to {1} positions, got {2}",
                     numRows, cross.capacity, results[1].describe());
  return llvm::Error::success();
}

/// Calls a function of what the last step gave.
llvm::Error CompiledDecoder::project(llvm::StringRef name) {
  projected.clear();
  llvm::Expected<llvm::SmallVector<Tensor>> found =
      functions.call(name, results.front(), threads);
  if (!found)
    return found.takeError();
  projected = std::move(*found);
  return llvm::Error::success();
}

llvm::Expected<Logits> CompiledDecoder::logits() {
  if (llvm::Error error = project("decode_logits"))
    return std::move(error);
  const int64_t numRows = results[0].dim(0);
  for (const Tensor &part : projected)
    if (part.dim(1) != numRows)
      return makeError("function 'decode_logits': expected logits of {0} rows, "
                       "got {1}",
                       numRows, part.describe());
  return Logits{projected[0].data<float>(), projected[1].data<float>(),
                projected[2].data<float>(), numRows,
                limits.targetVocabulary,    projected[0].dim(2)};
}

llvm::Expected<llvm::ArrayRef<int32_t>> CompiledDecoder::greatest() {
  if (llvm::Error error = project("decode_greatest"))
    return std::move(error);
  const int64_t numRows = results[0].dim(0);
  if (projected[0].dim(0) != numRows)
    return makeError("function 'decode_greatest': expected tokens of {0} rows, "
                     "got {1}",
                     numRows, projected[0].describe());
  return llvm::ArrayRef(projected[0].data<int32_t>(), numRows);
}

StepAttention CompiledDecoder::attention() const {
  if (!heads || results.empty())
    return {};
  return {results[1].data<float>(), heads, results[1].dim(3)};
}
