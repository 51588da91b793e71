// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_CACHEOPTIONS_H
#define ATTN_TOOLS_ATTN_CACHEOPTIONS_H

#include "attn/Execution/CompiledCode.h"
#include "llvm/Support/CommandLine.h"

namespace attn {

/// Options --cache-dir and --no-cache: what becomes of compiled code.
class CacheOptions {
public:
  explicit CacheOptions(llvm::cl::SubCommand &command)
      : directory("cache-dir", llvm::cl::value_desc("DIR"),
                  llvm::cl::desc("Where compiled code is kept (default: "
                                 "$ATTN_CACHE_DIR, $XDG_CACHE_HOME/attn or "
                                 "~/.cache/attn)"),
                  llvm::cl::sub(command)),
        isOff("no-cache", llvm::cl::desc("Compile, and keep nothing"),
              llvm::cl::sub(command)) {}

  /// Says it to the compiler.
  void apply(CompileOptions &options) const {
    options.useCache = !isOff;
    options.cacheDir = directory;
  }

private:
  llvm::cl::opt<std::string> directory;
  llvm::cl::opt<bool> isOff;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_CACHEOPTIONS_H
