// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_SUBCOMMAND_H
#define ATTN_TOOLS_ATTN_SUBCOMMAND_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace attn {

/// A subcommand of `attn`. Each is a file that defines a static object of this
/// class, and its options with `cl::sub` of it; main() knows of no other list.
class Subcommand : public llvm::cl::SubCommand {
public:
  /// `description` is one line; `help` is shown by --help, and has an example.
  /// `run` is called once the options are parsed. Its error is printed after
  /// "error: ", and the exit status is 1.
  Subcommand(llvm::StringRef name, llvm::StringRef description,
             llvm::StringRef help, llvm::Error (*run)());

  llvm::StringRef help() const { return helpText; }
  llvm::Error run() const { return function(); }

  static llvm::ArrayRef<Subcommand *> all();

private:
  llvm::StringRef helpText;
  llvm::Error (*function)();
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_SUBCOMMAND_H
