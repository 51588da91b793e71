// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads weights through a table of pointers.

#include "WeightTable.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_LOWERWEIGHTS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// A memref over the pointer that the table has at `place`.
Value readTable(OpBuilder &opBuilder, Location loc, int64_t place,
                int64_t tableSize, MemRefType type,
                const LLVMTypeConverter &converter) {
  ImplicitLocOpBuilder builder(loc, opBuilder);
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto tableType = LLVM::LLVMArrayType::get(pointer, tableSize);
  Value table = LLVM::AddressOfOp::create(builder, pointer, kWeightTable);
  Value slot = LLVM::GEPOp::create(
      builder, pointer, tableType, table,
      ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(place)});
  Value data = LLVM::LoadOp::create(builder, pointer, slot);
  Value descriptor =
      MemRefDescriptor::fromStaticShape(builder, loc, converter, type, data);
  return UnrealizedConversionCastOp::create(builder, type, descriptor)
      .getResult(0);
}

struct LowerWeightsPass : attn::impl::LowerWeightsBase<LowerWeightsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseMap<Attribute, int64_t> places;
    forEachWeight(module, [&](SymbolRefAttr name, WeightOp, int64_t place) {
      places[name] = place;
    });
    int64_t size = places.size();

    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto table = LLVM::GlobalOp::create(
        builder, module.getLoc(), LLVM::LLVMArrayType::get(pointer, size),
        /*isConstant=*/false, LLVM::Linkage::External, kWeightTable,
        Attribute());
    table.getInitializerRegion().emplaceBlock();
    builder.setInsertionPointToEnd(table.getInitializerBlock());
    Value zero =
        LLVM::ZeroOp::create(builder, module.getLoc(), table.getType());
    LLVM::ReturnOp::create(builder, module.getLoc(), zero);

    LLVMTypeConverter converter(&getContext());
    module.walk([&](GetWeightOp op) {
      builder.setInsertionPoint(op);
      op.replaceAllUsesWith(readTable(
          builder, op.getLoc(), places.lookup(op.getWeightAttr()), size,
          cast<MemRefType>(op.getResult().getType()), converter));
      op.erase();
    });
    for (auto group : llvm::make_early_inc_range(module.getOps<WeightsOp>()))
      group.erase();
  }
};

} // namespace
