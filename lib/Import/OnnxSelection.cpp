// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that choose elements by what they are, as routers of
// experts do: the greatest along an axis, and those that are not 0.

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// The greatest
//===----------------------------------------------------------------------===//

namespace {

/// Imports TopK. One index after the other is chosen: that of the greatest
/// element after the one before, in the order of elements and then of indices.
class TopKImporter {
public:
  explicit TopKImporter(OnnxCall &call) : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult readCount();
  SizedTensor orderKeys();
  std::pair<SizedTensor, SizedTensor> findNext(const SizedTensor &keys,
                                               const SizedTensor &lastKey,
                                               const SizedTensor &lastIndex);
  SizedTensor findIndices();

  OnnxCall &call;
  TensorBuilder &tensors;
  SizedTensor input;
  int64_t axis = 0;
  OpFoldResult count;
};

} // namespace

LogicalResult TopKImporter::readCount() {
  if (call.opset() < 10)
    return call.fail("expected version 10 of ONNX or later, got " +
                     Twine(call.opset()));
  FailureOr<TensorSizes> given = call.asSizes(call.input(1), "K");
  if (failed(given))
    return failure();
  if (given->size() != 1)
    return call.fail("expected 'K' to be one integer, got " +
                     Twine(given->size()));
  count = given->front();
  std::optional<int64_t> asked = getConstantIntValue(count);
  std::optional<int64_t> has = getConstantIntValue(input.sizes[axis]);
  if (asked && (*asked < 0 || (has && *asked > *has)))
    return call.fail("expected 'K' from 0 to the size of the axis" +
                     (has ? ", " + Twine(*has) : Twine()) + ", got " +
                     Twine(*asked));
  return success();
}

/// Integers that are in the order of the elements, the greatest first to be
/// chosen: of floats their bits, those of negative ones turned round.
SizedTensor TopKImporter::orderKeys() {
  Type type = input.elementType();
  bool isLargest = call.integer("largest", 1) != 0;
  unsigned width = type.getIntOrFloatBitWidth();
  Type key = tensors.builder.getIntegerType(width);
  return tensors.map(
      input, input.sizes, key,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        ScalarBuilder scalars(b, loc);
        Value x = arguments[0];
        if (isa<FloatType>(type)) {
          // Both zeros are the same.
          x = scalars.build("Add", {x, scalars.constant(type, 0)});
          x = arith::BitcastOp::create(b, loc, key, x);
          auto number = [&](const APInt &value) -> Value {
            return arith::ConstantOp::create(b, loc,
                                             IntegerAttr::get(key, value));
          };
          Value sign = arith::ShRSIOp::create(b, loc, x,
                                              number(APInt(width, width - 1)));
          x = arith::XOrIOp::create(
              b, loc, x,
              arith::AndIOp::create(b, loc, sign,
                                    number(APInt::getSignedMaxValue(width))));
        }
        if (isLargest)
          return x;
        return arith::XOrIOp::create(b, loc, x, scalars.constant(key, -1));
      });
}

/// The greatest key after the last one that was chosen, and its index.
std::pair<SizedTensor, SizedTensor>
TopKImporter::findNext(const SizedTensor &keys, const SizedTensor &lastKey,
                       const SizedTensor &lastIndex) {
  Type type = keys.elementType(), integer = lastIndex.elementType();
  using Predicate = arith::CmpIPredicate;
  auto getIndex = [&](OpBuilder &b, Location loc) -> Value {
    return arith::IndexCastOp::create(b, loc, integer,
                                      linalg::IndexOp::create(b, loc, axis));
  };
  auto isLeft = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
    Value key = at[0], last = at[1], index = at[2];
    Value isLess = arith::CmpIOp::create(b, loc, Predicate::slt, key, last);
    Value isSame = arith::CmpIOp::create(b, loc, Predicate::eq, key, last);
    Value isAfter =
        arith::CmpIOp::create(b, loc, Predicate::sgt, getIndex(b, loc), index);
    return arith::OrIOp::create(b, loc, isLess,
                                arith::AndIOp::create(b, loc, isSame, isAfter));
  };
  Value lowest = call.extreme(type, /*isLowest=*/true);
  SizedTensor left =
      tensors.map({keys, lastKey, lastIndex}, keys.sizes, type,
                  [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                    return arith::SelectOp::create(b, loc, isLeft(b, loc, at),
                                                   at[0], lowest);
                  });
  SizedTensor best = call.extreme(left, axis, /*isGreatest=*/true);
  Value none = call.extreme(integer, /*isLowest=*/false);
  SizedTensor places = tensors.map(
      {keys, lastKey, lastIndex, best}, keys.sizes, integer,
      [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
        Value isBest =
            arith::CmpIOp::create(b, loc, Predicate::eq, at[0], at[3]);
        Value isNext =
            arith::AndIOp::create(b, loc, isLeft(b, loc, at), isBest);
        return arith::SelectOp::create(b, loc, isNext, getIndex(b, loc), none);
      });
  return {best, call.extreme(places, axis, /*isGreatest=*/false)};
}

SizedTensor TopKImporter::findIndices() {
  SizedTensor keys = orderKeys();
  Type integer = tensors.builder.getI64Type();
  OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
  // The first one is before all others.
  TensorSizes sizes = input.sizes;
  sizes[axis] = tensors.add(count, one);
  SizedTensor firstKeys =
      tensors.fill(sizes, call.extreme(keys.elementType(), /*isLowest=*/false));
  SizedTensor firstIndices = tensors.fill(sizes, tensors.scalar(integer, -1));
  auto loop = scf::ForOp::create(
      tensors.builder, tensors.location, tensors.asIndex(zero),
      tensors.asIndex(count), tensors.asIndex(one),
      ValueRange{firstKeys.value, firstIndices.value});
  (void)call.buildIn(*loop.getBody(), [&] {
    SizedTensor carried[] = {{loop.getRegionIterArg(0), sizes},
                             {loop.getRegionIterArg(1), sizes}};
    OpFoldResult last = loop.getInductionVar();
    auto [key, index] =
        findNext(keys, tensors.sliceAxis(carried[0], axis, last, one),
                 tensors.sliceAxis(carried[1], axis, last, one));
    OpFoldResult next = tensors.add(last, one);
    SmallVector<Value> chosen;
    for (const auto &[found, all] :
         {std::pair(key, carried[0]), {index, carried[1]}})
      chosen.push_back(tensors.insertAxis(found, all, axis, next).value);
    scf::YieldOp::create(tensors.builder, tensors.location, chosen);
    return success();
  });
  return tensors.sliceAxis({loop.getResult(1), sizes}, axis, one, count);
}

FailureOr<OnnxValues> TopKImporter::run() {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  input = call.asTensor(call.input(0));
  FailureOr<int64_t> found = call.axis(call.integer("axis", -1), input.rank());
  if (failed(found))
    return failure();
  axis = *found;
  if (input.elementType().isInteger(1) ||
      input.elementType().isUnsignedInteger())
    return call.fail("expected an operand of numbers with a sign");
  // Those in order are some in any order.
  (void)call.find("sorted");
  if (failed(readCount()))
    return failure();
  SizedTensor indices = findIndices();
  SizedTensor values = tensors.map(
      indices, indices.sizes, input.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        SmallVector<Value> at;
        for (int64_t dim = 0; dim < input.rank(); ++dim)
          at.push_back(linalg::IndexOp::create(b, loc, dim));
        at[axis] =
            arith::IndexCastOp::create(b, loc, b.getIndexType(), arguments[0]);
        return tensor::ExtractOp::create(b, loc, input.value, at);
      });
  return OnnxValues{values, indices};
}

static FailureOr<OnnxValues> importTopK(OnnxCall &call) {
  return TopKImporter(call).run();
}

//===----------------------------------------------------------------------===//
// Those that are not 0
//===----------------------------------------------------------------------===//

/// How many elements of `isChosen` are true.
static OpFoldResult countChosen(OnnxCall &call, const SizedTensor &isChosen) {
  TensorBuilder &tensors = call.tensors;
  SizedTensor ones = call.cast(isChosen, tensors.builder.getI64Type()).tensor();
  SizedTensor sum =
      call.sum(ones, llvm::to_vector(llvm::seq<int64_t>(ones.rank())));
  SmallVector<Value> first(ones.rank(),
                           tensors.asIndex(tensors.constantSize(0)));
  return call.asSize(tensor::ExtractOp::create(
      tensors.builder, tensors.location, sum.value, first));
}

/// The indices of elements that are not 0, a column for each: there are as many
/// as the elements say.
static FailureOr<OnnxValues> importNonZero(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  OpBuilder &builder = tensors.builder;
  Location location = tensors.location;
  SizedTensor isChosen =
      call.asTensor(call.cast(call.input(0), builder.getI1Type()));
  int64_t rank = isChosen.rank();
  if (rank == 0)
    return call.fail("expected a tensor of rank 1 at least, got a scalar");
  TensorSizes sizes = {tensors.constantSize(rank), countChosen(call, isChosen)};
  Type integer = builder.getI64Type();
  SizedTensor none = tensors.fill(sizes, tensors.scalar(integer, 0));
  Value zero = tensors.asIndex(tensors.constantSize(0));
  Value one = tensors.asIndex(tensors.constantSize(1));
  SmallVector<Value> starts(rank, zero), steps(rank, one);
  SmallVector<Value> ends(
      llvm::map_range(isChosen.sizes, [&](OpFoldResult size) {
        return tensors.asIndex(size);
      }));
  scf::LoopNest loops = scf::buildLoopNest(
      builder, location, starts, ends, steps, ValueRange{none.value, zero},
      [&](OpBuilder &b, Location loc, ValueRange at, ValueRange carried) {
        Value condition = tensor::ExtractOp::create(b, loc, isChosen.value, at);
        auto choice = scf::IfOp::create(
            b, loc, condition,
            [&](OpBuilder &inner, Location) {
              Value written = carried[0];
              for (auto [dim, index] : llvm::enumerate(at)) {
                Value row = arith::ConstantIndexOp::create(
                    inner, loc, static_cast<int64_t>(dim));
                written = tensor::InsertOp::create(
                    inner, loc,
                    arith::IndexCastOp::create(inner, loc, integer, index),
                    written, ValueRange{row, carried[1]});
              }
              Value next = arith::AddIOp::create(inner, loc, carried[1], one);
              scf::YieldOp::create(inner, loc, ValueRange{written, next});
            },
            [&](OpBuilder &inner, Location) {
              scf::YieldOp::create(inner, loc, carried);
            });
        return scf::ValueVector(choice.getResults());
      });
  return OnnxValues{SizedTensor{loops.results.front(), sizes}};
}

OnnxOperator attn::findSelectionOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("TopK", importTopK)
      .Case("NonZero", importNonZero)
      .Default(nullptr);
}
