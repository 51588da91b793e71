// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RandomInputs.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"

#include <random>

using namespace attn;
using namespace llvm;

static Expected<std::vector<int64_t>> parseShape(StringRef text) {
  std::vector<int64_t> shape;
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 0)
      return createStringError("--shapes: expected sizes such as 8x512x64, "
                               "got '" +
                               text + "'");
    shape.push_back(size);
  }
  return shape;
}

/// The shape of each argument: static ones from the signature, the others from
/// the list.
static Expected<std::vector<std::vector<int64_t>>>
resolveShapes(const FunctionSignature &function, StringRef list) {
  SmallVector<StringRef> given;
  if (!list.empty())
    list.split(given, ',');
  auto isDynamic = [](const TensorSignature &argument) {
    return is_contained(argument.shape, -1);
  };
  size_t arguments = function.arguments.size();
  size_t dynamic = count_if(function.arguments, isDynamic);
  if (given.size() != dynamic && given.size() != arguments)
    return createStringError(
        "'" + function.name + "' has " + Twine(dynamic) +
        " arguments with a dynamic shape: expected as many shapes, got " +
        Twine(given.size()) + "; hint: pass --shapes 8x512x64,...");
  bool forAll = given.size() == arguments;

  std::vector<std::vector<int64_t>> shapes;
  const StringRef *next = given.begin();
  for (auto [index, argument] : enumerate(function.arguments)) {
    if (!forAll && !isDynamic(argument)) {
      shapes.push_back(argument.shape);
      continue;
    }
    StringRef text = *next++;
    // A scalar has nothing to write between the commas.
    Expected<std::vector<int64_t>> shape =
        text.empty() && argument.shape.empty() ? std::vector<int64_t>()
                                               : parseShape(text);
    if (!shape)
      return shape.takeError();
    if (!argument.accepts(Tensor::borrow(argument.type, *shape, nullptr)))
      return createStringError("--shapes: expected a shape of " +
                               argument.describe() + " for argument " +
                               Twine(index) + " of '" + function.name +
                               "', got " + text);
    shapes.push_back(std::move(*shape));
  }
  return shapes;
}

/// The bits of `value` in a format of 16 bits.
static uint16_t bitsOf(double value, const fltSemantics &format) {
  APFloat number(value);
  bool lost;
  number.convert(format, APFloat::rmNearestTiesToEven, &lost);
  return number.bitcastToAPInt().getZExtValue();
}

/// The generator is used directly: what the standard distributions make of it
/// differs between libraries.
static void fill(const Tensor &tensor, int64_t first, int64_t count,
                 std::mt19937_64 &generator) {
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    uint64_t bits = generator();
    double real = double(bits >> 11) / double(uint64_t(1) << 52) - 1;
    int64_t integer = first + int64_t((bits >> 32) % uint64_t(count));
    switch (tensor.type()) {
    case ElementType::F64:
      tensor.data<double>()[i] = real;
      break;
    case ElementType::F32:
      tensor.data<float>()[i] = float(real);
      break;
    case ElementType::F16:
      tensor.data<uint16_t>()[i] = bitsOf(real, APFloat::IEEEhalf());
      break;
    case ElementType::BF16:
      tensor.data<uint16_t>()[i] = bitsOf(real, APFloat::BFloat());
      break;
    case ElementType::I64:
      tensor.data<int64_t>()[i] = integer;
      break;
    case ElementType::I32:
      tensor.data<int32_t>()[i] = int32_t(integer);
      break;
    case ElementType::I8:
      tensor.data<int8_t>()[i] = int8_t(integer);
      break;
    case ElementType::I1:
      tensor.data<uint8_t>()[i] = bits >> 63;
      break;
    }
  }
}

Expected<std::vector<Tensor>>
attn::makeRandomInputs(const FunctionSignature &function, StringRef shapes,
                       uint64_t seed) {
  auto resolved = resolveShapes(function, shapes);
  if (!resolved)
    return resolved.takeError();
  int64_t limit = 8;
  for (ArrayRef<int64_t> shape : *resolved)
    for (int64_t size : shape)
      limit = std::min(limit, std::max<int64_t>(size, 1));

  std::mt19937_64 generator(seed);
  std::vector<Tensor> tensors;
  for (auto [argument, shape] : zip(function.arguments, *resolved)) {
    Expected<Tensor> tensor = Tensor::tryAllocate(argument.type, shape);
    if (!tensor)
      return tensor.takeError();
    bool isLength = StringRef(argument.role).ends_with("lengths");
    fill(*tensor, isLength ? 1 : 0, limit, generator);
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}
