// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CacheRows.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cassert>

using namespace attn;

void CacheRows::grow(int64_t capacity) {
  assert(capacity >= numCapacity && "a cache never shrinks");
  std::vector<int32_t> grown(lengths.size() * capacity);
  for (size_t history = 0; history < lengths.size(); ++history)
    std::copy_n(histories.begin() + history * numCapacity, lengths[history],
                grown.begin() + history * capacity);
  histories.swap(grown);
  numCapacity = capacity;
}

int64_t CacheRows::positionsAfter(llvm::ArrayRef<DecoderRow> rows) const {
  int64_t most = 0;
  for (const DecoderRow &row : rows)
    most = std::max(most, lengthOf(row.parent) + 1);
  return most;
}

int64_t CacheRows::longest() const {
  return lengths.empty() ? 0 : *llvm::max_element(lengths);
}

void CacheRows::advance(llvm::ArrayRef<DecoderRow> rows) {
  assert(positionsAfter(rows) <= numCapacity && "no room for a position");
  newest.clear();
  current.resize(rows.size() * numCapacity);
  for (auto [index, row] : llvm::enumerate(rows)) {
    if (size_t(row.history) >= lengths.size()) {
      lengths.resize(row.history + 1);
      histories.resize(lengths.size() * numCapacity);
    }
    const int64_t length = lengthOf(row.parent);
    int32_t *history = histories.data() + row.history * numCapacity;
    if (length > 0 && row.parent != row.history)
      std::copy_n(histories.begin() + row.parent * numCapacity, length,
                  history);
    history[length] = row.cacheRow;
    lengths[row.history] = static_cast<int32_t>(length + 1);
    std::copy_n(history, length + 1, current.begin() + index * numCapacity);
    newest.push_back(static_cast<int32_t>(length));
  }
}
