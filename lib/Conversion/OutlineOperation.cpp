// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OutlineOperation.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;

func::FuncOp attn::outlineOperation(Operation *op, func::FuncOp caller,
                                    StringRef suffix, SymbolTable &symbols) {
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  SmallVector<Operation *> constants;
  SmallVector<Value> arguments;
  for (Value value : used)
    if (matchPattern(value, m_Constant()))
      constants.push_back(value.getDefiningOp());
    else
      arguments.push_back(value);

  OpBuilder builder(caller);
  auto function = func::FuncOp::create(
      builder, op->getLoc(), (caller.getName() + suffix).str(),
      builder.getFunctionType(TypeRange(ValueRange(arguments)), {}));
  function.setPrivate();
  symbols.insert(function);

  builder.setInsertionPoint(op);
  func::CallOp::create(builder, op->getLoc(), function, arguments);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
  mapping.map(arguments, body->getArguments());
  auto inBody = [&](OpOperand &use) { return op->isAncestor(use.getOwner()); };
  for (Value value : used)
    value.replaceUsesWithIf(mapping.lookup(value), inBody);
  auto end = func::ReturnOp::create(builder, op->getLoc());
  op->moveBefore(end);
  return function;
}
