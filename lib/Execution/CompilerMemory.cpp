// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/CompilerMemory.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>

static int releaseLibrary(dl_phdr_info *info, size_t, void *) {
  llvm::StringRef name = info->dlpi_name;
  if (!name.contains("libLLVM") && !name.contains("libMLIR"))
    return 0;
  uintptr_t pageSize = llvm::sys::Process::getPageSizeEstimate();
  for (const ElfW(Phdr) &segment :
       llvm::ArrayRef(info->dlpi_phdr, info->dlpi_phnum)) {
    // What is or was writable holds more than the file does: relocations.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W))
      continue;
    uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    uintptr_t end = llvm::alignDown(begin + segment.p_memsz, pageSize);
    begin = llvm::alignTo(begin, pageSize);
    // Advice: where the system refuses it, the pages merely stay.
    if (begin >= end)
      continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): so does the loader count.
    (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

void attn::releaseCompilerMemory() {
  malloc_trim(0);
  dl_iterate_phdr(releaseLibrary, nullptr);
}
