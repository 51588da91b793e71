// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step of decoding while it is derived: its arguments, and which of its
// values stand for those of the decoder.

#ifndef ATTN_LIB_TRANSFORMS_STEPBUILDER_H
#define ATTN_LIB_TRANSFORMS_STEPBUILDER_H

#include "Origins.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"

namespace attn {

/// Arguments of a step, in their order.
enum class StepRole {
  Ids,
  Positions,
  CacheRows,
  MemoryRows,
  MemoryLengths,
  Cross,
  Cache
};

/// What `attn.role` calls them.
llvm::StringRef nameOf(StepRole role);

/// Arguments of a whole-sentence decoder that mean something to the step.
struct DecoderArguments {
  mlir::Value ids;
  /// None if no argument has that role.
  mlir::Value memoryLengths;
};

/// Inserts at the end of the body of the step. Values that go in are those of
/// the decoder, and those that come out of the step, but where it says so.
class StepBuilder : public mlir::OpBuilder {
public:
  using Value = mlir::Value;

  /// `body` is empty; it gets the arguments. Keys and values of f32 are stored
  /// as `stored`.
  StepBuilder(mlir::Block &decoder, DecoderArguments arguments,
              mlir::Block &body, mlir::FloatType stored);

  /// What the values of the decoder depend on.
  const Origins &getOrigins() const { return origins; }

  /// The value of new positions; a message if `value` is none.
  mlir::FailureOr<Value> getToken(mlir::Operation *op, llvm::StringRef name,
                                  Value value);
  /// A copy of what computes `value`; a message if it depends on arguments.
  mlir::FailureOr<Value> getConstant(mlir::Operation *op, llvm::StringRef name,
                                     Value value);
  /// A value that is computed once for all steps, as it is stored. Slices of
  /// the width are taken in the step, so that what was computed as one tensor
  /// is passed as one.
  Value getPrepared(Value value);

  /// Arguments of the step.
  Value getPositions() const { return positions; }
  Value getCacheRows() const { return cacheRows; }
  /// Those for what is prepared, made when they are first asked for: the rows
  /// of it, and `lengths` of its entries; a message if that is another argument
  /// of the decoder.
  Value getMemoryRows();
  mlir::FailureOr<Value> getMemoryLengths(mlir::Operation *op, Value lengths);
  /// The buffer of a new cache, for rows as `value`, one of the step, has them.
  Value addCache(Value value);

  /// The same slice of the width of `source`, a value of the step.
  Value cloneSlice(mlir::tensor::ExtractSliceOp slice, Value source);
  /// A destination with the leading sizes of `like`, a value of the step, and
  /// the width of the decoder's destination `out`.
  Value createOut(mlir::Location loc, Value like, Value out);

  /// Says which values of the step stand for the results of `op`.
  void map(mlir::Operation *op, mlir::ValueRange values);
  /// A copy of `op`, of whose operands the values in the step were asked for.
  mlir::Operation *cloneMapped(mlir::Operation &op);

  /// The roles of the arguments.
  llvm::ArrayRef<StepRole> getRoles() const { return roles; }
  /// Values of the decoder that are computed once, in the order in which the
  /// step takes them.
  llvm::ArrayRef<Value> getCrosses() const { return crosses; }

private:
  /// Adds an argument, after those of the same role.
  Value addArgument(mlir::Type type, StepRole role);
  Value cloneConstant(Value value);

  DecoderArguments decoder;
  mlir::Block &body;
  mlir::FloatType stored;
  Origins origins;
  Value positions, cacheRows, memoryRows, memoryLengths;
  llvm::SmallVector<StepRole> roles;
  llvm::SmallVector<Value> crosses;
  /// Values of the decoder to those of the step.
  mlir::IRMapping mapping;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_STEPBUILDER_H
