// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place where sizes of blocks follow from a processor's caches. They
// decide when something is computed, never in which order it is summed. The
// shares were measured with 48 KB and 2 MB, those of products with 32 KB and 1
// MB too.

#ifndef ATTN_LIB_CONVERSION_TILESIZES_H
#define ATTN_LIB_CONVERSION_TILESIZES_H

#include "attn/IR/AttnDialect.h"
#include <algorithm>

namespace attn {

struct TileSizes {
  explicit TileSizes(TargetAttr target)
      : l1(target.getL1()), l2(target.getL2()), isAmx(target.hasTiles()) {}

  /// Bytes of the rows that a matrix product keeps in the second-level cache,
  /// beside the panel of the weight that they meet and the next one.
  int64_t getProductBytes() const {
    return std::max<int64_t>(l2 / 2, l2 - (512 << 10));
  }
  /// Most steps of the depth of such a panel, which is `width` columns wide: a
  /// multiple of 512. Fewer would keep more of it in the first-level cache, but
  /// sums would go to memory and back more often, which costs more.
  int64_t getProductDepth(int64_t width) const {
    int64_t steps = l2 / 8 / (4 * width);
    return std::clamp<int64_t>(steps / 512 * 512, 512, 2048);
  }
  /// Bytes of the hidden matrix that a feed-forward keeps there, beside rows
  /// and panels of both products.
  int64_t getHiddenBytes() const { return l2 / 8 * 3; }
  /// Queries that meet one block of keys after the other.
  int64_t getQueries() const { return l2 >> 12; }
  /// Queries that do, in products of tiles: a multiple of 32.
  int64_t getTileQueries() const {
    return std::max<int64_t>(l2 >> 11, 32) / 32 * 32;
  }
  /// Bytes of a weight in tiles that a product keeps in the second-level cache.
  int64_t getTilePanelBytes() const { return l2 / 2; }
  /// Bytes of the hidden matrix of bf16 between two products. With AMX it
  /// streams past a block of the weight that stays in the second-level cache:
  /// to read the weight again for fewer rows costs more. Vectors take longer
  /// than that.
  int64_t getTileHiddenBytes() const { return isAmx ? 4 * l2 : l2; }
  /// Steps of the depth, of 2 KB of rows each, that AMX keeps in the first.
  int64_t getAmxSteps() const { return std::max<int64_t>(l1 / 3 * 2 >> 11, 1); }
  /// The same of vectors, which read rows from the second-level cache as fast.
  int64_t getVectorSteps() const { return std::max<int64_t>(l2 >> 14, 1); }

private:
  int64_t l1, l2;
  bool isAmx;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_TILESIZES_H
