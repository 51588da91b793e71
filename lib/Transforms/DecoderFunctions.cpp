// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DecoderFunctions.h"

using namespace mlir;

FailureOr<func::FuncOp> attn::lookupFunction(ModuleOp module, StringRef name) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return module.emitError()
           << "expected a function '" << name << "' with a body";
  if (!function.getBody().hasOneBlock())
    return function.emitError() << "expected a function of one block, got "
                                << function.getBody().getBlocks().size();
  return function;
}

LogicalResult attn::checkUnused(func::FuncOp function, ModuleOp module) {
  // What is not known to be none may be a use, in an operation of another
  // dialect.
  std::optional<SymbolTable::UseRange> uses =
      SymbolTable::getSymbolUses(function, module);
  if (uses && uses->empty())
    return success();
  Operation *user = uses ? uses->begin()->getUser() : function;
  return user->emitError() << "expected no use of '" << function.getSymName()
                           << "', whose results are about to change";
}
