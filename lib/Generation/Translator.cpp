// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Translator.h"
#include "SortedQueue.h"
#include "llvm/Support/thread.h"
#include <cassert>

using namespace attn;

DecoderModel::~DecoderModel() = default;

llvm::Expected<std::unique_ptr<Translator>>
Translator::create(llvm::ArrayRef<DecoderModel *> models,
                   GenerationOptions options, BatchOptions batchOptions) {
  const DecoderModel &model = *models.front();
  if (llvm::Error error =
          options.verify(model.targetVocabulary(), model.targetPositions(),
                         model.attentionHeads()))
    return std::move(error);
  assert(batchOptions.windowBatches >= 1);
  if (batchOptions.batchSize < 1)
    return llvm::createStringError("expected a batch size of at least 1, got " +
                                   llvm::Twine(batchOptions.batchSize));
  return std::unique_ptr<Translator>(
      new Translator(models, std::move(options), std::move(batchOptions)));
}

llvm::Error Translator::run(Source next, Sink emit, Observer finished,
                            Growth growth) {
  SortedQueue queue(*models.front(), batchOptions, next, emit, finished,
                    growth);
  const int64_t numWorkers = queue.start(models.size());
  auto work = [&](DecoderModel *model) {
    queue.leave(search(*model, options, batchOptions.batchSize, queue));
  };
  std::vector<llvm::thread> others;
  if (queue.hasMore())
    others.emplace_back([&] { queue.read(); });
  for (int64_t i = 1; i < numWorkers; ++i)
    others.emplace_back(work, models[i]);
  work(models.front());
  for (llvm::thread &other : others)
    other.join();
  return queue.takeError();
}

llvm::Expected<std::vector<SentenceResult>>
Translator::translate(llvm::ArrayRef<std::vector<int32_t>> sentences) {
  std::vector<SentenceResult> results;
  results.reserve(sentences.size());
  size_t next = 0;
  llvm::Error error = run(
      [&]() -> std::optional<std::vector<int32_t>> {
        if (next == sentences.size())
          return std::nullopt;
        return sentences[next++];
      },
      [&](llvm::MutableArrayRef<SentenceResult> found) {
        std::move(found.begin(), found.end(), std::back_inserter(results));
        return llvm::Error::success();
      });
  if (error)
    return std::move(error);
  return results;
}
