// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that move elements or leave some out.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> importTranspose(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  std::optional<SmallVector<int64_t>> permutation = call.integers("perm");
  if (!permutation)
    permutation = llvm::to_vector(
        llvm::reverse(llvm::to_vector(llvm::seq<int64_t>(tensor.rank()))));
  if (int64_t(permutation->size()) != tensor.rank() ||
      !isPermutationVector(*permutation))
    return call.fail("expected 'perm' to name each of " +
                     llvm::Twine(tensor.rank()) + " dimensions once");
  return OnnxValues{call.tensors.transpose(tensor, *permutation)};
}

static FailureOr<OnnxValues> importConcat(OnnxCall &call) {
  size_t count = call.numInputs();
  if (failed(call.expectInputs(std::max<size_t>(count, 1), count)))
    return failure();
  FailureOr<int64_t> axis =
      call.axis(call.integer("axis", 0), call.input(0).rank());
  if (failed(axis))
    return failure();
  SmallVector<Value> few;
  SmallVector<SizedTensor> tensors;
  bool areFew = true;
  for (size_t i = 0; i < count; ++i) {
    OnnxValue value = call.input(i);
    if (value.type() != call.input(0).type() ||
        value.rank() != call.input(0).rank())
      return call.fail("expected inputs of one type and rank");
    areFew &= value.isFew();
    llvm::append_range(few, value.elements());
  }
  if (areFew)
    return OnnxValues{OnnxValue::row(call.input(0).type(), few)};
  for (size_t i = 0; i < count; ++i) {
    tensors.push_back(call.asTensor(call.input(i)));
    // What is not known of one input follows from another.
    for (auto [dim, size] : llvm::enumerate(tensors.back().sizes)) {
      std::optional<int64_t> first =
          getConstantIntValue(tensors.front().sizes[dim]);
      std::optional<int64_t> value = getConstantIntValue(size);
      if (int64_t(dim) != *axis && first && value && *first != *value)
        return call.fail("expected inputs of equal sizes but along axis " +
                         llvm::Twine(*axis));
    }
  }
  return OnnxValues{call.tensors.concatenate(tensors, *axis)};
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// Whether `place` is 0 - size: as many places before the end as there are.
static bool isNegated(OpFoldResult place, OpFoldResult size) {
  auto skipCasts = [](Value value) {
    while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    return value;
  };
  auto value = dyn_cast<Value>(place);
  if (!value || !isa<Value>(size))
    return false;
  auto difference = skipCasts(value).getDefiningOp<arith::SubIOp>();
  return difference && getConstantIntValue(difference.getLhs()) == 0 &&
         skipCasts(difference.getRhs()) == skipCasts(cast<Value>(size));
}

/// Whether `size` is known not to be below 0: one of a tensor, or a sum of
/// such.
static bool isNatural(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return *constant >= 0;
  auto value = cast<Value>(size);
  if (auto sum = value.getDefiningOp<arith::AddIOp>())
    return isNatural(getAsOpFoldResult(sum.getLhs())) &&
           isNatural(getAsOpFoldResult(sum.getRhs()));
  return value.getDefiningOp<tensor::DimOp>() != nullptr;
}

/// A place in a dimension of `size`, from the end if it is negative, within
/// least..most.
static OpFoldResult clampPlace(TensorBuilder &tensors, OpFoldResult place,
                               OpFoldResult size, OpFoldResult least,
                               OpFoldResult most) {
  OpBuilder &b = tensors.builder;
  Location loc = tensors.location;
  Value zero = tensors.asIndex(tensors.constantSize(0));
  Value at = tensors.asIndex(place), end = tensors.asIndex(size);
  Value isNegative =
      b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, at, zero);
  at = b.createOrFold<arith::SelectOp>(
      loc, isNegative, b.createOrFold<arith::AddIOp>(loc, at, end), at);
  at = b.createOrFold<arith::MaxSIOp>(loc, at, tensors.asIndex(least));
  return getAsOpFoldResult(
      b.createOrFold<arith::MinSIOp>(loc, at, tensors.asIndex(most)));
}

/// A place in a dimension of `size`: from the end if it is negative, and not
/// outside.
static OpFoldResult clampPlace(TensorBuilder &tensors, OpFoldResult place,
                               OpFoldResult size) {
  std::optional<int64_t> value = getConstantIntValue(place);
  if (value == 0 || place == size)
    return place;
  // How exporters write "to the end".
  if (value && *value >= std::numeric_limits<int32_t>::max())
    return size;
  if (isNegated(place, size))
    return tensors.constantSize(0);
  if (value && *value < 0)
    if (OpFoldResult at = tensors.add(size, place); isNatural(at))
      return at;
  return clampPlace(tensors, place, size, tensors.constantSize(0), size);
}

/// A place in a dimension of `size` where steps go down: at least `least`.
static OpFoldResult clampLast(TensorBuilder &tensors, OpFoldResult place,
                              OpFoldResult size, int64_t least) {
  return clampPlace(tensors, place, size, tensors.constantSize(least),
                    tensors.subtract(size, tensors.constantSize(1)));
}

static FailureOr<OnnxValues> importSlice(OnnxCall &call) {
  if (failed(call.expectInputs(1, 5)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  TensorSizes given = call.sizesOf(call.input(0));
  int64_t rank = given.size();
  TensorSizes starts, ends;
  if (call.input(1)) {
    FailureOr<TensorSizes> first = call.asSizes(call.input(1), "starts");
    if (failed(first) || !call.input(2))
      return failed(first) ? failure() : call.fail("expected 'ends'");
    FailureOr<TensorSizes> last = call.asSizes(call.input(2), "ends");
    if (failed(last))
      return failure();
    starts = *first;
    ends = *last;
  } else {
    for (auto [name, places] :
         {std::pair<StringRef, TensorSizes *>{"starts", &starts},
          {"ends", &ends}})
      for (int64_t place : call.integers(name).value_or(SmallVector<int64_t>()))
        places->push_back(tensors.constantSize(place));
  }
  auto axes = call.integersOf(3, "axes"), steps = call.integersOf(4, "steps");
  if (failed(axes) || failed(steps))
    return failure();
  if (!*axes)
    *axes = llvm::to_vector(llvm::seq<int64_t>(starts.size()));
  if (!*steps)
    *steps = SmallVector<int64_t>(starts.size(), 1);
  if (starts.size() != ends.size() || starts.size() != (*axes)->size() ||
      starts.size() != (*steps)->size())
    return call.fail("expected as many starts, ends, axes and steps");

  SmallVector<OpFoldResult> offsets(rank, tensors.constantSize(0));
  TensorSizes sizes = given;
  SmallVector<int64_t> strides(rank, 1);
  for (auto [start, end, place, step] :
       llvm::zip(starts, ends, **axes, **steps)) {
    FailureOr<int64_t> axis = call.axis(place, rank);
    if (failed(axis))
      return failure();
    if (step == 0)
      return call.fail("expected steps other than 0");
    OpFoldResult first, last, size;
    if (step > 0) {
      first = clampPlace(tensors, start, given[*axis]);
      last = clampPlace(tensors, end, given[*axis]);
      size = isSize(first, 0) ? last : tensors.subtract(last, first);
    } else {
      first = clampLast(tensors, start, given[*axis], 0);
      last = clampLast(tensors, end, given[*axis], -1);
      size = tensors.subtract(first, last);
    }
    if (!isSize(first, 0) || step != 1) {
      OpBuilder &b = tensors.builder;
      Value count = tensors.asIndex(size);
      count = b.createOrFold<arith::MaxSIOp>(
          tensors.location, count, tensors.asIndex(tensors.constantSize(0)));
      size = getAsOpFoldResult(b.createOrFold<arith::CeilDivSIOp>(
          tensors.location, count,
          tensors.asIndex(tensors.constantSize(std::abs(step)))));
    }
    offsets[*axis] = first;
    sizes[*axis] = size;
    strides[*axis] = step;
  }
  OnnxValue data = call.input(0);
  bool areUp = llvm::all_of(strides, [](int64_t step) { return step > 0; });
  if (areUp && sizes == given && llvm::all_of(offsets, [](OpFoldResult offset) {
        return isSize(offset, 0);
      }))
    return OnnxValues{data};
  if (data.isFew() && rank == 1 && getConstantIntValue(offsets[0]) &&
      getConstantIntValue(sizes[0])) {
    SmallVector<Value> chosen;
    for (int64_t i = 0; i < *getConstantIntValue(sizes[0]); ++i)
      chosen.push_back(
          data.elements()[*getConstantIntValue(offsets[0]) + i * strides[0]]);
    return OnnxValues{OnnxValue::row(data.type(), chosen)};
  }
  SizedTensor result = call.asTensor(data);
  if (areUp)
    return OnnxValues{tensors.slice(result, offsets, sizes, strides)};
  // What goes down is chosen by its places, an axis after the other.
  for (int64_t dim = 0; dim < rank; ++dim)
    if (strides[dim] != 1 || sizes[dim] != given[dim] ||
        !isSize(offsets[dim], 0))
      result = tensors.gather(result,
                              tensors.iota(offsets[dim], sizes[dim],
                                           tensors.constantSize(strides[dim])),
                              dim);
  return OnnxValues{result};
}

static FailureOr<OnnxValues> importSplit(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor tensor = call.asTensor(call.input(0));
  FailureOr<int64_t> axis = call.axis(call.integer("axis", 0), tensor.rank());
  auto given = call.integersOf(1, "split");
  if (failed(axis) || failed(given))
    return failure();
  (void)call.find("num_outputs");
  OpFoldResult extent = tensor.sizes[*axis];
  std::optional<int64_t> known = getConstantIntValue(extent);
  int64_t count = call.node.outputs.size();
  TensorSizes parts;
  if (*given) {
    int64_t total = 0;
    for (int64_t size : **given) {
      total += size;
      parts.push_back(tensors.constantSize(size));
    }
    if (int64_t(parts.size()) != count || total != known.value_or(total) ||
        llvm::any_of(**given, [](int64_t size) { return size < 0; }))
      return call.fail(
          "expected a size for each output" +
          (known ? ", " + llvm::Twine(*known) + " in all" : llvm::Twine()));
    if (!known)
      tensors.known.numbers.push_back({cast<Value>(extent), total});
  } else {
    // The last one gets what is left.
    OpFoldResult number = tensors.constantSize(count);
    OpFoldResult size =
        known ? tensors.constantSize(llvm::divideCeil(*known, count))
              : getAsOpFoldResult(
                    tensors.builder.createOrFold<arith::CeilDivSIOp>(
                        tensors.location, tensors.asIndex(extent),
                        tensors.asIndex(number)));
    parts.assign(count, size);
    OpFoldResult others =
        tensors.multiply(size, tensors.constantSize(count - 1));
    parts.back() = tensors.subtract(extent, others);
    if (getConstantIntValue(parts.back()).value_or(0) < 0)
      return call.fail("expected a dimension of at least " +
                       llvm::Twine(count - 1) + " parts, got " +
                       llvm::Twine(*known));
  }
  OnnxValues results;
  OpFoldResult offset = tensors.constantSize(0);
  for (OpFoldResult size : parts) {
    results.push_back(tensors.sliceAxis(tensor, *axis, offset, size));
    offset = tensors.add(offset, size);
  }
  return results;
}

static FailureOr<OnnxValues> importPad(OnnxCall &call) {
  if (failed(call.expectInputs(1, 4)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  if (StringRef mode = call.string("mode", "constant"); mode != "constant")
    return call.fail("expected 'mode' constant, got " + mode);
  SizedTensor tensor = call.asTensor(call.input(0));
  TensorSizes pads;
  if (call.input(1)) {
    FailureOr<TensorSizes> given = call.asSizes(call.input(1), "pads");
    if (failed(given))
      return failure();
    pads = *given;
  } else {
    for (int64_t size : call.integers("pads").value_or(SmallVector<int64_t>()))
      pads.push_back(tensors.constantSize(size));
  }
  OnnxValue value = call.input(2);
  if (!value)
    value = call.constant(tensor.elementType(), call.number("value", 0));
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(tensor.rank()));
  if (call.input(3)) {
    FailureOr<SmallVector<int64_t>> given =
        call.asIntegers(call.input(3), "axes");
    if (failed(given))
      return failure();
    axes = *given;
  }
  if (pads.size() != 2 * axes.size() || value.elements().size() != 1 ||
      value.type() != tensor.elementType())
    return call.fail("expected two sizes for each axis, and one value of the "
                     "input's type");
  SmallVector<OpFoldResult> before(tensor.rank(), tensors.constantSize(0));
  SmallVector<OpFoldResult> after = before;
  for (auto [index, place] : llvm::enumerate(axes)) {
    FailureOr<int64_t> axis = call.axis(place, tensor.rank());
    if (failed(axis))
      return failure();
    before[*axis] = pads[index];
    after[*axis] = pads[axes.size() + index];
    for (OpFoldResult size : {before[*axis], after[*axis]})
      if (getConstantIntValue(size).value_or(0) < 0)
        return call.fail("expected sizes of at least 0 to pad with, got " +
                         llvm::Twine(*getConstantIntValue(size)));
  }
  return OnnxValues{
      tensors.pad(tensor, before, after, value.elements().front())};
}

static FailureOr<OnnxValues> importTile(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  FailureOr<TensorSizes> repeats = call.asSizes(call.input(1), "repeats");
  if (failed(repeats))
    return failure();
  SizedTensor tensor = call.asTensor(call.input(0));
  if (int64_t(repeats->size()) != tensor.rank())
    return call.fail("expected 'repeats' for each of " +
                     llvm::Twine(tensor.rank()) + " dimensions, got " +
                     llvm::Twine(repeats->size()));
  return OnnxValues{call.tensors.tile(tensor, *repeats)};
}

/// The upper or lower triangle of matrices.
static FailureOr<OnnxValues> importTrilu(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor tensor = call.asTensor(call.input(0));
  if (tensor.rank() < 2)
    return call.fail("expected matrices, got a tensor of rank " +
                     llvm::Twine(tensor.rank()));
  int64_t diagonal = 0;
  if (call.input(1)) {
    FailureOr<SmallVector<int64_t>> given = call.asIntegers(call.input(1), "k");
    if (failed(given))
      return failure();
    if (given->size() != 1)
      return call.fail("expected 'k' to be one integer");
    diagonal = given->front();
  }
  auto predicate = call.integer("upper", 1) != 0 ? arith::CmpIPredicate::sge
                                                 : arith::CmpIPredicate::sle;
  Value zero = tensors.scalar(tensor.elementType(), 0);
  Value shift = arith::ConstantIndexOp::create(tensors.builder,
                                               tensors.location, diagonal);
  return OnnxValues{tensors.map(
      tensor, tensor.sizes, tensor.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        Value row = linalg::IndexOp::create(b, loc, tensor.rank() - 2);
        Value column = linalg::IndexOp::create(b, loc, tensor.rank() - 1);
        if (diagonal != 0)
          row = arith::AddIOp::create(b, loc, row, shift);
        Value isKept = arith::CmpIOp::create(b, loc, predicate, column, row);
        return arith::SelectOp::create(b, loc, isKept, arguments[0], zero);
      })};
}

OnnxOperator attn::findMovingOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("Transpose", importTranspose)
      .Case("Concat", importConcat)
      .Case("Slice", importSlice)
      .Case("Split", importSplit)
      .Case("Pad", importPad)
      .Case("Tile", importTile)
      .Case("Trilu", importTrilu)
      .Default(nullptr);
}
