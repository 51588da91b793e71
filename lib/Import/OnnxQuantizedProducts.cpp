// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of quantised numbers. Weights are integers in memory, and numbers
// only where they are multiplied.

#include "OnnxQuantization.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;
using llvm::Twine;

/// f32 has all integers up to this magnitude.
static constexpr double kExact = 1 << 24;

/// The largest magnitude of a number, less a zero point if there is one.
static double magnitudeOf(const OnnxValue &x, const OnnxValue &zero) {
  auto [least, most] = rangeOf(x.type());
  return zero ? most - least : std::max(-least, most);
}

namespace {

/// Imports products of integers as those of floats, which are as exact: sums
/// that f32 may not hold are two, of the digits of the left side to base 16.
class IntegerProductImporter {
public:
  using Multiply =
      llvm::function_ref<FailureOr<OnnxValue>(OnnxValue, OnnxValue)>;
  explicit IntegerProductImporter(OnnxCall &call) : call(call) {}

  /// `depth` products are summed, if it is known how many.
  FailureOr<OnnxValues> run(std::optional<int64_t> depth, Multiply multiply);
  LogicalResult readOperands();

  OnnxValue a, b, aZero, bZero;

private:
  OnnxCall &call;
};

} // namespace

LogicalResult IntegerProductImporter::readOperands() {
  if (failed(call.expectInputs(2, 4)))
    return failure();
  a = call.input(0);
  b = call.input(1);
  aZero = call.input(2);
  bZero = call.input(3);
  if (!isByte(a.type()) || !isByte(b.type()) ||
      (aZero && aZero.type() != a.type()) ||
      (bZero && bZero.type() != b.type()))
    return call.fail("expected INT8 or UINT8, and zero points of the same "
                     "type");
  return success();
}

FailureOr<OnnxValues> IntegerProductImporter::run(std::optional<int64_t> depth,
                                                  Multiply multiply) {
  constexpr int64_t base = 16;
  OpBuilder &builder = call.tensors.builder;
  double bound = magnitudeOf(b, bZero) * depth.value_or(0);
  bool isExact = depth && bound * base <= kExact;
  Type sum = builder.getI32Type();
  Type type = isExact ? Type(builder.getF32Type()) : sum;
  auto shift = [&](const OnnxValue &x,
                   const OnnxValue &zero) -> FailureOr<OnnxValue> {
    OnnxValue steps = call.cast(x, type);
    return zero ? call.elementwise("Sub", {steps, call.cast(zero, type)})
                : steps;
  };
  FailureOr<OnnxValue> left = shift(a, aZero), right = shift(b, bZero);
  if (failed(left) || failed(right))
    return failure();
  if (!isExact || bound * magnitudeOf(a, aZero) <= kExact) {
    FailureOr<OnnxValue> result = multiply(*left, *right);
    if (failed(result))
      return failure();
    return OnnxValues{call.cast(*result, sum)};
  }
  OnnxValue step = call.constant(type, base);
  FailureOr<OnnxValue> high = call.elementwise("Div", {*left, step});
  high = call.elementwise("Floor", *high);
  FailureOr<OnnxValue> low = call.elementwise("Mul", {*high, step});
  low = call.elementwise("Sub", {*left, *low});
  high = multiply(*high, *right);
  low = multiply(*low, *right);
  if (failed(high) || failed(low))
    return failure();
  high = call.elementwise("Mul",
                          {call.cast(*high, sum), call.constant(sum, base)});
  return onlyResult(call.elementwise("Add", {*high, call.cast(*low, sum)}));
}

/// Scales or zero points of the left side, or of the result: those in a row
/// are of rows, not of columns.
static OnnxValue alignRows(OnnxCall &call, const OnnxValue &numbers,
                           size_t rank) {
  if (!numbers || numbers.rank() != 1 || rank < 2)
    return numbers;
  return call.reshape(call.asTensor(numbers), {call.sizesOf(numbers).front(),
                                               call.tensors.constantSize(1)});
}

FailureOr<OnnxValues> attn::importMatMulInteger(OnnxCall &call) {
  IntegerProductImporter product(call);
  if (failed(product.readOperands()))
    return failure();
  TensorSizes left = call.sizesOf(product.a), right = call.sizesOf(product.b);
  if (left.empty() || right.empty())
    return call.fail("expected operands of rank 1 at least, got a scalar");
  product.aZero = alignRows(call, product.aZero, left.size());
  std::optional<int64_t> depth = getConstantIntValue(left.back());
  if (!depth)
    depth = getConstantIntValue(right[std::max<int64_t>(right.size(), 2) - 2]);
  return product.run(depth, [&](const OnnxValue &a, const OnnxValue &b) {
    return call.matmul(a, b);
  });
}

namespace {

/// A matrix of integers, and what makes them numbers.
struct QuantisedMatrix {
  OnnxValue integers, scale, zero;
};

} // namespace

/// The product in f32, of sums that are exact, of which integers may be added.
static FailureOr<OnnxValue> multiply(OnnxCall &call, const QuantisedMatrix &a,
                                     const QuantisedMatrix &b,
                                     const OnnxValue &added = OnnxValue()) {
  OnnxNode node;
  OnnxCall product =
      call.derive(node, {a.integers, b.integers, a.zero, b.zero});
  FailureOr<OnnxValues> results = importMatMulInteger(product);
  if (failed(results))
    return failure();
  FailureOr<OnnxValue> sums = results->front();
  if (added)
    sums = call.elementwise("Add", {*sums, added});
  if (failed(sums))
    return failure();
  if (!isa<FloatType>(a.scale.type()) || !isa<FloatType>(b.scale.type()))
    return call.fail("expected scales of floats");
  Type type = call.tensors.builder.getF32Type();
  OnnxValue rows = alignRows(call, a.scale, a.integers.rank());
  FailureOr<OnnxValue> scale = call.elementwise(
      "Mul", {call.cast(rows, type), call.cast(b.scale, type)});
  if (failed(scale))
    return failure();
  return dequantise(call, *sums, OnnxValue(), *scale);
}

/// A product in the steps of the result, which its zero point has the type of.
static FailureOr<OnnxValues> quantiseResult(OnnxCall &call,
                                            const OnnxValue &product,
                                            const OnnxValue &scale,
                                            const OnnxValue &zero) {
  if (!zero || !isByte(zero.type()) || !isa<FloatType>(scale.type()))
    return call.fail("expected a scale of floats and a zero point of INT8 or "
                     "UINT8 of the result");
  return onlyResult(quantise(call, product, scale, zero, zero.type()));
}

FailureOr<OnnxValues> attn::importQLinearMatMul(OnnxCall &call) {
  if (failed(call.expectInputs(8, 8)))
    return failure();
  OnnxValue a = call.input(0);
  FailureOr<OnnxValue> product =
      multiply(call, {a, call.input(1), call.input(2)},
               {call.input(3), call.input(4), call.input(5)});
  if (failed(product))
    return failure();
  return quantiseResult(call, *product,
                        alignRows(call, call.input(6), a.rank()),
                        alignRows(call, call.input(7), a.rank()));
}

FailureOr<OnnxValues> attn::importConvInteger(OnnxCall &call) {
  IntegerProductImporter product(call);
  if (failed(product.readOperands()))
    return failure();
  OnnxNode node;
  node.attributes = call.node.attributes;
  for (const OnnxAttribute &attribute : node.attributes)
    (void)call.find(attribute.name);
  // Filters are [M, C, k1, k2...], and so are their zero points.
  TensorSizes sizes = call.sizesOf(product.b);
  std::optional<int64_t> depth = 1;
  for (OpFoldResult size : ArrayRef(sizes).drop_front(sizes.empty() ? 0 : 1)) {
    std::optional<int64_t> extent = getConstantIntValue(size);
    depth = depth && extent ? std::optional(*depth * *extent) : std::nullopt;
  }
  OnnxValue &zero = product.bZero;
  if (zero && zero.rank() == 1) {
    TensorSizes aligned(sizes.size(), call.tensors.constantSize(1));
    if (!aligned.empty())
      aligned.front() = call.sizesOf(zero).front();
    zero = call.reshape(call.asTensor(zero), aligned);
  }
  return product.run(
      depth,
      [&](const OnnxValue &a, const OnnxValue &b) -> FailureOr<OnnxValue> {
        OnnxCall convolution = call.derive(node, {a, b});
        FailureOr<OnnxValues> result = importConvolution(convolution);
        if (failed(result))
          return failure();
        if (const OnnxAttribute *attribute = convolution.findUnread())
          return call.fail("expected attributes that can be imported, got '" +
                           attribute->name + "'");
        return result->front();
      });
}

//===----------------------------------------------------------------------===//
// ONNX Runtime's
//===----------------------------------------------------------------------===//

FailureOr<OnnxValues> attn::importQGemm(OnnxCall &call) {
  if (failed(call.expectInputs(6, 9)))
    return failure();
  TensorBuilder &tensors = call.tensors;
  QuantisedMatrix a = {call.input(0), call.input(1), call.input(2)};
  QuantisedMatrix b = {call.input(3), call.input(4), call.input(5)};
  for (auto [matrix, name] : {std::pair(&a, "transA"), {&b, "transB"}}) {
    OnnxValue &integers = matrix->integers;
    if (integers.rank() != 2)
      return call.fail("expected matrices");
    if (call.integer(name, 0))
      integers = tensors.transpose(call.asTensor(integers), {1, 0});
  }
  FailureOr<OnnxValue> product = multiply(call, a, b, call.input(6));
  if (succeeded(product))
    product = call.elementwise(
        "Mul",
        {*product, call.constant(product->type(), call.number("alpha", 1))});
  if (failed(product) || !call.input(7))
    return onlyResult(product);
  return quantiseResult(call, *product, call.input(7), call.input(8));
}

/// The product in the type of floats that it is made of, and a bias that may be
/// left out.
static FailureOr<OnnxValues> multiplyWithBias(OnnxCall &call,
                                              const QuantisedMatrix &a,
                                              const QuantisedMatrix &b,
                                              const OnnxValue &bias) {
  FailureOr<OnnxValue> product = multiply(call, a, b);
  if (failed(product))
    return failure();
  product = call.cast(*product, b.scale.type());
  return onlyResult(bias ? call.elementwise("Add", {*product, bias}) : product);
}

FailureOr<OnnxValues> attn::importMatMulIntegerToFloat(OnnxCall &call) {
  if (failed(call.expectInputs(4, 7)))
    return failure();
  return multiplyWithBias(call, {call.input(0), call.input(2), call.input(4)},
                          {call.input(1), call.input(3), call.input(5)},
                          call.input(6));
}

FailureOr<OnnxValues> attn::importDynamicQuantizeMatMul(OnnxCall &call) {
  if (failed(call.expectInputs(3, 5)))
    return failure();
  OnnxNode node;
  OnnxCall steps = call.derive(node, {call.input(0)});
  FailureOr<OnnxValues> a = importDynamicQuantizeLinear(steps);
  if (failed(a))
    return failure();
  return multiplyWithBias(call, {(*a)[0], (*a)[1], (*a)[2]},
                          {call.input(1), call.input(2), call.input(3)},
                          call.input(4));
}

/// Numbers of `bits` bits, which follow each other along the last dimension,
/// the lowest first.
static SizedTensor unpack(OnnxCall &call, const SizedTensor &bytes,
                          int64_t bits) {
  if (bits == 8)
    return bytes;
  TensorBuilder &tensors = call.tensors;
  int64_t each = 8 / bits;
  TensorSizes single = bytes.sizes, several, all = bytes.sizes;
  single.push_back(tensors.constantSize(1));
  several = single;
  several.back() = tensors.constantSize(each);
  all.back() = tensors.multiply(all.back(), several.back());
  OpFoldResult zero = tensors.constantSize(0);
  SizedTensor places =
      tensors.iota(zero, several.back(), tensors.constantSize(bits));
  SizedTensor operands[] = {tensors.reshape(bytes, single), places};
  Type type = bytes.elementType(), signless = tensors.builder.getI32Type();
  SizedTensor numbers = tensors.map(
      operands, several, type,
      [&](OpBuilder &b, Location loc, ValueRange arguments) -> Value {
        ScalarBuilder scalars(b, loc);
        Value x = scalars.cast(arguments[0], signless);
        Value place = scalars.cast(arguments[1], signless);
        x = arith::ShRUIOp::create(b, loc, x, place);
        x = arith::AndIOp::create(b, loc, x,
                                  scalars.constant(signless, (1 << bits) - 1));
        return scalars.cast(x, type);
      });
  return tensors.reshape(numbers, all);
}

namespace {

/// Imports a MatMulNBits: A · Bᵀ of N rows of K numbers in blocks.
class BlockProductImporter {
public:
  explicit BlockProductImporter(OnnxCall &call)
      : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  FailureOr<OnnxValue> readZeroPoints();

  OnnxCall &call;
  TensorBuilder &tensors;
  int64_t rows = 0, blocks = 0, bits = 0;
};

} // namespace

/// [N, blocks, 1]
FailureOr<OnnxValue> BlockProductImporter::readZeroPoints() {
  OnnxValue given = call.input(3);
  if (!given)
    return call.constant(tensors.builder.getF32Type(), 1 << (bits - 1));
  SizedTensor points = call.asTensor(given);
  TensorSizes sizes = {tensors.constantSize(rows),
                       tensors.constantSize(blocks)};
  bool isPacked = points.elementType().isUnsignedInteger(8);
  int64_t count =
      rows * (isPacked ? llvm::divideCeil(blocks * bits, 8) : blocks);
  int64_t had = 1;
  for (OpFoldResult size : points.sizes)
    had *= getConstantIntValue(size).value_or(0);
  if (had != count || (!isPacked && !isa<FloatType>(points.elementType())))
    return call.fail("expected " + Twine(count) + " zero points, got " +
                     Twine(had));
  if (isPacked) {
    points = unpack(
        call,
        tensors.reshape(points, {sizes[0], tensors.constantSize(count / rows)}),
        bits);
    points = tensors.sliceAxis(points, 1, tensors.constantSize(0), sizes[1]);
  }
  sizes.push_back(tensors.constantSize(1));
  return OnnxValue(tensors.reshape(points, sizes));
}

FailureOr<OnnxValues> BlockProductImporter::run() {
  if (failed(call.expectInputs(3, 6)))
    return failure();
  if (call.input(4))
    return call.fail("expected no indices of groups");
  // How exact sums at least are: these are of f32.
  (void)call.find("accuracy_level");
  (void)call.find("weight_prepacked");
  int64_t depth = call.integer("K", 0), size = call.integer("block_size", 0);
  rows = call.integer("N", 0);
  bits = call.integer("bits", 4);
  OnnxValue a = call.input(0);
  SizedTensor b = call.asTensor(call.input(1));
  SizedTensor scales = call.asTensor(call.input(2));
  if (rows < 1 || depth < 1 || size < 16 || !llvm::isPowerOf2_64(size) ||
      (bits != 2 && bits != 4 && bits != 8))
    return call.fail("expected 'N' and 'K' of at least 1, 'bits' 2, 4 or 8 and "
                     "a 'block_size' of a power of 2 from 16 on");
  blocks = llvm::divideCeil(depth, size);
  const int64_t wanted[] = {rows, blocks, size * bits / 8};
  bool isWanted = b.rank() == 3 && b.elementType().isUnsignedInteger(8);
  for (int64_t dim = 0; isWanted && dim < 3; ++dim)
    isWanted = isSize(b.sizes[dim], wanted[dim]);
  if (!isWanted)
    return call.fail("expected UINT8 of " + Twine(wanted[0]) + "x" +
                     Twine(wanted[1]) + "x" + Twine(wanted[2]) +
                     " as the matrix");
  if (!isa<FloatType>(a.type()) || scales.elementType() != a.type())
    return call.fail("expected floats, and scales of their type");
  int64_t had = 1;
  for (OpFoldResult extent : scales.sizes)
    had *= getConstantIntValue(extent).value_or(0);
  if (had != rows * blocks)
    return call.fail("expected " + Twine(rows * blocks) + " scales, got " +
                     Twine(had));
  FailureOr<OnnxValue> zero = readZeroPoints();
  if (failed(zero))
    return failure();
  TensorSizes sizes = {tensors.constantSize(rows), tensors.constantSize(blocks),
                       tensors.constantSize(1)};
  FailureOr<OnnxValue> matrix = dequantise(call, unpack(call, b, bits), *zero,
                                           tensors.reshape(scales, sizes));
  if (failed(matrix))
    return failure();
  SizedTensor all = tensors.reshape(
      call.asTensor(call.cast(*matrix, a.type())),
      {tensors.constantSize(rows), tensors.constantSize(blocks * size)});
  if (blocks * size != depth)
    all = tensors.sliceAxis(all, 1, tensors.constantSize(0),
                            tensors.constantSize(depth));
  FailureOr<OnnxValue> result = call.matmul(a, tensors.transpose(all, {1, 0}));
  if (succeeded(result) && call.input(5))
    result = call.elementwise("Add", {*result, call.input(5)});
  return onlyResult(result);
}

FailureOr<OnnxValues> attn::importMatMulNBits(OnnxCall &call) {
  return BlockProductImporter(call).run();
}
