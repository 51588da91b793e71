// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "MappedFile.h"

#include "attn/Weights/Messages.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace llvm;
using namespace attn;

Expected<sys::fs::mapped_file_region> attn::mapFile(const Twine &path,
                                                    StringRef what) {
  auto failure = [&](StringRef action, std::error_code code) {
    return createStringError(code, path + ": cannot " + action + " the " +
                                       what + ": " + reasonOf(code));
  };
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return failure("read", code);
  // To open a pipe would be to wait for someone who writes.
  if (status.type() != sys::fs::file_type::regular_file)
    return createStringError(
        path + ": expected a regular file, got a directory or device");
  Expected<sys::fs::file_t> handle = sys::fs::openNativeFileForRead(path);
  if (!handle)
    return failure("read", errorToErrorCode(handle.takeError()));
  // Nothing was written that a failing close could lose.
  scope_exit close([&] { sys::fs::closeFile(*handle).clear(); });
  if (std::error_code code = sys::fs::status(*handle, status))
    return failure("read", code);
  if (status.getSize() == 0)
    return sys::fs::mapped_file_region();
  std::error_code code;
  sys::fs::mapped_file_region region(*handle,
                                     sys::fs::mapped_file_region::readonly,
                                     status.getSize(), /*offset=*/0, code);
  if (code)
    return failure("map", code);
  return std::move(region);
}

void attn::releasePages(const sys::fs::mapped_file_region &region,
                        ArrayRef<uint8_t> bytes) {
  char *base = const_cast<char *>(region.const_data());
  const char *first = reinterpret_cast<const char *>(bytes.data());
  if (bytes.empty() || first < base || first >= base + region.size())
    return;
  // Whole pages only, rounded outwards: neighbours that share a page get it
  // back at their next access, and nothing stays behind when all are released.
  // The mapping itself begins with a page.
  size_t pageSize = sys::Process::getPageSizeEstimate();
  size_t begin = alignDown(first - base, pageSize);
  size_t end = alignTo(first - base + bytes.size(), pageSize);
  // Advice: where the system refuses it, the pages merely stay.
  (void)madvise(base + begin, end - begin, MADV_DONTNEED);
}
