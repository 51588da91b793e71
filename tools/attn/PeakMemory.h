// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_PEAKMEMORY_H
#define ATTN_TOOLS_ATTN_PEAKMEMORY_H

namespace attn {

/// The most memory that this process had, in MiB; 0 where the system does not
/// tell. Not getrusage: what that says begins with the memory of the parent.
double peakMemory();

} // namespace attn

#endif // ATTN_TOOLS_ATTN_PEAKMEMORY_H
