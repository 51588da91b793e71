// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_TARGETCPUOPTION_H
#define ATTN_TOOLS_ATTN_TARGETCPUOPTION_H

#include "llvm/Support/CommandLine.h"

namespace attn {

/// An option --target-cpu: what code is compiled for.
struct TargetCpuOption : llvm::cl::opt<std::string> {
  explicit TargetCpuOption(llvm::cl::SubCommand &command)
      : llvm::cl::opt<std::string>(
            "target-cpu", llvm::cl::value_desc("NAME"),
            llvm::cl::init("native"),
            llvm::cl::desc("LLVM's name of the processor to compile for "
                           "(default: native)"),
            llvm::cl::sub(command)) {}
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_TARGETCPUOPTION_H
