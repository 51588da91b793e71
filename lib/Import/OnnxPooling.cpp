// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's poolings, which encoders of images have between their stages: the
// greatest element of each window, or the mean.

#include "OnnxWindows.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// The axes from the third of `rank` on.
static SmallVector<int64_t> getSpatialAxes(int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(2, rank));
}

/// The input, [N, C, inputs…].
static FailureOr<SizedTensor> readInput(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  SizedTensor input = call.asTensor(call.input(0));
  if (input.rank() < 3 || !isa<FloatType>(input.elementType()))
    return call.fail("expected floats of rank 3 at least");
  return input;
}

static FailureOr<Windows> readWindows(OnnxCall &call,
                                      const SizedTensor &input) {
  SmallVector<int64_t> kernel =
      call.integers("kernel_shape").value_or(SmallVector<int64_t>());
  if (static_cast<int64_t>(kernel.size()) != input.rank() - 2 ||
      llvm::any_of(kernel, [](int64_t size) { return size < 1; }))
    return call.fail("expected 'kernel_shape' of " +
                     llvm::Twine(input.rank() - 2) + " integers of at least 1");
  FailureOr<Windows> windows = Windows::read(call, input, kernel);
  if (succeeded(windows) && call.integer("ceil_mode", 0) != 0)
    windows->reachBeyond();
  return windows;
}

/// What the windows see of a padded [N, C, inputs…], and the axes in which they
/// do: [N, C, outputs…, 1, kernel…].
static std::pair<SizedTensor, SmallVector<int64_t>>
gather(OnnxCall &call, const Windows &windows, const SizedTensor &padded) {
  TensorSizes split = padded.sizes;
  split.insert(split.begin() + 2, call.tensors.constantSize(1));
  SizedTensor patches = windows.gather(call.tensors.reshape(padded, split));
  return {patches,
          llvm::to_vector(llvm::seq<int64_t>(padded.rank(), patches.rank()))};
}

/// Without the dimensions from `rank` on, which have size 1.
static SizedTensor dropLast(OnnxCall &call, const SizedTensor &tensor,
                            int64_t rank) {
  return call.tensors.reshape(tensor, ArrayRef(tensor.sizes).take_front(rank));
}

static FailureOr<OnnxValues> importMaxPool(OnnxCall &call) {
  FailureOr<SizedTensor> input = readInput(call);
  if (failed(input))
    return failure();
  FailureOr<Windows> windows = readWindows(call, *input);
  if (failed(windows))
    return failure();
  if (call.hasOutput(1))
    return call.fail("expected one output, got the indices too");
  // In which order they count.
  (void)call.find("storage_order");
  Value lowest = call.extreme(input->elementType(), /*isLowest=*/true);
  auto [patches, axes] =
      gather(call, *windows, windows->pad(*input, lowest, lowest));
  return OnnxValues{
      dropLast(call, call.extreme(patches, axes, true), input->rank())};
}

static FailureOr<OnnxValues> importAveragePool(OnnxCall &call) {
  FailureOr<SizedTensor> input = readInput(call);
  if (failed(input))
    return failure();
  FailureOr<Windows> windows = readWindows(call, *input);
  if (failed(windows))
    return failure();
  bool countsPads = call.integer("count_include_pad", 0) != 0;
  TensorBuilder &tensors = call.tensors;
  Type type = input->elementType();
  Value zero = tensors.scalar(type, 0), one = tensors.scalar(type, 1);
  auto [patches, axes] =
      gather(call, *windows, windows->pad(*input, zero, zero));
  if (windows->areInside()) {
    FailureOr<OnnxValue> mean = call.mean(patches, axes);
    if (failed(mean))
      return failure();
    return OnnxValues{dropLast(call, call.asTensor(*mean), input->rank())};
  }
  // How many elements a window sees depends on its place alone.
  TensorSizes sizes = input->sizes;
  sizes[0] = sizes[1] = tensors.constantSize(1);
  SizedTensor ones =
      windows->pad(tensors.fill(sizes, one), countsPads ? one : zero, zero);
  FailureOr<OnnxValue> mean = call.elementwise(
      "Div", {call.sum(patches, axes),
              call.sum(gather(call, *windows, ones).first, axes)});
  if (failed(mean))
    return failure();
  return OnnxValues{dropLast(call, call.asTensor(*mean), input->rank())};
}

static FailureOr<OnnxValues> importGlobalMaxPool(OnnxCall &call) {
  FailureOr<SizedTensor> input = readInput(call);
  if (failed(input))
    return failure();
  return OnnxValues{call.extreme(*input, getSpatialAxes(input->rank()), true)};
}

static FailureOr<OnnxValues> importGlobalAveragePool(OnnxCall &call) {
  FailureOr<SizedTensor> input = readInput(call);
  if (failed(input))
    return failure();
  return onlyResult(call.mean(*input, getSpatialAxes(input->rank())));
}

OnnxOperator attn::findPoolingOperator(StringRef name) {
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("MaxPool", importMaxPool)
      .Case("AveragePool", importAveragePool)
      .Case("GlobalMaxPool", importGlobalMaxPool)
      .Case("GlobalAveragePool", importGlobalAveragePool)
      .Default(nullptr);
}
