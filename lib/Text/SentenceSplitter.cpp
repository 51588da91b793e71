// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/SentenceSplitter.h"

#include "TextBreaks.h"

using namespace llvm;
using namespace attn;

namespace {

/// That of ICU.
class IcuSplitter final : public SentenceSplitter {
public:
  explicit IcuSplitter(UBreakIterator *iterator) : iterator(iterator) {}

  Expected<std::vector<StringRef>> split(StringRef text) override;

private:
  struct Close {
    void operator()(UBreakIterator *iterator) const { ubrk_close(iterator); }
  };

  std::unique_ptr<UBreakIterator, Close> iterator;
};

} // namespace

Expected<std::unique_ptr<SentenceSplitter>>
SentenceSplitter::create(StringRef language) {
  // A key of Unicode's locale identifiers: "sentence break suppressions".
  std::string locale = (language + "@ss=standard").str();
  UErrorCode status = U_ZERO_ERROR;
  UBreakIterator *iterator =
      ubrk_open(UBRK_SENTENCE, locale.c_str(), nullptr, 0, &status);
  if (U_FAILURE(status))
    return createStringError("cannot split sentences of the language \"" +
                             language + "\": ICU says " + u_errorName(status));
  return std::make_unique<IcuSplitter>(iterator);
}

Expected<std::vector<StringRef>> IcuSplitter::split(StringRef text) {
  std::vector<StringRef> sentences;
  UErrorCode status =
      findParts(iterator.get(), text, [&](size_t begin, size_t end) {
        if (StringRef sentence = text.slice(begin, end).trim();
            !sentence.empty())
          sentences.push_back(sentence);
      });
  if (U_FAILURE(status))
    return createStringError("cannot split " + Twine(text.size()) +
                             " bytes into sentences: ICU says " +
                             u_errorName(status));
  return sentences;
}
