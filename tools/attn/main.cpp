// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program `attn`: finds the subcommand, parses its options, and reports
// what goes wrong in one line. The subcommands are the other files here.

#include "Subcommand.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace llvm;
using attn::ReportedError;
using attn::Subcommand;

/// Not a global: objects of this class are constructed before main(), in any
/// order.
static SmallVectorImpl<Subcommand *> &registry() {
  static SmallVector<Subcommand *> commands;
  return commands;
}

Subcommand::Subcommand(StringRef name, StringRef description, StringRef help,
                       Error (*run)())
    : cl::SubCommand(name, description), helpText(help), function(run) {
  registry().push_back(this);
}

ArrayRef<Subcommand *> Subcommand::all() { return registry(); }

char ReportedError::ID;

void ReportedError::log(raw_ostream &os) const { os << "reported before"; }

std::error_code ReportedError::convertToErrorCode() const {
  return inconvertibleErrorCode();
}

static int fail(const Twine &message) {
  errs() << "error: " << message << '\n';
  return EXIT_FAILURE;
}

/// In place of LLVM's own handler, which may dump a stack.
static void failHard(void *, const char *reason, bool) {
  std::_Exit(fail(reason));
}

static void printVersion(raw_ostream &os) {
  os << "attn " ATTN_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
}

static bool asksForHelp(StringRef argument) {
  return argument.ltrim('-').starts_with("help") || argument == "-h" ||
         argument.ltrim('-') == "version";
}

/// Parses the command line; on an error reports it and returns false.
static bool parse(int argc, char **argv, const Subcommand *command) {
  SmallVector<const char *> arguments(argv, argv + argc);
  // The parser starts some messages, printed at once, with the program's name.
  if (none_of(drop_begin(arguments), asksForHelp))
    arguments[0] = "error";
  std::string buffer;
  raw_string_ostream stream(buffer);
  StringRef overview =
      command ? command->help()
              : "attn: a compiler for attention networks\n\n"
                "example: echo 'Hello, how are you?' | attn translate\n";
  if (cl::ParseCommandLineOptions(arguments.size(), arguments.data(), overview,
                                  &stream))
    return true;
  // The others come here, a line each, followed by advice.
  StringRef message = StringRef(buffer).split('\n').first;
  message.consume_front("error: ");
  message = message.split(".  Try:").first.rtrim('!');
  if (!message.empty())
    fail(message.take_front().lower() + message.drop_front() +
         "; hint: see attn " +
         (command ? (command->getName() + " ").str() : std::string()) +
         "--help");
  return false;
}

int main(int argc, char **argv) {
  install_fatal_error_handler(failHard);
  install_bad_alloc_error_handler(failHard);
  cl::SetVersionPrinter(printVersion);

  const Subcommand *command = nullptr;
  for (const Subcommand *candidate : Subcommand::all())
    if (argc > 1 && candidate->getName() == argv[1])
      command = candidate;
  if (command && argc == 3 && StringRef(argv[2]) == "--version") {
    printVersion(outs());
    return EXIT_SUCCESS;
  }
  // LLVM's libraries register hundreds of their own.
  cl::OptionCategory ours("Options");
  cl::HideUnrelatedOptions(ours);
  if (!parse(argc, argv, command))
    return EXIT_FAILURE;
  if (!command)
    return fail("expected a subcommand; hint: see attn --help");
  Error error = command->run();
  if (!error)
    return EXIT_SUCCESS;
  error = handleErrors(std::move(error), [](const ReportedError &) {});
  return error ? fail(toString(std::move(error))) : EXIT_FAILURE;
}
