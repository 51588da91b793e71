// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/IR/SizeProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

std::optional<std::pair<Value, int64_t>> attn::getDimOf(Value index) {
  auto op = index.getDefiningOp<tensor::DimOp>();
  if (!op)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
  std::optional<int64_t> dim = op.getConstantIndex();
  if (!type || !dim || *dim < 0 || *dim >= type.getRank())
    return std::nullopt;
  return std::pair(op.getSource(), *dim);
}

SizeProduct::SizeProduct(ArrayRef<OpFoldResult> sizes) {
  for (OpFoldResult size : sizes) {
    if (std::optional<int64_t> value = getConstantIntValue(size))
      number *= *value;
    else if (auto product = cast<Value>(size).getDefiningOp<arith::MulIOp>())
      for (Value factor : product->getOperands())
        multiply(SizeProduct(getAsOpFoldResult(factor)));
    else
      unknown.push_back({cast<Value>(size), std::nullopt});
  }
}

void SizeProduct::multiply(const SizeProduct &other) {
  number *= other.number;
  llvm::append_range(unknown, other.unknown);
}

void SizeProduct::cancel(SizeProduct &other) {
  llvm::erase_if(other.unknown, [&](const SizeOrigin &size) {
    auto *found = llvm::find(unknown, size);
    if (found == unknown.end())
      return false;
    unknown.erase(found);
    return true;
  });
}

bool SizeProduct::equals(const SizeProduct &other) const {
  SizeProduct quotient = *this;
  return quotient.divideBy(other) && quotient.isOne();
}

bool SizeProduct::divideBy(SizeProduct other) {
  cancel(other);
  if (!other.unknown.empty())
    return false;
  if (other.number == 0)
    return number == 0;
  if (number % other.number != 0)
    return false;
  number /= other.number;
  return true;
}

SmallVector<DimGroup> attn::groupDims(ArrayRef<OpFoldResult> from,
                                      ArrayRef<OpFoldResult> to) {
  auto toProduct = [](OpFoldResult size) { return SizeProduct(size); };
  return groupDims(llvm::map_to_vector(from, toProduct),
                   llvm::map_to_vector(to, toProduct));
}

SmallVector<DimGroup> attn::groupDims(ArrayRef<SizeProduct> from,
                                      ArrayRef<SizeProduct> to) {
  SmallVector<DimGroup> groups;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    ReassociationIndices source, target;
    SizeProduct have, want;
    auto takeSource = [&] {
      have.multiply(from[i]);
      source.push_back(i++);
    };
    auto takeTarget = [&] {
      want.multiply(to[j]);
      target.push_back(j++);
    };
    if (i < from.size())
      takeSource();
    if (j < to.size())
      takeTarget();
    while (true) {
      SizeProduct more = have, less = want;
      bool isMultiple = more.divideBy(want), isPart = less.divideBy(have);
      bool isEqual = isMultiple && isPart && have.number != 0;
      // A reshape of nothing has no groups that mean anything.
      if (isEqual && !source.empty() && !target.empty())
        break;
      if (j < to.size() && (isMultiple || i == from.size()))
        takeTarget();
      else if (i < from.size())
        takeSource();
      else
        break;
    }
    // Ones that have no partner go with what is before them.
    auto isOne = [](ArrayRef<SizeProduct> sizes, size_t at) {
      return at < sizes.size() && sizes[at].isOne();
    };
    while (isOne(from, i) != isOne(to, j))
      if (isOne(from, i))
        takeSource();
      else
        takeTarget();
    groups.emplace_back(std::move(source), std::move(target));
  }
  return groups;
}
