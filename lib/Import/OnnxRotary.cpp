// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's RotaryEmbedding: pairs of elements of each head turn by angles that
// depend on the position.

#include "OnnxCall.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Imports one node. Heads are [B, H, S, E], or [B, S, H, E] where they were
/// one dimension.
class RotaryImporter {
public:
  explicit RotaryImporter(OnnxCall &call) : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  LogicalResult readHeads();
  FailureOr<OnnxValue> readAngles(size_t input);
  SizedTensor slice(const SizedTensor &tensor, int64_t offset, int64_t size);
  FailureOr<OnnxValue> combine(StringRef operation, const OnnxValue &a,
                               const OnnxValue &x, const OnnxValue &b,
                               const OnnxValue &y);

  OnnxCall &call;
  TensorBuilder &tensors;
  SizedTensor heads;
  /// Of a head, as many elements of all turn.
  int64_t width = 0, headSize = 0;
  int64_t headAxis = 1;
};

} // namespace

LogicalResult RotaryImporter::readHeads() {
  heads = call.asTensor(call.input(0));
  if ((heads.rank() != 3 && heads.rank() != 4) ||
      !isa<FloatType>(heads.elementType()))
    return call.fail("expected floats of rank 3 or 4, got " +
                     Twine(heads.rank()) + " dimensions");
  int64_t count = call.integer("num_heads", 0);
  if (heads.rank() == 3) {
    headAxis = 2;
    std::optional<OpFoldResult> size;
    if (count >= 1)
      size = tensors.divide(heads.sizes[2], tensors.constantSize(count));
    if (!size)
      return call.fail("expected 'num_heads' that divides the width, got " +
                       Twine(count));
    heads = tensors.reshape(heads, {heads.sizes[0], heads.sizes[1],
                                    tensors.constantSize(count), *size});
  }
  std::optional<int64_t> size = getConstantIntValue(heads.sizes[3]);
  if (!size)
    return call.fail("expected heads of a known size");
  headSize = *size;
  width = call.integer("rotary_embedding_dim", 0);
  if (width == 0)
    width = headSize;
  if (width < 0 || width > headSize || width % 2 != 0)
    return call.fail("expected an even number of elements to turn, up to " +
                     Twine(headSize) + ", got " + Twine(width));
  return success();
}

/// The sines or cosines of each position, the same for all heads.
FailureOr<OnnxValue> RotaryImporter::readAngles(size_t input) {
  SizedTensor angles = call.asTensor(call.input(input));
  OnnxValue places = call.input(3);
  if (places && (!isa<IntegerType>(places.type()) || places.rank() != 2))
    return call.fail("expected integers of rank 2 as 'position_ids'");
  if (angles.rank() != (places ? 2 : 3) ||
      angles.elementType() != heads.elementType())
    return call.fail("expected sines and cosines of the input's type, and of "
                     "rank " +
                     Twine(places ? 2 : 3) + ", got " + Twine(angles.rank()) +
                     " dimensions");
  std::optional<int64_t> size = getConstantIntValue(angles.sizes.back());
  if (size && *size != width / 2)
    return call.fail("expected " + Twine(width / 2) +
                     " sines and cosines for each position, got " +
                     Twine(*size));
  if (places)
    angles = tensors.gather(angles, call.asTensor(places), 0);
  TensorSizes sizes = angles.sizes;
  sizes.insert(sizes.begin() + headAxis, tensors.constantSize(1));
  return OnnxValue(tensors.reshape(angles, sizes));
}

/// Some of the last dimension.
SizedTensor RotaryImporter::slice(const SizedTensor &tensor, int64_t offset,
                                  int64_t size) {
  return tensors.sliceAxis(tensor, tensor.rank() - 1,
                           tensors.constantSize(offset),
                           tensors.constantSize(size));
}

/// a · x ± b · y
FailureOr<OnnxValue> RotaryImporter::combine(StringRef operation,
                                             const OnnxValue &a,
                                             const OnnxValue &x,
                                             const OnnxValue &b,
                                             const OnnxValue &y) {
  FailureOr<OnnxValue> first = call.elementwise("Mul", {a, x});
  FailureOr<OnnxValue> second = call.elementwise("Mul", {b, y});
  if (failed(first) || failed(second))
    return failure();
  return call.elementwise(operation, {*first, *second});
}

FailureOr<OnnxValues> RotaryImporter::run() {
  if (failed(call.expectInputs(3, 4)) || failed(readHeads()))
    return failure();
  FailureOr<OnnxValue> cosine = readAngles(1);
  FailureOr<OnnxValue> sine = readAngles(2);
  if (failed(cosine) || failed(sine))
    return failure();

  // Pairs are neighbours, or one of each half.
  bool areNeighbours = call.integer("interleaved", 0) != 0;
  int64_t half = width / 2;
  SizedTensor turning = slice(heads, 0, width);
  TensorSizes single = turning.sizes, pair = turning.sizes;
  single.back() = pair.back() = tensors.constantSize(half);
  pair.push_back(tensors.constantSize(2));
  auto part = [&](int64_t index) {
    if (!areNeighbours)
      return slice(turning, index * half, half);
    return tensors.reshape(slice(tensors.reshape(turning, pair), index, 1),
                           single);
  };
  SizedTensor x = part(0), y = part(1);
  FailureOr<OnnxValue> real = combine("Sub", *cosine, x, *sine, y);
  FailureOr<OnnxValue> imaginary = combine("Add", *sine, x, *cosine, y);
  if (failed(real) || failed(imaginary))
    return failure();
  SizedTensor parts[] = {call.asTensor(*real), call.asTensor(*imaginary)};
  if (areNeighbours) {
    pair.back() = tensors.constantSize(1);
    for (SizedTensor &numbers : parts)
      numbers = tensors.reshape(numbers, pair);
  }
  SizedTensor turned = tensors.reshape(
      tensors.concatenate(parts, areNeighbours ? 4 : 3), turning.sizes);
  if (width != headSize)
    turned =
        tensors.concatenate({turned, slice(heads, width, headSize - width)}, 3);
  return OnnxValues{tensors.reshape(turned, call.sizesOf(call.input(0)))};
}

FailureOr<OnnxValues> attn::importRotaryEmbedding(OnnxCall &call) {
  return RotaryImporter(call).run();
}

/// ONNX Runtime's own: positions come before cosines and sines, and may be the
/// first one alone, which is then the same for the whole batch.
FailureOr<OnnxValues> attn::importRuntimeRotaryEmbedding(OnnxCall &call) {
  if (failed(call.expectInputs(4, 4)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  OnnxValue x = call.input(0), places = call.input(1), cosines = call.input(2);
  if ((x.rank() != 3 && x.rank() != 4) || cosines.rank() != 2 ||
      !isa<IntegerType>(places.type()) || places.rank() < 1 ||
      places.rank() > 2)
    return call.fail("expected an input of rank 3 or 4, positions of rank 1 "
                     "or 2, and cosines of rank 2");
  if (call.integer("is_packed_batching", 0) != 0)
    return call.fail("expected 'is_packed_batching' 0");
  if (call.number("scale", 1) != 1)
    return call.fail("expected 'scale' 1");
  TensorSizes sizes = call.sizesOf(x);
  OpFoldResult length = sizes[sizes.size() - 2];
  if (places.rank() == 1) {
    OpFoldResult zero = tensors.constantSize(0), one = tensors.constantSize(1);
    SizedTensor first =
        tensors.reshape(call.asTensor(places), TensorSizes{one, one});
    FailureOr<OnnxValue> sum = call.elementwise(
        "Add", {first, call.cast(tensors.iota(zero, length, one),
                                 first.elementType())});
    if (failed(sum))
      return failure();
    places = tensors.expand(call.asTensor(*sum), {sizes[0], length});
  }
  int64_t width = call.integer("rotary_embedding_dim", 0);
  int64_t heads = call.integer("num_heads", 0);
  if (x.rank() == 3 && width == 0) {
    // All of a head turns, so that cosines tell its size.
    std::optional<int64_t> half = getConstantIntValue(call.sizesOf(cosines)[1]);
    std::optional<int64_t> all = getConstantIntValue(sizes[2]);
    if (!half || !all || *half < 1 || *all % (2 * *half) != 0)
      return call.fail("expected a known width, of which that of cosines is "
                       "half a head");
    heads = *all / (2 * *half);
  }
  OnnxNode node;
  node.attributes = {
      makeAttribute("num_heads", heads),
      makeAttribute("rotary_embedding_dim", width),
      makeAttribute("interleaved", call.integer("interleaved", 0))};
  OnnxCall rotary = call.derive(node, {x, cosines, call.input(3), places});
  return importRotaryEmbedding(rotary);
}
