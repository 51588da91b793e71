// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_ALIGNMENTFILE_H
#define ATTN_TOOLS_ATTN_ALIGNMENTFILE_H

#include "AlignmentWriter.h"
#include "LineFile.h"

namespace attn {

/// Where alignments go: to a file, after each line of the output, or both.
class AlignmentFile {
public:
  /// `path` may be empty. Errors: its name does not tell a format, it cannot be
  /// written.
  static llvm::Expected<std::unique_ptr<AlignmentFile>>
  open(llvm::StringRef path, bool explain, bool withColors, AlignmentStep step);

  /// Shows what a line attended to; see StreamOptions::written.
  void write(const WrittenLine &line, llvm::raw_ostream &output);

  /// Whether it would replace what `other` writes.
  bool replacesSame(const OutputFile &other) const {
    return file && file->replacesSame(other);
  }

  llvm::Error flush();
  /// Completes and keeps the file.
  llvm::Error close();

private:
  AlignmentStep step;
  std::unique_ptr<AlignmentWriter> writer, table;
  std::unique_ptr<OutputFile> file;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_ALIGNMENTFILE_H
