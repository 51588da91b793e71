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

namespace {

/// A pooling by windows.
struct Pooling {
  OnnxCall &call;
  SizedTensor input;
  Windows windows;

  static FailureOr<Pooling> read(OnnxCall &call) {
    FailureOr<SizedTensor> input = readInput(call);
    if (failed(input))
      return failure();
    FailureOr<SmallVector<int64_t>> kernel = Windows::readIntegers(
        call, "kernel_shape", /*least=*/1, /*otherwise=*/0, input->rank() - 2);
    if (failed(kernel))
      return failure();
    FailureOr<Windows> windows = Windows::read(call, *input, *kernel);
    if (failed(windows))
      return failure();
    if (call.integer("ceil_mode", 0) != 0)
      windows->reachBeyond();
    return Pooling{call, *input, *windows};
  }

  /// What the windows see of a padded [N, C, inputs…]:
  /// [N, C, outputs…, 1, kernel…].
  SizedTensor gather(const SizedTensor &padded) const {
    TensorSizes split = padded.sizes;
    split.insert(split.begin() + 2, call.tensors.constantSize(1));
    return windows.gather(call.tensors.reshape(padded, split));
  }

  /// The axes in which windows do.
  SmallVector<int64_t> getAxes() const {
    int64_t rank = input.rank();
    return llvm::to_vector(llvm::seq<int64_t>(rank, 2 * rank - 1));
  }

  /// The result: `reduced` without the axes, which have size 1.
  FailureOr<OnnxValues> finish(const FailureOr<OnnxValue> &reduced) const {
    if (failed(reduced))
      return failure();
    TensorSizes sizes = call.sizesOf(*reduced);
    sizes.resize(input.rank());
    return OnnxValues{call.reshape(*reduced, sizes)};
  }
};

} // namespace

static FailureOr<OnnxValues> importMaxPool(OnnxCall &call) {
  FailureOr<Pooling> pooling = Pooling::read(call);
  if (failed(pooling))
    return failure();
  if (call.hasOutput(1))
    return call.fail("expected one output, got the indices too");
  // In which order they count.
  (void)call.find("storage_order");
  const SizedTensor &input = pooling->input;
  Value lowest = call.extreme(input.elementType(), /*isLowest=*/true);
  SizedTensor patches =
      pooling->gather(pooling->windows.pad(input, lowest, lowest));
  return pooling->finish(
      OnnxValue(call.extreme(patches, pooling->getAxes(), true)));
}

static FailureOr<OnnxValues> importAveragePool(OnnxCall &call) {
  FailureOr<Pooling> pooling = Pooling::read(call);
  if (failed(pooling))
    return failure();
  bool countsPads = call.integer("count_include_pad", 0) != 0;
  const SizedTensor &input = pooling->input;
  const Windows &windows = pooling->windows;
  TensorBuilder &tensors = call.tensors;
  Type type = input.elementType();
  Value zero = tensors.scalar(type, 0), one = tensors.scalar(type, 1);
  SmallVector<int64_t> axes = pooling->getAxes();
  SizedTensor patches = pooling->gather(windows.pad(input, zero, zero));
  if (windows.areInside())
    return pooling->finish(call.mean(patches, axes));
  // How many elements a window sees depends on its place alone.
  TensorSizes sizes = input.sizes;
  sizes[0] = sizes[1] = tensors.constantSize(1);
  SizedTensor ones =
      windows.pad(tensors.fill(sizes, one), countsPads ? one : zero, zero);
  return pooling->finish(call.elementwise(
      "Div", {call.sum(patches, axes), call.sum(pooling->gather(ones), axes)}));
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
