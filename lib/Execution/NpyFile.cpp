// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/NpyFile.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/ReadFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace attn;

static constexpr llvm::StringLiteral magic("\x93NUMPY");

namespace {

struct Header {
  ElementType type = ElementType::F32;
  bool fortranOrder = false;
  llvm::SmallVector<int64_t, 4> shape;
};

/// Parses the header's Python dictionary: exactly the three keys that NumPy
/// writes, in any order.
class HeaderParser {
public:
  HeaderParser(llvm::StringRef path, llvm::StringRef text)
      : path(path), text(text) {}

  llvm::Expected<Header> parse() {
    bool hasType = false, hasOrder = false, hasShape = false;
    if (!consume("{"))
      return malformed();
    while (!consume("}")) {
      std::optional<llvm::StringRef> key = parseString();
      if (!key || !consume(":"))
        return malformed();
      bool *seen = llvm::StringSwitch<bool *>(*key)
                       .Case("descr", &hasType)
                       .Case("fortran_order", &hasOrder)
                       .Case("shape", &hasShape)
                       .Default(nullptr);
      if (!seen || *seen)
        return malformed();
      *seen = true;
      if (seen == &hasType) {
        if (llvm::Error error = parseType())
          return std::move(error);
      } else if (seen == &hasOrder) {
        header.fortranOrder = consume("True");
        if (!header.fortranOrder && !consume("False"))
          return malformed();
      } else if (!parseShape()) {
        return malformed();
      }
      if (!consume(",") && !text.ltrim().starts_with("}"))
        return malformed();
    }
    if (!text.trim().empty() || !hasType || !hasOrder || !hasShape)
      return malformed();
    return std::move(header);
  }

private:
  llvm::Error malformed() const {
    return llvm::createStringError(path + ": malformed .npy header");
  }

  bool consume(llvm::StringRef token) {
    text = text.ltrim();
    return text.consume_front(token);
  }

  std::optional<llvm::StringRef> parseString() {
    text = text.ltrim();
    if (text.empty() || (text[0] != '\'' && text[0] != '"'))
      return std::nullopt;
    size_t end = text.find(text[0], 1);
    if (end == llvm::StringRef::npos)
      return std::nullopt;
    llvm::StringRef result = text.slice(1, end);
    text = text.drop_front(end + 1);
    return result;
  }

  llvm::Error parseType() {
    std::optional<llvm::StringRef> name = parseString();
    // A structured type is a list of fields.
    if (!name && text.starts_with("["))
      name = "structured";
    if (!name)
      return malformed();
    auto type = llvm::StringSwitch<std::optional<ElementType>>(*name)
                    .Case("<f8", ElementType::F64)
                    .Case("<f4", ElementType::F32)
                    .Case("<f2", ElementType::F16)
                    .Cases({"<V2", "|V2"}, ElementType::BF16)
                    .Case("<i8", ElementType::I64)
                    .Case("<i4", ElementType::I32)
                    .Cases({"|i1", "<i1"}, ElementType::I8)
                    .Cases({"|b1", "<b1", "?"}, ElementType::I1)
                    .Default(std::nullopt);
    if (!type)
      return llvm::createStringError(
          path +
          ": expected element type <f8, <f4, <f2, <V2 (bf16), <i8, <i4, |i1 or "
          "|b1, got " +
          *name);
    header.type = *type;
    return llvm::Error::success();
  }

  bool parseShape() {
    if (!consume("("))
      return false;
    while (!consume(")")) {
      text = text.ltrim();
      int64_t size;
      if (text.consumeInteger(10, size) || size < 0)
        return false;
      header.shape.push_back(size);
      if (!consume(",") && !text.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }

  llvm::StringRef path;
  llvm::StringRef text;
  Header header;
};

} // namespace

/// How far elements are apart along each dimension in Fortran order.
static llvm::SmallVector<int64_t, 4>
columnMajorStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t, 4> strides;
  int64_t stride = 1;
  for (int64_t size : shape) {
    strides.push_back(stride);
    stride *= size;
  }
  return strides;
}

static llvm::StringRef typeName(ElementType type) {
  switch (type) {
  case ElementType::F64:
    return "<f8";
  case ElementType::F32:
    return "<f4";
  case ElementType::F16:
    return "<f2";
  case ElementType::I64:
    return "<i8";
  case ElementType::I32:
    return "<i4";
  case ElementType::I8:
    return "|i1";
  case ElementType::I1:
    return "|b1";
  case ElementType::BF16:
    // Two bytes without a meaning: what NumPy writes for the type of ml_dtypes.
    return "<V2";
  }
  llvm_unreachable("no such element type");
}

static llvm::Error cannotWrite(llvm::StringRef path, std::error_code code) {
  return llvm::createStringError("cannot write " + path + ": " +
                                 reasonOf(code));
}

/// Writes the whole of `tensor` to `fd`.
static llvm::Error writeTo(int fd, llvm::StringRef path, const Tensor &tensor) {
  std::string header = "{'descr': '" + typeName(tensor.type()).str() +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t size : tensor.shape())
    header += std::to_string(size) + ",";
  header += "), }";
  // The data start at a multiple of 64 bytes, after a new line.
  size_t prefix = magic.size() + 4;
  header.append(llvm::alignTo(prefix + header.size() + 1, 64) - prefix -
                    header.size() - 1,
                ' ');
  header += '\n';
  char length[2];
  llvm::support::endian::write16le(length, header.size());

  llvm::raw_fd_ostream out(fd, /*shouldClose=*/false);
  out << magic << llvm::StringRef("\x01\x00", 2) << llvm::StringRef(length, 2)
      << header;
  out.write(static_cast<const char *>(tensor.rawData()), tensor.numBytes());
  out.flush();
  std::error_code code = out.error();
  out.clear_error();
  return code ? cannotWrite(path, code) : llvm::Error::success();
}

llvm::Expected<Tensor> attn::readNpy(llvm::StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readFile(path);
  if (!buffer)
    return buffer.takeError();
  llvm::StringRef bytes = (*buffer)->getBuffer();
  if (!bytes.consume_front(magic) || bytes.size() < 2)
    return llvm::createStringError(path + ": not a .npy file");
  unsigned major = static_cast<unsigned char>(bytes[0]);
  if (major < 1 || major > 3)
    return llvm::createStringError(
        path + ": expected .npy version 1 to 3, got " + llvm::Twine(major));
  bytes = bytes.drop_front(2);
  size_t lengthBytes = major == 1 ? 2 : 4;
  auto truncated = [&](uint64_t expected, uint64_t got,
                       llvm::StringRef of) -> llvm::Error {
    return llvm::createStringError(
        path + ": expected " + llvm::Twine(expected) + " bytes of " + of +
        ", got " + llvm::Twine(got) + "; the file is truncated");
  };
  if (bytes.size() < lengthBytes)
    return truncated(lengthBytes, bytes.size(), "header length");
  size_t length = major == 1 ? llvm::support::endian::read16le(bytes.data())
                             : llvm::support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(lengthBytes);
  if (bytes.size() < length)
    return truncated(length, bytes.size(), "header");

  llvm::Expected<Header> header =
      HeaderParser(path, bytes.take_front(length)).parse();
  if (!header)
    return header.takeError();
  bytes = bytes.drop_front(length);
  std::optional<int64_t> count = countElements(header->type, header->shape);
  if (!count)
    return llvm::createStringError(
        path + ": " + describe(header->type, header->shape) + " is too large");
  uint64_t size = *count * byteWidth(header->type);
  if (bytes.size() < size)
    return truncated(size, bytes.size(), "data");
  if (bytes.size() > size)
    return llvm::createStringError(path + ": expected " + llvm::Twine(size) +
                                   " bytes of data for " +
                                   describe(header->type, header->shape) +
                                   ", got " + llvm::Twine(bytes.size()));

  llvm::Expected<Tensor> tensor =
      Tensor::tryAllocate(header->type, header->shape);
  if (!tensor)
    return llvm::createStringError(path + ": " +
                                   llvm::toString(tensor.takeError()));
  if (header->fortranOrder)
    copyStrided(bytes.begin(), columnMajorStrides(header->shape), *tensor);
  else if (size)
    std::memcpy(tensor->rawData(), bytes.data(), size);
  // An i1 is 0 or 1 to compiled code.
  if (tensor->type() == ElementType::I1)
    for (uint8_t &byte : llvm::MutableArrayRef(tensor->data<uint8_t>(), size))
      byte = byte != 0;
  return tensor;
}

llvm::Error
attn::writeNpyFiles(llvm::ArrayRef<std::pair<std::string, Tensor>> files) {
  std::vector<llvm::sys::fs::TempFile> temporaries;
  auto discardFrom = [&](size_t first) {
    for (llvm::sys::fs::TempFile &file : llvm::drop_begin(temporaries, first))
      llvm::consumeError(file.discard());
  };
  for (const auto &[path, tensor] : files) {
    llvm::Error error = llvm::Error::success();
    auto file = llvm::sys::fs::TempFile::create(path + ".%%%%%%.tmp");
    if (file) {
      temporaries.push_back(std::move(*file));
      error = writeTo(temporaries.back().FD, path, tensor);
    } else {
      error = cannotWrite(path, llvm::errorToErrorCode(file.takeError()));
    }
    if (error) {
      discardFrom(0);
      return error;
    }
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (llvm::Error error = temporaries[i].keep(files[i].first)) {
      discardFrom(i + 1);
      return cannotWrite(files[i].first,
                         llvm::errorToErrorCode(std::move(error)));
    }
  }
  return llvm::Error::success();
}
