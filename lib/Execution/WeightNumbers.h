// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of a weights file, converted to what compiled code reads.

#ifndef ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
#define ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H

#include "attn/Execution/Tensor.h"
#include "attn/Weights/WeightsFile.h"
#include <optional>
#include <vector>

namespace attn {

/// A tensor of a file.
struct WeightSource {
  Weight numbers;
  /// If it is of I8: [rows], what its integers are multiplied by.
  Weight scales;
  const WeightsFile *file = nullptr;
};

/// Whether what a file has is integers of 8 bits already, whose bytes weights
/// of i8 are.
inline bool isOfBytes(WeightType type) {
  return type == WeightType::I8 || type == WeightType::U8;
}

/// Converts `count` elements, from element `first` on. Integers become what
/// they stand for.
void convert(const WeightSource &weight, int64_t first, int64_t count,
             float *output);
/// The same to numbers of two bytes, `type`: f16 is copied, as is bf16, to
/// which others are rounded.
void convert(const WeightSource &weight, int64_t first, int64_t count,
             uint16_t *output, ElementType type);
inline void convert(const WeightSource &weight, int64_t first, int64_t count,
                    float *output, ElementType) {
  convert(weight, first, count, output);
}

/// How the numbers of a row become i8: in 127 steps to the largest magnitude.
/// Where there is a NaN or an infinity, the scale is a NaN, and there are none.
struct RowSteps {
  float scale, inverse;

  /// A number of the row in steps, to the nearest, ties to even.
  float round(float number) const;
};

/// Reads rows of matrices, of one width, as they become i8 (`attn.weight` says
/// how). Numbers of a row are converted once, if anything depends on them.
class RowReader {
public:
  explicit RowReader(int64_t width) : buffer(width), rest(width) {}

  /// The row that is asked about from now on.
  void seek(const WeightSource &newSource, int64_t newRow);

  /// The scale of the row: that of the file, or what the row has to have.
  float scale();
  /// The row in integers, those of the file or the row rounded; and zeros up to
  /// a multiple of `group`.
  llvm::ArrayRef<int8_t> integers(int64_t group);
  /// The length of the row.
  float norm();
  /// The length of what the row is more than its integers stand for. It is not
  /// a number where the scale is none.
  float error();

private:
  llvm::ArrayRef<float> numbers();
  RowSteps steps();
  bool isInteger() const { return isOfBytes(source->numbers.type); }

  const WeightSource *source = nullptr;
  int64_t row = 0;
  bool isRead = false;
  std::optional<RowSteps> ownSteps;
  std::vector<float> buffer, rest;
  std::vector<int8_t> rounded;
};

} // namespace attn

#endif // ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
