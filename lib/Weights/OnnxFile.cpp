// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/OnnxFile.h"

#include "MappedFile.h"
#include "OnnxParser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace attn;

static constexpr struct {
  OnnxType type;
  StringLiteral name;
  size_t size;
} types[] = {
    {OnnxType::Undefined, "UNDEFINED", 0}, {OnnxType::Float, "FLOAT", 4},
    {OnnxType::UInt8, "UINT8", 1},         {OnnxType::Int8, "INT8", 1},
    {OnnxType::UInt16, "UINT16", 2},       {OnnxType::Int16, "INT16", 2},
    {OnnxType::Int32, "INT32", 4},         {OnnxType::Int64, "INT64", 8},
    {OnnxType::String, "STRING", 0},       {OnnxType::Bool, "BOOL", 1},
    {OnnxType::Float16, "FLOAT16", 2},     {OnnxType::Double, "DOUBLE", 8},
    {OnnxType::UInt32, "UINT32", 4},       {OnnxType::UInt64, "UINT64", 8},
    {OnnxType::BFloat16, "BFLOAT16", 2},
};

std::string attn::nameOf(OnnxType type) {
  for (const auto &known : types)
    if (known.type == type)
      return known.name.str();
  return ("element type " + Twine(int32_t(type))).str();
}

size_t attn::sizeInBytes(OnnxType type) {
  for (const auto &known : types)
    if (known.type == type)
      return known.size;
  return 0;
}

/// Where a model has its external data of `location`.
static SmallString<128> pathOfData(StringRef model, StringRef location) {
  SmallString<128> path = sys::path::parent_path(model);
  sys::path::append(path, location);
  return path;
}

/// The elements of a tensor that are in another file.
Error OnnxFile::findElements(OnnxTensor &tensor) {
  uint64_t size = sizeInBytes(tensor.type);
  for (int64_t extent : tensor.shape)
    size *= extent;
  if (!tensor.isExternal || size == 0)
    return Error::success();
  auto fail = [&](const Twine &text) {
    return createStringError(filePath + ": tensor '" + tensor.name +
                             "': expected " + text);
  };
  // A model from elsewhere has no business in other folders.
  if (tensor.location.empty() || sys::path::is_absolute(tensor.location) ||
      is_contained(make_range(sys::path::begin(tensor.location),
                              sys::path::end(tensor.location)),
                   ".."))
    return fail("external data in the model's folder, got the path '" +
                tensor.location + "'");
  auto [file, isNew] = data.try_emplace(tensor.location);
  if (isNew) {
    Expected<sys::fs::mapped_file_region> mapped =
        mapFile(pathOfData(filePath, tensor.location), "model's external data");
    if (!mapped)
      return mapped.takeError();
    file->second = std::move(*mapped);
  }
  uint64_t available = file->second ? file->second.size() : 0;
  if (tensor.offset > available || size > available - tensor.offset)
    return fail(Twine(size) + " bytes from byte " + Twine(tensor.offset) +
                " of '" + tensor.location + "', got a file of " +
                Twine(available) + "; hint: it may be cut off");
  tensor.bytes = ArrayRef(reinterpret_cast<const uint8_t *>(
                              file->second.const_data() + tensor.offset),
                          size);
  return Error::success();
}

Error OnnxFile::findElements(OnnxGraph &graph) {
  for (OnnxTensor &tensor : graph.initializers)
    if (Error error = findElements(tensor))
      return error;
  for (OnnxNode &node : graph.nodes)
    for (OnnxAttribute &attribute : node.attributes) {
      if (Error error = findElements(attribute.tensor))
        return error;
      for (OnnxGraph &branch : attribute.graph)
        if (Error error = findElements(branch))
          return error;
    }
  return Error::success();
}

Expected<std::unique_ptr<OnnxFile>> OnnxFile::open(StringRef path) {
  std::unique_ptr<OnnxFile> file(new OnnxFile());
  file->filePath = path.str();
  Expected<sys::fs::mapped_file_region> mapped = mapFile(path, "model");
  if (!mapped)
    return mapped.takeError();
  if (!*mapped)
    return createStringError(path +
                             ": expected an ONNX model, got an empty file");
  file->region = std::move(*mapped);
  if (Error error = parseOnnxModel(
          StringRef(file->region.const_data(), file->region.size()),
          file->modelGraph, file->version))
    return createStringError(path + ": " + toString(std::move(error)));
  if (Error error = file->findElements(file->modelGraph))
    return std::move(error);
  for (OnnxTensor &tensor : file->modelGraph.initializers)
    if (!file->initializers.try_emplace(tensor.name, &tensor).second)
      return createStringError(path +
                               ": expected names of initializers to "
                               "differ, got '" +
                               tensor.name + "' twice");
  return std::move(file);
}

bool OnnxFile::isMadeOf(StringRef path) const {
  return sys::fs::equivalent(filePath, path) ||
         any_of(data.keys(), [&](StringRef location) {
           return sys::fs::equivalent(pathOfData(filePath, location), path);
         });
}

static std::optional<WeightType> asWeightType(OnnxType type) {
  switch (type) {
  case OnnxType::Double:
    return WeightType::F64;
  case OnnxType::Float:
    return WeightType::F32;
  case OnnxType::Float16:
    return WeightType::F16;
  case OnnxType::BFloat16:
    return WeightType::BF16;
  case OnnxType::Int64:
    return WeightType::I64;
  case OnnxType::Int32:
    return WeightType::I32;
  case OnnxType::Int16:
    return WeightType::I16;
  case OnnxType::Int8:
    return WeightType::I8;
  case OnnxType::UInt8:
    return WeightType::U8;
  case OnnxType::Bool:
    return WeightType::Bool;
  default:
    return std::nullopt;
  }
}

Expected<Weight> OnnxFile::find(StringRef name) const {
  auto it = initializers.find(name);
  if (it == initializers.end())
    return createStringError(filePath + ": expected an initializer '" + name +
                             "', got " + Twine(initializers.size()) +
                             " of other names");
  const OnnxTensor &tensor = *it->second;
  std::optional<WeightType> type = asWeightType(tensor.type);
  if (!type)
    return createStringError(filePath + ": initializer '" + name +
                             "': expected an element type that weights may "
                             "have, got " +
                             nameOf(tensor.type));
  return Weight{*type, tensor.shape, tensor.bytes};
}

void OnnxFile::release(const Weight &weight) const {
  releasePages(region, weight.bytes);
  for (const auto &file : data)
    releasePages(file.second, weight.bytes);
}
