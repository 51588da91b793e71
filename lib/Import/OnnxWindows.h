// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The windows of a tensor that Conv and the poolings of ONNX look through.

#ifndef ATTN_LIB_IMPORT_ONNXWINDOWS_H
#define ATTN_LIB_IMPORT_ONNXWINDOWS_H

#include "OnnxCall.h"

namespace attn {

/// The places of a kernel over the last dimensions of a tensor.
class Windows {
public:
  /// Reads the attributes that place a kernel of these sizes over the
  /// dimensions of [N, C, inputs…] from the third on.
  static mlir::FailureOr<Windows> read(OnnxCall &call, const SizedTensor &input,
                                       llvm::ArrayRef<int64_t> kernel);

  /// An attribute of `count` integers of at least `least`; `otherwise` for each
  /// if it is not there.
  static mlir::FailureOr<llvm::SmallVector<int64_t>>
  readIntegers(OnnxCall &call, llvm::StringRef name, int64_t least,
               int64_t otherwise, size_t count);

  /// Lets the last windows reach beyond what is padded, where the first of
  /// their elements is before it.
  void reachBeyond() { reachesBeyond = true; }
  /// Whether windows see nothing but the input.
  bool areInside() const;
  /// `input` with `value` around it, and `beyond` further out.
  SizedTensor pad(SizedTensor input, mlir::Value value,
                  mlir::Value beyond) const;
  /// What the windows see of [N, G, C, inputs…], which is padded:
  /// [N, G, outputs…, C, kernel…].
  SizedTensor gather(const SizedTensor &padded) const;

private:
  Windows(OnnxCall &call, llvm::ArrayRef<int64_t> kernel,
          llvm::ArrayRef<mlir::OpFoldResult> inputs)
      : call(&call), kernel(kernel), inputs(inputs) {}
  mlir::LogicalResult readAttributes();
  mlir::LogicalResult expectInside();
  mlir::LogicalResult padAlike(bool isMoreAfter);
  SizedTensor padBy(const SizedTensor &input, llvm::ArrayRef<int64_t> first,
                    llvm::ArrayRef<int64_t> last, mlir::Value value) const;
  /// From the first element that a window sees to after the last one.
  int64_t getExtent(unsigned dim) const {
    return dilations[dim] * (kernel[dim] - 1) + 1;
  }
  mlir::OpFoldResult count(unsigned dim, mlir::OpFoldResult padded) const;

  OnnxCall *call;
  llvm::SmallVector<int64_t> kernel;
  /// What is not padded.
  TensorSizes inputs;
  llvm::SmallVector<int64_t> strides, dilations, before, after;
  bool reachesBeyond = false;
};

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXWINDOWS_H
