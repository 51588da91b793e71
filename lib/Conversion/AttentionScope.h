// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which keys a query of an `attn.sdpa` sees: what its operands for rows,
// lengths and positions mean, in one place for all kernels. Kernels have
// queries, keys, values and the result as [entries, heads, positions, size].

#ifndef ATTN_LIB_CONVERSION_ATTENTIONSCOPE_H
#define ATTN_LIB_CONVERSION_ATTENTIONSCOPE_H

#include "KernelBuilder.h"
#include "attn/IR/AttnOps.h"

namespace attn {

/// Sizes of an attention.
struct AttentionSizes {
  AttentionSizes(KernelBuilder &b, SdpaOp op);

  /// Multiplications of the whole; about, where the batch is ragged.
  mlir::Value getWork(KernelBuilder &b) const;

  /// Entries of the batch, and of the keys.
  mlir::Value batch, keyEntries;
  mlir::Value heads;
  /// What one entry has of them; where the batch is ragged, all together.
  mlir::Value queries;
  /// Keys there are, seen or not; the same.
  mlir::Value keys;
  /// Whether offsets divide queries, and keys.
  bool isRagged, hasRaggedKeys;
  /// Elements of a head in queries and keys, and in values.
  int64_t keySize, valueSize;
};

/// The queries or keys of one entry of a ragged batch, which has `size` in all:
/// whatever the offsets are, they are among these.
struct RaggedEntry {
  RaggedEntry(KernelBuilder &b, mlir::Value offsets, mlir::Value entry,
              mlir::Value size);
  mlir::Value first, count;
};

/// The queries of one batch entry.
class AttentionScope {
public:
  AttentionScope(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes,
                 mlir::Value entry);

  /// Whether each key has a row of its own.
  static bool hasRowForEachKey(SdpaOp op);

  /// Where in `query` and `out` is what `head` of the query has at `offset`.
  llvm::SmallVector<mlir::Value> atQuery(mlir::Value head, mlir::Value query,
                                         mlir::Value offset);
  /// Where in `key` and `value` is what `head` of the queries reads of the key
  /// at `position`.
  llvm::SmallVector<mlir::Value> atKey(mlir::Value head, mlir::Value position,
                                       mlir::Value offset);
  /// Where in a matrix [B, H, S, M] are the query and the key.
  llvm::SmallVector<mlir::Value> atScore(mlir::Value head, mlir::Value query,
                                         mlir::Value position);
  /// How many keys, from the first on, `query` may attend to; at least 0.
  mlir::Value getVisible(mlir::Value query);
  /// Caps `count` scores in units of log 2 and adds the linear bias and the
  /// mask, if that is to be done, from scores[row, 0] on: those of a query and
  /// the keys from `firstKey` on.
  void emitMask(mlir::Value scores, mlir::Value row, mlir::Value head,
                mlir::Value query, mlir::Value firstKey, mlir::Value count);
  /// A vector of such scores, capped and with bias and mask; `count` of them,
  /// at least 0, are of keys.
  mlir::Value applyMask(mlir::Value scores, mlir::Value head, mlir::Value query,
                        mlir::Value firstKey, mlir::Value count);

private:
  void findKeys();
  /// What the slope of `head` takes off a vector of scores, in units of log 2.
  mlir::Value getBias(mlir::Value head, mlir::Value query,
                      mlir::Value firstKey);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
  mlir::Value entry, row, length, before;
  /// The entry's first query and first key in the operands.
  mlir::Value queriesBegin, keysBegin;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONSCOPE_H
