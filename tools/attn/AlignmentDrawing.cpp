// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alignments as a drawing. How large it is comes first in the file, so the heat
// maps wait in memory for the last one.

#include "AlignmentWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Unicode.h"

using namespace llvm;
using namespace attn;

static constexpr int cell = 28, gap = 40, letter = 9;

static constexpr StringLiteral style = R"(<style>
:root { color-scheme: light dark; }
text { font: 14px system-ui, sans-serif; fill: #1c2026; }
rect { fill: #0b5cad; stroke: #9aa1ad; stroke-width: .5; }
.paper { fill: #fff; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e3e6eb; }
  rect { fill: #5aa9f5; }
  .paper { fill: #16181d; }
}
</style>
<rect class="paper" width="100%" height="100%"/>
)";

/// A guess at how wide the longest word is, in pixels.
static int widthOf(ArrayRef<Word> words) {
  int columns = 0;
  for (const Word &word : words)
    columns = std::max(columns, sys::unicode::columnWidthUTF8(word.text));
  return columns * letter;
}

namespace {

class AlignmentDrawing : public AlignmentWriter {
  void write(const AlignedLine &line, raw_ostream &) override {
    if (line.target.empty())
      return;
    raw_string_ostream svg(maps);
    const int left = gap / 2 + widthOf(line.target);
    const int top = height + gap / 2 + widthOf(line.source);
    svg << "<g id=\"line-" << line.number << "\">\n";
    for (auto [source, word] : enumerate(line.source)) {
      int x = left + static_cast<int>(source) * cell + cell / 2 + 5;
      svg << formatv("<text transform=\"translate({0} {1}) rotate(-90)\">", x,
                     top - 6);
      printHTMLEscaped(word.text, svg);
      svg << "</text>\n";
    }
    for (auto [target, word] : enumerate(line.target)) {
      int y = top + static_cast<int>(target) * cell;
      svg << formatv("<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">", left - 6,
                     y + cell / 2 + 5);
      printHTMLEscaped(word.text, svg);
      svg << "</text>\n";
      for (auto [source, weight] : enumerate(line.alignment.row(target))) {
        svg << formatv("<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" "
                       "fill-opacity=\"{3:f4}\"><title>",
                       left + static_cast<int>(source) * cell, y, cell - 2,
                       weight);
        printHTMLEscaped(line.source[source].text, svg);
        svg << " → ";
        printHTMLEscaped(word.text, svg);
        svg << formatv(": {0:f0}%</title></rect>\n", weight * 100);
      }
    }
    svg << "</g>\n";
    width = std::max(width, left + static_cast<int>(line.source.size()) * cell +
                                gap / 2);
    height = top + static_cast<int>(line.target.size()) * cell + gap / 2;
  }

  void end(raw_ostream &output) override {
    output << formatv("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
                      "height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n",
                      width, height)
           << style << maps << "</svg>\n";
  }

  std::string maps;
  int width = gap, height = 0;
};

} // namespace

std::unique_ptr<AlignmentWriter> attn::createAlignmentDrawing() {
  return std::make_unique<AlignmentDrawing>();
}
