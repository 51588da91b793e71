// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tensor builder computes from many elements each.

#include "TensorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;

SizedTensor TensorBuilder::reduce(
    const SizedTensor &tensor, ArrayRef<int64_t> axes, Value init,
    llvm::function_ref<Value(OpBuilder &, Location, Value, Value)> combine) {
  TensorSizes kept, all = tensor.sizes;
  SmallVector<AffineExpr> results;
  SmallVector<utils::IteratorType> iterators;
  for (auto [dim, size] : llvm::enumerate(tensor.sizes)) {
    bool isReduced = llvm::is_contained(axes, int64_t(dim));
    iterators.push_back(isReduced ? utils::IteratorType::reduction
                                  : utils::IteratorType::parallel);
    if (isReduced) {
      all[dim] = constantSize(1);
      continue;
    }
    kept.push_back(size);
    results.push_back(builder.getAffineDimExpr(dim));
  }
  AffineMap maps[] = {
      builder.getMultiDimIdentityMap(tensor.rank()),
      AffineMap::get(tensor.rank(), 0, results, builder.getContext())};
  SizedTensor result =
      generic(tensor.value, fill(kept, init).value, kept, maps, iterators,
              [&](OpBuilder &b, Location loc, ValueRange arguments) {
                return combine(b, loc, arguments[1], arguments[0]);
              });
  return reshape(result, all);
}

SizedTensor TensorBuilder::accumulate(const SizedTensor &tensor, int64_t axis,
                                      arith::CmpIPredicate counts) {
  // The last loop is that of a sum. As one for each element, they take no order
  // from one to the next; rows of positions are short.
  unsigned rank = tensor.rank();
  auto identity =
      AffineMap::getMultiDimIdentityMap(rank + 1, builder.getContext());
  SmallVector<AffineExpr> places(identity.getResults().drop_back());
  places[axis] = builder.getAffineDimExpr(rank);
  AffineMap maps[] = {AffineMap::get(rank + 1, 0, places, builder.getContext()),
                      identity.dropResult(rank)};
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Value zero = scalar(tensor.elementType(), 0);
  return generic(
      tensor.value, fill(tensor.sizes, zero).value, tensor.sizes, maps,
      iterators,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        Value part = linalg::IndexOp::create(b, loc, rank);
        Value place = linalg::IndexOp::create(b, loc, axis);
        Value isCounted = arith::CmpIOp::create(b, loc, counts, part, place);
        Value x =
            arith::SelectOp::create(b, loc, isCounted, arguments[0], zero);
        if (isa<FloatType>(tensor.elementType()))
          return arith::AddFOp::create(b, loc, arguments[1], x);
        return arith::AddIOp::create(b, loc, arguments[1], x);
      });
}

SizedTensor TensorBuilder::softmax(const SizedTensor &tensor, int64_t axis) {
  Value value = linalg::SoftmaxOp::create(
                    builder, location, TypeRange(tensor.value.getType()),
                    tensor.value, empty(tensor.sizes, tensor.elementType()),
                    static_cast<uint64_t>(axis))
                    ->getResult(0);
  return {value, tensor.sizes};
}

SizedTensor TensorBuilder::multiply(const SizedTensor &left,
                                    const SizedTensor &right,
                                    ArrayRef<OpFoldResult> batch) {
  SizedTensor a = takeRepeated(left, batch.take_back(left.rank() - 2));
  SizedTensor b = takeRepeated(right, batch.take_back(right.rank() - 2));
  Type element = a.elementType(), sum = element;
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
    sum = builder.getF32Type();
  unsigned count = batch.size(), loops = count + 3;
  // Loops: the batch, rows, columns, and what is summed.
  auto mapOf = [&](const SizedTensor &operand, unsigned row, unsigned column) {
    SizedTensor outer = operand;
    outer.sizes.pop_back_n(2);
    AffineMap places = broadcastMap(outer, batch, loops);
    SmallVector<AffineExpr> results(places.getResults());
    results.push_back(builder.getAffineDimExpr(row));
    results.push_back(builder.getAffineDimExpr(column));
    return AffineMap::get(loops, 0, results, builder.getContext());
  };
  TensorSizes sizes(batch);
  sizes.push_back(a.sizes[a.rank() - 2]);
  sizes.push_back(b.sizes[b.rank() - 1]);
  AffineMap maps[] = {
      mapOf(a, count, count + 2), mapOf(b, count + 2, count + 1),
      AffineMap::getMultiDimIdentityMap(loops, builder.getContext())
          .dropResult(count + 2)};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  SizedTensor result = generic(
      {a.value, b.value}, fill(sizes, scalar(sum, 0)).value, sizes, maps,
      iterators,
      [&](OpBuilder &builder, Location loc, ValueRange arguments) -> Value {
        Value x = arguments[0], y = arguments[1];
        if (sum != element) {
          x = arith::ExtFOp::create(builder, loc, sum, x);
          y = arith::ExtFOp::create(builder, loc, sum, y);
        }
        if (isa<IntegerType>(sum))
          return arith::AddIOp::create(
              builder, loc, arguments[2],
              arith::MulIOp::create(builder, loc, x, y));
        return arith::AddFOp::create(builder, loc, arguments[2],
                                     arith::MulFOp::create(builder, loc, x, y));
      });
  if (sum == element)
    return result;
  return map(result, sizes, element,
             [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
               return arith::TruncFOp::create(b, loc, element, arguments[0]);
             });
}
