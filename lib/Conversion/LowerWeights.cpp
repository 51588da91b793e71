// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads weights through a table of pointers.

#include "WeightTable.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

namespace attn {
#define GEN_PASS_DEF_LOWERWEIGHTS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

class WeightLowering {
public:
  explicit WeightLowering(ModuleOp module)
      : module(module), converter(module.getContext()) {
    forEachWeight(module, [&](SymbolRefAttr name, WeightOp, int64_t place) {
      places[name] = place;
    });
  }

  void run() {
    createTable();
    SymbolTableCollection symbols;
    const SymbolUserMap users(symbols, module);
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPrivate() && !function.isExternal())
        passPlace(function, users.getUsers(function));
    module.walk([&](GetWeightOp op) {
      if (op.use_empty())
        return op.erase();
      ImplicitLocOpBuilder builder(op.getLoc(), op);
      Value place =
          LLVM::ConstantOp::create(builder, builder.getI64Type(), placeOf(op));
      op.replaceAllUsesWith(readTable(
          builder, place, cast<MemRefType>(op.getResult().getType())));
      op.erase();
    });
    for (auto group : llvm::make_early_inc_range(module.getOps<WeightsOp>()))
      group.erase();
  }

private:
  void createTable() {
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    auto table =
        LLVM::GlobalOp::create(builder, module.getLoc(), getTableType(),
                               /*isConstant=*/false, LLVM::Linkage::External,
                               kWeightTable, Attribute());
    table.getInitializerRegion().emplaceBlock();
    builder.setInsertionPointToEnd(table.getInitializerBlock());
    Value zero =
        LLVM::ZeroOp::create(builder, module.getLoc(), table.getType());
    LLVM::ReturnOp::create(builder, module.getLoc(), zero);
  }

  Type getTableType() {
    return LLVM::LLVMArrayType::get(
        LLVM::LLVMPointerType::get(module.getContext()), places.size());
  }

  int64_t placeOf(GetWeightOp op) { return places.lookup(op.getWeightAttr()); }

  /// A memref over the pointer that the table has at `place`, an i64.
  Value readTable(ImplicitLocOpBuilder &builder, Value place, MemRefType type) {
    auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Value table = LLVM::AddressOfOp::create(builder, pointer, kWeightTable);
    Value slot = LLVM::GEPOp::create(builder, pointer, getTableType(), table,
                                     ArrayRef<LLVM::GEPArg>{0, place});
    Value data = LLVM::LoadOp::create(builder, pointer, slot);
    Value descriptor = MemRefDescriptor::fromStaticShape(
        builder, builder.getLoc(), converter, type, data);
    return UnrealizedConversionCastOp::create(builder, type, descriptor)
        .getResult(0);
  }

  /// Lets a function that takes weights as arguments take the place of the
  /// first one instead, if the others are as far from it in every call: a layer
  /// then costs its caller one number, however many weights it has.
  void passPlace(func::FuncOp function, ArrayRef<Operation *> users) {
    SmallVector<func::CallOp> calls;
    for (Operation *user : users) {
      auto call = dyn_cast<func::CallOp>(user);
      if (!call)
        return;
      calls.push_back(call);
    }
    if (calls.empty())
      return;

    // Distances from the first weight.
    llvm::MapVector<unsigned, int64_t> distances;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (auto weight = calls[0].getOperand(i).getDefiningOp<GetWeightOp>())
        distances[i] = placeOf(weight) - firstPlace(calls[0]);
    if (distances.empty())
      return;
    for (func::CallOp call : calls)
      for (auto [i, distance] : distances) {
        auto weight = call.getOperand(i).getDefiningOp<GetWeightOp>();
        if (!weight || placeOf(weight) - firstPlace(call) != distance)
          return;
      }

    llvm::BitVector isWeight(function.getNumArguments());
    ImplicitLocOpBuilder builder(function.getLoc(), module.getContext());
    for (func::CallOp call : calls) {
      builder.setInsertionPoint(call);
      Value place = LLVM::ConstantOp::create(builder, builder.getI64Type(),
                                             firstPlace(call));
      call->insertOperands(call.getNumOperands(), place);
    }
    builder.setInsertionPointToStart(&function.front());
    Value first =
        function.front().addArgument(builder.getI64Type(), function.getLoc());
    for (auto [i, distance] : distances) {
      isWeight.set(i);
      Value place = LLVM::AddOp::create(
          builder, first,
          LLVM::ConstantOp::create(builder, builder.getI64Type(), distance));
      BlockArgument argument = function.getArgument(i);
      argument.replaceAllUsesWith(
          readTable(builder, place, cast<MemRefType>(argument.getType())));
    }
    // The place is no argument of the type yet.
    isWeight.resize(function.front().getNumArguments());
    function.front().eraseArguments(isWeight);
    function.setType(builder.getFunctionType(
        function.front().getArgumentTypes(), function.getResultTypes()));
    function.removeArgAttrsAttr();
    for (func::CallOp call : calls)
      call->eraseOperands(isWeight);
  }

  /// The place of the first operand that is a weight.
  int64_t firstPlace(func::CallOp call) {
    for (Value operand : call.getOperands())
      if (auto weight = operand.getDefiningOp<GetWeightOp>())
        return placeOf(weight);
    llvm_unreachable("the caller has seen a weight");
  }

  ModuleOp module;
  LLVMTypeConverter converter;
  llvm::DenseMap<Attribute, int64_t> places;
};

struct LowerWeightsPass : attn::impl::LowerWeightsBase<LowerWeightsPass> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](GetWeightOp op) -> WalkResult {
      if (isa<MemRefType>(op.getResult().getType()))
        return WalkResult::advance();
      return op.emitOpError("expected a memref, got ")
             << op.getResult().getType()
             << "; hint: run attn-bufferize before this pass";
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    WeightLowering(getOperation()).run();
  }
};

} // namespace
