// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that write elements at computed places. Loops write one
// after the other: upstream's structured operations write each place once.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// How an element that is written joins the one that is there; empty if it
/// replaces that.
static FailureOr<StringRef> getCombiner(OnnxCall &call) {
  StringRef reduction = call.string("reduction", "none");
  std::optional<StringRef> combiner =
      llvm::StringSwitch<std::optional<StringRef>>(reduction)
          .Case("none", "")
          .Case("add", "Add")
          .Case("mul", "Mul")
          .Case("max", "Max")
          .Case("min", "Min")
          .Default(std::nullopt);
  if (!combiner)
    return call.fail("expected 'reduction' none, add, mul, max or min, got " +
                     reduction);
  return *combiner;
}

/// Writes each of `updates` to `data`, at the place that `placeOf` gives for
/// the indices of its own.
static FailureOr<OnnxValues> scatter(
    OnnxCall &call, const SizedTensor &data, const SizedTensor &updates,
    llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange)>
        placeOf) {
  FailureOr<StringRef> combiner = getCombiner(call);
  if (failed(combiner))
    return failure();
  if (data.elementType() != updates.elementType())
    return call.fail("expected data and updates of one type");
  TensorBuilder &tensors = call.tensors;
  Value zero = tensors.asIndex(tensors.constantSize(0));
  Value one = tensors.asIndex(tensors.constantSize(1));
  SmallVector<Value> starts(updates.rank(), zero), steps(updates.rank(), one);
  SmallVector<Value> ends(llvm::map_range(
      updates.sizes, [&](OpFoldResult size) { return tensors.asIndex(size); }));
  scf::LoopNest loops = scf::buildLoopNest(
      tensors.builder, tensors.location, starts, ends, steps, data.value,
      [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange carried) {
        SmallVector<Value> at = placeOf(b, loc, indices);
        Value x = tensor::ExtractOp::create(b, loc, updates.value, indices);
        if (!combiner->empty()) {
          Value old = tensor::ExtractOp::create(b, loc, carried[0], at);
          x = ScalarBuilder(b, loc).build(*combiner, {old, x});
        }
        return scf::ValueVector{
            tensor::InsertOp::create(b, loc, x, carried[0], at)};
      });
  return OnnxValues{SizedTensor{loops.results.front(), data.sizes}};
}

static LogicalResult expectIntegers(OnnxCall &call, const SizedTensor &tensor) {
  if (isa<IntegerType>(tensor.elementType()) &&
      !tensor.elementType().isInteger(1))
    return success();
  return call.fail("expected integers as indices");
}

/// The last dimension of the indices is a place in the first dimensions of the
/// data, to which an update of the others goes.
static FailureOr<OnnxValues> importScatterND(OnnxCall &call) {
  if (failed(call.expectInputs(3, 3)))
    return failure();
  SizedTensor data = call.asTensor(call.input(0));
  SizedTensor indices = call.asTensor(call.input(1));
  SizedTensor updates = call.asTensor(call.input(2));
  int64_t leading = indices.rank() - 1;
  std::optional<int64_t> count =
      indices.rank() ? getConstantIntValue(indices.sizes.back()) : std::nullopt;
  if (failed(expectIntegers(call, indices)))
    return failure();
  if (!count || *count < 1 || *count > data.rank() ||
      updates.rank() != leading + data.rank() - *count)
    return call.fail("expected indices whose last dimension has a known size "
                     "from 1 to the rank of the data, and an update for each");
  SmallVector<Value> extents(llvm::map_range(
      data.sizes, [&](OpFoldResult s) { return call.tensors.asIndex(s); }));
  return scatter(
      call, data, updates, [&](OpBuilder &b, Location loc, ValueRange loops) {
        SmallVector<Value> at, chosen(loops.take_front(leading));
        for (int64_t dim = 0; dim < *count; ++dim) {
          chosen.push_back(arith::ConstantIndexOp::create(b, loc, dim));
          Value index =
              tensor::ExtractOp::create(b, loc, indices.value, chosen);
          chosen.pop_back();
          at.push_back(TensorBuilder::place(b, loc, index, extents[dim]));
        }
        llvm::append_range(at, loops.drop_front(leading));
        return at;
      });
}

/// Along one axis, to the update's own place in all others.
static FailureOr<OnnxValues> importScatterElements(OnnxCall &call) {
  if (failed(call.expectInputs(3, 3)))
    return failure();
  SizedTensor data = call.asTensor(call.input(0));
  SizedTensor indices = call.asTensor(call.input(1));
  SizedTensor updates = call.asTensor(call.input(2));
  FailureOr<int64_t> axis = call.axis(call.integer("axis", 0), data.rank());
  if (failed(axis) || failed(expectIntegers(call, indices)))
    return failure();
  if (indices.rank() != data.rank() || updates.rank() != data.rank())
    return call.fail("expected data, indices and updates of one rank");
  Value extent = call.tensors.asIndex(data.sizes[*axis]);
  return scatter(
      call, data, updates, [&](OpBuilder &b, Location loc, ValueRange loops) {
        SmallVector<Value> at(loops);
        Value index = tensor::ExtractOp::create(b, loc, indices.value, loops);
        at[*axis] = TensorBuilder::place(b, loc, index, extent);
        return at;
      });
}

OnnxOperator attn::findScatterOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("ScatterElements", importScatterElements)
      .Case("ScatterND", importScatterND)
      .Default(nullptr);
}
