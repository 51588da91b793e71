// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LineFile.h"
#include "Interrupts.h"
#include "attn/Weights/Messages.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>

using namespace llvm;
using namespace attn;

static std::error_code lastError() {
  return std::error_code(errno, std::generic_category());
}

Expected<std::unique_ptr<LineReader>> LineReader::open(StringRef path) {
  if (path == "-")
    return std::unique_ptr<LineReader>(new LineReader(stdin, "standard input"));
  if (path.empty())
    return createStringError("expected a file to read, got an empty name");
  std::string name = path.str();
  std::FILE *file = std::fopen(name.c_str(), "rb");
  if (!file)
    return createStringError(
        lastError(), path + ": cannot read the file: " + reasonOf(lastError()));
  return std::unique_ptr<LineReader>(new LineReader(file, std::move(name)));
}

LineReader::~LineReader() {
  if (file != stdin)
    std::fclose(file);
  std::free(buffer);
}

Expected<std::optional<std::string>> LineReader::next() {
  errno = 0;
  // Not std::getline: that has no way to say why it failed.
  ssize_t length = ::getline(&buffer, &capacity, file);
  if (length < 0) {
    // getline also fails without marking the file, when memory is short.
    if (std::feof(file) && !std::ferror(file))
      return std::nullopt;
    return createStringError(
        lastError(),
        name + ": cannot read the next line: " + reasonOf(lastError()));
  }
  StringRef line(buffer, length);
  if (line.consume_back("\n"))
    line.consume_back("\r");
  return line.str();
}

uint64_t LineReader::numBytes() const {
  struct stat status;
  const off_t position = ftello(file);
  if (position < 0 || fstat(fileno(file), &status) != 0 ||
      !S_ISREG(status.st_mode) || status.st_size < position)
    return 0;
  return status.st_size - position;
}

/// The folder of a file, as a path that is not empty.
static StringRef parentOf(StringRef path) {
  StringRef parent = sys::path::parent_path(path);
  return parent.empty() ? "." : parent;
}

Error OutputFile::makeError(std::error_code code) const {
  return createStringError(
      code, (path.empty() ? Twine("standard output") : Twine(path)) +
                ": cannot write the output: " + reasonOf(code));
}

Expected<std::unique_ptr<OutputFile>> OutputFile::open(StringRef path,
                                                       bool isExecutable) {
  std::unique_ptr<OutputFile> file(new OutputFile);
  if (path == "-") {
    file->output = &outs();
    return file;
  }
  if (path.empty())
    return createStringError("expected a file to write, got an empty name");
  file->path = path.str();
  sys::fs::file_status status;
  // What keeps a file from being looked at shows when it is created.
  (void)sys::fs::status(path, status);
  if (sys::fs::exists(status) && !sys::fs::is_regular_file(status)) {
    std::error_code code;
    file->owned = std::make_unique<raw_fd_ostream>(path, code);
    if (code)
      return file->makeError(code);
    file->output = file->owned.get();
    return file;
  }
  // A link stays a link; what it leads to is replaced.
  SmallString<128> target;
  if (!sys::fs::real_path(path, target))
    file->path = target.str().str();
  unsigned mode = sys::fs::all_read | sys::fs::all_write;
  if (sys::fs::exists(status)) {
    if (std::error_code code =
            sys::fs::access(file->path, sys::fs::AccessMode::Write))
      return file->makeError(code);
    mode = status.permissions();
  }
  if (isExecutable)
    mode |= sys::fs::all_exe;
  Expected<sys::fs::TempFile> temporary =
      sys::fs::TempFile::create(file->path + ".%%%%%%%%", mode);
  if (!temporary)
    return file->makeError(errorToErrorCode(temporary.takeError()));
  file->temporary = std::move(*temporary);
  file->owned = std::make_unique<raw_fd_ostream>(file->temporary->FD,
                                                 /*shouldClose=*/false);
  file->output = file->owned.get();
  return file;
}

bool OutputFile::replacesSame(const OutputFile &other) const {
  SmallString<128> folder, otherFolder;
  return temporary && other.temporary &&
         sys::path::filename(path) == sys::path::filename(other.path) &&
         !sys::fs::real_path(parentOf(path), folder) &&
         !sys::fs::real_path(parentOf(other.path), otherFolder) &&
         folder == otherFolder;
}

OutputFile::~OutputFile() {
  // A stream must not be destroyed with an error that nobody has seen.
  if (output) {
    output->flush();
    output->clear_error();
  }
  owned.reset();
  if (temporary)
    consumeError(temporary->discard());
}

Error OutputFile::write(StringRef bytes) {
  {
    std::lock_guard<std::timed_mutex> lock(outputLock());
    *output << buffer << bytes;
    output->flush();
  }
  buffer.clear();
  std::error_code code = output->error();
  if (!code)
    return Error::success();
  output->clear_error();
  return makeError(code);
}

Error OutputFile::close() {
  if (Error error = flush())
    return error;
  owned.reset();
  output = nullptr;
  if (!temporary)
    return Error::success();
  Error error = temporary->keep(path);
  temporary.reset();
  return error ? makeError(errorToErrorCode(std::move(error)))
               : Error::success();
}

Error attn::writeFile(StringRef path, StringRef bytes) {
  Expected<std::unique_ptr<OutputFile>> file = OutputFile::open(path);
  if (!file)
    return file.takeError();
  if (Error error = (*file)->write(bytes))
    return error;
  return (*file)->close();
}

Error attn::makeCheckpointFileError(StringRef path) {
  return createStringError(path +
                           ": expected a file other than the checkpoint's");
}
