// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_TRANSLATIONSTREAM_H
#define ATTN_TOOLS_ATTN_TRANSLATIONSTREAM_H

#include "attn/Generation/Translator.h"
#include "attn/Text/SentenceSplitter.h"
#include "attn/Text/Tokenizer.h"
#include "attn/Text/Words.h"
#include "attn/Translation/UnknownWordCopier.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace attn {

enum class LineFormat { Text, Ids, Json };

/// What became of a line.
struct WrittenLine {
  int64_t number;
  /// What is written for each token; none if it was not translated.
  std::vector<std::string> source, target;
  /// The best hypothesis; null if it was not translated.
  const Hypothesis *best = nullptr;
};

/// How lines are read and written.
struct StreamOptions {
  LineFormat input = LineFormat::Text, output = LineFormat::Text;
  /// Hypotheses of a line. In text and ids each is a line of its own, and there
  /// are always so many, so that line i of the input is line i·nBest of the
  /// output.
  int64_t nBest = 1;
  /// Text and ids begin with the score and a tab.
  bool scores = false;
  /// Ids of a line are below.
  int64_t sourceVocabulary = 0;
  /// If set, each line of text is split into sentences, and their translations
  /// are joined by spaces. Text comes in and goes out, without scores; nBest is
  /// 1, and `written` is not set.
  SentenceSplitter *splitter = nullptr;
  /// Whether words are written as soon as they are sure: text alone, and one
  /// hypothesis.
  bool wordByWord = false;
  /// If set, called after each line is written.
  std::function<void(const WrittenLine &line, llvm::raw_ostream &output)>
      written;
};

/// Where lines go, and who hears of them.
struct LineSink {
  llvm::raw_ostream &output;
  /// Called after some lines, or words, were written.
  llvm::function_ref<llvm::Error()> flush;
  /// Gets a message for each line that cannot be translated.
  llvm::function_ref<void(const llvm::Twine &)> report;
  /// Called as often as a line is done, even if it is to be written later.
  llvm::function_ref<void()> finished;
};

/// Translates lines to lines in the same order. An empty line, or one of
/// nothing but space, stays empty, and so does one that cannot be translated,
/// which is reported; the others go on.
class TranslationStream {
public:
  using Source =
      llvm::function_ref<llvm::Expected<std::optional<std::string>>()>;

  /// `copier` may be null if no text comes in or goes out.
  TranslationStream(Translator &translator, UnknownWordCopier *copier,
                    StreamOptions options)
      : translator(translator), copier(copier),
        tokenizer(copier ? &copier->getTokenizer() : nullptr),
        options(std::move(options)) {}

  /// Translates what `source` gives until it gives nothing more. `source` may
  /// be called by another thread while what `sink` has is. Errors: those of
  /// `source`, flushing and the model.
  llvm::Error run(Source source, const LineSink &sink);

  /// Sentences read; an empty line counts as one.
  int64_t numSentences() const { return sentences; }
  /// Source tokens, end tokens included, of the lines translated.
  int64_t numTokensIn() const { return tokensIn; }
  /// Output tokens, without end tokens, of the best hypotheses.
  int64_t numTokensOut() const { return tokensOut; }
  /// Lines that were reported.
  int64_t numFailed() const { return failed; }

private:
  struct Sentence {
    std::optional<std::string> text; // if text is read
    std::vector<int32_t> ids;
  };

  struct Line {
    int64_t number;
    /// Sentences, and how many of them are being translated. A line without any
    /// is written as it is, once its turn comes.
    int64_t sentences = 0, pending = 0;
    int64_t tokensIn = 0, tokensOut = 0;
    std::string error;
    std::string text; // of the sentences translated so far
    /// Bytes of the output's line that are written.
    size_t written = 0;
    std::deque<Sentence> waiting; // those that are not
  };

  llvm::Expected<std::vector<int32_t>> encode(llvm::StringRef sentence) const;
  llvm::Expected<std::deque<Sentence>> parse(llvm::StringRef line) const;
  llvm::Error checkVocabulary(llvm::ArrayRef<int32_t> ids) const;
  llvm::Expected<std::vector<int32_t>> parseIds(llvm::StringRef line) const;
  llvm::Error addLine(llvm::Expected<std::deque<Sentence>> parsed,
                      std::deque<std::vector<int32_t>> &ids,
                      const LineSink &sink);
  void addResult(SentenceResult &result, const LineSink &sink);
  void writeFinished(llvm::raw_ostream &output);
  void fail(Line &line, std::string error, const LineSink &sink);
  llvm::Expected<std::string> textOf(llvm::ArrayRef<std::string> pieces) const;
  llvm::Error describe(const SentenceResult &result, const Sentence &sentence,
                       std::vector<std::string> &texts,
                       WrittenLine &written) const;
  bool writeSureWords(llvm::ArrayRef<int32_t> ids, llvm::raw_ostream &output);
  void write(const Line &line, llvm::ArrayRef<Hypothesis> hypotheses,
             llvm::ArrayRef<std::string> texts, llvm::raw_ostream &output);

  Translator &translator;
  UnknownWordCopier *copier;
  const Tokenizer *tokenizer;
  StreamOptions options;
  /// Lines that were read and not written yet.
  std::deque<Line> lines;
  int64_t numLines = 0, sentences = 0, tokensIn = 0, tokensOut = 0, failed = 0;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_TRANSLATIONSTREAM_H
