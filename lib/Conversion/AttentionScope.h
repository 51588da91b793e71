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

  /// Multiplications of the whole.
  mlir::Value getWork(KernelBuilder &b) const;

  mlir::Value batch, heads, queries;
  /// Keys there are, seen or not.
  mlir::Value keys;
  /// Elements of a head in queries and keys, and in values.
  int64_t keySize, valueSize;
};

/// The queries of one batch entry.
class AttentionScope {
public:
  AttentionScope(KernelBuilder &b, SdpaOp op, mlir::Value entry);

  /// Whether each key has a row of its own.
  static bool hasRowForEachKey(SdpaOp op);

  /// The entry of the keys and values that the key at `position` is in.
  mlir::Value getRow(mlir::Value position);
  /// The entry of all keys, where it is one.
  mlir::Value getRow() { return row; }
  /// The head of the keys and values that `head` of the queries reads.
  mlir::Value getKeyHead(mlir::Value head);
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
  /// What the slope of `head` takes off a vector of scores, in units of log 2.
  mlir::Value getBias(mlir::Value head, mlir::Value query,
                      mlir::Value firstKey);

  KernelBuilder &b;
  SdpaOp op;
  mlir::Value entry, row, length, before;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONSCOPE_H
