// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_JSONNUMBER_H
#define ATTN_TOOLS_ATTN_JSONNUMBER_H

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// Adds what was measured, with no more digits after the point than tell
/// anything: three of milliseconds and megabytes.
inline void addNumber(llvm::json::OStream &json, llvm::StringRef key,
                      double value, int digits = 3) {
  json.attributeBegin(key);
  json.rawValueBegin() << llvm::format("%.*f", digits, value);
  json.rawValueEnd();
  json.attributeEnd();
}

} // namespace attn

#endif // ATTN_TOOLS_ATTN_JSONNUMBER_H
