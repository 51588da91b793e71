// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/Search.h"
#include "SentenceSearch.h"
#include "llvm/ADT/STLExtras.h"
#include <deque>

using namespace attn;

SentenceQueue::~SentenceQueue() = default;

namespace {

/// Numbers from 0 on, of which those given back are taken again first: there
/// are as many as were ever in use at once.
class Numbers {
public:
  int32_t take() { return free.empty() ? count++ : free.pop_back_val(); }
  void giveBack(int32_t number) { free.push_back(number); }

private:
  llvm::SmallVector<int32_t> free;
  int32_t count = 0;
};

class BatchSearch {
public:
  BatchSearch(DecoderModel &model, const GenerationOptions &options,
              int64_t batchSize, SentenceQueue &queue)
      : model(model), options(options), batchSize(batchSize), queue(queue),
        processor(options), vocabulary(model.targetVocabulary()) {}

  llvm::Error run() {
    while (!isStopped) {
      const int64_t threads = queue.threads();
      if (threads == 0)
        break;
      model.setThreads(threads);
      if (llvm::Error error = admit())
        return error;
      if (active.empty())
        break;
      if (llvm::Error error = step())
        return error;
      retire();
    }
    return llvm::Error::success();
  }

private:
  /// A sentence that was encoded.
  struct Encoded {
    size_t number;
    /// Where the model keeps what it encoded.
    int32_t slot;
    int64_t tokens;
  };

  /// A sentence that is being translated.
  struct Active {
    Encoded sentence;
    /// Its cache rows are those from place · beam size on.
    int32_t place;
    std::unique_ptr<SentenceSearch> search;
    /// Where its rows begin in the last step.
    int64_t firstRow = 0;
    bool isDone = false;
    /// Whether the greatest token of the last step was not enough.
    bool needsLogits = true;
  };

  llvm::Error encodeMore();
  llvm::Error admit();
  llvm::Error step();
  llvm::Error advance();
  void retire();

  DecoderModel &model;
  const GenerationOptions &options;
  const int64_t batchSize;
  SentenceQueue &queue;
  const LogitProcessor processor;
  const int64_t vocabulary;

  /// In the order in which they will enter the batch.
  std::deque<Encoded> waiting;
  std::vector<Active> active;
  Numbers slots, places;
  std::vector<DecoderRow> rows;
  bool isStopped = false;
};

} // namespace

/// Encodes as many sentences as a batch has.
llvm::Error BatchSearch::encodeMore() {
  llvm::SmallVector<SentenceQueue::Item> items =
      queue.take(batchSize, /*mayWait=*/active.empty());
  if (items.empty())
    return llvm::Error::success();
  llvm::SmallVector<llvm::ArrayRef<int32_t>> sentences;
  llvm::SmallVector<int32_t> theirSlots;
  for (const SentenceQueue::Item &item : items) {
    sentences.push_back(item.ids);
    theirSlots.push_back(slots.take());
    waiting.push_back({item.number, theirSlots.back(),
                       static_cast<int64_t>(item.ids.size())});
  }
  return model.encode(sentences, theirSlots, options.padToken);
}

/// Fills the batch.
llvm::Error BatchSearch::admit() {
  while (int64_t(active.size()) < batchSize) {
    if (waiting.empty())
      if (llvm::Error error = encodeMore())
        return error;
    if (waiting.empty())
      break;
    const int64_t tokens = waiting.front().tokens;
    active.push_back({waiting.front(), places.take(),
                      options.beamSize == 1
                          ? createGreedySearch(processor, tokens)
                          : createBeamSearch(processor, vocabulary, tokens)});
    waiting.pop_front();
  }
  return llvm::Error::success();
}

llvm::Error BatchSearch::step() {
  // A step of few rows takes as long with some more.
  constexpr int64_t fewRows = 16;
  const int64_t beams = options.beamSize;
  const bool mayWait = static_cast<int64_t>(active.size()) * beams > fewRows;
  rows.clear();
  for (Active &sentence : active) {
    const auto firstBeam = static_cast<int32_t>(sentence.place * beams);
    const int32_t firstHistory = 2 * firstBeam;
    sentence.firstRow = static_cast<int64_t>(rows.size());
    for (auto [token, parent, history, beam] : sentence.search->rows(mayWait))
      rows.push_back({token, parent < 0 ? -1 : firstHistory + parent,
                      firstHistory + history, sentence.sentence.slot,
                      firstBeam + beam});
  }
  if (llvm::Error error = model.step(rows))
    return error;
  return advance();
}

/// Gives what the model tells of a step to the sentences.
llvm::Error BatchSearch::advance() {
  const StepAttention attention = model.attention();
  const int64_t numActive = active.size();
  bool needLogits = true;
  // All searches of a batch are alike.
  if (active.front().search->wantsGreatest()) {
    llvm::Expected<llvm::ArrayRef<int32_t>> greatest = model.greatest();
    if (!greatest)
      return greatest.takeError();
    needLogits = false;
    for (Active &sentence : active) {
      std::optional<bool> isDone = sentence.search->advance(
          (*greatest)[sentence.firstRow], attention, sentence.firstRow);
      sentence.needsLogits = !isDone;
      sentence.isDone = isDone.value_or(false);
      needLogits |= sentence.needsLogits;
    }
  }
  if (!needLogits)
    return llvm::Error::success();
  llvm::Expected<Logits> logits = model.logits();
  if (!logits)
    return logits.takeError();
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < numActive; ++i) {
    Active &sentence = active[i];
    if (sentence.needsLogits)
      sentence.isDone =
          sentence.search->advance(*logits, attention, sentence.firstRow);
  }
  return llvm::Error::success();
}

/// Takes sentences that are done out of the batch, and tells how far others
/// are.
void BatchSearch::retire() {
  for (Active &sentence : active) {
    if (!sentence.isDone) {
      queue.grow(sentence.sentence.number, sentence.search->sureTokens());
      continue;
    }
    isStopped |=
        !queue.give(sentence.sentence.number, sentence.search->result());
    slots.giveBack(sentence.sentence.slot);
    places.giveBack(sentence.place);
  }
  llvm::erase_if(active,
                 [](const Active &sentence) { return sentence.isDone; });
}

llvm::Error attn::search(DecoderModel &model, const GenerationOptions &options,
                         int64_t batchSize, SentenceQueue &queue) {
  return BatchSearch(model, options, batchSize, queue).run();
}
