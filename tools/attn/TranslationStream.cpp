// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TranslationStream.h"

#include "attn/Weights/JsonFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include <mutex>

using namespace llvm;
using namespace attn;

/// `text` for a message: on one line, and not long.
static std::string quote(StringRef text) {
  return describeJson(json::fixUTF8(text));
}

/// Which of a line's sentences a message is about, if there are several.
static std::string describeSentence(size_t number, size_t count) {
  return count > 1 ? ("sentence " + Twine(number) + ": ").str() : "";
}

Expected<std::vector<int32_t>>
TranslationStream::parseIds(StringRef line) const {
  std::vector<int32_t> ids;
  constexpr StringLiteral space = " \t\n\r\v\f";
  for (line = line.ltrim(space); !line.empty(); line = line.ltrim(space)) {
    StringRef word = line.take_until([](char c) { return isSpace(c); });
    line = line.drop_front(word.size());
    // A number stays one in the message, whatever its size.
    bool isNumber = word.find_first_not_of("-0123456789") == StringRef::npos &&
                    word.size() <= 20;
    int32_t id;
    if (word.getAsInteger(10, id))
      return createStringError("expected token ids in 0.." +
                               Twine(options.sourceVocabulary - 1) + ", got " +
                               (isNumber ? word.str() : quote(word)));
    ids.push_back(id);
  }
  return ids;
}

/// The ids of a sentence; none if there is nothing to translate.
Expected<std::vector<int32_t>>
TranslationStream::encode(StringRef sentence) const {
  if (sentence.trim().empty())
    return std::vector<int32_t>();
  Expected<std::vector<int32_t>> ids = options.input == LineFormat::Ids
                                           ? parseIds(sentence)
                                           : tokenizer->encode(sentence);
  if (!ids)
    return ids;
  // There is space that only the tokenizer knows.
  if (options.input == LineFormat::Text && ids->size() == 1 &&
      ids->front() == tokenizer->endId())
    ids->clear();
  return ids;
}

/// The sentences of a line.
Expected<std::deque<TranslationStream::Sentence>>
TranslationStream::parse(StringRef line) const {
  std::vector<std::string> sentences;
  if (options.splitter) {
    // It says how each sentence is to be translated.
    StringRef code = Tokenizer::languageCode(line);
    Expected<std::vector<StringRef>> split =
        options.splitter->split(line.drop_front(code.size()));
    if (!split)
      return split.takeError();
    for (StringRef sentence : *split)
      sentences.push_back((code + sentence).str());
  } else {
    sentences.push_back(line.str());
  }
  std::deque<Sentence> parsed;
  for (const auto &[i, sentence] : enumerate(sentences)) {
    Expected<std::vector<int32_t>> ids = encode(sentence);
    if (!ids)
      return createStringError(describeSentence(i + 1, sentences.size()) +
                               toString(ids.takeError()));
    if (!ids->empty())
      parsed.push_back({options.input == LineFormat::Text
                            ? std::optional(sentence)
                            : std::nullopt,
                        std::move(*ids)});
  }
  return parsed;
}

/// An id that the network does not have is no fault of the line that it shows
/// in.
Error TranslationStream::checkVocabulary(ArrayRef<int32_t> ids) const {
  const int32_t *wrong =
      find_if(ids, [&](int32_t id) { return id >= options.sourceVocabulary; });
  if (wrong == ids.end())
    return Error::success();
  return createStringError(
      "vocab.json: token " + quote(tokenizer->sourceToken(*wrong)) +
      ": expected an id in 0.." + Twine(options.sourceVocabulary - 1) +
      " by config.json, got " + Twine(*wrong));
}

Expected<std::string>
TranslationStream::textOf(ArrayRef<std::string> pieces) const {
  Expected<std::string> text = tokenizer->join(pieces);
  if (!text)
    return text;
  // One line is one sentence, whatever characters a vocabulary has.
  for (char &c : *text)
    if (c == '\n' || c == '\r')
      c = ' ';
  return json::isUTF8(*text) ? *text : json::fixUTF8(*text);
}

/// Finds the texts of hypotheses, if text is written, and what `written` is
/// told of the best of them.
Error TranslationStream::describe(const SentenceResult &result,
                                  const Sentence &sentence,
                                  std::vector<std::string> &texts,
                                  WrittenLine &written) const {
  if (options.output == LineFormat::Ids && !options.written)
    return Error::success();
  for (const Hypothesis &hypothesis : result.hypotheses) {
    Expected<std::vector<std::string>> pieces =
        copier->targetPieces(hypothesis, sentence.text, sentence.ids);
    if (!pieces)
      return pieces.takeError();
    if (Error error = textOf(*pieces).moveInto(texts.emplace_back()))
      return error;
    if (texts.size() > 1)
      continue;
    written.best = &hypothesis;
    written.target = std::move(*pieces);
    if (options.written)
      if (Error error = copier->sourcePieces(sentence.text, sentence.ids)
                            .moveInto(written.source))
        return error;
  }
  return Error::success();
}

/// Writes what became of a line: `hypotheses`, with `texts` unless only ids are
/// asked for, or none.
void TranslationStream::write(const Line &line, ArrayRef<Hypothesis> hypotheses,
                              ArrayRef<std::string> texts,
                              raw_ostream &output) {
  if (options.output == LineFormat::Json) {
    json::OStream json(output);
    json.object([&] {
      json.attribute("line", line.number);
      if (!line.error.empty())
        json.attribute("error", json::fixUTF8(line.error));
      json.attributeArray("hypotheses", [&] {
        for (size_t i = 0; i < hypotheses.size(); ++i)
          json.object([&] {
            json.attribute("text", texts[i]);
            json.attribute("ids", json::Array(hypotheses[i].ids));
            json.attribute("score", double(hypotheses[i].score));
          });
      });
    });
    output << '\n';
    return;
  }
  for (int64_t i = 0; i < options.nBest; ++i) {
    if (i < int64_t(hypotheses.size())) {
      if (options.scores)
        output << formatv("{0:f6}\t", hypotheses[i].score);
      if (options.output == LineFormat::Ids)
        interleave(hypotheses[i].ids, output, " ");
      else
        output << StringRef(texts[i]).drop_front(line.written);
    }
    output << '\n';
  }
}

/// Writes what is new of the words that `ids` have for sure, which is all but
/// the last one. Returns whether anything was.
bool TranslationStream::writeSureWords(ArrayRef<int32_t> ids,
                                       raw_ostream &output) {
  Line &line = lines.front();
  const Sentence &sentence = line.waiting.front();
  // What is to be copied is known at the end.
  if (!line.error.empty() ||
      is_contained(sentence.ids, tokenizer->unknownId()) ||
      is_contained(ids, tokenizer->targetUnknownId()))
    return false;
  Expected<std::vector<std::string>> pieces = tokenizer->targetPieces(ids);
  if (!pieces) {
    consumeError(pieces.takeError()); // it comes again with the result
    return false;
  }
  const std::vector<Word> words = wordsOf(*pieces);
  if (words.size() < 2)
    return false;
  Expected<std::string> text =
      textOf(ArrayRef(*pieces).take_front(words.back().begin));
  if (!text) {
    consumeError(text.takeError());
    return false;
  }
  std::string all = line.text;
  if (!all.empty())
    all += ' ';
  all += *text;
  if (all.size() <= line.written)
    return false;
  output << StringRef(all).drop_front(line.written);
  line.written = all.size();
  return true;
}

/// Writes the lines at the front that wait for nothing.
void TranslationStream::writeFinished(raw_ostream &output) {
  for (; !lines.empty() && lines.front().pending == 0; lines.pop_front()) {
    const Line &line = lines.front();
    if (options.output == LineFormat::Json && line.error.empty())
      write(line, Hypothesis(), std::string(), output);
    else
      write(line, {}, {}, output);
    if (options.written)
      options.written({line.number, {}, {}, nullptr}, output);
  }
}

void TranslationStream::fail(Line &line, std::string error,
                             const LineSink &sink) {
  ++failed;
  line.error = std::move(error);
  sink.report("line " + Twine(line.number) + ": " + line.error);
}

/// Takes the next line, as what it was parsed to, and adds the ids of each of
/// its sentences to `ids`. Error: that of a vocabulary.
Error TranslationStream::addLine(Expected<std::deque<Sentence>> parsed,
                                 std::deque<std::vector<int32_t>> &ids,
                                 const LineSink &sink) {
  if (parsed && options.input == LineFormat::Text)
    for (const Sentence &sentence : *parsed)
      if (Error error = checkVocabulary(sentence.ids))
        return error;
  Line &line = lines.emplace_back();
  line.number = ++numLines;
  if (!parsed) {
    fail(line, toString(parsed.takeError()), sink);
  } else {
    for (const Sentence &sentence : *parsed) {
      line.tokensIn += sentence.ids.size();
      ids.push_back(sentence.ids);
    }
    line.sentences = line.pending = parsed->size();
    line.waiting = std::move(*parsed);
  }
  sentences += std::max<int64_t>(line.sentences, 1);
  if (line.pending == 0) {
    sink.finished();
    writeFinished(sink.output);
  }
  return Error::success();
}

/// Takes what became of the next sentence, and writes its line if it is the
/// last of it.
void TranslationStream::addResult(SentenceResult &result,
                                  const LineSink &sink) {
  writeFinished(sink.output);
  Line &line = lines.front();
  const Sentence sentence = std::move(line.waiting.front());
  line.waiting.pop_front();
  WrittenLine written{line.number, {}, {}, nullptr};
  std::vector<std::string> texts;
  if (Error error = describe(result, sentence, texts, written))
    result.error = toString(std::move(error));
  --line.pending;
  if (!result.error.empty() && line.error.empty())
    fail(line,
         describeSentence(line.sentences - line.pending, line.sentences) +
             result.error,
         sink);
  // It is written with those before it that failed, once all is there.
  if (!line.error.empty()) {
    if (options.splitter && line.pending == 0)
      sink.finished();
    return;
  }
  line.tokensOut += result.hypotheses.front().ids.size();
  if (options.splitter) {
    if (!line.text.empty() && !texts.front().empty())
      line.text += ' ';
    line.text += texts.front();
    if (line.pending)
      return;
    texts.front() = std::move(line.text);
    sink.finished();
  }
  tokensIn += line.tokensIn;
  tokensOut += line.tokensOut;
  write(line, result.hypotheses, texts, sink.output);
  if (options.written)
    options.written(written, sink.output);
  lines.pop_front();
}

Error TranslationStream::run(Source source, const LineSink &sink) {
  // Lines are read while others are written: all but reading and parsing them
  // is under this lock.
  std::mutex mutex;
  // Reading ends at the first error, which waits for the end of the window.
  std::optional<Error> stop;
  // Of the line read last.
  std::deque<std::vector<int32_t>> sentencesOfLine;
  auto next = [&]() -> std::optional<std::vector<int32_t>> {
    while (sentencesOfLine.empty()) {
      Expected<std::optional<std::string>> text = source();
      if (!text) {
        stop = text.takeError();
        return std::nullopt;
      }
      if (!*text)
        return std::nullopt;
      Expected<std::deque<Sentence>> parsed = parse(**text);
      std::lock_guard<std::mutex> lock(mutex);
      if (Error error = addLine(std::move(parsed), sentencesOfLine, sink)) {
        stop = std::move(error);
        return std::nullopt;
      }
    }
    std::vector<int32_t> ids = std::move(sentencesOfLine.front());
    sentencesOfLine.pop_front();
    return ids;
  };
  auto emit = [&](MutableArrayRef<SentenceResult> results) -> Error {
    std::lock_guard<std::mutex> lock(mutex);
    for (SentenceResult &result : results)
      addResult(result, sink);
    writeFinished(sink.output);
    return sink.flush();
  };
  auto grow = [&](ArrayRef<int32_t> ids) -> Error {
    std::lock_guard<std::mutex> lock(mutex);
    writeFinished(sink.output);
    return writeSureWords(ids, sink.output) ? sink.flush() : Error::success();
  };
  Translator::Growth growth = nullptr;
  if (options.wordByWord)
    growth = grow;

  // Not by sentences, where lines are counted.
  Translator::Observer sentenceFinished = sink.finished;
  if (options.splitter)
    sentenceFinished = nullptr;
  if (Error error = translator.run(next, emit, sentenceFinished, growth)) {
    if (stop)
      consumeError(std::move(*stop));
    return error;
  }
  if (stop)
    return std::move(*stop);
  writeFinished(sink.output);
  return sink.flush();
}
