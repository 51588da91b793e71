// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading a file that may be anything into memory.

#ifndef ATTN_WEIGHTS_READFILE_H
#define ATTN_WEIGHTS_READFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/VirtualFileSystem.h"

namespace attn {

/// All of the file or pipe at `path` of `files`, and a 0 after it. Errors: it
/// cannot be read ("PATH: cannot read the WHAT: REASON"), or is a device, which
/// need not have an end.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path, llvm::StringRef what = "file",
         llvm::vfs::FileSystem &files = *llvm::vfs::getRealFileSystem());

/// The same of a file that is no pipe, either: who writes to one in a folder
/// may never come.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readRegularFile(llvm::StringRef path, llvm::StringRef what = "file",
                llvm::vfs::FileSystem &files = *llvm::vfs::getRealFileSystem());

/// Whether there is a file `path`, be it a link that leads nowhere: what may be
/// missing is not missing then, but cannot be read.
bool isInFolder(llvm::StringRef path, llvm::vfs::FileSystem &files);

} // namespace attn

#endif // ATTN_WEIGHTS_READFILE_H
