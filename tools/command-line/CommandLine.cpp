// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CommandLine.h"

#include "attn/Weights/Messages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include <csignal>
#include <cstdlib>
#include <new>
#include <unistd.h>

using namespace llvm;
using namespace attn;

char ReportedError::ID;

void ReportedError::log(raw_ostream &os) const { os << "reported before"; }

std::error_code ReportedError::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

int attn::fail(const Twine &message) {
  errs() << "error: " << onOneLine(message.str()) << '\n';
  return EXIT_FAILURE;
}

int attn::exitStatus(Error error) {
  if (!error)
    return EXIT_SUCCESS;
  error = handleErrors(std::move(error), [](const ReportedError &) {});
  return error ? fail(toString(std::move(error))) : EXIT_FAILURE;
}

/// In place of LLVM's own handler, which may dump a stack. No temporary file is
/// left.
static void failHard(void *, const char *reason, bool) {
  sys::RunInterruptHandlers();
  StringRef message = reason;
  // A stream that ends with what it could not write.
  if (message.consume_front("IO failure on output stream: "))
    std::_Exit(fail("cannot write the output: " + message.lower()));
  std::_Exit(fail(message));
}

/// The same where there is no memory to put a message together.
static void failWithoutMemory(void *, const char *reason, bool) {
  sys::RunInterruptHandlers();
  for (StringRef part : {"error: ", reason, "\n"})
    (void)!write(STDERR_FILENO, part.data(), part.size());
  std::_Exit(EXIT_FAILURE);
}

/// In LLVM's handler, which has put back what the signal did before.
static void endByClosedPipe() { std::raise(SIGPIPE); }

/// Lets LLVM remove temporary files when a signal ends the process, also where
/// nobody reads the output any more. Signals that the process is to ignore, as
/// under nohup, stay so: LLVM would remove the files for them as well.
static void handleSignals() {
  SmallVector<int> ignored;
  for (int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM}) {
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 &&
        action.sa_handler == SIG_IGN)
      ignored.push_back(signal);
  }
  sys::SetOneShotPipeSignalFunction(endByClosedPipe);
  // A file over the limit of its size is then an error of the write.
  ignored.push_back(SIGXFSZ);
  for (int signal : ignored)
    std::signal(signal, SIG_IGN);
}

void attn::explainFatalErrors() {
  install_fatal_error_handler(failHard);
  install_bad_alloc_error_handler(failWithoutMemory);
}

void attn::prepareCommandLine(void (*printVersion)(raw_ostream &os)) {
  explainFatalErrors();
  std::set_new_handler(
      [] { failWithoutMemory(nullptr, "not enough memory", false); });
  handleSignals();
  cl::SetVersionPrinter(printVersion);
  // LLVM's libraries register hundreds of their own.
  static cl::OptionCategory ours("Options");
  cl::HideUnrelatedOptions(ours);
}

static bool asksForHelp(StringRef argument) {
  return argument.consume_front("-") &&
         (argument == "h" || is_contained({"help", "help-hidden", "help-list",
                                           "help-list-hidden", "version"},
                                          argument.ltrim('-')));
}

bool attn::parseCommandLine(int argc, char **argv, StringRef overview,
                            StringRef program) {
  SmallVector<const char *> arguments(argv, argv + argc);
  // The parser starts some messages, printed at once, with the program's name.
  if (none_of(drop_begin(arguments), asksForHelp))
    arguments[0] = "error";
  const uint64_t printed = errs().tell();
  std::string buffer;
  raw_string_ostream stream(buffer);
  if (cl::ParseCommandLineOptions(static_cast<int>(arguments.size()),
                                  arguments.data(), overview, &stream))
    return true;
  if (errs().tell() != printed)
    return false;
  // The others come here, a line each, followed by advice.
  StringRef message = StringRef(buffer).split('\n').first;
  message.consume_front("error: ");
  message = message.split(".  Try:").first.rtrim('!');
  if (!message.empty())
    fail(message.take_front().lower() + message.drop_front() + "; hint: see " +
         program + " --help");
  return false;
}
