// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What programs with options and one-line errors have in common.

#ifndef ATTN_TOOLS_COMMAND_LINE_COMMANDLINE_H
#define ATTN_TOOLS_COMMAND_LINE_COMMANDLINE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// What a command returns when it has printed all its errors already: only the
/// exit status is left to be set.
class ReportedError : public llvm::ErrorInfo<ReportedError> {
public:
  static char ID;
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;
};

/// Prints an error in one line; the exit status.
int fail(const llvm::Twine &message);

/// The exit status of what returned `error`, which is printed.
int exitStatus(llvm::Error error);

/// Makes errors that LLVM cannot go on after one line, too.
void explainFatalErrors();

/// The same, and makes --version print what `printVersion` does; --help shows
/// no options of LLVM's. To be called before the options are parsed.
void prepareCommandLine(void (*printVersion)(llvm::raw_ostream &os));

/// Parses the command line of a program that is called as `program`, such as
/// "attn run"; on an error reports it and returns false. `overview` is shown by
/// --help.
bool parseCommandLine(int argc, char **argv, llvm::StringRef overview,
                      llvm::StringRef program);

} // namespace attn

#endif // ATTN_TOOLS_COMMAND_LINE_COMMANDLINE_H
