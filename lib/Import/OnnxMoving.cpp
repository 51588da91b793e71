// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of ONNX that move elements or leave some out.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> importTranspose(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  OnnxValue value = call.input(0);
  std::optional<SmallVector<int64_t>> permutation = call.integers("perm");
  if (!permutation)
    permutation = llvm::to_vector(
        llvm::reverse(llvm::to_vector(llvm::seq<int64_t>(value.rank()))));
  if (int64_t(permutation->size()) != value.rank() ||
      !isPermutationVector(*permutation))
    return call.fail("expected 'perm' to name each of " +
                     llvm::Twine(value.rank()) + " dimensions once");
  if (value.isFew())
    return OnnxValues{
        value.view(applyPermutation(value.shape(), *permutation),
                   applyPermutation<int64_t>(value.strides(), *permutation))};
  return OnnxValues{call.tensors.transpose(value.tensor(), *permutation)};
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
    areFew &= value.isFew() && value.rank() == 1;
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

/// Blocks of `size` by `size` places, from channels [N, C, H, W] or to them.
static FailureOr<OnnxValues> importBlocks(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  SizedTensor tensor = call.asTensor(call.input(0));
  int64_t size = call.integer("blocksize", 0);
  if (tensor.rank() != 4 || size < 1)
    return call.fail("expected a tensor of rank 4 and a 'blocksize' of at "
                     "least 1, got " +
                     llvm::Twine(tensor.rank()) + " and " + llvm::Twine(size));
  OpFoldResult block = tensors.constantSize(size);
  auto [entries, channels, rows, columns] = std::tuple(
      tensor.sizes[0], tensor.sizes[1], tensor.sizes[2], tensor.sizes[3]);
  auto divide = [&](OpFoldResult whole, OpFoldResult part) {
    return tensors.divide(whole, part).value_or(OpFoldResult());
  };
  // Which of the channels' parts runs faster: those of a block, or of a place.
  StringRef mode = call.string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return call.fail("expected 'mode' DCR or CRD, got " + mode);
  bool isBlockFirst = mode == "DCR";
  OpFoldResult area = tensors.constantSize(size * size);
  TensorSizes split, merged;
  SmallVector<int64_t> order;
  if (call.node.operation == "SpaceToDepth") {
    OpFoldResult fewerRows = divide(rows, block);
    OpFoldResult fewerColumns = divide(columns, block);
    split = {entries, channels, fewerRows, block, fewerColumns, block};
    order = isBlockFirst ? SmallVector<int64_t>{0, 3, 5, 1, 2, 4}
                         : SmallVector<int64_t>{0, 1, 3, 5, 2, 4};
    merged = {entries, tensors.multiply(channels, area), fewerRows,
              fewerColumns};
  } else {
    OpFoldResult fewer = divide(channels, area);
    split = isBlockFirst
                ? TensorSizes{entries, block, block, fewer, rows, columns}
                : TensorSizes{entries, fewer, block, block, rows, columns};
    order = isBlockFirst ? SmallVector<int64_t>{0, 3, 4, 1, 5, 2}
                         : SmallVector<int64_t>{0, 1, 4, 2, 5, 3};
    merged = {entries, fewer, tensors.multiply(rows, block),
              tensors.multiply(columns, block)};
  }
  if (llvm::is_contained(merged, OpFoldResult()))
    return call.fail("expected sizes that 'blocksize' divides");
  return OnnxValues{tensors.reshape(
      tensors.transpose(tensors.reshape(tensor, split), order), merged)};
}

OnnxOperator attn::findMovingOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("Transpose", importTranspose)
      .Case("Concat", importConcat)
      .Cases({"DepthToSpace", "SpaceToDepth"}, importBlocks)
      .Case("Slice", importSlice)
      .Case("Split", importSplit)
      .Case("Pad", importPad)
      .Case("Resize", importResize)
      .Case("Tile", importTile)
      .Case("Trilu", importTrilu)
      .Default(nullptr);
}
