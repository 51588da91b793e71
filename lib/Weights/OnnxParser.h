// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses the messages of an ONNX model as views into its bytes.

#ifndef ATTN_LIB_WEIGHTS_ONNXPARSER_H
#define ATTN_LIB_WEIGHTS_ONNXPARSER_H

#include "attn/Weights/OnnxFile.h"

namespace attn {

/// Reads the graph of a model and the version of the operators that it is
/// written in; leaves both as they are where the model has none. Elements of
/// external data are not looked for. Errors, without the name of the file:
/// those of OnnxFile::open that `file` alone can tell.
llvm::Error parseOnnxModel(llvm::StringRef file, OnnxGraph &graph,
                           int64_t &version);

} // namespace attn

#endif // ATTN_LIB_WEIGHTS_ONNXPARSER_H
