// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Tensor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>
#include <cstring>

using namespace attn;

size_t attn::byteWidth(ElementType type) {
  switch (type) {
  case ElementType::F64:
  case ElementType::I64:
    return 8;
  case ElementType::F32:
  case ElementType::I32:
    return 4;
  case ElementType::F16:
  case ElementType::BF16:
    return 2;
  case ElementType::I8:
  case ElementType::I1:
    return 1;
  }
  llvm_unreachable("no such element type");
}

llvm::StringRef attn::stringify(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return "f64";
  case ElementType::F32:
    return "f32";
  case ElementType::F16:
    return "f16";
  case ElementType::BF16:
    return "bf16";
  case ElementType::I64:
    return "i64";
  case ElementType::I32:
    return "i32";
  case ElementType::I8:
    return "i8";
  case ElementType::I1:
    return "i1";
  }
  llvm_unreachable("no such element type");
}

std::optional<ElementType> attn::parseElementType(llvm::StringRef text) {
  return llvm::StringSwitch<std::optional<ElementType>>(text)
      .Case("f64", ElementType::F64)
      .Case("f32", ElementType::F32)
      .Case("f16", ElementType::F16)
      .Case("bf16", ElementType::BF16)
      .Case("i64", ElementType::I64)
      .Case("i32", ElementType::I32)
      .Case("i8", ElementType::I8)
      .Case("i1", ElementType::I1)
      .Default(std::nullopt);
}

std::optional<int64_t> attn::countElements(ElementType type,
                                           llvm::ArrayRef<int64_t> shape) {
  // A size of 0 makes the product 0 but must not hide an overflow of the other
  // sizes, from which strides are computed.
  int64_t count = 1, bytes = byteWidth(type);
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return std::nullopt;
    empty |= size == 0;
    if (llvm::MulOverflow(bytes, std::max<int64_t>(size, 1), bytes))
      return std::nullopt;
    count *= std::max<int64_t>(size, 1);
  }
  return empty ? 0 : count;
}

std::string attn::describe(ElementType type, llvm::ArrayRef<int64_t> shape) {
  return (stringify(type) + " [" +
          llvm::join(llvm::map_range(shape,
                                     [](int64_t d) {
                                       return d < 0 ? std::string("?")
                                                    : std::to_string(d);
                                     }),
                     ",") +
          "]")
      .str();
}

int64_t Tensor::numElements() const {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

llvm::Expected<Tensor> Tensor::tryAllocate(ElementType type,
                                           llvm::ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(type, shape);
  void *data = nullptr;
  // Empty tensors get memory too, so that no pointer is ever null.
  if (count)
    data = std::aligned_alloc(
        alignment, llvm::alignTo(std::max<size_t>(*count, 1) * byteWidth(type),
                                 alignment));
  if (!data)
    return llvm::createStringError("not enough memory for a tensor " +
                                   attn::describe(type, shape));
  return Tensor(type, shape, data, std::shared_ptr<void>(data, std::free));
}

Tensor Tensor::allocate(ElementType type, llvm::ArrayRef<int64_t> shape) {
  llvm::Expected<Tensor> tensor = tryAllocate(type, shape);
  if (!tensor) {
    llvm::consumeError(tensor.takeError());
    llvm::report_bad_alloc_error("not enough memory for a tensor");
  }
  return std::move(*tensor);
}

void attn::copyStrided(const char *source, llvm::ArrayRef<int64_t> strides,
                       const Tensor &target) {
  size_t width = byteWidth(target.type()), rank = target.rank();
  char *output = static_cast<char *>(target.rawData());
  llvm::SmallVector<int64_t, 4> index(rank, 0);
  for (int64_t i = 0, e = target.numElements(), from = 0; i < e; ++i) {
    std::memcpy(output + i * width, source + from * int64_t(width), width);
    for (size_t d = rank; d-- > 0;) {
      from += strides[d];
      if (++index[d] < target.dim(d))
        break;
      from -= target.dim(d) * strides[d];
      index[d] = 0;
    }
  }
}
