// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/ReadFile.h"

#include "attn/Weights/Messages.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace attn;

Expected<std::unique_ptr<MemoryBuffer>>
attn::readFile(StringRef path, StringRef what, vfs::FileSystem &files) {
  if (path.empty())
    return createStringError("expected a file to read, got an empty name");
  // What keeps it from being looked at shows when it is opened.
  ErrorOr<vfs::Status> status = files.status(path);
  if (status && (status->getType() == sys::fs::file_type::character_file ||
                 status->getType() == sys::fs::file_type::block_file))
    return createStringError(path + ": expected a file, got a device");
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = files.getBufferForFile(path);
  if (std::error_code code = buffer.getError())
    return createStringError(code, path + ": cannot read the " + what + ": " +
                                       reasonOf(code));
  return std::move(*buffer);
}

Expected<std::unique_ptr<MemoryBuffer>>
attn::readRegularFile(StringRef path, StringRef what, vfs::FileSystem &files) {
  ErrorOr<vfs::Status> status = files.status(path);
  if (status && status->getType() == sys::fs::file_type::fifo_file)
    return createStringError(path + ": expected a file, got a pipe");
  return readFile(path, what, files);
}

bool attn::isInFolder(StringRef path, vfs::FileSystem &files) {
  if (files.exists(path))
    return true;
  std::error_code code;
  for (vfs::directory_iterator
           it = files.dir_begin(sys::path::parent_path(path), code),
           end;
       it != end && !code; it.increment(code))
    if (sys::path::filename(it->path()) == sys::path::filename(path))
      return true;
  return false;
}
