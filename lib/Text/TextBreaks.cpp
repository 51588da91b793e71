// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TextBreaks.h"

#include <unicode/utext.h>

using namespace llvm;

UErrorCode attn::findParts(UBreakIterator *iterator, StringRef text,
                           function_ref<void(size_t, size_t)> found) {
  UErrorCode status = U_ZERO_ERROR;
  // Positions are those of bytes, without a copy in UTF-16.
  UText *view = utext_openUTF8(nullptr, text.data() ? text.data() : "",
                               static_cast<int64_t>(text.size()), &status);
  ubrk_setUText(iterator, view, &status);
  if (U_SUCCESS(status)) {
    size_t begin = ubrk_first(iterator);
    for (int32_t end; (end = ubrk_next(iterator)) != UBRK_DONE; begin = end)
      found(begin, end);
  }
  utext_close(view);
  return status;
}
