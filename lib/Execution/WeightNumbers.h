// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of a weights file, converted to what compiled code reads.

#ifndef ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
#define ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H

#include "attn/Execution/Tensor.h"
#include "attn/Weights/WeightsFile.h"
#include <vector>

namespace attn {

/// A tensor of a file.
struct WeightSource {
  Weight numbers;
  /// If it is of I8: [rows], what its integers are multiplied by.
  Weight scales;
};

/// Converts `count` elements, from element `first` on. Integers become what
/// they stand for.
void convert(const WeightSource &source, int64_t first, int64_t count,
             float *output);
/// The same to numbers of two bytes, `type`: f16 is copied, as is bf16, to
/// which others are rounded.
void convert(const WeightSource &source, int64_t first, int64_t count,
             uint16_t *output, ElementType type);
inline void convert(const WeightSource &source, int64_t first, int64_t count,
                    float *output, ElementType) {
  convert(source, first, count, output);
}

/// Reads rows of matrices, of one width, as they become i8 (`attn.weight` says
/// how).
class RowReader {
public:
  explicit RowReader(int64_t width) : numbers(width) {}

  /// The scale of a row: that of the file, or what the row has to have.
  float scale(const WeightSource &source, int64_t row);
  /// A row in integers: those of the file, or the row rounded.
  void round(const WeightSource &source, int64_t row,
             llvm::MutableArrayRef<int8_t> integers);
  /// The length of a row.
  float norm(const WeightSource &source, int64_t row);
  /// The length of what a row is more than its integers stand for. It is not a
  /// number where the scale is none.
  float error(const WeightSource &source, int64_t row);

private:
  llvm::ArrayRef<float> read(const WeightSource &source, int64_t row);

  std::vector<float> numbers;
};

} // namespace attn

#endif // ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
