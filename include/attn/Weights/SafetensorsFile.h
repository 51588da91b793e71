// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a safetensors file, mapped into memory and never copied.
//
// The format: 8 bytes with the length of the header (little endian), the
// header (a JSON object from names to type, shape and byte range), the bytes of
// the tensors, row-major and without gaps between them.

#ifndef ATTN_WEIGHTS_SAFETENSORSFILE_H
#define ATTN_WEIGHTS_SAFETENSORSFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>
#include <string>

namespace attn {

/// The element types that a weight may have.
enum class WeightType { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool };

/// The size of one element in bytes.
size_t sizeInBytes(WeightType type);

/// The name of the type as safetensors files write it, such as "BF16".
llvm::StringRef nameOf(WeightType type);

/// The name of the tensor [N] of F32 whose numbers the rows of a tensor [N, K]
/// of I8 stand for multiples of.
std::string scaleNameOf(llvm::StringRef name);

/// A tensor in a mapped file. Valid as long as its SafetensorsFile.
struct Weight {
  WeightType type;
  llvm::ArrayRef<int64_t> shape;
  /// Dense, row-major, little endian, read-only. The format does not promise
  /// that the first byte is aligned for the type.
  llvm::ArrayRef<uint8_t> bytes;

  int64_t numElements() const { return bytes.size() / sizeInBytes(type); }
};

/// A safetensors file. All methods may be called from several threads at once.
class SafetensorsFile {
public:
  /// Maps the file at `path` and checks its whole header: lengths, byte ranges
  /// (inside the file, without overlap or gap) and that each range has the size
  /// that its type and shape ask for. Reads no tensor.
  static llvm::Expected<std::unique_ptr<SafetensorsFile>>
  open(llvm::StringRef path);

  llvm::StringRef path() const { return filePath; }

  /// The names of all tensors, in the order of their bytes in the file. Valid
  /// as long as this object.
  llvm::ArrayRef<llvm::StringRef> names() const { return orderedNames; }

  bool contains(llvm::StringRef name) const { return entries.contains(name); }

  /// The tensor called `name`. Errors: there is none, or its element type is
  /// not a WeightType (which is no error as long as nobody asks for it).
  llvm::Expected<Weight> find(llvm::StringRef name) const;

  /// Tells the system that the pages of `weight` are not needed for now, so
  /// that they no longer count as memory of this process. The bytes stay valid:
  /// reading them again brings them back from the file.
  void release(const Weight &weight) const;

private:
  struct Entry {
    std::string typeName;
    llvm::SmallVector<int64_t, 4> shape;
    uint64_t begin = 0, end = 0; // bytes, relative to `data`
  };

  SafetensorsFile() = default;
  llvm::Error map();
  llvm::Error parseHeader();
  llvm::Error checkRanges();

  std::string filePath;
  llvm::sys::fs::mapped_file_region region;
  llvm::ArrayRef<uint8_t> data; // what follows the header
  llvm::StringMap<Entry> entries;
  llvm::SmallVector<llvm::StringRef, 0> orderedNames;
};

} // namespace attn

#endif // ATTN_WEIGHTS_SAFETENSORSFILE_H
