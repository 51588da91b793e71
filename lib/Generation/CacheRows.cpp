// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/CacheRows.h"
#include <algorithm>
#include <cassert>

using namespace attn;

void CacheRows::reset(int64_t capacity) {
  numRows = numPositions = 0;
  numCapacity = capacity;
}

void CacheRows::grow(int64_t capacity) {
  assert(capacity >= numCapacity && "a cache never shrinks");
  next.resize(std::max<size_t>(next.size(), numRows * capacity));
  for (int64_t row = 0; row < numRows; ++row)
    std::copy_n(current.begin() + row * numCapacity, numPositions,
                next.begin() + row * capacity);
  current.swap(next);
  numCapacity = capacity;
}

void CacheRows::advance(int64_t rows, llvm::ArrayRef<int32_t> parents) {
  assert(numPositions < numCapacity && "no room for another position");
  assert((numPositions == 0 || int64_t(parents.size()) == rows) &&
         "every row needs a parent");
  next.resize(std::max<size_t>(next.size(), rows * numCapacity));
  for (int64_t row = 0; row < rows; ++row) {
    int32_t *entry = next.data() + row * numCapacity;
    if (numPositions != 0) {
      assert(parents[row] >= 0 && parents[row] < numRows && "no such parent");
      std::copy_n(current.begin() + parents[row] * numCapacity, numPositions,
                  entry);
    }
    entry[numPositions] = static_cast<int32_t>(row);
  }
  current.swap(next);
  numRows = rows;
  ++numPositions;
}
