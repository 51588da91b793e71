// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the tensors of a file become weights as compiled code reads them.

#ifndef ATTN_LIB_EXECUTION_WEIGHTPACKING_H
#define ATTN_LIB_EXECUTION_WEIGHTPACKING_H

#include "WeightNumbers.h"
#include "attn/Execution/Manifest.h"
#include <vector>

namespace attn {

/// One recipe with all that it needs resolved. Rows are indices of dimension 0
/// of its sources.
struct WeightJob {
  const WeightRecipe *recipe = nullptr;
  std::vector<WeightSource> sources;
  /// The first row of each source, and the number of rows at the end.
  std::vector<int64_t> firstRows;
  int64_t rowElements = 1;
  /// Numbers of a row of the sources: of what is measured more than one.
  int64_t sourceWidth = 1;
  char *output = nullptr;
  /// The first job that makes the same.
  size_t first = 0;
  /// Jobs of the same rows, which are made with those of this one, so that a
  /// row is read once.
  std::vector<const WeightJob *> alongside;
};

/// Some rows of a job.
struct WeightTask {
  const WeightJob *job;
  int64_t begin, end;
};

/// Makes the rows of a task, and gives back the pages of files that it has
/// read. Tasks of a job begin at whole panels, at what of the depth is in a
/// tile, or at rows that are bounded together.
void make(const WeightTask &task);

} // namespace attn

#endif // ATTN_LIB_EXECUTION_WEIGHTPACKING_H
