// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_TEXT_SPACESIGN_H
#define ATTN_LIB_TEXT_SPACESIGN_H

#include "llvm/ADT/StringRef.h"

namespace attn {

/// SentencePiece's sign for a space before a piece, U+2581.
constexpr llvm::StringLiteral spaceSign = "\u2581";

} // namespace attn

#endif // ATTN_LIB_TEXT_SPACESIGN_H
