// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derives a step with caches from a whole-sentence decoder: which function is
// one, and the two that are made of it.

#include "DecoderFunctions.h"
#include "StepOperations.h"
#include "StoredKeys.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace attn {
#define GEN_PASS_DEF_INCREMENTALDECODING
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// The decoder
//===----------------------------------------------------------------------===//

/// The argument with a role; none if there is not exactly one.
static Value findArgument(func::FuncOp func, StepRole role) {
  Value found;
  for (BlockArgument argument : func.getArguments()) {
    auto own = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                 AttnDialect::kRoleAttr);
    if (!own || own.getValue() != nameOf(role))
      continue;
    if (found)
      return {};
    found = argument;
  }
  return found;
}

static std::string nameOf(func::FuncOp decode, StringRef suffix) {
  return (decode.getSymName() + "_" + suffix).str();
}

/// The arguments of a function that can be derived from, or a message.
static FailureOr<DecoderArguments> checkDecoder(func::FuncOp decode) {
  DecoderArguments arguments = {findArgument(decode, StepRole::Ids),
                                findArgument(decode, StepRole::MemoryLengths)};
  if (!arguments.ids)
    return decode.emitError()
           << "expected one argument with '" << AttnDialect::kRoleAttr
           << "' = \"ids\": the tokens that are decoded";
  Builder builder(decode.getContext());
  auto expected = RankedTensorType::get(
      {ShapedType::kDynamic, ShapedType::kDynamic}, builder.getI32Type());
  if (arguments.ids.getType() != expected)
    return decode.emitError() << "expected token ids of type " << expected
                              << ", got " << arguments.ids.getType();
  for (StringRef suffix : {"prepare", "step"}) {
    std::string name = nameOf(decode, suffix);
    if (Operation *other = SymbolTable::lookupNearestSymbolFrom(
            decode, builder.getStringAttr(name)))
      return other->emitError()
             << "expected no symbol '" << name << "', which is to be derived";
  }
  return arguments;
}

//===----------------------------------------------------------------------===//
// What is made of it
//===----------------------------------------------------------------------===//

/// A function without arguments and results yet, after `decode`.
static func::FuncOp createFunction(func::FuncOp decode, StringRef suffix) {
  OpBuilder builder(decode.getContext());
  builder.setInsertionPointAfter(decode);
  auto func =
      func::FuncOp::create(builder, decode.getLoc(), nameOf(decode, suffix),
                           builder.getFunctionType({}, {}));
  func.setVisibility(decode.getVisibility());
  func.addEntryBlock();
  return func;
}

/// Makes the type of `func` that of its body.
static void setSignature(func::FuncOp func,
                         ArrayRef<DictionaryAttr> attributes) {
  Block &body = func.front();
  func.setFunctionType(
      FunctionType::get(func.getContext(), body.getArgumentTypes(),
                        body.getTerminator()->getOperandTypes()));
  func.setAllArgAttrs(attributes);
}

/// Writes the body of the step.
static LogicalResult deriveBody(StepBuilder &b, Block &decoder) {
  for (Operation &op : decoder.without_terminator())
    if (b.getOrigins().of(op) == Origin::Token &&
        failed(deriveOperation(b, &op)))
      return failure();
  Operation *terminator = decoder.getTerminator();
  SmallVector<Value> results;
  for (Value operand : terminator->getOperands()) {
    FailureOr<Value> result = b.getToken(terminator, "result", operand);
    if (failed(result))
      return failure();
    results.push_back(*result);
  }
  func::ReturnOp::create(b, terminator->getLoc(), results);
  return success();
}

/// The function that computes once what the step takes as `crosses`.
static void createPrepare(func::FuncOp decode, ArrayRef<Value> crosses,
                          FloatType stored) {
  llvm::DenseSet<Value> needed(crosses.begin(), crosses.end());
  SmallVector<Operation *> operations =
      collectDefinitions(decode.front(), needed);

  func::FuncOp prepare = createFunction(decode, "prepare");
  Block &body = prepare.front();
  IRMapping prepared;
  SmallVector<DictionaryAttr> attributes;
  for (BlockArgument argument : decode.getArguments()) {
    if (!needed.contains(argument))
      continue;
    prepared.map(argument,
                 body.addArgument(argument.getType(), argument.getLoc()));
    attributes.push_back(decode.getArgAttrDict(argument.getArgNumber()));
  }
  OpBuilder builder = OpBuilder::atBlockEnd(&body);
  for (Operation *op : operations)
    builder.clone(*op, prepared);
  auto results = llvm::map_to_vector(crosses, [&](Value value) {
    return createStored(builder, prepared.lookup(value), stored);
  });
  func::ReturnOp::create(builder, decode.getLoc(), results);
  setSignature(prepare, attributes);
}

/// Makes the two functions. Keys and values of f32 are stored as `stored`.
static LogicalResult derive(func::FuncOp decode, FloatType stored) {
  FailureOr<DecoderArguments> arguments = checkDecoder(decode);
  if (failed(arguments))
    return failure();
  func::FuncOp step = createFunction(decode, "step");
  StepBuilder b(decode.front(), *arguments, step.front(), stored);
  if (failed(deriveBody(b, decode.front()))) {
    step.erase();
    return failure();
  }
  setSignature(step, llvm::map_to_vector(b.getRoles(), [&](StepRole role) {
                 return b.getDictionaryAttr(b.getNamedAttr(
                     AttnDialect::kRoleAttr, b.getStringAttr(nameOf(role))));
               }));
  if (!b.getCrosses().empty())
    createPrepare(decode, b.getCrosses(), stored);
  return success();
}

namespace {

struct IncrementalDecoding
    : public attn::impl::IncrementalDecodingBase<IncrementalDecoding> {
  using IncrementalDecodingBase::IncrementalDecodingBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    if (cacheType != "f32" && cacheType != "bf16")
      return getOperation().emitError()
             << "expected 'f32' or 'bf16' as element type of caches, got '"
             << cacheType << "'";
    FailureOr<func::FuncOp> decode = lookupFunction(getOperation(), function);
    if (failed(decode))
      return failure();
    Builder builder(&getContext());
    FloatType stored = builder.getF32Type();
    if (cacheType == "bf16")
      stored = builder.getBF16Type();
    return derive(*decode, stored);
  }
};

} // namespace
