// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_FAULTREPORT_H
#define ATTN_TOOLS_ATTN_FAULTREPORT_H

#include "llvm/ADT/StringRef.h"
#include <csignal>
#include <vector>

namespace attn {

/// While it lives, a fault of the program, such as an access to memory that is
/// not its own, ends it with an error that says it of `function`, and with exit
/// status 1. For calls of functions that somebody else wrote.
class FaultReport {
public:
  explicit FaultReport(llvm::StringRef function);
  ~FaultReport();
  FaultReport(const FaultReport &) = delete;
  FaultReport &operator=(const FaultReport &) = delete;

private:
  std::vector<char> stack; // that of the thread may be what is used up
  stack_t previousStack;
  std::vector<std::pair<int, struct sigaction>> previous;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_FAULTREPORT_H
