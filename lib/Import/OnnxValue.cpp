// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxValue.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;

OnnxValue OnnxValue::few(Type type, ArrayRef<Value> elements,
                         ArrayRef<int64_t> shape) {
  assert(computeProduct(shape) == static_cast<int64_t>(elements.size()) &&
         "as many scalars as places");
  OnnxValue value;
  value.elementType = type;
  value.scalars.assign(elements.begin(), elements.end());
  value.fewShape.assign(shape.begin(), shape.end());
  return value;
}

SmallVector<int64_t> OnnxValue::strides() const {
  return computeStrides(fewShape);
}

OnnxValue OnnxValue::view(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                          int64_t offset) const {
  SmallVector<int64_t> places = computeStrides(shape);
  SmallVector<Value> chosen;
  for (int64_t i = 0, end = computeProduct(shape); i < end; ++i) {
    int64_t at = offset;
    for (auto [index, stride] : llvm::zip(delinearize(i, places), strides))
      at += index * stride;
    chosen.push_back(scalars[at]);
  }
  return few(elementType, chosen, shape);
}
