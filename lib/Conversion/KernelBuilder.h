// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels are written with: loops, vectors of the target's width, and a
// parallel loop. Knows nothing of any one kernel.

#ifndef ATTN_LIB_CONVERSION_KERNELBUILDER_H
#define ATTN_LIB_CONVERSION_KERNELBUILDER_H

#include "attn/IR/AttnDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// A run of adjacent elements that one vector covers.
struct Chunk {
  int64_t offset;
  int64_t lanes;
};

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::ArrayRef<mlir::Value>;
  template <typename T> using Function = llvm::function_ref<T>;

  KernelBuilder(mlir::Location loc, mlir::OpBuilder &builder, TargetAttr target)
      : ImplicitLocOpBuilder(loc, builder), target(target) {}

  TargetAttr getTarget() const { return target; }
  /// f32 lanes of the widest vector register.
  int64_t lanes() const { return target.getVectorLanes(); }

  // Indices.
  Value index(int64_t value);
  Value dim(Value memref, int64_t dimension);
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value ceilDiv(Value a, int64_t b);
  /// `a` as an index within 0..size-1 (0 where size is 0).
  Value clamp(Value a, Value size);
  /// The i32 at `indices`, as an index.
  Value loadIndex(Value memref, Values indices);

  // Loops.
  /// for (i = lower; i < upper; i += step) values = body(i, values)
  llvm::SmallVector<Value>
  forLoop(Value lower, Value upper, int64_t step, Values inits,
          Function<llvm::SmallVector<Value>(Value, Values)> body);
  void forLoop(Value lower, Value upper, int64_t step,
               Function<void(Value)> body);
  /// Runs body(0) ... body(count - 1) on the threads there are, in one OpenMP
  /// region, if `work` (multiplications or so, all tasks together) is worth
  /// waking them.
  void parallelFor(Value count, Value work, Function<void(Value)> body);
  /// The same with memory of its own for each thread: body(i, memory), of the
  /// types given.
  void parallelFor(Value count, Value work,
                   llvm::ArrayRef<mlir::MemRefType> workspace,
                   Function<void(Value, mlir::ValueRange)> body);
  void ifThen(Value condition, Function<void()> then);
  void ifElse(Value condition, Function<void()> then,
              Function<void()> otherwise);
  Value ifElse(Value condition, mlir::Type type, Function<Value()> then,
               Function<Value()> otherwise);

  // f32 scalars.
  Value scalar(double value);
  Value loadScalar(Value memref, Values indices);
  void storeScalar(Value value, Value memref, Values indices);

  // Vectors of f32.
  mlir::VectorType vectorType(int64_t lanes);
  /// Cuts `size` adjacent elements into vectors: as wide as the registers,
  /// then halves for what remains.
  llvm::SmallVector<Chunk> chunks(int64_t size) const;
  Value splat(int64_t lanes, double value);
  Value splat(int64_t lanes, Value scalar);
  /// `lanes` adjacent elements, extended to f32.
  Value load(Value memref, Values indices, int64_t lanes);
  void store(Value vector, Value memref, Values indices);
  /// Lanes below `count` (an index, at least 0).
  Value mask(int64_t lanes, Value count);
  Value loadMasked(Value memref, Values indices, Value mask, Value passThrough);
  void storeMasked(Value vector, Value mask, Value memref, Values indices);
  /// a * b + c, in one rounding where the target can.
  Value fma(Value a, Value b, Value c);
  /// Sum of the lanes, as a tree.
  Value sumLanes(Value vector);
  /// Largest of the lanes; NaNs are passed over.
  Value maxLanes(Value vector);

private:
  TargetAttr target;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_KERNELBUILDER_H
