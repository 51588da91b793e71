// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_CACHEROWS_H
#define ATTN_GENERATION_CACHEROWS_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace attn {

/// The index that lets beams be reordered, and finished ones leave, without
/// moving a key or a value: entry [r, t] is the cache row that holds position
/// t of row r. All rows have the same number of positions.
///
/// Row r writes position t to cache row r. That overwrites nothing anybody
/// needs, because position t of every cache row is written by the step at t
/// alone, whatever the rows meant before.
class CacheRows {
public:
  /// Starts anew: no rows and no positions; `capacity` positions fit.
  void reset(int64_t capacity);

  /// Makes room for `capacity` positions, keeping what is there.
  void grow(int64_t capacity);

  /// Appends one position: row r continues row `parents[r]` (histories are
  /// empty at the first position, where `parents` is not looked at), and its
  /// new position lies in cache row r. Needs positions() < capacity().
  void advance(int64_t rows, llvm::ArrayRef<int32_t> parents);

  int64_t rows() const { return numRows; }
  int64_t positions() const { return numPositions; }
  int64_t capacity() const { return numCapacity; }

  /// [rows, capacity]; entries at and after positions() mean nothing.
  llvm::MutableArrayRef<int32_t> table() {
    return llvm::MutableArrayRef<int32_t>(current.data(),
                                          numRows * numCapacity);
  }

private:
  std::vector<int32_t> current, next;
  int64_t numRows = 0, numPositions = 0, numCapacity = 0;
};

} // namespace attn

#endif // ATTN_GENERATION_CACHEROWS_H
