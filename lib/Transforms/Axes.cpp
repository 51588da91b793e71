// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Axes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

static RankedTensorType typeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

AxisList attn::flatten(ArrayRef<AxisList> layout) {
  AxisList flat;
  for (const AxisList &list : layout)
    llvm::append_range(flat, list);
  return flat;
}

AxisList Axes::add(int64_t size) {
  if (size == 1)
    return {};
  axes.push_back({size, {}, {}});
  return {static_cast<unsigned>(axes.size() - 1)};
}

Layout Axes::add(RankedTensorType type) {
  return llvm::map_to_vector<4>(type.getShape(),
                                [&](int64_t size) { return add(size); });
}

AxisList Axes::resolve(ArrayRef<unsigned> list) const {
  AxisList resolved;
  for (unsigned axis : list) {
    if (axes[axis].parts.empty())
      resolved.push_back(axis);
    else
      llvm::append_range(resolved, resolve(axes[axis].parts));
  }
  return resolved;
}

Layout Axes::resolveAll(ArrayRef<AxisList> layout) const {
  Layout resolved;
  for (const AxisList &list : layout)
    resolved.push_back(resolve(list));
  return resolved;
}

void Axes::note(ArrayRef<unsigned> list, Value tensor, int64_t dim) {
  AxisList resolved = resolve(list);
  int64_t size = typeOf(tensor).getDimSize(dim);
  // The size of one axis follows from that of the whole and of the others.
  if (!ShapedType::isDynamic(size)) {
    unsigned *unknown = nullptr;
    for (unsigned &axis : resolved) {
      if (!ShapedType::isDynamic(axes[axis].size)) {
        size /= std::max<int64_t>(axes[axis].size, 1);
        continue;
      }
      if (unknown)
        return;
      unknown = &axis;
    }
    if (unknown)
      axes[*unknown].size = size;
  }
  if (resolved.size() != 1)
    return;
  SizeOrigin origin = getSizeOrigin(tensor, dim);
  auto &origins = axes[resolved.front()].origins;
  if (!llvm::is_contained(origins, origin))
    origins.push_back(origin);
}

size_t Axes::countAxes(ArrayRef<unsigned> list, bool isFirst, Value tensor,
                       int64_t dim) const {
  int64_t size = typeOf(tensor).getDimSize(dim), product = 1;
  if (ShapedType::isDynamic(size)) {
    unsigned axis = isFirst ? list.front() : list.back();
    return llvm::is_contained(axes[axis].origins, getSizeOrigin(tensor, dim));
  }
  for (size_t count = 0; count < list.size();) {
    int64_t next = axes[list[isFirst ? count : list.size() - 1 - count]].size;
    if (ShapedType::isDynamic(next))
      break;
    product *= next;
    ++count;
    if (product == size)
      return count;
  }
  return 0;
}

std::optional<Layout> Axes::split(ArrayRef<unsigned> list, Value tensor,
                                  ArrayRef<int64_t> dims) {
  AxisList resolved = resolve(list);
  Layout parts(dims.size());
  SmallVector<int64_t> open;
  for (auto [index, dim] : llvm::enumerate(dims))
    if (typeOf(tensor).getDimSize(dim) != 1)
      open.push_back(index);

  // From both ends, dimensions take the axes that they are known to consist of;
  // one dimension takes what is left, or all that are left share one axis.
  ArrayRef<unsigned> rest = resolved;
  ArrayRef<int64_t> left = open;
  for (bool isFirst : {true, false})
    while (left.size() > 1 && rest.size() > 1) {
      int64_t index = isFirst ? left.front() : left.back();
      size_t count = countAxes(rest, isFirst, tensor, dims[index]);
      if (count == 0)
        break;
      parts[index] =
          AxisList(isFirst ? rest.take_front(count) : rest.take_back(count));
      rest = isFirst ? rest.drop_front(count) : rest.drop_back(count);
      left = isFirst ? left.drop_front() : left.drop_back();
    }
  if (left.size() == 1 && (!rest.empty() || resolved.empty())) {
    parts[left.front()] = AxisList(rest);
  } else if (rest.size() == 1) {
    AxisList shared;
    for (int64_t index : left) {
      parts[index] = add(typeOf(tensor).getDimSize(dims[index]));
      llvm::append_range(shared, parts[index]);
    }
    axes[rest.front()].parts = shared;
  } else if (!left.empty() || !rest.empty()) {
    return std::nullopt;
  }
  for (auto [part, dim] : llvm::zip(parts, dims))
    note(part, tensor, dim);
  return parts;
}

int64_t Axes::getStaticSize(ArrayRef<unsigned> list) const {
  int64_t size = 1;
  for (unsigned axis : resolve(list)) {
    if (ShapedType::isDynamic(axes[axis].size))
      return kDynamic;
    size *= axes[axis].size;
  }
  return size;
}

SmallVector<int64_t> Axes::getStaticSizes(ArrayRef<AxisList> layout) const {
  return llvm::map_to_vector(
      layout, [&](const AxisList &list) { return getStaticSize(list); });
}

OpFoldResult Axes::getSize(OpBuilder &builder, Location loc,
                           ArrayRef<unsigned> list) const {
  int64_t known = getStaticSize(list);
  if (!ShapedType::isDynamic(known))
    return builder.getIndexAttr(known);
  Value size;
  for (unsigned index : resolve(list)) {
    const Axis &axis = axes[index];
    Value next;
    if (!ShapedType::isDynamic(axis.size)) {
      next = arith::ConstantIndexOp::create(builder, loc, axis.size);
    } else {
      // The size of an argument needs nothing else to be computed.
      const SizeOrigin *best = axis.origins.begin();
      for (const SizeOrigin &origin : axis.origins)
        if (isa<BlockArgument>(origin.first)) {
          best = &origin;
          break;
        }
      next = best->second ? tensor::DimOp::create(builder, loc, best->first,
                                                  *best->second)
                          : best->first;
    }
    size = size ? arith::MulIOp::create(builder, loc, size, next) : next;
  }
  return size;
}

SmallVector<OpFoldResult> Axes::getSizes(OpBuilder &builder, Location loc,
                                         ArrayRef<AxisList> layout) const {
  return llvm::map_to_vector(layout, [&](const AxisList &list) {
    return getSize(builder, loc, list);
  });
}

/// Says in the type of `tensor` what is known of its sizes.
Value Axes::refine(OpBuilder &builder, Location loc, Value tensor,
                   ArrayRef<AxisList> layout) const {
  SmallVector<int64_t> shape(typeOf(tensor).getShape());
  for (auto [size, list] : llvm::zip(shape, layout))
    if (ShapedType::isDynamic(size))
      size = getStaticSize(list);
  auto type = typeOf(tensor).clone(shape);
  if (type == tensor.getType())
    return tensor;
  return tensor::CastOp::create(builder, loc, type, tensor);
}

/// Splits dimensions into those of `shape`, whose sizes are `sizes`.
static Value expand(OpBuilder &builder, Location loc, Value tensor,
                    ArrayRef<int64_t> shape,
                    ArrayRef<ReassociationIndices> groups,
                    ArrayRef<OpFoldResult> sizes) {
  // A dimension is of known size just if all that it is split into are.
  auto type = typeOf(tensor).clone(shape);
  auto whole = tensor::CollapseShapeOp::inferCollapsedType(type, groups);
  if (tensor.getType() != whole)
    tensor = tensor::CastOp::create(builder, loc, whole, tensor);
  return tensor::ExpandShapeOp::create(builder, loc, type, tensor, groups,
                                       sizes);
}

/// Gives each axis a dimension of its own, but for lists that `to` has too.
Value Axes::splitDims(OpBuilder &builder, Location loc, Value tensor,
                      Layout &layout, ArrayRef<AxisList> to) const {
  Layout split;
  SmallVector<ReassociationIndices> groups;
  for (const AxisList &list : layout) {
    int64_t first = split.size();
    if (list.size() < 2 || llvm::is_contained(to, list))
      split.push_back(list);
    else
      for (unsigned axis : list)
        split.push_back({axis});
    groups.push_back(llvm::to_vector<2>(
        llvm::seq<int64_t>(first, static_cast<int64_t>(split.size()))));
  }
  if (split.size() == layout.size())
    return tensor;
  layout = split;
  return expand(builder, loc, tensor, getStaticSizes(layout), groups,
                getSizes(builder, loc, layout));
}

/// Merges dimensions into those of `to` that have any axis.
Value Axes::mergeDims(OpBuilder &builder, Location loc, Value tensor,
                      Layout &layout, ArrayRef<AxisList> to) const {
  Layout merged;
  for (const AxisList &list : to)
    if (!list.empty())
      merged.push_back(list);
  SmallVector<ReassociationIndices> groups(merged.size());
  size_t current = 0, taken = 0;
  for (auto [dim, list] : llvm::enumerate(layout)) {
    if (merged.empty())
      break;
    // A dimension without an axis goes with what stands before it.
    if (!list.empty() && taken == merged[current].size()) {
      ++current;
      taken = 0;
    }
    groups[current].push_back(static_cast<int64_t>(dim));
    taken += list.size();
  }
  if (merged.size() == layout.size())
    return tensor;
  layout = merged;
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

/// Adds to a tensor of the axes of `to` the dimensions that have none.
Value Axes::insertUnitDims(OpBuilder &builder, Location loc, Value tensor,
                           ArrayRef<AxisList> to) const {
  int64_t rank = typeOf(tensor).getRank();
  if (rank == static_cast<int64_t>(to.size()))
    return tensor;
  SmallVector<ReassociationIndices> groups(rank);
  int64_t current = 0;
  bool isTaken = false;
  for (auto [dim, list] : llvm::enumerate(to)) {
    if (rank == 0)
      break;
    if (!list.empty() && isTaken)
      ++current;
    isTaken |= !list.empty();
    groups[current].push_back(static_cast<int64_t>(dim));
  }
  return expand(builder, loc, tensor, getStaticSizes(to), groups,
                getSizes(builder, loc, to));
}

Value Axes::rearrange(OpBuilder &builder, Location loc, Value tensor,
                      ArrayRef<AxisList> from, ArrayRef<AxisList> to) const {
  Layout layout = resolveAll(from), target = resolveAll(to);
  tensor = refine(builder, loc, tensor, layout);
  if (layout == target)
    return tensor;

  if (flatten(layout) != flatten(target)) {
    tensor = splitDims(builder, loc, tensor, layout, target);
    // Dimensions without an axis go first.
    SmallVector<int64_t> permutation;
    for (auto [dim, list] : llvm::enumerate(layout))
      if (list.empty())
        permutation.push_back(static_cast<int64_t>(dim));
    auto append = [&](const AxisList &list) {
      permutation.push_back(llvm::find(layout, list) - layout.begin());
    };
    for (const AxisList &list : target) {
      if (!list.empty() && llvm::is_contained(layout, list))
        append(list);
      else
        for (unsigned axis : list)
          append({axis});
    }
    layout = llvm::map_to_vector<4>(permutation,
                                    [&](int64_t dim) { return layout[dim]; });
    Value init = createEmpty(builder, loc, getSizes(builder, loc, layout),
                             typeOf(tensor).getElementType());
    tensor =
        linalg::TransposeOp::create(builder, loc, tensor, init, permutation)
            ->getResult(0);
    if (layout == target)
      return tensor;
  }
  tensor = splitDims(builder, loc, tensor, layout, target);
  tensor = mergeDims(builder, loc, tensor, layout, target);
  return insertUnitDims(builder, loc, tensor, target);
}
