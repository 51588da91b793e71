// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_STOPWATCH_H
#define ATTN_EXECUTION_STOPWATCH_H

#include <chrono>

namespace attn {

/// Seconds since it was made.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};

} // namespace attn

#endif // ATTN_EXECUTION_STOPWATCH_H
