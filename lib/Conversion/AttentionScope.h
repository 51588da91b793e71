// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which keys a query of an `attn.sdpa` sees: what its operands for rows,
// lengths and positions and its windows mean, in one place for all kernels.
// Kernels have queries, keys, values and the result as [entries, heads,
// positions, size].

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
  /// How many keys a query sees at most, if there is a window.
  std::optional<int64_t> window;
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

/// The queries of one head of a batch entry.
class AttentionScope {
public:
  AttentionScope(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes,
                 mlir::Value entry, mlir::Value head);

  /// From here on the scope is that of another head of the same entry.
  void setHead(mlir::Value newHead);

  /// Whether each key has a row of its own.
  static bool hasRowForEachKey(SdpaOp op);

  /// Where in `query` and `out` is what the head has of the query at `offset`.
  llvm::SmallVector<mlir::Value> atQuery(mlir::Value query, mlir::Value offset);
  /// Where in `key` and `value` is what the head reads of the key at
  /// `position`.
  llvm::SmallVector<mlir::Value> atKey(mlir::Value position,
                                       mlir::Value offset);
  /// Where in a matrix [B, H, S, M] are the query and the key.
  llvm::SmallVector<mlir::Value> atScore(mlir::Value query,
                                         mlir::Value position);
  /// The keys that one of the queries first..last may attend to.
  IndexRange getVisible(mlir::Value first, mlir::Value last);
  /// The keys that one of them may attend to of a block: `count` keys from
  /// `firstKey` on, of which places are counted.
  IndexRange getVisible(mlir::Value first, mlir::Value last,
                        mlir::Value firstKey, mlir::Value count);
  /// Caps the scores in units of log 2 and adds the linear bias and the mask,
  /// if that is to be done, at scores[row, i] for i in `range`: those of a
  /// query and the keys `firstKey` + i.
  void emitMask(mlir::Value scores, mlir::Value row, mlir::Value query,
                mlir::Value firstKey, IndexRange range);
  /// A vector of such scores, capped and with bias and mask; `count` of them,
  /// at least 0, are of keys.
  mlir::Value applyMask(mlir::Value scores, mlir::Value query,
                        mlir::Value firstKey, mlir::Value count);
  /// A vector of such scores as a stage has them, in natural units.
  mlir::Value getStage(ScoreStage stage, mlir::Value scores, mlir::Value query,
                       mlir::Value firstKey, mlir::Value count);
  /// The score that joins the softmax of the scores that `query` has after
  /// these; null if there is none.
  mlir::Value getSink(mlir::Value query);

private:
  void findKeys();
  /// The first key that `query` may attend to, and the one after the last,
  /// each for itself.
  mlir::Value getBegin(mlir::Value query);
  mlir::Value getEnd(mlir::Value query);
  /// What is taken off the distances of `query`, so that they are 0 where the
  /// linear bias is largest: softmax does not change, if the same is done to
  /// the sink, but scores that count stay small and are rounded little.
  mlir::Value getLeastDistance(mlir::Value query);
  /// How much larger scores are for that, in units of log 2.
  mlir::Value getSlopeShift(mlir::Value query);
  /// A vector of scores less the linear bias.
  mlir::Value applySlope(mlir::Value scores, mlir::Value query,
                         mlir::Value firstKey);
  // The steps of applyMask.
  mlir::Value applyCap(mlir::Value scores);
  mlir::Value applyBiases(mlir::Value scores, mlir::Value query,
                          mlir::Value firstKey);
  mlir::Value addMask(mlir::Value scores, mlir::Value query,
                      mlir::Value firstKey, mlir::Value count, bool isNatural);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
  mlir::Value entry, head, row, length, before;
  /// In units of log 2.
  mlir::Value slope;
  /// The entry's first query and first key in the operands.
  mlir::Value queriesBegin, keysBegin;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONSCOPE_H
