// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds tensor programs in upstream's linalg, tensor and arith from what array
// languages have: broadcasting, reshapes, products, reductions. Sizes may be
// known only at run time.

#ifndef ATTN_LIB_IMPORT_TENSORBUILDER_H
#define ATTN_LIB_IMPORT_TENSORBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace attn {

/// Sizes of a tensor. One that is known only at run time is a value of type
/// index, and where two are known to be equal it is the same value.
using TensorSizes = llvm::SmallVector<mlir::OpFoldResult, 4>;

/// A tensor and its sizes. Its type has those that are constants.
struct SizedTensor {
  mlir::Value value;
  TensorSizes sizes;

  int64_t rank() const { return static_cast<int64_t>(sizes.size()); }
  mlir::Type elementType() const;
};

/// Whether `size` is the constant `value`.
bool isSize(mlir::OpFoldResult size, int64_t value);

class TensorBuilder {
public:
  TensorBuilder(mlir::OpBuilder &builder, mlir::Location location)
      : builder(builder), location(location) {}

  mlir::OpBuilder &builder;
  /// Of what is built next.
  mlir::Location location;
  /// What is known of sizes where the next operations are built.
  struct KnownSizes {
    /// Those that turned out to be numbers: a graph has no meaning for others.
    llvm::SmallVector<std::pair<mlir::Value, int64_t>> numbers;
    /// Of two sizes each, a third one: the same sum or product is one value.
    llvm::DenseMap<std::pair<void *, void *>, mlir::OpFoldResult> sums,
        products;
    /// Those that are 1, or 0 where a graph has nothing to compute: they are
    /// repeated as a 1 is.
    llvm::DenseSet<mlir::Value> atMostOne;
  };
  KnownSizes known;

  // Sizes.
  mlir::OpFoldResult constantSize(int64_t size) {
    return builder.getIndexAttr(size);
  }
  mlir::Value asIndex(mlir::OpFoldResult size);
  /// The type of a tensor of `sizes`, of which those that are null are dynamic.
  mlir::RankedTensorType getType(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                                 mlir::Type element);
  /// The arithmetic that sizes need, folded.
  mlir::OpFoldResult add(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult subtract(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult multiply(mlir::OpFoldResult a, mlir::OpFoldResult b);
  mlir::OpFoldResult maximum(mlir::OpFoldResult a, mlir::OpFoldResult b);
  /// The product of `dividends` by the product of `divisors`; what is in both
  /// cancels out. Nothing if it is known not to be a whole number.
  std::optional<mlir::OpFoldResult>
  divide(llvm::ArrayRef<mlir::OpFoldResult> dividends,
         llvm::ArrayRef<mlir::OpFoldResult> divisors);

  // Scalars.
  /// A constant of a type of float or integer.
  mlir::Value scalar(mlir::Type type, double value);

  // Tensors.
  SizedTensor fill(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                   mlir::Value scalar);
  /// An element from the scalars that `operands` have at its place. Sizes are
  /// broadcast: `sizes` is what `broadcast` says of the operands, or more.
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange)>;
  SizedTensor map(llvm::ArrayRef<SizedTensor> operands,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::Type element,
                  Body body);
  /// The same in the place of `tensor`, whose element is the last argument.
  SizedTensor update(const SizedTensor &tensor,
                     llvm::ArrayRef<SizedTensor> operands, Body body);
  /// The sizes of a result of `shapes`, aligned at the last; what is 1 at most
  /// is repeated. Sizes that are not known count as equal to those that they
  /// meet. Nothing if two do not go together.
  std::optional<TensorSizes> broadcast(llvm::ArrayRef<TensorSizes> shapes);
  SizedTensor expand(const SizedTensor &tensor,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// Dimension i of the result is dimension permutation[i].
  SizedTensor transpose(const SizedTensor &tensor,
                        llvm::ArrayRef<int64_t> permutation);
  /// The same elements in other sizes, of which there are as many.
  SizedTensor reshape(const SizedTensor &tensor,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// The tensor `repeats` times along each dimension, as one after the other.
  SizedTensor tile(const SizedTensor &tensor,
                   llvm::ArrayRef<mlir::OpFoldResult> repeats);
  SizedTensor concatenate(llvm::ArrayRef<SizedTensor> tensors, int64_t axis);
  SizedTensor slice(const SizedTensor &tensor,
                    llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    llvm::ArrayRef<int64_t> steps);
  /// A part of one dimension, and the whole of all others.
  SizedTensor sliceAxis(const SizedTensor &tensor, int64_t axis,
                        mlir::OpFoldResult offset, mlir::OpFoldResult size);
  /// The tensor with `part` from `offset` of one dimension on.
  SizedTensor insertAxis(const SizedTensor &part, const SizedTensor &tensor,
                         int64_t axis, mlir::OpFoldResult offset);
  SizedTensor pad(const SizedTensor &tensor,
                  llvm::ArrayRef<mlir::OpFoldResult> before,
                  llvm::ArrayRef<mlir::OpFoldResult> after, mlir::Value value);
  /// Elements of `tensor` along `axis` at `indices`, which count from the end
  /// if they are negative; those outside are read at the nearest place.
  SizedTensor gather(const SizedTensor &tensor, const SizedTensor &indices,
                     int64_t axis);
  /// The elements of `tensor` at the places that `places` says of the loops
  /// over `sizes`.
  SizedTensor gather(const SizedTensor &tensor,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     mlir::AffineMap places);
  /// An index, which counts from the end of `extent` if it is negative.
  static mlir::Value fromEnd(mlir::OpBuilder &builder, mlir::Location location,
                             mlir::Value integer, mlir::Value extent);
  /// The same as one that is inside: the nearest.
  static mlir::Value place(mlir::OpBuilder &builder, mlir::Location location,
                           mlir::Value integer, mlir::Value extent);
  /// start + i · step for `count` indices i, as i64.
  SizedTensor iota(mlir::OpFoldResult start, mlir::OpFoldResult count,
                   mlir::OpFoldResult step);
  /// combine(combine(init, x0), x1)… over the axes, which stay with size 1.
  SizedTensor
  reduce(const SizedTensor &tensor, llvm::ArrayRef<int64_t> axes,
         mlir::Value init,
         llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                        mlir::Value, mlir::Value)>
             combine);
  /// The sums of elements along `axis`: of those whose index is as `counts`
  /// says of that and the result's own.
  SizedTensor accumulate(const SizedTensor &tensor, int64_t axis,
                         mlir::arith::CmpIPredicate counts);
  SizedTensor softmax(const SizedTensor &tensor, int64_t axis);
  /// a [..., M, K] · b [..., K, N], the dimensions before broadcast to `batch`.
  /// Floats are summed in f32 at least.
  SizedTensor multiply(const SizedTensor &a, const SizedTensor &b,
                       llvm::ArrayRef<mlir::OpFoldResult> batch);

private:
  template <typename OpTy>
  mlir::OpFoldResult combine(mlir::OpFoldResult a, mlir::OpFoldResult b,
                             decltype(KnownSizes::sums) &known);

  bool isAtMostOne(mlir::OpFoldResult size);
  SizedTensor takeRepeated(SizedTensor tensor,
                           llvm::ArrayRef<mlir::OpFoldResult> targets);
  mlir::Value empty(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    mlir::Type element);
  SizedTensor generic(llvm::ArrayRef<mlir::Value> inputs, mlir::Value init,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes,
                      llvm::ArrayRef<mlir::AffineMap> maps,
                      llvm::ArrayRef<mlir::utils::IteratorType> iterators,
                      Body body);
  SizedTensor mapInto(mlir::Value init, llvm::ArrayRef<SizedTensor> operands,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes, Body body);
  mlir::AffineMap broadcastMap(const SizedTensor &operand,
                               llvm::ArrayRef<mlir::OpFoldResult> sizes,
                               unsigned loops);
};

} // namespace attn

#endif // ATTN_LIB_IMPORT_TENSORBUILDER_H
