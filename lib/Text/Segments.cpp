// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Apart from what is done with segments, which is no concern of ICU's.

#include "SpaceSign.h"
#include "TextBreaks.h"
#include "attn/Text/UnknownWords.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using namespace llvm;
using namespace attn;

Expected<std::vector<Segment>>
attn::segmentsOf(ArrayRef<std::string> tokens,
                 function_ref<bool(size_t)> isUnknown) {
  std::string text;
  SmallVector<size_t> ends; // of the tokens in the text
  for (StringRef token : tokens) {
    if (token.consume_front(spaceSign))
      text += ' ';
    text += token;
    ends.push_back(text.size());
  }

  UErrorCode status = U_ZERO_ERROR;
  UBreakIterator *iterator =
      ubrk_open(UBRK_WORD, /*locale=*/"", nullptr, 0, &status);
  scope_exit close([&] { ubrk_close(iterator); });
  std::vector<Segment> segments;
  size_t segmentBegin = 0; // of the last one in the text
  bool isAfterSpace = true;
  auto add = [&](size_t begin, size_t end) {
    StringRef part = StringRef(text).slice(begin, end);
    if (part.trim().empty()) {
      isAfterSpace = true;
      return;
    }
    size_t first = upper_bound(ends, begin) - ends.begin();
    // A character that became several tokens is written at the last of them.
    while (first > 0 && tokens[first - 1].empty() && isUnknown(first - 1))
      --first;
    const size_t last = lower_bound(ends, end) - ends.begin();
    const bool isWord = ubrk_getRuleStatus(iterator) >= UBRK_WORD_NONE_LIMIT;
    if (segments.empty() || segments.back().end <= first) {
      segmentBegin = begin;
      segments.push_back({{"", first, 0}, false, isAfterSpace, false});
    }
    Segment &segment = segments.back();
    segment.text = StringRef(text).slice(segmentBegin, end).str();
    segment.end = last + 1;
    segment.isWord |= isWord;
    for (size_t token = first; token <= last; ++token)
      segment.isUnknown |= isUnknown(token);
    isAfterSpace = false;
  };
  if (U_SUCCESS(status))
    status = findParts(iterator, text, add);
  if (U_FAILURE(status))
    return createStringError("cannot split " + Twine(text.size()) +
                             " bytes into words: ICU says " +
                             u_errorName(status));
  return segments;
}
