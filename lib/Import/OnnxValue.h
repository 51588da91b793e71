// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a name of an ONNX graph stands for while the graph is imported.

#ifndef ATTN_LIB_IMPORT_ONNXVALUE_H
#define ATTN_LIB_IMPORT_ONNXVALUE_H

#include "TensorBuilder.h"

namespace attn {

/// A value of the graph: a tensor, or a few scalars of which each one's origin
/// is known. Sizes are computed with the latter: they have to be followed
/// element by element, as a size of a tensor is one number.
class OnnxValue {
public:
  /// An input or output that is left out.
  OnnxValue() = default;
  OnnxValue(SizedTensor tensor) : sized(std::move(tensor)) {}

  /// Scalars of `type`, in the order in which a tensor of `shape` has them.
  static OnnxValue few(mlir::Type type, llvm::ArrayRef<mlir::Value> elements,
                       llvm::ArrayRef<int64_t> shape);
  /// One scalar (rank 0), or some in a row.
  static OnnxValue scalar(mlir::Value element) {
    return few(element.getType(), element, {});
  }
  static OnnxValue row(mlir::Type type, llvm::ArrayRef<mlir::Value> elements) {
    return few(type, elements, static_cast<int64_t>(elements.size()));
  }

  explicit operator bool() const { return sized.value || elementType; }
  bool isFew() const { return static_cast<bool>(elementType); }
  const SizedTensor &tensor() const { return sized; }
  mlir::Type type() const {
    return isFew() ? elementType : sized.elementType();
  }
  int64_t rank() const { return isFew() ? fewShape.size() : sized.rank(); }

  // What a few scalars have.
  llvm::ArrayRef<mlir::Value> elements() const { return scalars; }
  llvm::ArrayRef<int64_t> shape() const { return fewShape; }
  /// How many scalars further the next one along each dimension is.
  llvm::SmallVector<int64_t> strides() const;
  /// For each place of `shape`, the scalar that many strides after number
  /// `offset`: a transpose, a slice, a broadcast (with a stride of 0).
  OnnxValue view(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides,
                 int64_t offset = 0) const;

private:
  SizedTensor sized;
  llvm::SmallVector<mlir::Value, 4> scalars;
  llvm::SmallVector<int64_t, 2> fewShape;
  mlir::Type elementType;
};

using OnnxValues = llvm::SmallVector<OnnxValue, 2>;

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXVALUE_H
