// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as other operators are made of it.

#ifndef ATTN_LIB_IMPORT_ONNXATTENTION_H
#define ATTN_LIB_IMPORT_ONNXATTENTION_H

#include "OnnxCall.h"

namespace attn {

/// Attention of ONNX, whose softmax `sinks` [H] join, a score for each head
/// that has no value.
mlir::FailureOr<OnnxValues> importAttentionWithSinks(OnnxCall &call,
                                                     const OnnxValue &sinks);

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXATTENTION_H
