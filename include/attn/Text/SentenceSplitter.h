// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text to sentences.

#ifndef ATTN_TEXT_SENTENCESPLITTER_H
#define ATTN_TEXT_SENTENCESPLITTER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <vector>

namespace attn {

/// Splits text where sentences end by the rules of Unicode (Standard Annex 29,
/// "Unicode Text Segmentation"), but not after abbreviations that the Common
/// Locale Data Repository lists for the language, such as "Mr.". To be used by
/// one thread at a time.
class SentenceSplitter {
public:
  virtual ~SentenceSplitter() = default;

  /// `language` is a code such as "en" or "eng". For one that is empty or not
  /// known, no abbreviations are. Error: ICU has no rules.
  static llvm::Expected<std::unique_ptr<SentenceSplitter>>
  create(llvm::StringRef language);

  /// The sentences of `text` in their order, without space around them; none
  /// if there is nothing but space. What is not UTF-8 is kept as it is.
  /// Error: `text` has 2 GiB or more.
  virtual llvm::Expected<std::vector<llvm::StringRef>>
  split(llvm::StringRef text) = 0;
};

} // namespace attn

#endif // ATTN_TEXT_SENTENCESPLITTER_H
