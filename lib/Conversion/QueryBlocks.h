// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The queries of an attention cut into blocks, each of one entry of the batch
// and of one head or a few, that threads take one by one.

#ifndef ATTN_LIB_CONVERSION_QUERYBLOCKS_H
#define ATTN_LIB_CONVERSION_QUERYBLOCKS_H

#include "AttentionScope.h"

namespace attn {

class QueryBlocks {
public:
  using Value = mlir::Value;

  /// Of at most `rows` queries and at most `headsAtOnce` heads.
  QueryBlocks(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes,
              Value rows, Value headsAtOnce);
  /// Of one head and at most `mostRows` queries, and fewer where there would be
  /// few blocks; a multiple of `unit` where there are more queries.
  QueryBlocks(KernelBuilder &b, SdpaOp op, const AttentionSizes &sizes,
              int64_t mostRows, int64_t unit);

  struct Block {
    Value entry;
    /// Queries of the entry, from the first of the block on.
    Value firstQuery, count;
    Value firstHead = {}, headCount = {};
  };
  /// Runs body(block, memory) for each on the threads there are, with memory
  /// of its own for each thread. `isUneven` where queries see unlike numbers of
  /// keys.
  void forEach(llvm::ArrayRef<mlir::MemRefType> workspace, bool isUneven,
               llvm::function_ref<void(const Block &, mlir::ValueRange)> body);

private:
  /// The entry that block `slot` of a ragged batch is in.
  Value findEntry(Value slot);
  Value getFirstSlot(Value entry);

  KernelBuilder &b;
  SdpaOp op;
  const AttentionSizes &sizes;
  Value rows, headsAtOnce;
  int64_t unit;
  /// Steps of a search through the entries of a ragged batch.
  Value searchSteps;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_QUERYBLOCKS_H
