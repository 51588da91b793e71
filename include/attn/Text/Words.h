// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens → words.

#ifndef ATTN_TEXT_WORDS_H
#define ATTN_TEXT_WORDS_H

#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace attn {

/// A word, and the tokens begin..end-1 that spell it.
struct Word {
  std::string text;
  size_t begin, end;
};

/// The words that pieces spell, as spaces part them: punctuation is part of the
/// word that it is written to. Empty pieces are in none.
std::vector<Word> wordsOf(llvm::ArrayRef<std::string> pieces);

} // namespace attn

#endif // ATTN_TEXT_WORDS_H
