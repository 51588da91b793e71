// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product with its epilogue.

#include "BFloat16Product.h"
#include "Kernels.h"
#include "QuantizedProduct.h"
#include "SplitProduct.h"

using namespace mlir;
using namespace attn;

void attn::emitLinear(KernelBuilder &b, LinearOp op) {
  ProductOperands operands;
  operands.columns = cast<MemRefType>(op.getOut().getType()).getDimSize(1);
  operands.depth = cast<MemRefType>(op.getInput().getType()).getDimSize(1);
  operands.input = op.getInput();
  operands.weight = op.getWeight();
  operands.scales = op.getScales();
  operands.bias = op.getBias();
  operands.residual = op.getResidual();
  operands.out = op.getOut();
  operands.transposed = op.getTransposed();
  operands.activation = op.getActivation();
  if (QuantizedProduct::canEmit(operands))
    return QuantizedProduct(b, operands).emit();
  if (SplitProduct::canEmit(b, operands))
    return SplitProduct(b, operands).emit();
  emitProduct(b, operands);
}
