// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CacheRows.h"
#include <algorithm>
#include <cassert>

using namespace attn;

void CacheRows::grow(int64_t capacity) {
  assert(capacity >= numCapacity && "a cache never shrinks");
  next.resize(std::max<size_t>(next.size(), newest.size() * capacity));
  for (size_t row = 0; row < newest.size(); ++row)
    std::copy_n(current.begin() + row * numCapacity, newest[row] + 1,
                next.begin() + row * capacity);
  current.swap(next);
  numCapacity = capacity;
}

int64_t CacheRows::positionsAfter(llvm::ArrayRef<DecoderRow> rows) const {
  int64_t most = 0;
  for (const DecoderRow &row : rows)
    most = std::max<int64_t>(most, row.parent < 0 ? 1 : newest[row.parent] + 2);
  return most;
}

void CacheRows::advance(llvm::ArrayRef<DecoderRow> rows) {
  assert(positionsAfter(rows) <= numCapacity && "no room for a position");
  next.resize(std::max<size_t>(next.size(), rows.size() * numCapacity));
  nextNewest.clear();
  for (size_t row = 0; row < rows.size(); ++row) {
    int32_t *entry = next.data() + row * numCapacity;
    int32_t position = 0;
    if (int32_t parent = rows[row].parent; parent >= 0) {
      assert(parent < int64_t(newest.size()) && "no such parent");
      position = newest[parent] + 1;
      std::copy_n(current.begin() + parent * numCapacity, position, entry);
    }
    entry[position] = rows[row].cacheRow;
    nextNewest.push_back(position);
  }
  current.swap(next);
  newest.swap(nextNewest);
}
