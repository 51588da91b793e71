// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_WEIGHTSOPTION_H
#define ATTN_TOOLS_ATTN_WEIGHTSOPTION_H

#include "attn/Weights/WeightsFile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace attn {

/// An option --weights: a file in place of the one that a module names.
struct WeightsOption : llvm::cl::opt<std::string> {
  explicit WeightsOption(llvm::cl::SubCommand &command)
      : llvm::cl::opt<std::string>(
            "weights", llvm::cl::value_desc("FILE"),
            llvm::cl::desc("Weights to use in place of the module's"),
            llvm::cl::sub(command)) {}

  /// What is wrong with the file, also where no function reads it.
  llvm::Error check() const {
    return empty() ? llvm::Error::success()
                   : WeightsFile::open(getValue()).takeError();
  }
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_WEIGHTSOPTION_H
