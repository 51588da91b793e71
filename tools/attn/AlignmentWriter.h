// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Alignments of sentences in the forms in which they are shown.

#ifndef ATTN_TOOLS_ATTN_ALIGNMENTWRITER_H
#define ATTN_TOOLS_ATTN_ALIGNMENTWRITER_H

#include "TranslationStream.h"
#include "attn/Generation/Alignment.h"
#include "attn/Text/Words.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>

namespace attn {

/// The words of a line and of its translation; none if it was not translated.
struct AlignedLine {
  int64_t number;
  std::vector<Word> source, target;
  Alignment alignment;
};

/// By the best translation and what its words attend to in `step`.
AlignedLine alignLine(const WrittenLine &written, AlignmentStep step);

/// One format of alignments.
class AlignmentWriter {
public:
  virtual ~AlignmentWriter();

  /// Comes before and after all lines.
  virtual void begin(llvm::raw_ostream &) {}
  virtual void end(llvm::raw_ostream &) {}
  virtual void write(const AlignedLine &line, llvm::raw_ostream &output) = 0;
};

/// An array of objects: "line", "source" and "target" words, and "weights", of
/// which each row is a target word's.
std::unique_ptr<AlignmentWriter> createJsonAlignments();
/// A line each with the strongest source word of each target word, `0-0 1-2`:
/// source word, target word, both from 0 on.
std::unique_ptr<AlignmentWriter> createPharaohAlignments();
/// A page that needs no other file, with a heat map of each sentence.
std::unique_ptr<AlignmentWriter> createAlignmentPage();
/// A drawing of heat maps, one below the other.
std::unique_ptr<AlignmentWriter> createAlignmentDrawing();
/// For the reader of a terminal: each target word and the source words with
/// most weight.
std::unique_ptr<AlignmentWriter> createAlignmentTable(bool withColors);

/// The writer that the end of the name `path` asks for. Error: it is none of
/// .json, .html, .svg and .pharaoh.
llvm::Expected<std::unique_ptr<AlignmentWriter>>
createAlignmentWriter(llvm::StringRef path);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_ALIGNMENTWRITER_H
