// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokens → words.

#include "attn/Text/Tokenizer.h"
#include "llvm/ADT/STLFunctionalExtras.h"

using namespace llvm;
using namespace attn;

/// `tokenOf` gives the token of an id; an empty one is in no word.
static std::vector<Word> groupTokens(ArrayRef<int32_t> ids,
                                     function_ref<StringRef(int32_t)> tokenOf) {
  constexpr StringLiteral space =
      "\u2581"; // begins a piece that has one before
  std::vector<Word> words;
  for (size_t i = 0; i < ids.size(); ++i) {
    StringRef token = tokenOf(ids[i]);
    if (token.empty())
      continue;
    // A word may have been empty: a space that is a piece by itself.
    if (token.consume_front(space) || words.empty())
      if (words.empty() || !words.back().text.empty())
        words.push_back({"", i, i});
    words.back().text += token;
    words.back().end = i + 1;
  }
  if (!words.empty() && words.back().text.empty())
    words.pop_back();
  return words;
}

std::vector<Word> Tokenizer::sourceWords(ArrayRef<int32_t> ids) const {
  return groupTokens(ids, [&](int32_t id) {
    return id == endId() || id == paddingId() ? StringRef() : sourceToken(id);
  });
}

std::vector<Word> Tokenizer::targetWords(ArrayRef<int32_t> ids) const {
  return groupTokens(ids, [&](int32_t id) {
    StringRef token = targetToken(id);
    return token == "</s>" || token == "<pad>" ? StringRef() : token;
  });
}
