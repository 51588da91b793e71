// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AlignmentWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Unicode.h"

using namespace llvm;
using namespace attn;

AlignmentWriter::~AlignmentWriter() = default;

AlignedLine attn::alignLine(const WrittenLine &written, AlignmentStep step) {
  AlignedLine line{written.number, {}, {}, {}};
  if (!written.best)
    return line;
  line.source = wordsOf(written.source);
  line.target = wordsOf(written.target);
  auto spans = [](ArrayRef<Word> words) {
    return map_to_vector(words, [](const Word &word) {
      return TokenSpan{word.begin, word.end};
    });
  };
  line.alignment = alignWords(*written.best, written.source.size(),
                              spans(line.source), spans(line.target), step);
  for (std::vector<Word> *words : {&line.source, &line.target})
    for (Word &word : *words)
      word.text = json::fixUTF8(word.text);
  return line;
}

namespace {

class JsonAlignments : public AlignmentWriter {
public:
  void begin(raw_ostream &output) override { output << '['; }
  void end(raw_ostream &output) override { output << "\n]\n"; }

  void write(const AlignedLine &line, raw_ostream &output) override {
    output << (isFirst ? "\n" : ",\n");
    isFirst = false;
    json::OStream json(output);
    auto writeWords = [&](StringRef name, ArrayRef<Word> words) {
      json.attributeArray(name, [&] {
        for (const Word &word : words)
          json.value(word.text);
      });
    };
    json.object([&] {
      json.attribute("line", line.number);
      writeWords("source", line.source);
      writeWords("target", line.target);
      json.attributeArray("weights", [&] {
        for (size_t target = 0; target < line.target.size(); ++target)
          json.array([&] {
            for (float weight : line.alignment.row(target))
              json.rawValue(formatv("{0:f4}", weight).str());
          });
      });
    });
  }

private:
  bool isFirst = true;
};

class PharaohAlignments : public AlignmentWriter {
  void write(const AlignedLine &line, raw_ostream &output) override {
    ListSeparator space(" ");
    for (size_t target = 0; target < line.target.size(); ++target)
      if (int64_t source = line.alignment.strongest(target); source >= 0)
        output << space << source << '-' << target;
    output << '\n';
  }
};

class AlignmentTable : public AlignmentWriter {
public:
  explicit AlignmentTable(bool withColors) : withColors(withColors) {}

  void write(const AlignedLine &line, raw_ostream &output) override {
    auto widthOf = [](const Word &word) {
      return std::max(sys::unicode::columnWidthUTF8(word.text), 0);
    };
    int width = 0;
    for (const Word &word : line.target)
      width = std::max(width, widthOf(word));
    for (auto [target, word] : enumerate(line.target)) {
      output << "  " << word.text;
      output.indent(width - widthOf(word));
      ArrayRef<float> weights = line.alignment.row(target);
      SmallVector<size_t> order = to_vector(seq<size_t>(weights.size()));
      llvm::sort(order, [&](size_t a, size_t b) {
        return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
      });
      for (size_t source : ArrayRef(order).take_front(3))
        if (weights[source] >= leastShown)
          writeWord(line.source[source].text, weights[source], output);
      output << '\n';
    }
  }

private:
  /// Weights below tell nothing that one could read.
  static constexpr float leastShown = 0.05f;

  void writeWord(StringRef word, float weight, raw_ostream &output) const {
    output << "  ";
    if (withColors)
      output << (weight >= 0.5f   ? "\033[1;32m"
                 : weight >= 0.2f ? "\033[33m"
                                  : "\033[90m");
    output << formatv("{0} {1:f0}%", word, weight * 100);
    if (withColors)
      output << "\033[0m";
  }

  bool withColors;
};

} // namespace

std::unique_ptr<AlignmentWriter> attn::createJsonAlignments() {
  return std::make_unique<JsonAlignments>();
}

std::unique_ptr<AlignmentWriter> attn::createPharaohAlignments() {
  return std::make_unique<PharaohAlignments>();
}

std::unique_ptr<AlignmentWriter> attn::createAlignmentTable(bool withColors) {
  return std::make_unique<AlignmentTable>(withColors);
}

Expected<std::unique_ptr<AlignmentWriter>>
attn::createAlignmentWriter(StringRef path) {
  StringRef extension = sys::path::extension(path);
  if (extension == ".json")
    return createJsonAlignments();
  if (extension == ".html")
    return createAlignmentPage();
  if (extension == ".svg")
    return createAlignmentDrawing();
  if (extension == ".pharaoh")
    return createPharaohAlignments();
  return createStringError("--alignments: expected a file name that ends in "
                           ".json, .html, .svg or .pharaoh, got '" +
                           path + "'");
}
