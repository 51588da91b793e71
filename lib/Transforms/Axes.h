// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names for what the dimensions of tensors run over, kept through transposes,
// broadcasts, and dimensions that are split or merged.

#ifndef ATTN_LIB_TRANSFORMS_AXES_H
#define ATTN_LIB_TRANSFORMS_AXES_H

#include "Sizes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace attn {

/// The axes that one dimension runs over, the last one fastest. None for a
/// dimension that is known to have one index.
using AxisList = llvm::SmallVector<unsigned, 2>;

/// An axis list for each dimension of a tensor: 'bhqd' is four dimensions of
/// one axis each; merged heads, 'bq(hd)', are three.
using Layout = llvm::SmallVector<AxisList, 4>;

/// All axes of `layout`, in order.
AxisList flatten(llvm::ArrayRef<AxisList> layout);

/// The axes of one computation. What is one axis at first turns out to be
/// several when a dimension is found to be merged: lists are read by `resolve`.
class Axes {
public:
  /// A new axis of `size`; none where that is 1.
  AxisList add(int64_t size);

  /// New axes for all dimensions of a type.
  Layout add(mlir::RankedTensorType type);

  AxisList resolve(llvm::ArrayRef<unsigned> list) const;
  Layout resolveAll(llvm::ArrayRef<AxisList> layout) const;

  /// Notes that `list` is what a dimension of `tensor` runs over: there its
  /// size can be read.
  void note(llvm::ArrayRef<unsigned> list, mlir::Value tensor, int64_t dim);

  /// Divides a list between the dimensions of `tensor` that were merged into
  /// one; nothing if that is not known to be possible.
  std::optional<Layout> split(llvm::ArrayRef<unsigned> list, mlir::Value tensor,
                              llvm::ArrayRef<int64_t> dims);

  /// ShapedType::kDynamic where the size is not known.
  int64_t getStaticSize(llvm::ArrayRef<unsigned> list) const;
  llvm::SmallVector<int64_t>
  getStaticSizes(llvm::ArrayRef<AxisList> layout) const;

  mlir::OpFoldResult getSize(mlir::OpBuilder &builder, mlir::Location loc,
                             llvm::ArrayRef<unsigned> list) const;
  llvm::SmallVector<mlir::OpFoldResult>
  getSizes(mlir::OpBuilder &builder, mlir::Location loc,
           llvm::ArrayRef<AxisList> layout) const;

  /// `tensor`, whose layout is `from`, with the layout `to`, which has the same
  /// axes: a transpose where their order differs, and reshapes. The type of the
  /// result has every size that is known.
  mlir::Value rearrange(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor, llvm::ArrayRef<AxisList> from,
                        llvm::ArrayRef<AxisList> to) const;

private:
  struct Axis {
    int64_t size;
    /// Where the size can be read.
    llvm::SmallVector<SizeOrigin, 2> origins;
    /// What it was split into.
    AxisList parts;
  };

  /// How many axes at an end of `list`, which is not empty, a dimension of
  /// `tensor` is known to consist of; 0 if that is not known.
  size_t countAxes(llvm::ArrayRef<unsigned> list, bool isFirst,
                   mlir::Value tensor, int64_t dim) const;
  mlir::Value refine(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value tensor, llvm::ArrayRef<AxisList> layout) const;
  mlir::Value splitDims(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor, Layout &layout,
                        llvm::ArrayRef<AxisList> to) const;
  mlir::Value mergeDims(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value tensor, Layout &layout,
                        llvm::ArrayRef<AxisList> to) const;
  mlir::Value insertUnitDims(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value tensor,
                             llvm::ArrayRef<AxisList> to) const;

  llvm::SmallVector<Axis> axes;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_AXES_H
