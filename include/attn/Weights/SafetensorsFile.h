// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a safetensors file, mapped into memory and never copied.
//
// The format: 8 bytes with the length of the header (little endian), the
// header (a JSON object from names to type, shape and byte range), the bytes of
// the tensors, row-major and without gaps between them.

#ifndef ATTN_WEIGHTS_SAFETENSORSFILE_H
#define ATTN_WEIGHTS_SAFETENSORSFILE_H

#include "attn/Weights/WeightsFile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// A safetensors file. All methods may be called from several threads at once.
class SafetensorsFile final : public WeightsFile {
public:
  /// Maps the file at `path` and checks its whole header: lengths, byte ranges
  /// (inside the file, without overlap or gap) and that each range has the size
  /// that its type and shape ask for. Reads no tensor.
  static llvm::Expected<std::unique_ptr<SafetensorsFile>>
  open(llvm::StringRef path);

  llvm::StringRef path() const override { return filePath; }

  /// The names of all tensors, in the order of their bytes in the file. Valid
  /// as long as this object.
  llvm::ArrayRef<llvm::StringRef> names() const { return orderedNames; }

  bool contains(llvm::StringRef name) const { return entries.contains(name); }

  llvm::Expected<Weight> find(llvm::StringRef name) const override;
  void release(const Weight &weight) const override;

private:
  struct Entry {
    std::string typeName;
    llvm::SmallVector<int64_t, 4> shape;
    uint64_t begin = 0, end = 0; // bytes, relative to `data`
  };

  SafetensorsFile() = default;
  llvm::Error parseHeader();
  /// One tensor of the header.
  llvm::Expected<Entry> parseEntry(llvm::StringRef name,
                                   const llvm::json::Value &value) const;
  llvm::Error checkRanges();

  std::string filePath;
  llvm::sys::fs::mapped_file_region region;
  llvm::ArrayRef<uint8_t> data; // what follows the header
  llvm::StringMap<Entry> entries;
  llvm::SmallVector<llvm::StringRef, 0> orderedNames;
};

} // namespace attn

#endif // ATTN_WEIGHTS_SAFETENSORSFILE_H
