// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_PROGRESSBAR_H
#define ATTN_TOOLS_ATTN_PROGRESSBAR_H

#include "llvm/ADT/Twine.h"
#include <chrono>
#include <cstdint>
#include <string>

namespace attn {

/// How far a translation is.
struct Progress {
  /// Lines that were read and lines of them that are done.
  int64_t linesRead = 0, linesDone = 0;
  /// Bytes read, and of the whole input; 0 where its size is not known.
  uint64_t bytesRead = 0, bytes = 0;
};

/// The text of a bar: "   1,024 lines  512/s   50% [==========          ]
/// 0:02 left". Without the share and the time if the size is not known. How
/// many lines there are is estimated from the bytes of those that were read.
std::string describe(const Progress &progress, double seconds);

/// A line on standard error that is written again and again, if standard error
/// is a terminal, and nothing otherwise.
class ProgressBar {
public:
  /// `isWanted`: false if it would be in the way.
  explicit ProgressBar(bool isWanted);
  /// Takes the bar away.
  ~ProgressBar();

  /// Shows `progress`, a few times in a second at most.
  void update(const Progress &progress);

  /// Writes a line above the bar, or without one just a line.
  void print(const llvm::Twine &line);

private:
  using Clock = std::chrono::steady_clock;

  void clear();

  const bool isShown;
  bool isThere = false;
  const Clock::time_point start = Clock::now();
  Clock::time_point last = start;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_PROGRESSBAR_H
