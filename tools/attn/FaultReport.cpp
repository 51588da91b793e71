// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FaultReport.h"

#include <cstdlib>
#include <unistd.h>

using namespace llvm;
using namespace attn;

static constexpr std::pair<int, StringLiteral> faults[] = {
    {SIGSEGV, "': it reads or writes outside of its tensors, or calls itself "
              "without end\n"},
    {SIGBUS, "': it reads or writes outside of its tensors\n"},
    {SIGFPE, "': it divides an integer by 0\n"},
    {SIGILL, "': it has an instruction that this processor does not know\n"},
    {SIGABRT, "': an assertion of it does not hold\n"}};

/// What comes before the fault. Handlers find nothing but globals.
static std::string &prefix() {
  static std::string text;
  return text;
}

/// Only what is allowed in a handler.
static void report(int signal) {
  auto print = [](StringRef text) {
    (void)!write(STDERR_FILENO, text.data(), text.size());
  };
  print(prefix());
  for (const auto &[fault, text] : faults)
    if (fault == signal)
      print(text);
  std::_Exit(EXIT_FAILURE);
}

FaultReport::FaultReport(StringRef function) : stack(1 << 16) {
  prefix() = "error: cannot go on with '" + function.str();
  stack_t alternative = {};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  sigaltstack(&alternative, &previousStack);
  struct sigaction action = {};
  action.sa_handler = report;
  action.sa_flags = SA_ONSTACK;
  for (const auto &[fault, text] : faults) {
    struct sigaction old;
    sigaction(fault, &action, &old);
    previous.emplace_back(fault, old);
  }
}

FaultReport::~FaultReport() {
  for (const auto &[fault, old] : previous)
    sigaction(fault, &old, nullptr);
  sigaltstack(&previousStack, nullptr);
}
