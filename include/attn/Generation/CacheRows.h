// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_CACHEROWS_H
#define ATTN_GENERATION_CACHEROWS_H

#include "attn/Generation/DecoderModel.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace attn {

/// The index that lets beams be reordered, and sentences come and go, without
/// moving a key or a value: entry [r, t] is the cache row that holds position
/// t of row r.
///
/// A row writes its new position to a cache row that only its sentence uses.
/// That overwrites nothing anybody needs: the rows of a sentence are all at the
/// same position, each writes to another cache row, and no step before has
/// written that position for this sentence.
class CacheRows {
public:
  /// Makes room for `capacity` positions, keeping what is there.
  void grow(int64_t capacity);

  /// Replaces the rows by others, each with the history of its parent and one
  /// position more. Needs capacity() > the length of any of these histories.
  void advance(llvm::ArrayRef<DecoderRow> rows);

  /// The most positions that a row will have after advance(rows).
  int64_t positionsAfter(llvm::ArrayRef<DecoderRow> rows) const;

  int64_t capacity() const { return numCapacity; }

  /// [rows]: the position that each row has just got.
  llvm::ArrayRef<int32_t> positions() const { return newest; }
  /// [rows, capacity]; entries after positions() mean nothing.
  llvm::ArrayRef<int32_t> table() const {
    return llvm::ArrayRef(current).take_front(newest.size() * numCapacity);
  }

private:
  std::vector<int32_t> current, next;
  std::vector<int32_t> newest, nextNewest;
  int64_t numCapacity = 0;
};

} // namespace attn

#endif // ATTN_GENERATION_CACHEROWS_H
