// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's Conv, of which a transformer has one or a few, before its layers: a
// matrix product of the patches that the kernel sees with the weight.

#include "OnnxWindows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn;
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
  SizedTensor gatherPatches(const Windows &windows);
  SizedTensor transposeMatrices(const SizedTensor &tensor);

  OnnxCall &call;
  TensorBuilder &tensors;
  SizedTensor input, weight;
  int64_t groups = 1;
  SmallVector<int64_t> kernel;
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
  if (call.integers("kernel_shape").value_or(kernel) != kernel)
    return call.fail("expected 'kernel_shape' to be that of the weight");
  return success();
}

/// [N, G, outputs…, C, kernel…]
SizedTensor ConvolutionImporter::gatherPatches(const Windows &windows) {
  Value zero = tensors.scalar(input.elementType(), 0);
  SizedTensor padded = windows.pad(input, zero, zero);
  TensorSizes split = padded.sizes;
  split[1] = weight.sizes[1];
  split.insert(split.begin() + 1, tensors.constantSize(groups));
  return windows.gather(tensors.reshape(padded, split));
}

SizedTensor ConvolutionImporter::transposeMatrices(const SizedTensor &tensor) {
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(tensor.rank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return tensors.transpose(tensor, order);
}

FailureOr<OnnxValues> ConvolutionImporter::run() {
  if (failed(readOperands()))
    return failure();
  FailureOr<Windows> windows = Windows::read(call, input, kernel);
  if (failed(windows))
    return failure();
  SizedTensor patches = gatherPatches(*windows);

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
