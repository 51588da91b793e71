// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's Conv, of which a transformer has one or a few, before its layers: a
// matrix product of the patches that the kernel sees with the weight.

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Imports one node: [N, G·C, inputs…] and a weight [G·M, C, kernel…] of G
/// groups to [N, G·M, outputs…].
class ConvolutionImporter {
public:
  explicit ConvolutionImporter(OnnxCall &call)
      : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult readOperands();
  LogicalResult readWindows();
  LogicalResult padAlike(bool isMoreAfter);
  FailureOr<SmallVector<int64_t>> readIntegers(StringRef name, int64_t least,
                                               int64_t otherwise, size_t count);
  void padInput();
  OpFoldResult countWindows(unsigned dim);
  SizedTensor gatherPatches();
  SizedTensor transposeMatrices(const SizedTensor &tensor);

  OnnxCall &call;
  TensorBuilder &tensors;
  SizedTensor input, weight;
  int64_t groups = 1;
  SmallVector<int64_t> kernel, strides, dilations, pads;
};

} // namespace

LogicalResult ConvolutionImporter::readOperands() {
  if (failed(call.expectInputs(2, 3)))
    return failure();
  input = call.asTensor(call.input(0));
  weight = call.asTensor(call.input(1));
  Type type = input.elementType();
  if (input.rank() < 3 || weight.rank() != input.rank() ||
      !isa<FloatType>(type) || weight.elementType() != type)
    return call.fail("expected floats and a weight of one type, and of one "
                     "rank of at least 3, got ranks " +
                     Twine(input.rank()) + " and " + Twine(weight.rank()));
  OnnxValue bias = call.input(2);
  if (bias && (bias.rank() != 1 || bias.type() != type))
    return call.fail("expected a bias of rank 1, and of the type of the input");
  SmallVector<int64_t> shape;
  for (OpFoldResult size : weight.sizes) {
    std::optional<int64_t> known = getConstantIntValue(size);
    if (!known)
      return call.fail("expected a weight of known sizes");
    shape.push_back(*known);
  }
  groups = call.integer("group", 1);
  if (groups < 1 || shape[0] % groups != 0)
    return call.fail("expected 'group' to divide " + Twine(shape[0]) +
                     " channels of the result, got " + Twine(groups));
  int64_t channels = groups * shape[1];
  if (auto unknown = dyn_cast<Value>(input.sizes[1])) {
    tensors.known.numbers.push_back({unknown, channels});
    input.sizes[1] = tensors.constantSize(channels);
    input.value = tensors.builder.createOrFold<tensor::CastOp>(
        tensors.location, tensors.getType(input.sizes, type), input.value);
  } else if (!isSize(input.sizes[1], channels)) {
    return call.fail("expected " + Twine(channels) +
                     " channels of the input, got " +
                     Twine(*getConstantIntValue(input.sizes[1])));
  }
  kernel.assign(shape.begin() + 2, shape.end());
  return success();
}

/// An attribute of `count` integers, `otherwise` if it is not there.
FailureOr<SmallVector<int64_t>>
ConvolutionImporter::readIntegers(StringRef name, int64_t least,
                                  int64_t otherwise, size_t count) {
  SmallVector<int64_t> values =
      call.integers(name).value_or(SmallVector<int64_t>(count, otherwise));
  if (values.size() != count ||
      llvm::any_of(values, [&](int64_t value) { return value < least; }))
    return call.fail("expected '" + name + "' of " + Twine(count) +
                     " integers of at least " + Twine(least));
  return values;
}

LogicalResult ConvolutionImporter::readWindows() {
  size_t count = kernel.size();
  StringRef autoPad = call.string("auto_pad", "NOTSET");
  bool isSame = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!isSame && autoPad != "NOTSET" && autoPad != "VALID")
    return call.fail("expected 'auto_pad' NOTSET, VALID, SAME_UPPER or "
                     "SAME_LOWER, got " +
                     autoPad);
  if (call.integers("kernel_shape").value_or(kernel) != kernel)
    return call.fail("expected 'kernel_shape' to be that of the weight");
  const std::tuple<SmallVector<int64_t> *, StringRef, int64_t, int64_t, size_t>
      attributes[] = {{&strides, "strides", 1, 1, count},
                      {&dilations, "dilations", 1, 1, count},
                      {&pads, "pads", 0, 0, 2 * count}};
  for (auto [values, name, least, otherwise, number] : attributes) {
    FailureOr<SmallVector<int64_t>> given =
        readIntegers(name, least, otherwise, number);
    if (failed(given))
      return failure();
    *values = *given;
  }
  return isSame ? padAlike(autoPad == "SAME_UPPER") : success();
}

/// As many windows as steps over the input: half of the padding on each side,
/// and of an odd number one more after or before.
LogicalResult ConvolutionImporter::padAlike(bool isMoreAfter) {
  for (size_t dim = 0; dim < kernel.size(); ++dim) {
    std::optional<int64_t> size = getConstantIntValue(input.sizes[2 + dim]);
    int64_t step = strides[dim];
    if (!size && step != 1)
      return call.fail("expected an input of known sizes to pad for steps of "
                       "more than 1");
    // Of steps of 1, any size needs the same.
    int64_t last = size ? (llvm::divideCeil(*size, step) - 1) * step : 0;
    int64_t reach = dilations[dim] * (kernel[dim] - 1) + 1;
    int64_t total = std::max<int64_t>(last + reach - size.value_or(1), 0);
    int64_t less = total / 2;
    pads[dim] = isMoreAfter ? less : total - less;
    pads[kernel.size() + dim] = total - pads[dim];
  }
  return success();
}

void ConvolutionImporter::padInput() {
  if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return;
  SmallVector<OpFoldResult> before(2, tensors.constantSize(0));
  SmallVector<OpFoldResult> after = before;
  for (size_t dim = 0; dim < kernel.size(); ++dim) {
    before.push_back(tensors.constantSize(pads[dim]));
    after.push_back(tensors.constantSize(pads[kernel.size() + dim]));
  }
  Value zero = tensors.scalar(input.elementType(), 0);
  input = tensors.pad(input, before, after, zero);
}

/// How many places the kernel has along a dimension of the padded input.
OpFoldResult ConvolutionImporter::countWindows(unsigned dim) {
  OpBuilder &b = tensors.builder;
  Location loc = tensors.location;
  OpFoldResult size = input.sizes[2 + dim];
  int64_t reach = dilations[dim] * (kernel[dim] - 1);
  Value places =
      tensors.asIndex(tensors.subtract(size, tensors.constantSize(reach)));
  if (reach != pads[dim] + pads[kernel.size() + dim])
    places = b.createOrFold<arith::MaxSIOp>(
        loc, places, tensors.asIndex(tensors.constantSize(0)));
  if (strides[dim] != 1)
    places = b.createOrFold<arith::CeilDivSIOp>(
        loc, places, tensors.asIndex(tensors.constantSize(strides[dim])));
  return getAsOpFoldResult(places);
}

/// [N, G, outputs…, C, kernel…]
SizedTensor ConvolutionImporter::gatherPatches() {
  Builder &b = tensors.builder;
  size_t count = kernel.size();
  TensorSizes sizes = {input.sizes[0], tensors.constantSize(groups)};
  for (size_t dim = 0; dim < count; ++dim)
    sizes.push_back(countWindows(dim));
  llvm::append_range(sizes, ArrayRef(weight.sizes).drop_front());
  TensorSizes split = input.sizes;
  split[1] = weight.sizes[1];
  split.insert(split.begin() + 1, sizes[1]);
  SmallVector<AffineExpr> places = {b.getAffineDimExpr(0),
                                    b.getAffineDimExpr(1),
                                    b.getAffineDimExpr(2 + count)};
  for (size_t dim = 0; dim < count; ++dim)
    places.push_back(b.getAffineDimExpr(2 + dim) * strides[dim] +
                     b.getAffineDimExpr(3 + count + dim) * dilations[dim]);
  return tensors.gather(
      tensors.reshape(input, split), sizes,
      AffineMap::get(sizes.size(), 0, places, b.getContext()));
}

SizedTensor ConvolutionImporter::transposeMatrices(const SizedTensor &tensor) {
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(tensor.rank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return tensors.transpose(tensor, order);
}

FailureOr<OnnxValues> ConvolutionImporter::run() {
  if (failed(readOperands()) || failed(readWindows()))
    return failure();
  padInput();
  SizedTensor patches = gatherPatches();

  // Each place of the kernel is a row of a matrix.
  size_t count = kernel.size();
  OpFoldResult one = tensors.constantSize(1), depth = one, places = one;
  for (OpFoldResult size : ArrayRef(weight.sizes).drop_front())
    depth = tensors.multiply(depth, size);
  TensorSizes outputs(ArrayRef(patches.sizes).slice(2, count));
  for (OpFoldResult size : outputs)
    places = tensors.multiply(places, size);
  OpFoldResult batch = patches.sizes[0], features = weight.sizes[0];
  TensorSizes leading = {batch}, columns;
  if (groups != 1) {
    leading.push_back(patches.sizes[1]);
    columns.push_back(patches.sizes[1]);
  }
  TensorSizes rows = leading;
  rows.append({places, depth});
  columns.append({*tensors.divide(features, patches.sizes[1]), depth});
  SizedTensor result = tensors.multiply(
      tensors.reshape(patches, rows),
      transposeMatrices(tensors.reshape(weight, columns)), leading);
  result = transposeMatrices(result);
  TensorSizes sizes = {batch, features};
  llvm::append_range(sizes, outputs);
  result = tensors.reshape(result, sizes);
  if (!call.input(2))
    return OnnxValues{result};
  TensorSizes flat(sizes.size() - 1, one);
  flat[0] = features;
  return onlyResult(
      call.elementwise("Add", {result, call.reshape(call.input(2), flat)}));
}

FailureOr<OnnxValues> attn::importConvolution(OnnxCall &call) {
  return ConvolutionImporter(call).run();
}
