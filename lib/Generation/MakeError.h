// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_GENERATION_MAKEERROR_H
#define ATTN_LIB_GENERATION_MAKEERROR_H

#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"

namespace attn {

/// An error with a message in the words of llvm::formatv.
template <typename... Args>
llvm::Error makeError(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

} // namespace attn

#endif // ATTN_LIB_GENERATION_MAKEERROR_H
