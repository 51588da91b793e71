// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alignments as a page: tables of words, which are readable without any script,
// and a short script that links the words under the pointer.

#include "AlignmentWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace attn;

static constexpr StringLiteral head = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Alignments</title>
<style>
:root { color-scheme: light dark;
  --paper: light-dark(#fff, #16181d); --text: light-dark(#1c2026, #e3e6eb);
  --ink: light-dark(#62a5ea, #28609f); --mark: light-dark(#0b5cad, #5aa9f5);
  --line: light-dark(#e2e5ea, #2c3038); }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  background: var(--paper); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
section { margin-bottom: 3rem; break-inside: avoid; overflow-x: auto; }
p { margin: .2rem 0; }
[data-s], [data-t] { --w: 0; border-radius: 3px; }
.words span, th, td.weight {
  background: color-mix(in srgb, var(--ink) calc(var(--w) * 100%), transparent); }
.words span { padding: 0 .15em; cursor: default; }
table { border-collapse: separate; border-spacing: 2px; margin-top: .8rem; }
thead th { writing-mode: vertical-rl; transform: rotate(180deg);
  text-align: left; padding: .3em 0; }
th { font-weight: 500; white-space: nowrap; cursor: default; }
tbody th { text-align: right; padding: 0 .5em; }
td.weight { width: 2.1em; min-width: 2.1em; height: 2.1em; padding: 0;
  text-align: center; font-size: .75rem; outline: 1px solid var(--line);
  outline-offset: -1px; }
.linked { outline: 2px solid var(--mark); outline-offset: -1px; }
:focus-visible { outline: 2px solid var(--mark); }
@media print {
  :root { color-scheme: light; }
  body { margin: 0; max-width: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>
</head>
<body>
<main>
)";

static constexpr StringLiteral tail = R"(</main>
<script>
// A word that is pointed at, or has the focus, shows its weights in the words of
// the other side; a cell links its two words.
const show = (element, weight) => element.style.setProperty("--w", weight);
const words = (section, kind) => section.querySelectorAll(
  `span[data-${kind}], th[data-${kind}]`);
const clear = section => {
  for (const element of [...words(section, "s"), ...words(section, "t")]) {
    show(element, 0);
    element.classList.remove("linked");
  }
};
const link = element => {
  const section = element.closest("section"), { s, t } = element.dataset;
  clear(section);
  const mark = (kind, index) => {
    for (const word of words(section, kind))
      if (word.dataset[kind] === index) word.classList.add("linked");
  };
  if (s !== undefined) mark("s", s);
  if (t !== undefined) mark("t", t);
  for (const cell of section.querySelectorAll("td.weight")) {
    const isRow = cell.dataset.t === t, isColumn = cell.dataset.s === s;
    if (s !== undefined && t !== undefined ? !(isRow && isColumn)
                                           : !(isRow || isColumn)) continue;
    const other = t !== undefined ? "s" : "t";
    for (const word of words(section, other))
      if (word.dataset[other] === cell.dataset[other])
        show(word, +cell.dataset.w);
  }
};
for (const type of ["pointerover", "focusin"])
  document.addEventListener(type, event => {
    const element = event.target.closest("[data-s], [data-t]");
    if (element) link(element);
  });
for (const type of ["pointerout", "focusout"])
  document.addEventListener(type, event => {
    const section = event.target.closest("section");
    if (section) clear(section);
  });
</script>
</body>
</html>
)";

namespace {

class AlignmentPage : public AlignmentWriter {
  void begin(raw_ostream &output) override { output << head; }
  void end(raw_ostream &output) override { output << tail; }

  void write(const AlignedLine &line, raw_ostream &output) override {
    // Lines that were not translated have nothing to show.
    if (line.target.empty())
      return;
    output << "<section id=\"line-" << line.number << "\">\n";
    writeWords("source", "s", line.source, output);
    writeWords("target", "t", line.target, output);
    output << "<table>\n<thead><tr><td></td>";
    for (auto [index, word] : enumerate(line.source))
      writeWord("th scope=\"col\"", "s", index, word, output);
    output << "</tr></thead>\n<tbody>\n";
    for (auto [target, word] : enumerate(line.target)) {
      output << "<tr>";
      writeWord("th scope=\"row\"", "t", target, word, output);
      for (auto [source, weight] : enumerate(line.alignment.row(target))) {
        output << formatv("<td class=\"weight\" data-s=\"{0}\" data-t=\"{1}\" "
                          "data-w=\"{2:f4}\" style=\"--w:{2:f4}\" title=\"",
                          source, target, weight);
        printHTMLEscaped(line.source[source].text, output);
        output << " → ";
        printHTMLEscaped(word.text, output);
        output << formatv(": {0:f0}%\">", weight * 100);
        // Small numbers would hide the great ones.
        if (weight >= 0.05f)
          output << formatv("{0:f0}", weight * 100);
        output << "</td>";
      }
      output << "</tr>\n";
    }
    output << "</tbody>\n</table>\n</section>\n";
  }

  static void writeWord(StringRef element, StringRef kind, size_t index,
                        const Word &word, raw_ostream &output) {
    output << '<' << element << " data-" << kind << "=\"" << index
           << "\" tabindex=\"0\">";
    printHTMLEscaped(word.text, output);
    output << "</" << element.split(' ').first << '>';
  }

  static void writeWords(StringRef name, StringRef kind, ArrayRef<Word> words,
                         raw_ostream &output) {
    output << "<p class=\"words " << name << "\">";
    ListSeparator space(" ");
    for (auto [index, word] : enumerate(words)) {
      output << StringRef(space);
      writeWord("span", kind, index, word, output);
    }
    output << "</p>\n";
  }
};

} // namespace

std::unique_ptr<AlignmentWriter> attn::createAlignmentPage() {
  return std::make_unique<AlignmentPage>();
}
