// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/WeightsFile.h"

#include "attn/Weights/OnnxFile.h"
#include "attn/Weights/SafetensorsFile.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;
using namespace attn;

static constexpr struct {
  StringLiteral name;
  WeightType type;
  size_t size;
} types[] = {
    {"F64", WeightType::F64, 8}, {"F32", WeightType::F32, 4},
    {"F16", WeightType::F16, 2}, {"BF16", WeightType::BF16, 2},
    {"I64", WeightType::I64, 8}, {"I32", WeightType::I32, 4},
    {"I16", WeightType::I16, 2}, {"I8", WeightType::I8, 1},
    {"U8", WeightType::U8, 1},   {"BOOL", WeightType::Bool, 1},
};

size_t attn::sizeInBytes(WeightType type) {
  for (const auto &known : types)
    if (known.type == type)
      return known.size;
  llvm_unreachable("unknown weight type");
}

StringRef attn::nameOf(WeightType type) {
  for (const auto &known : types)
    if (known.type == type)
      return known.name;
  llvm_unreachable("unknown weight type");
}

std::optional<WeightType> attn::parseWeightType(StringRef name) {
  for (const auto &known : types)
    if (known.name == name)
      return known.type;
  return std::nullopt;
}

std::string attn::scaleNameOf(StringRef name) {
  return (name + "_scale").str();
}

WeightsFile::~WeightsFile() = default;

Expected<std::unique_ptr<WeightsFile>> WeightsFile::open(StringRef path) {
  if (path.ends_with(".onnx"))
    return OnnxFile::open(path);
  return SafetensorsFile::open(path);
}
