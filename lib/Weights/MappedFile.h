// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files as memory.

#ifndef ATTN_LIB_WEIGHTS_MAPPEDFILE_H
#define ATTN_LIB_WEIGHTS_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

namespace attn {

/// Maps a whole file, read-only; nothing of an empty one, as nothing can be.
/// Errors call it `what`: it cannot be read, or is no regular file.
llvm::Expected<llvm::sys::fs::mapped_file_region>
mapFile(const llvm::Twine &path, llvm::StringRef what);

/// Tells the system that the pages of `bytes` are not needed for now; nothing
/// if they are elsewhere than in `region`.
void releasePages(const llvm::sys::fs::mapped_file_region &region,
                  llvm::ArrayRef<uint8_t> bytes);

} // namespace attn

#endif // ATTN_LIB_WEIGHTS_MAPPEDFILE_H
