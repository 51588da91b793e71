// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels are written with: loops, vectors of the target's width, and a
// parallel loop. Knows nothing of any one kernel.

#ifndef ATTN_LIB_CONVERSION_KERNELBUILDER_H
#define ATTN_LIB_CONVERSION_KERNELBUILDER_H

#include "InstructionSet.h"
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

/// Indices from `begin` on, before `end`.
struct IndexRange {
  mlir::Value begin, end;
};

/// Writes at its insertion point, for one target. Memory is given as memrefs,
/// places in it as an index for each dimension.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::ArrayRef<mlir::Value>;
  template <typename T> using Function = llvm::function_ref<T>;

  KernelBuilder(mlir::Location loc, mlir::OpBuilder &builder, TargetAttr target)
      : ImplicitLocOpBuilder(loc, builder), target(target),
        set(InstructionSet::get(target)) {}

  TargetAttr getTarget() const { return target; }
  const InstructionSet &getInstructionSet() const { return set; }
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
  Value div(Value a, Value b);
  Value rem(Value a, Value b);
  Value ceilDiv(Value a, int64_t b);
  Value ceilDiv(Value a, Value b);
  /// `a` rounded to a multiple of `b`.
  Value roundDown(Value a, int64_t b);
  Value roundUp(Value a, int64_t b);
  Value isLess(Value a, Value b);
  Value isEqual(Value a, Value b);
  /// `a` as an index within 0..size-1 (0 where size is 0).
  Value clamp(Value a, Value size);
  /// The i32 at `indices`, as an index.
  Value loadIndex(Value memref, Values indices);

  /// How many threads a parallel loop has at most.
  Value threads();

  // Loops.
  /// for (i = lower; i < upper; i += step) values = body(i, values)
  llvm::SmallVector<Value>
  forLoop(Value lower, Value upper, int64_t step, Values inits,
          Function<llvm::SmallVector<Value>(Value, Values)> body);
  void forLoop(Value lower, Value upper, int64_t step,
               Function<void(Value)> body);
  /// Waking a thread costs a few microseconds: about this many multiplications.
  static constexpr int64_t kParallelWork = 100'000;
  /// Runs body(memory) on each of the threads there are, in one OpenMP region,
  /// if `work` (multiplications or so, all threads together) is worth waking
  /// them. Each has memory of its own, of the types given.
  void parallel(Value work, llvm::ArrayRef<mlir::MemRefType> workspace,
                Function<void(mlir::ValueRange)> body);
  /// In such a region, the part of 0..count-1 that is this thread's.
  IndexRange shared(Value count);
  /// In such a region, all threads together run body(0) ... body(count - 1),
  /// each as many adjacent ones. A thread that has done its own goes on:
  /// barrier() is for what needs those of others.
  void share(Value count, Function<void(Value)> body);
  /// The same where some bodies have more to do than others: a thread takes the
  /// next as it has done one.
  void shareUneven(Value count, Function<void(Value)> body);
  /// In such a region, no thread goes on before all have come here. The end of
  /// a region is one too.
  void barrier();
  /// Runs body(0) ... body(count - 1) on the threads there are, in one OpenMP
  /// region, if `work` (multiplications or so, all tasks together) is worth
  /// waking them.
  void parallelFor(Value count, Value work, Function<void(Value)> body);
  /// The same with memory of its own for each thread: body(i, memory), of the
  /// types given. `isUneven` where some bodies have more to do than others.
  void parallelFor(Value count, Value work,
                   llvm::ArrayRef<mlir::MemRefType> workspace,
                   Function<void(Value, mlir::ValueRange)> body,
                   bool isUneven = false);
  void ifThen(Value condition, Function<void()> then);
  void ifElse(Value condition, Function<void()> then,
              Function<void()> otherwise);
  llvm::SmallVector<Value>
  ifElse(Value condition, mlir::TypeRange types,
         Function<llvm::SmallVector<Value>()> then,
         Function<llvm::SmallVector<Value>()> otherwise);

  // Numbers are f32 here; in memory they may be bf16 or f16 too: loads extend
  // them, stores round them to the nearest, ties to even.

  // Scalars.
  Value scalar(double value);
  /// An index as a number.
  Value toFloat(Value index);
  Value loadScalar(Value memref, Values indices);
  void storeScalar(Value value, Value memref, Values indices);

  // Vectors.
  mlir::VectorType vectorType(int64_t lanes);
  /// Cuts `size` adjacent elements into vectors: as wide as the registers,
  /// then halves for what remains.
  llvm::SmallVector<Chunk> chunks(int64_t size) const;
  Value splat(int64_t lanes, double value);
  Value splat(int64_t lanes, Value scalar);
  /// `lanes` adjacent elements.
  Value load(Value memref, Values indices, int64_t lanes);
  /// lanes() adjacent elements, of which those from `size` on are not read but
  /// 0.
  Value loadPadded(Value memref, Values indices, int64_t size);
  void store(Value vector, Value memref, Values indices);
  /// Lanes below `count` (an index, at least 0).
  Value mask(int64_t lanes, Value count);
  /// Lanes of a vector from `begin` on that are before `end`, which it may
  /// begin after.
  Value maskBefore(int64_t lanes, Value begin, Value end);
  /// Lanes that are masked out are not read but 0.
  Value loadMasked(Value memref, Values indices, Value mask);
  /// Which bytes are not 0.
  Value loadFlags(Value memref, Values indices, Value mask);
  void storeMasked(Value vector, Value mask, Value memref, Values indices);
  /// A line of the caches.
  static constexpr int64_t kLineBits = 512;
  /// Asks for what is there, to be in the second-level cache when it is read.
  /// It may be past the end.
  void prefetch(Value memref, Values indices);
  /// The same of all elements of the last dimension, whose size is known; or to
  /// be in the first-level cache when it is written.
  void prefetchRow(Value memref, llvm::SmallVector<Value> indices,
                   bool isWrite = false);
  /// The same of a tile of lines, the last two dimensions, but only of one line
  /// in eight: enough to lead the hardware there, which brings what is read in
  /// order faster by itself than it answers when it is asked for every line.
  void prefetchTile(Value memref, llvm::SmallVector<Value> indices);
  /// a * b + c, in one rounding where the target can.
  Value fma(Value a, Value b, Value c) { return set.emitFma(*this, a, b, c); }
  /// 2^x for x <= 0, vectors of lanes().
  Value exp2(Value x) { return set.emitExp2(*this, x); }
  /// The transpose of a square matrix, given and returned by its rows.
  llvm::SmallVector<Value> transpose(Values rows);
  /// A vector of the sums of the lanes of each of lanes() vectors.
  Value sumLanesOfEach(Values vectors);
  /// The same of the largest lanes, none of which is NaN.
  Value maxLanesOfEach(Values vectors);
  /// Sum of the lanes, as a tree.
  Value sumLanes(Value vector);
  /// `value` where it is larger than `other`, else `other`: also where `value`
  /// is NaN.
  Value larger(Value value, Value other);
  /// +∞ instead of NaN.
  Value orInfinity(Value vector);
  /// Largest of the lanes, none of which is NaN.
  Value maxLanes(Value vector);

private:
  /// The numbers as elements of `memref`.
  Value round(Value numbers, Value memref);
  /// What a function of OpenMP's runtime says, a number.
  Value askRuntime(llvm::StringRef name);

  TargetAttr target;
  const InstructionSet &set;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_KERNELBUILDER_H
