// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightNumbers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

using namespace attn;

// Conversions are branch-free bit operations, which compilers turn into vector
// code for any x86 without intrinsics.

static float fromHalf(uint16_t half) {
  // Moving the exponent field in place leaves it 112 too small; multiplying
  // corrects that, and makes denormal numbers normal.
  float value = llvm::bit_cast<float>(uint32_t(half & 0x7fff) << 13) *
                llvm::bit_cast<float>(uint32_t(127 + 112) << 23);
  uint32_t special = (half & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
  return llvm::bit_cast<float>(llvm::bit_cast<uint32_t>(value) | special |
                               uint32_t(half & 0x8000) << 16);
}

static float fromBrain(uint16_t brain) {
  return llvm::bit_cast<float>(uint32_t(brain) << 16);
}

/// To the nearest number of bf16, ties to even. A NaN stays one.
static uint16_t toBrain(float number) {
  auto bits = llvm::bit_cast<uint32_t>(number);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quiet = bits >> 16 | 0x40;
  return (bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded;
}

/// Elements of a file need not be aligned.
template <typename T> static T loadAt(const uint8_t *bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

/// What integers stand for.
static void restore(const WeightSource &source, int64_t first, int64_t count,
                    float *output) {
  int64_t width = source.numbers.shape.back();
  for (int64_t i = first; i < first + count; ++i)
    *output++ = float(loadAt<int8_t>(source.numbers.bytes.data(), i)) *
                loadAt<float>(source.scales.bytes.data(), i / width);
}

void attn::convert(const WeightSource &weight, int64_t first, int64_t count,
                   float *output) {
  const Weight &source = weight.numbers;
  const uint8_t *bytes = source.bytes.data() + first * sizeInBytes(source.type);
  if (source.type == WeightType::F32)
    std::memcpy(output, bytes, count * sizeof(float));
  else if (source.type == WeightType::I8)
    restore(weight, first, count, output);
  else if (source.type == WeightType::F16)
    for (int64_t i = 0; i < count; ++i)
      output[i] = fromHalf(loadAt<uint16_t>(bytes, i));
  else
    for (int64_t i = 0; i < count; ++i)
      output[i] = fromBrain(loadAt<uint16_t>(bytes, i));
}

void attn::convert(const WeightSource &weight, int64_t first, int64_t count,
                   uint16_t *output, ElementType type) {
  const Weight &source = weight.numbers;
  const uint8_t *bytes = source.bytes.data() + first * sizeInBytes(source.type);
  if (source.type == WeightType::F32)
    for (int64_t i = 0; i < count; ++i)
      output[i] = toBrain(loadAt<float>(bytes, i));
  else if (source.type == WeightType::F16 && type == ElementType::BF16)
    for (int64_t i = 0; i < count; ++i)
      output[i] = toBrain(fromHalf(loadAt<uint16_t>(bytes, i)));
  else if (source.type == WeightType::I8) {
    std::vector<float> numbers(count);
    restore(weight, first, count, numbers.data());
    llvm::transform(numbers, output, toBrain);
  } else
    std::memcpy(output, bytes, count * sizeof(uint16_t));
}

static RowSteps stepsOf(llvm::ArrayRef<float> row) {
  constexpr float least = 0x1p-100f, most = 127;
  float magnitude = least;
  bool isFinite = true;
  for (float number : row) {
    magnitude = std::max(magnitude, std::abs(number));
    isFinite &= std::isfinite(number);
  }
  if (!isFinite)
    return {NAN, 0};
  return {magnitude / most, most / magnitude};
}

float RowSteps::round(float number) const {
  // Floats of this size have steps of 1.
  constexpr float integerSteps = 0x1.8p23f;
  return (number * inverse + integerSteps) - integerSteps;
}

void RowReader::seek(const WeightSource &newSource, int64_t newRow) {
  source = &newSource;
  row = newRow;
  isRead = false;
  ownSteps.reset();
}

llvm::ArrayRef<float> RowReader::numbers() {
  auto width = static_cast<int64_t>(buffer.size());
  if (!isRead)
    convert(*source, row * width, width, buffer.data());
  isRead = true;
  return buffer;
}

RowSteps RowReader::steps() {
  if (!ownSteps)
    ownSteps = stepsOf(numbers());
  return *ownSteps;
}

float RowReader::scale() {
  if (isInteger())
    return loadAt<float>(source->scales.bytes.data(), row);
  return steps().scale;
}

llvm::ArrayRef<int8_t> RowReader::integers(int64_t group) {
  size_t width = buffer.size();
  rounded.assign(llvm::alignTo(width, group), 0);
  if (isInteger()) {
    std::memcpy(rounded.data(), source->numbers.bytes.data() + row * width,
                width);
    return rounded;
  }
  // Of a row that is not finite, nothing is left.
  const RowSteps own = steps();
  if (own.inverse != 0)
    for (size_t i = 0; i < width; ++i)
      rounded[i] = static_cast<int8_t>(own.round(buffer[i]));
  return rounded;
}

/// The length of a row; in double precision, where squares do not overflow.
static float lengthOf(llvm::ArrayRef<float> row) {
  // Sums side by side, which compilers put in a vector.
  std::array<double, 8> sums = {};
  for (; row.size() >= sums.size(); row = row.drop_front(sums.size()))
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] += double(row[i]) * row[i];
  for (size_t i = 0; i < row.size(); ++i)
    sums[i] += double(row[i]) * row[i];
  return static_cast<float>(
      std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0)));
}

float RowReader::norm() { return lengthOf(numbers()); }

float RowReader::error() {
  const RowSteps own = steps();
  if (own.inverse == 0)
    return NAN;
  // Of the file's integers, nothing was taken away.
  if (isInteger())
    return 0;
  for (size_t i = 0; i < rest.size(); ++i)
    rest[i] = buffer[i] - own.scale * own.round(buffer[i]);
  return lengthOf(rest);
}
