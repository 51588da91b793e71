// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DistanceBiases.h"
#include "VectorMath.h"

using namespace mlir;
using namespace attn;

/// R, where there are `size` distances; 0 where there is none.
static Value getFarthest(KernelBuilder &b, Value size) {
  return b.div(b.max(b.sub(size, b.index(1)), b.index(0)), b.index(2));
}

MemRefType attn::getPaddedBiasesType(KernelBuilder &b, Value biases) {
  auto type = cast<MemRefType>(biases.getType());
  int64_t size = type.getDimSize(1);
  if (!ShapedType::isDynamic(size))
    size += 2 * b.lanes();
  return MemRefType::get({type.getDimSize(0), size}, b.getF32Type());
}

void attn::emitPaddedBiases(KernelBuilder &b, Value biases, Value padded) {
  int64_t lanes = b.lanes();
  Value size = b.dim(biases, 1);
  Value last = b.add(b.mul(getFarthest(b, size), b.index(2)), b.index(lanes));
  b.forLoop(b.index(0), b.dim(biases, 0), 1, [&](Value head) {
    // Where none is given, all are 0.
    b.store(b.splat(lanes, 0.0), padded, {head, b.index(lanes)});
    b.forLoop(b.index(0), size, lanes, [&](Value i) {
      Value inside = b.mask(lanes, b.sub(size, i));
      Value given = b.loadMasked(biases, {head, i}, inside);
      b.storeMasked(emitInLog2(b, given), inside, padded,
                    {head, b.add(i, b.index(lanes))});
    });
    auto repeat = [&](Value place, Value to) {
      Value bias = b.loadScalar(padded, {head, place});
      b.store(b.splat(lanes, bias), padded, {head, to});
    };
    repeat(b.index(lanes), b.index(0));
    repeat(last, b.add(last, b.index(1)));
  });
}

Value attn::loadBiases(KernelBuilder &b, Value padded, Value head,
                       Value distance) {
  int64_t lanes = b.lanes();
  Value size = b.sub(b.dim(padded, 1), b.index(2 * lanes));
  Value farthest = getFarthest(b, size);
  Value place = b.add(distance, b.add(farthest, b.index(lanes)));
  Value last = b.add(b.mul(farthest, b.index(2)), b.index(lanes));
  return b.load(padded, {head, b.max(b.min(place, last), b.index(0))}, lanes);
}
