// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX models → linalg, tensor, arith and math.

#ifndef ATTN_IMPORT_IMPORTONNX_H
#define ATTN_IMPORT_IMPORTONNX_H

#include "attn/Weights/OnnxFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// Builds the graph of the ONNX model in `file` as one public function `main`,
/// from the graph's inputs to its outputs, in their order. Sizes that the model
/// gives a name or leaves open are dynamic; inputs with the same name for a
/// size have to agree in it. Two open sizes that meet are taken to be equal,
/// and never to be 1 that is repeated.
///
/// Initializers of FLOAT, FLOAT16 and BFLOAT16 that have more than one element
/// stay in their file: each is an external `ml_program.global` of its name, and
/// the module's `attn.weights_file` is the absolute path of the model. All
/// others are constants.
///
/// Operators: those of ONNX that transformers are made of. Attention becomes
/// the operators that its definition consists of, which
/// attn-raise-attention recognises, as it does those of a graph.
///
/// Errors: an operator, an attribute or a type that is not handled, with the
/// node's number and name.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(const OnnxFile &file, mlir::MLIRContext &context);

} // namespace attn

#endif // ATTN_IMPORT_IMPORTONNX_H
