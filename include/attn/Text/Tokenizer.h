// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words to token ids and back, as Hugging Face's MarianTokenizer does it.

#ifndef ATTN_TEXT_TOKENIZER_H
#define ATTN_TEXT_TOKENIZER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/VirtualFileSystem.h"
#include <memory>
#include <string>
#include <vector>

namespace attn {

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
       const llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> &files =
           llvm::vfs::getRealFileSystem());
  ~Tokenizer();

  /// The source ids of `text`, ending with the end token. A leading language
  /// code such as `>>fra<<` is one token. As in the reference, `</s>`, `<unk>`
  /// and `<pad>` in the text stand for their tokens. Pieces that the vocabulary
  /// lacks become the unknown token. Error: `text` is not UTF-8.
  llvm::Expected<std::vector<int32_t>> encode(llvm::StringRef text) const;

  /// What each of the tokens that encode() gives stands for, as it is written
  /// in `text`, space included: one after the other they are the text. A
  /// language code and the end token stand for nothing.
  llvm::Expected<std::vector<std::string>>
  sourceTexts(llvm::StringRef text) const;

  /// The target ids of `text`, without an end token, cut by target.spm (read
  /// here where decode() does without it). Errors: as of encode(), and a piece
  /// that the target vocabulary lacks.
  llvm::Expected<std::vector<int32_t>> encodeTarget(llvm::StringRef text) const;

  /// The text of target ids: join() of their targetPieces().
  llvm::Expected<std::string> decode(llvm::ArrayRef<int32_t> ids) const;

  /// What is written for each id, such as "▁hello": nothing for end, unknown
  /// and padding tokens. Error: a target id that no token has.
  std::vector<std::string> sourcePieces(llvm::ArrayRef<int32_t> ids) const;
  llvm::Expected<std::vector<std::string>>
  targetPieces(llvm::ArrayRef<int32_t> ids) const;

  /// The text of pieces of the target, without space at both ends. They may be
  /// others than those of the vocabulary.
  llvm::Expected<std::string> join(llvm::ArrayRef<std::string> pieces) const;

  /// The language code that `text` begins with, such as `>>fra<<`; else
  /// nothing.
  static llvm::StringRef languageCode(llvm::StringRef text);

  /// The language of the source, as source_lang in tokenizer_config.json gives
  /// it, such as "en" or "eng"; empty if it does not.
  llvm::StringRef sourceLanguage() const { return language; }

  /// The token that has this id in the source or the target vocabulary, such as
  /// "▁hello"; empty if there is none. Valid as long as this object.
  llvm::StringRef sourceToken(int32_t id) const;
  llvm::StringRef targetToken(int32_t id) const;

  /// Ids in the source vocabulary.
  int32_t endId() const;
  int32_t unknownId() const;
  /// Those in the target vocabulary.
  int32_t targetEndId() const;
  int32_t targetUnknownId() const;

private:
  struct Vocabulary;
  struct Pieces;

  Tokenizer();

  static llvm::Error
  cut(llvm::StringRef text, const Pieces &pieces,
      llvm::function_ref<void(llvm::StringRef piece, llvm::StringRef text)>
          append);
  static llvm::Expected<std::vector<int32_t>>
  encode(llvm::StringRef text, const Pieces &pieces,
         const Vocabulary &vocabulary);

  // Shared where the two languages have one vocabulary; the reference then
  // joins pieces with the source model, too.
  std::shared_ptr<const Vocabulary> source, target;
  std::shared_ptr<const Pieces> sourceModel, targetModel;
  std::string targetModelPath, language;
  llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files;
};

} // namespace attn

#endif // ATTN_TEXT_TOKENIZER_H
