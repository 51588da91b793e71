// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of a weights file, converted to what compiled code reads.

#ifndef ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
#define ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H

#include "attn/Execution/Tensor.h"
#include "attn/Weights/WeightsFile.h"

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

/// The scale of a row of the matrix: that of the file, or what the row has to
/// have. `numbers` is room for a row.
float scaleOfRow(const WeightSource &source, int64_t row,
                 llvm::MutableArrayRef<float> numbers);

/// A row of the matrix in integers: those of the file, or the row rounded
/// (`attn.weight` says how).
void roundRow(const WeightSource &source, int64_t row,
              llvm::MutableArrayRef<float> numbers,
              llvm::MutableArrayRef<int8_t> integers);

} // namespace attn

#endif // ATTN_LIB_EXECUTION_WEIGHTNUMBERS_H
