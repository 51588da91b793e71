// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns constants of the dialect `ml_program` into weights.

#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attn {
#define GEN_PASS_DEF_IMPORTGLOBALS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

class GlobalImporter {
public:
  explicit GlobalImporter(ModuleOp module) : module(module), symbols(module) {}

  LogicalResult run() {
    for (auto global :
         llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
      if (failed(import(global)))
        return failure();
    return success();
  }

private:
  LogicalResult import(ml_program::GlobalOp global) {
    if (global.getIsMutable())
      return global.emitError()
             << "expected a global that is not mutable, got '"
             << global.getSymName()
             << "'; hint: weights do not change, pass what does as an argument";
    SmallVector<Operation *> loads;
    std::optional<SymbolTable::UseRange> uses =
        SymbolTable::getSymbolUses(global, module);
    for (SymbolTable::SymbolUse use : *uses) {
      Operation *user = use.getUser();
      if (!isa<ml_program::GlobalLoadConstOp, ml_program::GlobalLoadOp>(user))
        return user->emitError()
               << "expected only 'ml_program.global_load_const' of the global '"
               << global.getSymName() << "', got '" << user->getName() << "'";
      loads.push_back(user);
    }

    if (auto external =
            dyn_cast_or_null<ml_program::ExternAttr>(global.getValueAttr())) {
      FailureOr<WeightOp> weight = addWeight(global, external);
      if (failed(weight))
        return failure();
      replace(loads, [&](OpBuilder &builder, Location loc) {
        return GetWeightOp::create(
            builder, loc, weight->getStoredType(),
            SymbolRefAttr::get(
                group.getSymNameAttr(),
                FlatSymbolRefAttr::get(weight->getSymNameAttr())));
      });
    } else if (auto elements =
                   dyn_cast_or_null<ElementsAttr>(global.getValueAttr())) {
      if (failed(checkType(global, elements.getType())))
        return failure();
      replace(loads, [&](OpBuilder &builder, Location loc) {
        return arith::ConstantOp::create(builder, loc,
                                         cast<TypedAttr>(elements));
      });
    } else {
      return global.emitError()
             << "expected the global '" << global.getSymName()
             << "' to be a tensor or '#ml_program.extern', got "
             << (global.getValueAttr()
                     ? global.getValueAttr()
                     : StringAttr::get(global.getContext(), "no value"));
    }
    symbols.erase(global);
    return success();
  }

  /// A global may be of a more general type than its value is.
  static LogicalResult checkType(ml_program::GlobalOp global, Type type) {
    if (tensor::CastOp::areCastCompatible(type, global.getType()))
      return success();
    return global.emitError()
           << "expected a value of " << global.getType() << " for the global '"
           << global.getSymName() << "', got " << type;
  }

  FailureOr<WeightOp> addWeight(ml_program::GlobalOp global,
                                ml_program::ExternAttr external) {
    // Upstream parses `extern<type>` without the type, and `extern : type`
    // with it.
    Type given = external.getType();
    if (isa<NoneType>(given))
      given = global.getType();
    auto type = dyn_cast<RankedTensorType>(given);
    Type element = type ? type.getElementType() : Type();
    bool isKind =
        type && (element.isF32() || element.isF16() || element.isBF16() ||
                 (element.isInteger(8) && type.getRank() > 1));
    if (!isKind || !type.hasStaticShape()) {
      global.emitError() << "expected the external global '"
                         << global.getSymName()
                         << "' to be a tensor of f32, f16 or bf16, or of "
                            "i8 and of rank 2 at least, and of static shape, "
                            "got "
                         << given;
      return failure();
    }
    if (failed(checkType(global, type)))
      return failure();
    OpBuilder builder(global);
    if (!group) {
      group = WeightsOp::create(builder, global.getLoc(), "globals");
      symbols.insert(group, Block::iterator(global));
    }
    builder.setInsertionPointToEnd(&group.getBody().front());
    return WeightOp::create(builder, global.getLoc(), global.getSymName(),
                            /*visibility=*/StringAttr(),
                            builder.getStrArrayAttr({global.getSymName()}),
                            /*sinusoidal=*/false, type);
  }

  /// Loads may be of a more general type than the value is.
  static void replace(ArrayRef<Operation *> loads,
                      llvm::function_ref<Value(OpBuilder &, Location)> create) {
    for (Operation *load : loads) {
      OpBuilder builder(load);
      Value value = create(builder, load->getLoc());
      Type type = load->getResult(0).getType();
      if (value.getType() != type)
        value = tensor::CastOp::create(builder, load->getLoc(), type, value);
      load->getResult(0).replaceAllUsesWith(value);
      load->erase();
    }
  }

  ModuleOp module;
  SymbolTable symbols;
  /// Made with the first weight.
  WeightsOp group;
};

struct ImportGlobals : public attn::impl::ImportGlobalsBase<ImportGlobals> {
  void runOnOperation() override {
    if (failed(GlobalImporter(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
