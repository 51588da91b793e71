// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A queue between a stream of sentences, in their order, and workers, who take
// them by length.

#ifndef ATTN_LIB_GENERATION_SORTEDQUEUE_H
#define ATTN_LIB_GENERATION_SORTEDQUEUE_H

#include "attn/Generation/Translator.h"
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace attn {

/// Everything is done under one lock, but for waiting for the next sentence.
class SortedQueue : public SentenceQueue {
public:
  /// Limits are those of `model`.
  SortedQueue(const DecoderModel &model, const BatchOptions &options,
              Translator::Source next, Translator::Sink emit,
              Translator::Observer finished, Translator::Growth growth)
      : model(model), options(options), next(next), emit(emit),
        finished(finished), growth(growth) {}

  /// Reads the first sentences. Returns how many workers make sense, of at most
  /// `most`.
  int64_t start(int64_t most);

  /// Whether there is more to read.
  bool hasMore() const { return !isAtEnd; }

  /// Reads the others as they are needed; for a thread of its own.
  void read();

  llvm::SmallVector<Item> take(int64_t count, bool mayWait) override;
  void grow(size_t number, llvm::ArrayRef<int32_t> ids) override;
  bool give(size_t number, SentenceResult result) override;
  int64_t threads() override;

  /// A worker is gone. An error stops the others.
  void leave(llvm::Error error);

  /// The first error, once all workers are gone.
  llvm::Error takeError() { return std::move(firstError); }

private:
  struct Entry {
    std::vector<int32_t> ids;
    SentenceResult result;
    bool isDone = false;
  };

  void readWindow(std::unique_lock<std::mutex> &lock);
  void emitFinished();
  void stop(llvm::Error error);
  /// Whether the last window is taken, and what came before it finished.
  bool mayRead() const { return order.empty() && firstEntry >= windowStart; }
  Entry &entryAt(size_t number) { return entries[number - firstEntry]; }

  const DecoderModel &model;
  const BatchOptions options;
  Translator::Source next;
  Translator::Sink emit;
  Translator::Observer finished;
  Translator::Growth growth;
  const std::thread::id caller = std::this_thread::get_id();

  std::mutex mutex;
  std::condition_variable changed;
  /// Sentences that were read and whose results were not emitted.
  std::deque<Entry> entries;
  /// The number of the first of them, and of the first in the last window.
  size_t firstEntry = 0, windowStart = 0;
  /// Numbers of sentences to be taken, longest first.
  std::deque<size_t> order;
  int64_t workers = 1;
  bool isAtEnd = false;
  std::atomic<bool> hasError = false; // also read where there is no lock
  llvm::Error firstError = llvm::Error::success();
};

} // namespace attn

#endif // ATTN_LIB_GENERATION_SORTEDQUEUE_H
