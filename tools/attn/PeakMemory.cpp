// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PeakMemory.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

double attn::peakMemory() {
  auto buffer = MemoryBuffer::getFileAsStream("/proc/self/status");
  double kilobytes = 0;
  if (buffer)
    (*buffer)
        ->getBuffer()
        .split("VmHWM:")
        .second.split('k')
        .first.trim()
        .getAsDouble(kilobytes);
  return kilobytes / 1024;
}
