// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SortedQueue.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace attn;

std::string attn::checkSentence(const DecoderModel &model,
                                llvm::ArrayRef<int32_t> sentence) {
  if (sentence.empty())
    return "expected token ids, got none";
  int64_t positions = model.sourcePositions();
  if (int64_t(sentence.size()) > positions)
    return llvm::formatv(
        "expected at most {0} tokens, got {1}; hint: split the sentence",
        positions, sentence.size());
  int64_t vocabulary = model.sourceVocabulary();
  for (int32_t id : sentence)
    if (id < 0 || id >= vocabulary)
      return llvm::formatv("expected token ids in 0..{0}, got {1}",
                           vocabulary - 1, id);
  return "";
}

int64_t SortedQueue::start(int64_t most) {
  std::unique_lock<std::mutex> lock(mutex);
  readWindow(lock);
  const int64_t worthIt = order.size() / options.sentencesOfWorker;
  workers = options.batchSize == 1
                ? 1
                : std::clamp<int64_t>(worthIt, 1, std::max<int64_t>(most, 1));
  return workers;
}

void SortedQueue::read() {
  std::unique_lock<std::mutex> lock(mutex);
  while (!isAtEnd && !hasError)
    if (mayRead())
      readWindow(lock);
    else
      changed.wait(lock);
}

/// Gives `lock` back while it waits for sentences: they may come slowly, and
/// results are not to wait for them.
void SortedQueue::readWindow(std::unique_lock<std::mutex> &lock) {
  windowStart = firstEntry + entries.size();
  const size_t size = options.batchSize * options.windowBatches;
  std::vector<Entry> window;
  bool isLast = false;
  lock.unlock();
  while (window.size() < size && !hasError) {
    std::optional<std::vector<int32_t>> sentence = next();
    if (!sentence) {
      isLast = true;
      break;
    }
    Entry &entry = window.emplace_back();
    entry.ids = std::move(*sentence);
    entry.result.error = checkSentence(model, entry.ids);
    entry.isDone = !entry.result.error.empty();
  }
  lock.lock();
  isAtEnd = isLast;
  for (Entry &entry : window) {
    if (!entry.isDone)
      order.push_back(firstEntry + entries.size());
    else if (finished)
      finished();
    entries.push_back(std::move(entry));
  }
  // Longest first, so that caches get their greatest size at once.
  llvm::sort(order, [&](size_t a, size_t b) {
    size_t lengthOfA = entryAt(a).ids.size(), lengthOfB = entryAt(b).ids.size();
    return lengthOfA != lengthOfB ? lengthOfA > lengthOfB : a < b;
  });
  changed.notify_all();
  emitFinished();
}

llvm::SmallVector<SentenceQueue::Item> SortedQueue::take(int64_t count,
                                                         bool mayWait) {
  std::unique_lock<std::mutex> lock(mutex);
  while (mayWait && order.empty() && !isAtEnd && !hasError)
    changed.wait(lock);
  if (order.empty() || hasError)
    return {};
  // All are padded to the first one. What is left is shared among workers.
  const int64_t longest = entryAt(order.front()).ids.size();
  count = std::min<int64_t>(
      {count, std::max<int64_t>(options.batchTokens / longest, 1),
       int64_t(llvm::divideCeil(order.size(), uint64_t(workers)))});
  llvm::SmallVector<Item> items;
  for (; count > 0; --count) {
    items.push_back({order.front(), entryAt(order.front()).ids});
    order.pop_front();
  }
  // The next window may be due.
  if (order.empty())
    changed.notify_all();
  return items;
}

void SortedQueue::grow(size_t number, llvm::ArrayRef<int32_t> ids) {
  if (!growth)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  if (number == firstEntry && !hasError)
    if (llvm::Error error = growth(ids))
      stop(std::move(error));
}

bool SortedQueue::give(size_t number, SentenceResult result) {
  std::lock_guard<std::mutex> lock(mutex);
  if (hasError)
    return false;
  Entry &entry = entryAt(number);
  entry.result = std::move(result);
  entry.isDone = true;
  if (finished)
    finished();
  emitFinished();
  return !hasError;
}

/// Emits the results at the front.
void SortedQueue::emitFinished() {
  if (hasError)
    return;
  std::vector<SentenceResult> results;
  for (; !entries.empty() && entries.front().isDone; ++firstEntry) {
    results.push_back(std::move(entries.front().result));
    entries.pop_front();
  }
  if (results.empty())
    return;
  if (llvm::Error error = emit(results))
    stop(std::move(error));
  changed.notify_all();
}

void SortedQueue::stop(llvm::Error error) {
  if (hasError) {
    llvm::consumeError(std::move(error));
    return;
  }
  hasError = true;
  llvm::cantFail(std::move(firstError));
  firstError = std::move(error);
  changed.notify_all();
}

int64_t SortedQueue::threads() {
  // Asked without the lock: the answer may take a while.
  const bool isCancelled = options.isCancelled &&
                           std::this_thread::get_id() == caller &&
                           options.isCancelled();
  std::lock_guard<std::mutex> lock(mutex);
  if (isCancelled)
    stop(llvm::createStringError(std::errc::operation_canceled, "cancelled"));
  return hasError ? 0 : std::max<int64_t>(options.threads / workers, 1);
}

void SortedQueue::leave(llvm::Error error) {
  std::lock_guard<std::mutex> lock(mutex);
  workers = std::max<int64_t>(workers - 1, 1);
  if (error)
    stop(std::move(error));
}
