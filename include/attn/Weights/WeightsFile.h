// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file of named tensors, whichever its format.

#ifndef ATTN_WEIGHTS_WEIGHTSFILE_H
#define ATTN_WEIGHTS_WEIGHTSFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <optional>
#include <string>

namespace attn {

/// The element types that a weight may have.
enum class WeightType { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool };

/// The size of one element in bytes.
size_t sizeInBytes(WeightType type);

/// The name of the type as safetensors files write it, such as "BF16".
llvm::StringRef nameOf(WeightType type);

/// The type of that name.
std::optional<WeightType> parseWeightType(llvm::StringRef name);

/// The name of the tensor [N] of F32 whose numbers the rows of a tensor [N, K]
/// of I8 stand for multiples of.
std::string scaleNameOf(llvm::StringRef name);

/// A tensor in a mapped file. Valid as long as its file.
struct Weight {
  WeightType type;
  llvm::ArrayRef<int64_t> shape;
  /// Dense, row-major, little endian, read-only. The formats do not promise
  /// that the first byte is aligned for the type.
  llvm::ArrayRef<uint8_t> bytes;

  int64_t numElements() const { return bytes.size() / sizeInBytes(type); }
};

/// All methods may be called from several threads at once.
class WeightsFile {
public:
  virtual ~WeightsFile();

  /// Maps the file at `path`: an ONNX model if its name ends in ".onnx", or
  /// else a safetensors file. Errors: those of OnnxFile and SafetensorsFile.
  static llvm::Expected<std::unique_ptr<WeightsFile>>
  open(llvm::StringRef path);

  virtual llvm::StringRef path() const = 0;

  /// The tensor called `name`. Errors: there is none, or its element type is
  /// not a WeightType (which is no error as long as nobody asks for it).
  virtual llvm::Expected<Weight> find(llvm::StringRef name) const = 0;

  /// Tells the system that the pages of `weight` are not needed for now, so
  /// that they no longer count as memory of this process. The bytes stay valid:
  /// reading them again brings them back from the file.
  virtual void release(const Weight &weight) const = 0;
};

} // namespace attn

#endif // ATTN_WEIGHTS_WEIGHTSFILE_H
