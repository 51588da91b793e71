// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/Words.h"

#include "SpaceSign.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace attn;

std::vector<Word> attn::wordsOf(ArrayRef<std::string> pieces) {
  std::vector<Word> words;
  for (const auto &[i, piece] : enumerate(pieces)) {
    StringRef text = piece;
    if (text.empty())
      continue;
    // A word may have been empty: a space that is a piece by itself.
    if (text.consume_front(spaceSign) || words.empty())
      if (words.empty() || !words.back().text.empty())
        words.push_back({"", i, i});
    words.back().text += text;
    words.back().end = i + 1;
  }
  if (!words.empty() && words.back().text.empty())
    words.pop_back();
  return words;
}
