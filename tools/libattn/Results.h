// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_LIBATTN_RESULTS_H
#define ATTN_TOOLS_LIBATTN_RESULTS_H

#include "attn-c/attn.h"
#include "attn/Generation/Alignment.h"
#include "attn/Text/Words.h"
#include "attn/Translation/UnknownWordCopier.h"

namespace attn {

/// Words, as C reads them.
struct WordList {
  WordList() = default;
  explicit WordList(std::vector<Word> words);
  // Pointers are to the words, which stay where they are.
  WordList(WordList &&) = default;
  WordList &operator=(WordList &&) = default;

  std::vector<Word> words;
  std::vector<const char *> pointers;
};

} // namespace attn

struct attn_results {
  struct Output {
    attn::Hypothesis hypothesis;
    std::string text;
    // Of what was translated with attention.
    attn::WordList words;
    attn::Alignment alignment;
  };
  struct Sentence {
    size_t length;
    attn::WordList words;
    std::vector<Output> outputs;
  };

  /// Adds what a search found for the sentence of the ids `source`, and of
  /// `text` if it was one. Error: ids that the tokenizer does not know.
  llvm::Error add(llvm::ArrayRef<int32_t> source,
                  std::optional<llvm::StringRef> text,
                  attn::SentenceResult result, attn::UnknownWordCopier &copier);

  std::vector<Sentence> sentences;
  /// Whether attention was asked for.
  bool hasAttention = false;
};

#endif // ATTN_TOOLS_LIBATTN_RESULTS_H
