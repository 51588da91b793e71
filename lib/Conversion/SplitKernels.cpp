// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cuts a module into modules that are compiled by themselves.

#include "OutlineOperation.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"

namespace attn {
#define GEN_PASS_DEF_SPLITKERNELS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static SmallVector<omp::ParallelOp> findRegions(func::FuncOp function) {
  SmallVector<omp::ParallelOp> regions;
  function.walk([&](omp::ParallelOp region) { regions.push_back(region); });
  return regions;
}

/// An empty module at the end of `module`, for the same target.
static ModuleOp makePart(ModuleOp module, StringRef name) {
  auto part = ModuleOp::create(module.getLoc(), name);
  part->setDiscardableAttrs(module->getDiscardableAttrDictionary());
  module.push_back(part);
  return part;
}

/// Declares what another module defines.
static Operation *makeDeclaration(Operation *definition) {
  Operation *declaration = definition->cloneWithoutRegions();
  if (auto global = dyn_cast<LLVM::GlobalOp>(declaration))
    global.removeValueAttr();
  else
    SymbolTable::setSymbolVisibility(declaration,
                                     SymbolTable::Visibility::Private);
  return declaration;
}

/// Whether a module can find by its name what another one has.
static bool isVisible(Operation *definition) {
  if (auto global = dyn_cast_if_present<LLVM::GlobalOp>(definition))
    return global.getLinkage() == LLVM::Linkage::External;
  auto function = dyn_cast_if_present<func::FuncOp>(definition);
  return function && function.isDeclaration();
}

/// Moves `kernel`, which others call, to a module of its own at the end of
/// `module`, and declares there what it refers to, unless it refers to what
/// only its own module sees.
static void moveKernel(func::FuncOp kernel, ModuleOp module,
                       const SymbolTable &symbols) {
  std::optional<SymbolTable::UseRange> uses =
      SymbolTable::getSymbolUses(&kernel.getBody());
  if (!uses)
    return;
  llvm::SetVector<Operation *> used;
  for (SymbolTable::SymbolUse use : *uses)
    used.insert(symbols.lookup(use.getSymbolRef().getRootReference()));
  if (!llvm::all_of(used, isVisible))
    return;

  ModuleOp part = makePart(module, kernel.getName());
  for (Operation *definition : used)
    part.push_back(makeDeclaration(definition));
  OpBuilder(kernel).insert(makeDeclaration(kernel));
  kernel->moveBefore(part.getBody(), part.getBody()->end());
  kernel.setPublic();
}

static bool isKernel(func::FuncOp function) {
  return function.isPrivate() && !findRegions(function).empty();
}

static int64_t countOperations(func::FuncOp function) {
  int64_t count = 0;
  function.walk([&](Operation *) { ++count; });
  return count;
}

namespace {

struct SplitKernelsPass : attn::impl::SplitKernelsBase<SplitKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ModuleOp rest = makePart(module, "functions");
    rest.getBody()->getOperations().splice(
        rest.getBody()->end(), module.getBody()->getOperations(),
        module.getBody()->begin(), rest->getIterator());

    SymbolTable symbols(rest);
    for (auto function : llvm::to_vector(rest.getOps<func::FuncOp>()))
      if (SmallVector<omp::ParallelOp> regions = findRegions(function);
          regions.size() > 1 && function.isPrivate())
        for (omp::ParallelOp region : regions)
          outlineOperation(region, function, "_region", symbols)
              ->setDiscardableAttrs(function->getDiscardableAttrDictionary());

    // The largest first: then no thread is left with one at the end.
    SmallVector<std::pair<int64_t, func::FuncOp>> kernels;
    for (auto function : rest.getOps<func::FuncOp>())
      if (isKernel(function))
        kernels.emplace_back(countOperations(function), function);
    llvm::sort(kernels, [](auto a, auto b) {
      return a.first != b.first ? a.first > b.first
                                : a.second.getName() < b.second.getName();
    });
    for (func::FuncOp kernel : llvm::make_second_range(kernels))
      moveKernel(kernel, module, symbols);
  }
};

} // namespace
