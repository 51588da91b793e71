// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_TEXT_TEXTBREAKS_H
#define ATTN_LIB_TEXT_TEXTBREAKS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <unicode/ubrk.h>

namespace attn {

/// Calls `found` with each part of UTF-8 `text` that ICU's iterator finds; it
/// may ask the iterator for more about the part.
UErrorCode findParts(UBreakIterator *iterator, llvm::StringRef text,
                     llvm::function_ref<void(size_t begin, size_t end)> found);

} // namespace attn

#endif // ATTN_LIB_TEXT_TEXTBREAKS_H
