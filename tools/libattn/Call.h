// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What calls of libattn have in common.

#ifndef ATTN_TOOLS_LIBATTN_CALL_H
#define ATTN_TOOLS_LIBATTN_CALL_H

#include "attn-c/attn.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemAlloc.h"
#include <cstring>

namespace attn {

/// Keeps what attn_error_message() says on this thread, and returns `status`.
attn_status fail(attn_status status, const llvm::Twine &message);
attn_status fail(attn_status status, llvm::Error error);

template <typename T> attn_status checkSize(const T &structure) {
  if (structure.size >= sizeof(size_t))
    return ATTN_OK;
  return fail(ATTN_INVALID_ARGUMENT,
              "expected the size of a structure in it, got " +
                  llvm::Twine(structure.size));
}

/// Reads what there is of `given`; the rest of `value` stays.
template <typename T> attn_status readStructure(const T &given, T &value) {
  if (attn_status status = checkSize(given))
    return status;
  std::memcpy(&value, &given, std::min(given.size, sizeof(T)));
  return ATTN_OK;
}

/// Writes what `result` has room for.
template <typename T> attn_status writeStructure(T value, T &result) {
  if (attn_status status = checkSize(result))
    return status;
  value.size = result.size;
  std::memcpy(&result, &value, std::min(result.size, sizeof(T)));
  return ATTN_OK;
}

/// A copy that attn_free() frees.
template <typename T> T *copy(llvm::ArrayRef<T> values) {
  auto *memory = static_cast<T *>(llvm::safe_malloc(values.size() * sizeof(T)));
  std::copy(values.begin(), values.end(), memory);
  return memory;
}

/// The same of text, made UTF-8 whatever characters a vocabulary has.
inline char *copyText(llvm::StringRef text) {
  std::string valid = llvm::json::fixUTF8(text);
  return copy(llvm::ArrayRef(valid.c_str(), valid.size() + 1));
}

} // namespace attn

#endif // ATTN_TOOLS_LIBATTN_CALL_H
