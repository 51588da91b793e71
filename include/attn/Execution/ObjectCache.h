// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file for each compiled object, named after its key. A file is used only
// if its magic, version, key, size and checksum are all as they should be;
// anything else counts as absent and is overwritten. Files appear by renaming,
// so several processes can share a folder; old ones go when it grows too big.

#ifndef ATTN_EXECUTION_OBJECTCACHE_H
#define ATTN_EXECUTION_OBJECTCACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <array>
#include <memory>
#include <string>

namespace attn {

class ObjectCache {
public:
  using Key = std::array<uint8_t, 32>;

  /// A key from everything that the object depends on. Parts are hashed with
  /// their lengths, so ("ab","c") and ("a","bc") differ.
  static Key makeKey(llvm::ArrayRef<llvm::StringRef> parts);

  /// $ATTN_CACHE_DIR, else $XDG_CACHE_HOME/attn, else ~/.cache/attn; empty if
  /// there is no home directory either.
  static std::string defaultDirectory();

  /// The folder is created when the first object is stored.
  explicit ObjectCache(std::string directory)
      : directory(std::move(directory)) {}

  /// The object stored under `key`, or null.
  std::unique_ptr<llvm::MemoryBuffer> load(const Key &key) const;

  /// An error if the folder or the file cannot be written.
  llvm::Error store(const Key &key, llvm::StringRef object) const;

  /// Where the object of `key` is, or would be.
  std::string pathOf(const Key &key) const;

private:
  std::string directory;
};

/// Identifies this very build of the compiler: the build ids of the program, of
/// libattn where it is a part of it, and of the LLVM and MLIR libraries it runs
/// with. Code compiled by another build is never taken from the cache.
llvm::StringRef compilerIdentity();

} // namespace attn

#endif // ATTN_EXECUTION_OBJECTCACHE_H
