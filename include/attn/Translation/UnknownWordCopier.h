// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TRANSLATION_UNKNOWNWORDCOPIER_H
#define ATTN_TRANSLATION_UNKNOWNWORDCOPIER_H

#include "attn/Generation/Search.h"
#include "attn/Text/UnknownWords.h"
#include "attn/Translation/TranslationModel.h"
#include <functional>
#include <mutex>
#include <optional>

namespace attn {

/// Copies what a vocabulary cannot express from sentences to their
/// translations; see copyUnknown(). To be used by any number of threads.
class UnknownWordCopier {
public:
  /// Nothing is copied if `segmenter` is null. `load` gives the model with
  /// attention. It is called when that is needed first: hypotheses bring none,
  /// and a sentence has an unknown token.
  UnknownWordCopier(const Tokenizer &tokenizer, Segmenter *segmenter,
                    std::function<llvm::Expected<TranslationModel>()> load)
      : tokenizer(tokenizer), segmenter(segmenter), load(std::move(load)) {}

  const Tokenizer &getTokenizer() const { return tokenizer; }

  /// The pieces of a hypothesis of the sentence `source`: those of its ids,
  /// unless there is something to be copied from `text`, if the sentence was
  /// one. Errors: of the tokenizer and the model.
  llvm::Expected<std::vector<std::string>>
  targetPieces(const Hypothesis &hypothesis,
               std::optional<llvm::StringRef> text,
               llvm::ArrayRef<int32_t> source);

  /// The pieces of the sentence, those that the vocabulary lacks as `text` has
  /// them. Errors: of the tokenizer.
  llvm::Expected<std::vector<std::string>>
  sourcePieces(std::optional<llvm::StringRef> text,
               llvm::ArrayRef<int32_t> source) const;

private:
  llvm::Expected<Hypothesis> attend(llvm::ArrayRef<int32_t> source,
                                    llvm::ArrayRef<int32_t> target);

  const Tokenizer &tokenizer;
  Segmenter *segmenter;
  std::function<llvm::Expected<TranslationModel>()> load;
  std::mutex mutex; // of the model
  std::optional<TranslationModel> model;
};

} // namespace attn

#endif // ATTN_TRANSLATION_UNKNOWNWORDCOPIER_H
