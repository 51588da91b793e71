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

/// Whether each element of `tensor` is its own index along dimension `dim`.
static bool isIndex(Value tensor, int64_t dim) {
  if (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    return isIndex(cast.getSource(), dim);
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>()) {
    auto groups = expand.getReassociationIndices();
    auto *group = llvm::find_if(groups, [&](ArrayRef<int64_t> dims) {
      return llvm::is_contained(dims, dim);
    });
    return llvm::all_of(*group,
                        [&](int64_t other) {
                          return other == dim ||
                                 expand.getResultType().getDimSize(other) == 1;
                        }) &&
           isIndex(expand.getSrc(), group - groups.begin());
  }
  auto map = tensor.getDefiningOp<linalg::GenericOp>();
  if (!map || map.getNumDpsInits() != 1 || !map.isAllParallelLoops() ||
      !map.getIndexingMapsArray().back().isIdentity())
    return false;
  Value element = map.getBody()->getTerminator()->getOperand(0);
  if (auto argument = dyn_cast<BlockArgument>(element)) {
    OpOperand *operand = map.getMatchingOpOperand(argument);
    std::optional<unsigned> position =
        map.getMatchingIndexingMap(operand).getResultPosition(
            getAffineDimExpr(dim, map.getContext()));
    return position && isIndex(operand->get(), *position);
  }
  if (auto cast = element.getDefiningOp<arith::IndexCastOp>())
    element = cast.getIn();
  auto index = element.getDefiningOp<linalg::IndexOp>();
  return index && index.getDim() == uint64_t(dim);
}

/// Whether the places that `indices` lists are those of their own indices, as
/// where a slice is assigned to.
static bool areOwnPlaces(const SizedTensor &data, const SizedTensor &indices) {
  SmallVector<bool> isOwn(llvm::map_range(
      data.sizes, [](OpFoldResult size) { return isSize(size, 1); }));
  // One part for each dimension.
  for (auto part = indices.value.getDefiningOp<tensor::InsertSliceOp>(); part;
       part = part.getDest().getDefiningOp<tensor::InsertSliceOp>()) {
    int64_t dim = part.getStaticOffsets().back();
    if (!ShapedType::isDynamic(dim) && part.getStaticSizes().back() == 1)
      isOwn[dim] = isOwn[dim] || isIndex(part.getSource(), dim);
  }
  return llvm::all_of(isOwn, [](bool is) { return is; });
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
  if (*count == data.rank() && call.string("reduction", "none") == "none" &&
      data.elementType() == updates.elementType() &&
      areOwnPlaces(data, indices)) {
    if (data.sizes == updates.sizes)
      return OnnxValues{updates};
    SmallVector<OpFoldResult> offsets(*count, call.tensors.constantSize(0));
    SmallVector<OpFoldResult> steps(*count, call.tensors.constantSize(1));
    Value value = tensor::InsertSliceOp::create(
        call.tensors.builder, call.tensors.location, updates.value, data.value,
        offsets, updates.sizes, steps);
    return OnnxValues{SizedTensor{value, data.sizes}};
  }
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
