// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SortedQueue.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace attn;

/// Why `sentence` cannot be translated; empty if it can.
std::string SortedQueue::check(llvm::ArrayRef<int32_t> sentence) const {
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

int64_t SortedQueue::start(int64_t most) {
  std::lock_guard<std::mutex> lock(mutex);
  readWindow();
  int64_t sentences = order.size();
  workers = options.batchSize == 1
                ? 1
                : std::clamp<int64_t>(sentences, 1, std::max<int64_t>(most, 1));
  return workers;
}

void SortedQueue::readWindow() {
  windowStart = firstEntry + entries.size();
  const size_t size = options.batchSize * options.windowBatches;
  while (entries.size() < windowStart - firstEntry + size) {
    std::optional<std::vector<int32_t>> sentence = next();
    if (!sentence) {
      isAtEnd = true;
      break;
    }
    Entry &entry = entries.emplace_back();
    entry.ids = std::move(*sentence);
    entry.result.error = check(entry.ids);
    entry.isDone = !entry.result.error.empty();
    if (!entry.isDone)
      order.push_back(firstEntry + entries.size() - 1);
  }
  // Longest first, so that caches get their greatest size at once.
  llvm::sort(order, [&](size_t a, size_t b) {
    size_t lengthOfA = entryAt(a).ids.size(), lengthOfB = entryAt(b).ids.size();
    return lengthOfA != lengthOfB ? lengthOfA > lengthOfB : a < b;
  });
  emitFinished();
}

llvm::SmallVector<SentenceQueue::Item> SortedQueue::take(int64_t count,
                                                         bool mayWait) {
  std::unique_lock<std::mutex> lock(mutex);
  while (order.empty() && !hasError) {
    if (mayRead())
      readWindow();
    else if (mayWait && !isAtEnd)
      changed.wait(lock);
    else
      break;
  }
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
  return items;
}

bool SortedQueue::give(size_t number, SentenceResult result) {
  std::lock_guard<std::mutex> lock(mutex);
  if (hasError)
    return false;
  Entry &entry = entryAt(number);
  entry.result = std::move(result);
  entry.isDone = true;
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
  std::lock_guard<std::mutex> lock(mutex);
  return std::max<int64_t>(options.threads / workers, 1);
}

void SortedQueue::leave(llvm::Error error) {
  std::lock_guard<std::mutex> lock(mutex);
  workers = std::max<int64_t>(workers - 1, 1);
  if (error)
    stop(std::move(error));
}
