// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_COMPILERMEMORY_H
#define ATTN_EXECUTION_COMPILERMEMORY_H

namespace attn {

/// Gives memory back to the system that only compiling needed: free memory of
/// the allocator, and the pages of the compiler's own code and constants, which
/// come back from their files when they are used again. To be called before
/// much memory is taken for weights, so that the two do not add up.
void releaseCompilerMemory();

} // namespace attn

#endif // ATTN_EXECUTION_COMPILERMEMORY_H
