// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The values that compiled functions take and give. A tensor is dense and
// row-major, always: no strides, no views. It either owns its memory (shared
// between copies) or borrows memory that outlives it.

#ifndef ATTN_EXECUTION_TENSOR_H
#define ATTN_EXECUTION_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace attn {

enum class ElementType : uint8_t { F64, F32, F16, BF16, I64, I32, I8, I1 };

/// Bytes that one element takes in memory; an I1 takes a whole byte.
size_t byteWidth(ElementType type);

/// The MLIR spelling: "f64", "f32", "f16", "bf16", "i64", "i32", "i8", "i1".
llvm::StringRef stringify(ElementType type);
std::optional<ElementType> parseElementType(llvm::StringRef text);

/// The C++ type that holds an element. F16 and BF16 have none of their own:
/// their bits are read as uint16_t.
template <typename T> constexpr bool holds(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return std::is_same_v<T, double>;
  case ElementType::F32:
    return std::is_same_v<T, float>;
  case ElementType::F16:
  case ElementType::BF16:
    return std::is_same_v<T, uint16_t>;
  case ElementType::I64:
    return std::is_same_v<T, int64_t>;
  case ElementType::I32:
    return std::is_same_v<T, int32_t>;
  case ElementType::I8:
    return std::is_same_v<T, int8_t>;
  case ElementType::I1:
    return std::is_same_v<T, bool> || std::is_same_v<T, uint8_t>;
  }
  return false;
}

/// The product of `shape`, or nothing if a size is negative or the bytes that
/// such a tensor takes do not fit in an int64_t.
std::optional<int64_t> countElements(ElementType type,
                                     llvm::ArrayRef<int64_t> shape);

/// "f32 [3,4]": how messages show a type and a shape.
std::string describe(ElementType type, llvm::ArrayRef<int64_t> shape);

/// A dense row-major tensor. Copies are cheap and share the elements, so, as
/// with a pointer, a const Tensor still gives access to mutable elements.
class Tensor {
public:
  /// Every owned tensor starts at a multiple of this many bytes.
  static constexpr size_t alignment = 64;

  /// An f32 tensor of shape [0].
  Tensor() : sizes{0} {}

  /// Owned, uninitialised memory. Ends the program when there is none left.
  static Tensor allocate(ElementType type, llvm::ArrayRef<int64_t> shape);

  /// Owned, uninitialised memory, for shapes that come from outside: an error
  /// names the shape if it overflows or does not fit in memory.
  static llvm::Expected<Tensor> tryAllocate(ElementType type,
                                            llvm::ArrayRef<int64_t> shape);

  /// Memory of somebody else's that outlives this tensor and its copies.
  static Tensor borrow(ElementType type, llvm::ArrayRef<int64_t> shape,
                       void *data) {
    return Tensor(type, shape, data, nullptr);
  }

  /// Memory that lives as long as `owner`.
  static Tensor share(ElementType type, llvm::ArrayRef<int64_t> shape,
                      void *data, std::shared_ptr<void> owner) {
    return Tensor(type, shape, data, std::move(owner));
  }

  ElementType type() const { return elementType; }
  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  int64_t dim(size_t index) const { return sizes[index]; }
  size_t rank() const { return sizes.size(); }
  int64_t numElements() const;
  size_t numBytes() const { return numElements() * byteWidth(elementType); }

  void *rawData() const { return elements; }
  const std::shared_ptr<void> &owner() const { return memory; }

  template <typename T> T *data() const {
    assert(holds<T>(elementType) && "wrong C++ type for the element type");
    return static_cast<T *>(elements);
  }

  /// "f32 [3,4]".
  std::string describe() const { return attn::describe(elementType, sizes); }

private:
  Tensor(ElementType type, llvm::ArrayRef<int64_t> shape, void *data,
         std::shared_ptr<void> owner)
      : elementType(type), sizes(shape.begin(), shape.end()), elements(data),
        memory(std::move(owner)) {}

  ElementType elementType = ElementType::F32;
  llvm::SmallVector<int64_t, 4> sizes;
  void *elements = nullptr;
  std::shared_ptr<void> memory;
};

/// Copies elements of any alignment to `target`: the first is at `source`, and
/// along each dimension they are `strides` elements apart.
void copyStrided(const char *source, llvm::ArrayRef<int64_t> strides,
                 const Tensor &target);

} // namespace attn

#endif // ATTN_EXECUTION_TENSOR_H
