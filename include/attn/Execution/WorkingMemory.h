// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_WORKINGMEMORY_H
#define ATTN_EXECUTION_WORKINGMEMORY_H

namespace attn {

/// Asks the allocator to keep what compiled functions free, for their next
/// call: getting memory from the system again can cost a small function a fifth
/// of its time.
void keepWorkingMemory();

} // namespace attn

#endif // ATTN_EXECUTION_WORKINGMEMORY_H
