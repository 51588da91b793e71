// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ONNX's elementwise operators do to one element. The same code makes the
// bodies of loops over tensors and the arithmetic on sizes, which folds.

#ifndef ATTN_LIB_IMPORT_ONNXSCALARS_H
#define ATTN_LIB_IMPORT_ONNXSCALARS_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringRef.h"

namespace attn {

/// Builds scalars at one place. Constants are folded.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &builder, mlir::Location location)
      : builder(builder), location(location) {}

  /// Whether `operation` is an elementwise operator of ONNX without attributes
  /// that change its meaning.
  static bool knows(llvm::StringRef operation);

  /// `operation`, one that is known, of operands of the types that ONNX allows
  /// together; null if it is not defined for them.
  mlir::Value build(llvm::StringRef operation, mlir::ValueRange operands);

  /// `value` as another type, as ONNX's Cast: what is not 0 is true.
  mlir::Value cast(mlir::Value value, mlir::Type type);

  /// x / 2 · (1 + erf(x/√2)), or its approximation by tanh.
  mlir::Value gelu(mlir::Value x, bool byTanh);

  /// A constant of a type of float or integer.
  mlir::Value constant(mlir::Type type, double value);

private:
  template <typename OpTy, typename... Args> mlir::Value make(Args &&...args);
  mlir::Value buildFloat(llvm::StringRef operation, mlir::ValueRange operands);
  mlir::Value buildInteger(llvm::StringRef operation,
                           mlir::ValueRange operands);
  mlir::Value buildLogic(llvm::StringRef operation, mlir::ValueRange operands);
  mlir::Value divide(mlir::Value a, mlir::Value b);
  mlir::Value modulo(mlir::Value a, mlir::Value b);

  mlir::OpBuilder &builder;
  mlir::Location location;
};

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXSCALARS_H
