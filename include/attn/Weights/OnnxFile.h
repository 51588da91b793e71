// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An ONNX model, mapped into memory and never copied: its graph as views into
// the file. What the fields mean is said in ONNX's own onnx.proto.

#ifndef ATTN_WEIGHTS_ONNXFILE_H
#define ATTN_WEIGHTS_ONNXFILE_H

#include "attn/Weights/WeightsFile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include <vector>

namespace attn {

/// Element types, with the numbers that the format gives them. Others exist.
enum class OnnxType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
};

/// The format's name of the type, such as "FLOAT16", or its number.
std::string nameOf(OnnxType type);

/// The size of one element in bytes; 0 for types that cannot be read here.
size_t sizeInBytes(OnnxType type);

/// A constant.
struct OnnxTensor {
  llvm::StringRef name;
  OnnxType type = OnnxType::Undefined;
  llvm::SmallVector<int64_t, 4> shape;
  /// Dense, row-major, little endian, of the size that type and shape ask for;
  /// not aligned. Empty if the type cannot be read.
  llvm::ArrayRef<uint8_t> bytes;
  /// Elements that the file has as numbers, written out.
  std::shared_ptr<std::vector<uint8_t>> unpacked;

  /// Where the elements are if they are not in the model: a path relative to
  /// its folder, and the bytes in it, which are mapped too.
  bool isExternal = false;
  llvm::StringRef location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

struct OnnxGraph;

struct OnnxAttribute {
  /// The numbers are the format's.
  enum Kind : int32_t {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
  };
  llvm::StringRef name;
  Kind kind = Undefined;
  float number = 0;
  int64_t integer = 0;
  llvm::StringRef string;
  OnnxTensor tensor;
  /// One, if there is any.
  std::vector<OnnxGraph> graph;
  llvm::SmallVector<float> numbers;
  llvm::SmallVector<int64_t> integers;
};

/// A size of an input: a number, a name that stands for one, or unknown.
struct OnnxSize {
  std::optional<int64_t> value;
  llvm::StringRef name;
};

/// An input or output of a graph.
struct OnnxValueInfo {
  llvm::StringRef name;
  /// Undefined if it is not a tensor.
  OnnxType type = OnnxType::Undefined;
  /// None if not even the rank is known.
  std::optional<llvm::SmallVector<OnnxSize, 4>> shape;
};

struct OnnxNode {
  llvm::StringRef name, operation, domain;
  /// An input or output that is left out is "".
  llvm::SmallVector<llvm::StringRef, 4> inputs, outputs;
  std::vector<OnnxAttribute> attributes;
};

struct OnnxGraph {
  llvm::StringRef name;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxValueInfo> inputs, outputs;
};

/// A model file. All methods may be called from several threads at once.
class OnnxFile final : public WeightsFile {
public:
  /// Maps the file at `path` and reads its structure, but no element of raw
  /// tensors. Errors: not a model, or cut off, with the byte where it ends to
  /// make sense; a tensor whose bytes do not go with its type and shape;
  /// external data that is missing, too short or outside the model's folder;
  /// two initializers of one name.
  static llvm::Expected<std::unique_ptr<OnnxFile>> open(llvm::StringRef path);

  llvm::StringRef path() const override { return filePath; }
  /// Whether `path` is the model's file or one of its external data.
  bool isMadeOf(llvm::StringRef path) const;
  const OnnxGraph &graph() const { return modelGraph; }
  /// The version of ONNX's own operators that the model is written in; 0 if it
  /// does not say.
  int64_t opset() const { return version; }

  /// The initializer called `name`.
  llvm::Expected<Weight> find(llvm::StringRef name) const override;
  void release(const Weight &weight) const override;

private:
  OnnxFile() = default;
  llvm::Error findElements(OnnxTensor &tensor);
  llvm::Error findElements(OnnxGraph &graph);

  std::string filePath;
  llvm::sys::fs::mapped_file_region region;
  /// Files of external data, by their paths in the model.
  llvm::StringMap<llvm::sys::fs::mapped_file_region> data;
  OnnxGraph modelGraph;
  llvm::StringMap<const OnnxTensor *> initializers;
  int64_t version = 0;
};

} // namespace attn

#endif // ATTN_WEIGHTS_ONNXFILE_H
