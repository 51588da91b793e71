// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading JSON that came with a checkpoint, and may therefore be anything.

#ifndef ATTN_WEIGHTS_JSONFILE_H
#define ATTN_WEIGHTS_JSONFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/VirtualFileSystem.h"

namespace attn {

/// Parses `text` as one JSON object. `origin` (a file name, or a part of a
/// file) begins every error message, which is one line. Errors: not JSON, not
/// UTF-8, nested too deeply, or not an object.
llvm::Expected<llvm::json::Object> parseJsonObject(llvm::StringRef text,
                                                   llvm::StringRef origin);

/// Reads the file at `path` of `files` as one JSON object. Errors: those of
/// `parseJsonObject`, and a file that cannot be read.
llvm::Expected<llvm::json::Object>
readJsonObject(llvm::StringRef path,
               llvm::vfs::FileSystem &files = *llvm::vfs::getRealFileSystem());

/// `value` on one line for an error message, shortened when long.
std::string describeJson(const llvm::json::Value &value);

} // namespace attn

#endif // ATTN_WEIGHTS_JSONFILE_H
