// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `attn` dialect: its attributes and enums. The operations are in
// AttnOps.h.

#ifndef ATTN_IR_ATTNDIALECT_H
#define ATTN_IR_ATTNDIALECT_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "attn/IR/AttnDialect.h.inc"
#include "attn/IR/AttnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "attn/IR/AttnAttributes.h.inc"

#endif // ATTN_IR_ATTNDIALECT_H
