// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/SafetensorsFile.h"

#include "MappedFile.h"
#include "attn/Weights/JsonFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace llvm;
using namespace attn;

/// The limit of the format's reference implementation.
static constexpr uint64_t maxHeaderLength = 100'000'000;
static constexpr uint64_t lengthFieldSize = 8;

/// `name` in quotes and on one line, whatever a file calls its tensors.
static std::string quoted(StringRef name) {
  return describeJson(json::Value(json::fixUTF8(name)));
}

/// The size in bytes of a tensor, or none if it is 2^63 or more.
static std::optional<uint64_t> byteSize(ArrayRef<int64_t> shape,
                                        WeightType type) {
  // A dimension of 0 makes the product 0 however large the others are.
  if (is_contained(shape, 0))
    return 0;
  int64_t size = sizeInBytes(type);
  for (int64_t extent : shape)
    if (MulOverflow(size, extent, size))
      return std::nullopt;
  return size;
}

Expected<std::unique_ptr<SafetensorsFile>>
SafetensorsFile::open(StringRef path) {
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile());
  file->filePath = path.str();
  Expected<sys::fs::mapped_file_region> mapped = mapFile(path, "weights file");
  if (!mapped)
    return mapped.takeError();
  uint64_t size = *mapped ? mapped->size() : 0;
  if (size < lengthFieldSize)
    return createStringError(
        path + ": expected a safetensors file of at least 8 bytes, got " +
        Twine(size) + "; hint: the file may be cut off");
  file->region = std::move(*mapped);
  if (Error error = file->parseHeader())
    return std::move(error);
  if (Error error = file->checkRanges())
    return std::move(error);
  return std::move(file);
}

Error SafetensorsFile::parseHeader() {
  uint64_t length = support::endian::read64le(region.const_data());
  uint64_t available = region.size() - lengthFieldSize;
  if (length > available || length > maxHeaderLength)
    return createStringError(
        filePath + ": expected a header of at most " +
        Twine(std::min(available, maxHeaderLength)) +
        " bytes, got the length " + Twine(length) +
        "; hint: the file may be cut off or not in the safetensors format");
  const char *text = region.const_data() + lengthFieldSize;
  data = {reinterpret_cast<const uint8_t *>(text) + length,
          static_cast<size_t>(available - length)};

  std::string origin = filePath + ": header";
  Expected<json::Object> header =
      parseJsonObject(StringRef(text, length), origin);
  if (!header)
    return header.takeError();

  for (const auto &[key, value] : *header) {
    StringRef name = key;
    if (name == "__metadata__")
      continue;
    Expected<Entry> entry = parseEntry(name, value);
    if (!entry)
      return entry.takeError();
    entries.try_emplace(name, std::move(*entry));
  }
  return Error::success();
}

Expected<SafetensorsFile::Entry>
SafetensorsFile::parseEntry(StringRef name, const json::Value &value) const {
  auto failure = [&](const Twine &expected, const json::Value *got) {
    return createStringError(filePath + ": tensor " + quoted(name) +
                             ": expected " + expected + ", got " +
                             (got ? describeJson(*got) : "nothing"));
  };
  const json::Object *fields = value.getAsObject();
  if (!fields)
    return failure("an object", &value);

  Entry entry;
  if (std::optional<StringRef> typeName = fields->getString("dtype"))
    entry.typeName = typeName->str();
  else
    return failure("a string for dtype", fields->get("dtype"));

  const json::Array *shape = fields->getArray("shape");
  if (!shape)
    return failure("an array for shape", fields->get("shape"));
  for (const json::Value &element : *shape) {
    std::optional<int64_t> extent = element.getAsInteger();
    if (!extent || *extent < 0)
      return failure("a shape of integers from 0", fields->get("shape"));
    entry.shape.push_back(*extent);
  }

  const json::Value *offsets = fields->get("data_offsets");
  const json::Array *pair = offsets ? offsets->getAsArray() : nullptr;
  if (!pair || pair->size() != 2)
    return failure("two integers for data_offsets", offsets);
  std::optional<uint64_t> begin = (*pair)[0].getAsUINT64();
  std::optional<uint64_t> end = (*pair)[1].getAsUINT64();
  if (!begin || !end)
    return failure("two integers from 0 for data_offsets", offsets);
  if (*begin > *end || *end > data.size())
    return failure(
        "data_offsets [begin,end] with begin <= end <= " + Twine(data.size()) +
            " (the bytes that follow the header)",
        offsets);
  entry.begin = *begin;
  entry.end = *end;

  // Only the range of a tensor of unknown type can be checked; `find` will
  // refuse to give it out.
  if (std::optional<WeightType> type = parseWeightType(entry.typeName)) {
    std::optional<uint64_t> size = byteSize(entry.shape, *type);
    if (size != *end - *begin)
      return createStringError(
          filePath + ": tensor " + quoted(name) + ": expected " +
          (size ? Twine(*size) : Twine("2^63 or more")) + " bytes for " +
          entry.typeName + " of shape " + describeJson(*fields->get("shape")) +
          ", got " + Twine(*end - *begin));
  }
  return entry;
}

Error SafetensorsFile::checkRanges() {
  SmallVector<const StringMapEntry<Entry> *, 0> sorted;
  sorted.reserve(entries.size());
  for (const StringMapEntry<Entry> &item : entries)
    sorted.push_back(&item);
  // Empty tensors share their begin with the next one and must come before it.
  sort(sorted, [](const auto *left, const auto *right) {
    const Entry &a = left->getValue(), &b = right->getValue();
    return std::make_tuple(a.begin, a.end, left->getKey()) <
           std::make_tuple(b.begin, b.end, right->getKey());
  });

  uint64_t position = 0;
  for (const auto *item : sorted) {
    if (item->getValue().begin != position)
      return createStringError(
          filePath + ": tensor " + quoted(item->getKey()) +
          ": expected to begin where the one before it ends, at byte " +
          Twine(position) + ", got " + Twine(item->getValue().begin));
    position = item->getValue().end;
    orderedNames.push_back(item->getKey());
  }
  if (position != data.size())
    return createStringError(filePath + ": expected " + Twine(position) +
                             " bytes of tensors, got " + Twine(data.size()));
  return Error::success();
}

Expected<Weight> SafetensorsFile::find(StringRef name) const {
  auto it = entries.find(name);
  if (it == entries.end())
    return createStringError(filePath + ": expected a tensor " + quoted(name) +
                             ", got " + Twine(entries.size()) +
                             " tensors of other names");
  const Entry &entry = it->getValue();
  std::optional<WeightType> type = parseWeightType(entry.typeName);
  if (!type)
    return createStringError(
        filePath + ": tensor " + quoted(name) +
        ": expected dtype F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL, "
        "got " +
        quoted(entry.typeName));
  return Weight{*type, entry.shape,
                data.slice(entry.begin, entry.end - entry.begin)};
}

void SafetensorsFile::release(const Weight &weight) const {
  releasePages(region, weight.bytes);
}
