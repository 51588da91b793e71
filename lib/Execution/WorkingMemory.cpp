// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/WorkingMemory.h"

#include <malloc.h>

void attn::keepWorkingMemory() {
  // As much as one call may take and give back. Memory that is mapped for one
  // allocation alone is always given back, and costs a page fault for each page
  // again: the logits of 256 rows over a large vocabulary are such a one.
  constexpr int most = 1 << 30;
  mallopt(M_TRIM_THRESHOLD, most);
  mallopt(M_MMAP_MAX, 0);
  // One arena: those of other threads give memory back whatever the threshold,
  // and each keeps what it has for itself.
  mallopt(M_ARENA_MAX, 1);
}
