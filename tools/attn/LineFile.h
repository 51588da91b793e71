// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files and standard streams as lines, without a limit on how many.

#ifndef ATTN_TOOLS_ATTN_LINEFILE_H
#define ATTN_TOOLS_ATTN_LINEFILE_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace attn {

/// Reads a file, or standard input ("-"), line by line.
class LineReader {
public:
  static llvm::Expected<std::unique_ptr<LineReader>> open(llvm::StringRef path);
  ~LineReader();

  /// The next line without its line break (of either kind), or nothing at the
  /// end. The last line need not have one.
  llvm::Expected<std::optional<std::string>> next();

  /// The bytes of a regular file that are left; 0 where that is not known.
  uint64_t numBytes() const;

private:
  LineReader(std::FILE *file, std::string name)
      : file(file), name(std::move(name)) {}

  std::FILE *file;
  std::string name; // in messages
  char *buffer = nullptr;
  size_t capacity = 0;
};

/// Writes a file, or standard output ("-"). A file appears, or changes, only
/// when all of it is written; devices and pipes are written to at each flush.
class OutputFile {
public:
  /// An executable can be run by those who can read it.
  static llvm::Expected<std::unique_ptr<OutputFile>>
  open(llvm::StringRef path, bool isExecutable = false);
  /// Discards what close() did not keep.
  ~OutputFile();

  /// What comes here is kept until flush().
  llvm::raw_ostream &stream() { return lines; }

  /// Writes out what is kept, and then `bytes`, which are not, under
  /// outputLock(). Error: the file cannot be written.
  llvm::Error write(llvm::StringRef bytes);
  llvm::Error flush() { return write(""); }

  /// Whether close() of both would replace one file, of which only the latter
  /// would be left.
  bool replacesSame(const OutputFile &other) const;

  /// Flushes, and keeps the file.
  llvm::Error close();

private:
  OutputFile() = default;
  llvm::Error makeError(std::error_code code) const;

  std::string path; // where it will be; empty for standard output
  std::optional<llvm::sys::fs::TempFile> temporary;
  std::unique_ptr<llvm::raw_fd_ostream> owned;
  llvm::raw_fd_ostream *output = nullptr;
  llvm::SmallString<0> buffer;
  llvm::raw_svector_ostream lines{buffer};
};

/// Writes a whole file in the manner of OutputFile. Error: it cannot be
/// written.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Why a file is not written to `path`: it is one of the checkpoint that is
/// read.
llvm::Error makeCheckpointFileError(llvm::StringRef path);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_LINEFILE_H
