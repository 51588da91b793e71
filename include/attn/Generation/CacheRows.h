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
/// That overwrites nothing anybody needs: of the rows of a sentence that are at
/// one position, each writes to another cache row.
class CacheRows {
public:
  /// Makes room for `capacity` positions, keeping what is there.
  void grow(int64_t capacity);

  /// Gives each row the history of its parent and one position more, and keeps
  /// that as the row's history. Needs capacity() > the length of any of these.
  void advance(llvm::ArrayRef<DecoderRow> rows);

  /// The most positions that a row will have after advance(rows).
  int64_t positionsAfter(llvm::ArrayRef<DecoderRow> rows) const;

  /// The positions of the longest history.
  int64_t longest() const;

  int64_t capacity() const { return numCapacity; }

  /// [rows]: the position that each row has just got.
  llvm::ArrayRef<int32_t> positions() const { return newest; }
  /// [rows, capacity]; entries after positions() mean nothing.
  llvm::ArrayRef<int32_t> table() const { return current; }

private:
  int64_t lengthOf(int32_t history) const {
    return history < 0 ? 0 : lengths[history];
  }

  /// [histories] and [histories, capacity].
  std::vector<int32_t> lengths, histories;
  std::vector<int32_t> newest, current;
  int64_t numCapacity = 0;
};

} // namespace attn

#endif // ATTN_GENERATION_CACHEROWS_H
