// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words to token ids and back, as Hugging Face's MarianTokenizer does it.

#ifndef ATTN_TEXT_TOKENIZER_H
#define ATTN_TEXT_TOKENIZER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/VirtualFileSystem.h"
#include <memory>
#include <string>
#include <vector>

namespace attn {

/// A word, and the tokens begin..end-1 that spell it.
struct Word {
  std::string text;
  size_t begin, end;
};

/// The tokenizer of a Marian checkpoint: SentencePiece cuts text into pieces,
/// vocab.json numbers them. All const methods may be called from several
/// threads at once.
///
/// Like the reference, it does not normalise punctuation: MarianTokenizer has a
/// Moses normaliser but never calls it when it encodes.
class Tokenizer {
public:
  /// Reads source.spm, target.spm and vocab.json in `directory` of `files`. The
  /// target language has a vocabulary of its own in target_vocab.json if the
  /// separate_vocabs of tokenizer_config.json is true, or is not given and the
  /// file exists; only then is target.spm more than asked for. Errors: a file
  /// is missing or broken, a vocabulary is not an object from tokens to
  /// distinct ids or lacks `</s>`, `<unk>` or `<pad>`.
  static llvm::Expected<std::unique_ptr<Tokenizer>>
  load(llvm::StringRef directory,
       llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files =
           llvm::vfs::getRealFileSystem());
  ~Tokenizer();

  /// The source ids of `text`, ending with the end token. A leading language
  /// code such as `>>fra<<` is one token. As in the reference, `</s>`, `<unk>`
  /// and `<pad>` in the text stand for their tokens. Pieces that the vocabulary
  /// lacks become the unknown token. Error: `text` is not UTF-8.
  llvm::Expected<std::vector<int32_t>> encode(llvm::StringRef text) const;

  /// The target ids of `text`, without an end token, cut by target.spm (read
  /// here where decode() does without it). Errors: as of encode(), and a piece
  /// that the target vocabulary lacks.
  llvm::Expected<std::vector<int32_t>> encodeTarget(llvm::StringRef text) const;

  /// The text of target ids. End, unknown and padding tokens are left out, and
  /// space at both ends is removed. Error: an id that no token has.
  llvm::Expected<std::string> decode(llvm::ArrayRef<int32_t> ids) const;

  /// The language code that `text` begins with, such as `>>fra<<`; else
  /// nothing.
  static llvm::StringRef languageCode(llvm::StringRef text);

  /// The language of the source, as source_lang in tokenizer_config.json gives
  /// it, such as "en" or "eng"; empty if it does not.
  llvm::StringRef sourceLanguage() const { return language; }

  /// The words that ids spell, as spaces part them: punctuation is part of the
  /// word that it is written to. End and padding tokens are in none.
  std::vector<Word> sourceWords(llvm::ArrayRef<int32_t> ids) const;
  std::vector<Word> targetWords(llvm::ArrayRef<int32_t> ids) const;

  /// The token that has this id in the source or the target vocabulary, such as
  /// "▁hello"; empty if there is none. Valid as long as this object.
  llvm::StringRef sourceToken(int32_t id) const;
  llvm::StringRef targetToken(int32_t id) const;

  /// Ids in the source vocabulary.
  int32_t endId() const;
  int32_t unknownId() const;
  int32_t paddingId() const;

private:
  struct Vocabulary;
  struct Pieces;

  Tokenizer();

  static llvm::Expected<std::vector<int32_t>>
  encode(llvm::StringRef text, const Pieces &pieces,
         const Vocabulary &vocabulary);

  // Shared where the two languages have one vocabulary; the reference then
  // joins pieces with the source model, too.
  std::shared_ptr<const Vocabulary> source, target;
  std::shared_ptr<const Pieces> sourcePieces, targetPieces;
  std::string targetPiecesPath, language;
  llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files;
};

} // namespace attn

#endif // ATTN_TEXT_TOKENIZER_H
