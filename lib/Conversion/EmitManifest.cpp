// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes down what the compiled module offers and needs.

#include "EqualSizes.h"
#include "WeightTable.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {
#define GEN_PASS_DEF_EMITMANIFEST
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The name of an element type in the manifest; empty if it has none there.
static StringRef nameOf(Type type) {
  if (auto floating = dyn_cast<FloatType>(type)) {
    if (floating.isF64())
      return "f64";
    if (floating.isF32())
      return "f32";
    if (floating.isF16())
      return "f16";
    if (floating.isBF16())
      return "bf16";
    return "";
  }
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || !integer.isSignless())
    return "";
  switch (integer.getWidth()) {
  case 1:
    return "i1";
  case 8:
    return "i8";
  case 32:
    return "i32";
  case 64:
    return "i64";
  default:
    return "";
  }
}

static void writeType(llvm::json::OStream &json, ShapedType type) {
  json.attribute("type", nameOf(type.getElementType()));
  json.attributeArray("shape", [&] {
    for (int64_t size : type.getShape())
      json.value(ShapedType::isDynamic(size) ? -1 : size);
  });
}

static void writeWeights(llvm::json::OStream &json, ModuleOp module) {
  forEachWeight(module, [&](SymbolRefAttr name, WeightOp weight, int64_t) {
    json.object([&] {
      json.attribute("name", (name.getRootReference().getValue() + "." +
                              name.getLeafReference().getValue())
                                 .str());
      if (auto sources = weight.getSources())
        json.attributeArray("sources", [&] {
          for (StringRef source : sources->getAsValueRange<StringAttr>())
            json.value(source);
        });
      if (weight.getSinusoidal())
        json.attribute("sinusoidal", true);
      if (auto measure = weight.getMeasure())
        json.attribute("measure", stringifyRowMeasure(*measure));
      writeType(json, weight.getLogicalType());
      if (auto panel = weight.getPanel())
        json.attribute("panel", static_cast<int64_t>(*panel));
      if (weight.getTransposed())
        json.attribute("transposed", true);
      if (auto group = weight.getGroup())
        json.attribute("group", static_cast<int64_t>(*group));
    });
  });
}

static void writeSizes(llvm::json::OStream &json, const EqualSizes &sizes) {
  json.attributeArray("places", [&] {
    for (auto place : sizes.places)
      json.array([&] {
        json.value(place.argument);
        json.value(place.dim);
        if (place.more)
          json.value(place.more);
      });
  });
  if (sizes.value)
    json.attribute("value", *sizes.value);
}

static void writeFunctions(llvm::json::OStream &json, ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    json.object([&] {
      json.attribute("name", function.getName());
      json.attributeArray("arguments", [&] {
        for (BlockArgument argument : function.getArguments())
          json.object([&] {
            writeType(json, cast<ShapedType>(argument.getType()));
            if (auto role = function.getArgAttrOfType<StringAttr>(
                    argument.getArgNumber(), AttnDialect::kRoleAttr))
              json.attribute("role", role.getValue());
          });
      });
      json.attributeArray("results", [&] {
        for (Type type : function.getResultTypes())
          json.object([&] { writeType(json, cast<ShapedType>(type)); });
      });
      json.attributeArray("equal", [&] {
        for (const EqualSizes &sizes : collectEqualSizes(function))
          json.object([&] { writeSizes(json, sizes); });
      });
    });
  }
}

/// A caller passes tensors, and memrefs for what is updated in place.
static LogicalResult checkSignature(func::FuncOp function) {
  if (function.isExternal())
    return function.emitError()
           << "expected a body for function '" << function.getName() << "'";
  auto check = [&](Type type, const Twine &what) -> LogicalResult {
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped && isa<RankedTensorType, MemRefType>(type) &&
        !nameOf(shaped.getElementType()).empty())
      return success();
    return function.emitError()
           << "expected " << what << " of function '" << function.getName()
           << "' to be a ranked tensor of f64, f32, f16, bf16, i64, i32, i8 or "
              "i1, got "
           << type;
  };
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(check(type, "argument " + Twine(index))))
      return failure();
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(check(type, "result " + Twine(index))))
      return failure();
  return success();
}

namespace {

struct EmitManifestPass : attn::impl::EmitManifestBase<EmitManifestPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isPrivate())
        continue;
      if (failed(checkSignature(function)))
        return signalPassFailure();
      function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                        UnitAttr::get(&getContext()));
      // What a caller passes as a tensor is not memory to compute in, unless
      // it is given as a cache.
      for (BlockArgument argument : function.getArguments())
        if (isa<TensorType>(argument.getType()))
          function.setArgAttr(
              argument.getArgNumber(),
              bufferization::BufferizationDialect::kWritableAttrName,
              BoolAttr::get(&getContext(),
                            AttnDialect::isCache(function, argument)));
    }

    std::string text;
    llvm::raw_string_ostream stream(text);
    llvm::json::OStream json(stream);
    json.object([&] {
      json.attribute("version", 1);
      json.attributeArray("weights", [&] { writeWeights(json, module); });
      json.attributeArray("functions", [&] { writeFunctions(json, module); });
    });
    text.push_back('\0');
    // Said now; arguments that are pointers have no sizes.
    for (auto function : module.getOps<func::FuncOp>()) {
      // Who calls from within the module does not look at the manifest.
      if (!function.isPrivate() && function.symbolKnownUseEmpty(module))
        eraseAssertedSizes(function);
      for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
        function.removeArgAttr(i, AttnDialect::kSizesAttr);
    }

    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    LLVM::GlobalOp::create(
        builder, module.getLoc(),
        LLVM::LLVMArrayType::get(builder.getI8Type(), text.size()),
        /*isConstant=*/true, LLVM::Linkage::External, "attn_manifest",
        builder.getStringAttr(text));
  }
};

} // namespace
