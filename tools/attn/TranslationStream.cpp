// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TranslationStream.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace attn;

/// `text` for a message: on one line, and not long.
static std::string quote(StringRef text) {
  constexpr size_t longest = 40;
  std::string result = "'";
  raw_string_ostream os(result);
  printEscapedString(text.take_front(longest), os);
  os << (text.size() > longest ? "...'" : "'");
  return result;
}

Expected<std::vector<int32_t>>
TranslationStream::parseIds(StringRef line) const {
  std::vector<int32_t> ids;
  constexpr StringLiteral space = " \t\r\v\f";
  for (line = line.ltrim(space); !line.empty(); line = line.ltrim(space)) {
    StringRef word = line.take_until([](char c) { return isSpace(c); });
    line = line.drop_front(word.size());
    int32_t id;
    if (word.getAsInteger(10, id) || id < 0 || id >= options.sourceVocabulary)
      return createStringError("expected token ids in 0.." +
                               Twine(options.sourceVocabulary - 1) + ", got " +
                               quote(word));
    ids.push_back(id);
  }
  return ids;
}

/// The ids of a line; none if there is nothing to translate.
Expected<std::vector<int32_t>> TranslationStream::parse(StringRef line) const {
  if (line.trim().empty())
    return std::vector<int32_t>();
  if (options.input == LineFormat::Ids)
    return parseIds(line);
  Expected<std::vector<int32_t>> ids = tokenizer->encode(line);
  // There is space that only the tokenizer knows.
  if (ids && ids->size() == 1 && ids->front() == tokenizer->endId())
    ids->clear();
  return ids;
}

Expected<std::vector<std::string>>
TranslationStream::textsOf(ArrayRef<Hypothesis> hypotheses) const {
  std::vector<std::string> texts;
  if (options.output == LineFormat::Ids)
    return texts;
  for (const Hypothesis &hypothesis : hypotheses) {
    Expected<std::string> text = tokenizer->decode(hypothesis.ids);
    if (!text)
      return text.takeError();
    // One line is one sentence, whatever characters a vocabulary has.
    for (char &c : *text)
      if (c == '\n' || c == '\r')
        c = ' ';
    texts.push_back(json::isUTF8(*text) ? *text : json::fixUTF8(*text));
  }
  return texts;
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
        output << texts[i];
    }
    output << '\n';
  }
}

/// Writes the lines at the front that wait for nothing.
void TranslationStream::writeFinished(raw_ostream &output) {
  for (; !lines.empty() && !lines.front().isPending; lines.pop_front()) {
    const Line &line = lines.front();
    if (options.output == LineFormat::Json && line.error.empty())
      write(line, Hypothesis(), std::string(), output);
    else
      write(line, {}, {}, output);
  }
}

void TranslationStream::fail(Line &line, std::string error,
                             function_ref<void(const Twine &)> report) {
  ++failed;
  line.isPending = false;
  line.error = std::move(error);
  report("line " + Twine(line.number) + ": " + line.error);
}

Error TranslationStream::run(Source source, raw_ostream &output,
                             function_ref<Error()> flush,
                             function_ref<void(const Twine &)> report) {
  // Reading ends at the first error, which waits for the end of the window.
  std::optional<Error> stop;
  auto next = [&]() -> std::optional<std::vector<int32_t>> {
    writeFinished(output);
    if (lines.empty())
      if (Error error = flush()) {
        stop = std::move(error);
        return std::nullopt;
      }
    for (;;) {
      Expected<std::optional<std::string>> text = source();
      if (!text) {
        stop = text.takeError();
        return std::nullopt;
      }
      if (!*text)
        return std::nullopt;
      lines.push_back({++sentences, /*isPending=*/false, /*tokens=*/0, {}});
      Expected<std::vector<int32_t>> ids = parse(**text);
      if (!ids) {
        fail(lines.back(), toString(ids.takeError()), report);
      } else if (!ids->empty()) {
        lines.back().isPending = true;
        lines.back().tokens = ids->size();
        return std::move(*ids);
      }
      writeFinished(output);
    }
  };

  auto emit = [&](SentenceResult result) -> Error {
    writeFinished(output);
    Line &line = lines.front();
    Expected<std::vector<std::string>> texts = textsOf(result.hypotheses);
    if (!texts)
      result.error = toString(texts.takeError());
    if (!result.error.empty()) {
      fail(line, std::move(result.error), report);
      return Error::success();
    }
    tokensIn += line.tokens;
    tokensOut += result.hypotheses.front().ids.size();
    write(line, result.hypotheses, *texts, output);
    lines.pop_front();
    return Error::success();
  };

  Error error = translator.run(next, emit);
  if (error || stop) {
    if (error && stop)
      consumeError(std::move(*stop));
    return error ? std::move(error) : std::move(*stop);
  }
  writeFinished(output);
  return flush();
}
