// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/WorkingMemory.h"

#include <malloc.h>

void attn::keepWorkingMemory() {
  // As much as one call may take and give back; the largest that the allocator
  // does not map for itself, which would cost a page fault for each page.
  constexpr int most = 1 << 30, largest = 32 << 20;
  mallopt(M_TRIM_THRESHOLD, most);
  mallopt(M_MMAP_THRESHOLD, largest);
  // One arena: those of other threads give memory back whatever the threshold,
  // and each keeps what it has for itself.
  mallopt(M_ARENA_MAX, 1);
}
