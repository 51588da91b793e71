// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Translator.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>

using namespace attn;

DecoderModel::~DecoderModel() = default;

llvm::Expected<std::unique_ptr<Translator>>
Translator::create(DecoderModel &model, GenerationOptions options,
                   BatchOptions batchOptions) {
  if (llvm::Error error =
          options.verify(model.targetVocabulary(), model.targetPositions()))
    return std::move(error);
  if (batchOptions.batchSize < 1 || batchOptions.windowBatches < 1)
    return llvm::createStringError("batch size must be at least 1");
  return std::unique_ptr<Translator>(
      new Translator(model, std::move(options), batchOptions));
}

std::string Translator::check(llvm::ArrayRef<int32_t> sentence) const {
  if (sentence.empty())
    return "sentence has no token ids";
  int64_t positions = model.sourcePositions();
  if (int64_t(sentence.size()) > positions)
    return llvm::formatv("sentence has {0} token ids, the model takes at most "
                         "{1}",
                         sentence.size(), positions);
  int64_t vocabulary = model.sourceVocabulary();
  for (int32_t id : sentence)
    if (id < 0 || id >= vocabulary)
      return llvm::formatv("token id {0} is out of range, expected 0 to {1}",
                           id, vocabulary - 1);
  return "";
}

llvm::Expected<std::vector<SentenceResult>>
Translator::translate(llvm::ArrayRef<std::vector<int32_t>> sentences) {
  std::vector<SentenceResult> results(sentences.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < sentences.size(); ++i) {
    results[i].error = check(sentences[i]);
    if (results[i].error.empty())
      order.push_back(i);
  }
  // Longest first, so that the caches get their greatest size at once.
  llvm::sort(order, [&](size_t a, size_t b) {
    size_t lengthOfA = sentences[a].size(), lengthOfB = sentences[b].size();
    return lengthOfA != lengthOfB ? lengthOfA > lengthOfB : a < b;
  });

  std::vector<llvm::ArrayRef<int32_t>> batch;
  for (size_t begin = 0; begin < order.size(); begin += batch.size()) {
    // The first sentence of a batch is its longest: all are padded to it.
    size_t longest = sentences[order[begin]].size();
    size_t size = std::clamp<size_t>(batchOptions.batchTokens / longest, 1,
                                     batchOptions.batchSize);
    size = std::min(size, order.size() - begin);
    batch.clear();
    for (size_t i = 0; i < size; ++i)
      batch.push_back(sentences[order[begin + i]]);
    llvm::Expected<std::vector<SentenceResult>> found =
        searchBatch(model, options, batch);
    if (!found)
      return found.takeError();
    for (auto [i, result] : llvm::enumerate(*found))
      results[order[begin + i]] = std::move(result);
  }
  return results;
}

llvm::Error
Translator::run(llvm::function_ref<std::optional<std::vector<int32_t>>()> next,
                llvm::function_ref<llvm::Error(SentenceResult)> emit) {
  const size_t window = batchOptions.batchSize * batchOptions.windowBatches;
  std::vector<std::vector<int32_t>> sentences;
  for (bool isAtEnd = false; !isAtEnd;) {
    sentences.clear();
    while (sentences.size() < window) {
      std::optional<std::vector<int32_t>> sentence = next();
      if (!sentence) {
        isAtEnd = true;
        break;
      }
      sentences.push_back(std::move(*sentence));
    }
    llvm::Expected<std::vector<SentenceResult>> results = translate(sentences);
    if (!results)
      return results.takeError();
    for (SentenceResult &result : *results)
      if (llvm::Error error = emit(std::move(result)))
        return error;
  }
  return llvm::Error::success();
}
