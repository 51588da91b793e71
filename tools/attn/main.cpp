// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program `attn`: finds the subcommand, parses its options, and reports
// what goes wrong in one line. The subcommands are the other files here.

#include "../command-line/CommandLine.h"
#include "Subcommand.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Config/llvm-config.h"
#include <cstdlib>

using namespace llvm;
using namespace attn;

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

static void printVersion(raw_ostream &os) {
  os << "attn " ATTN_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
}

int main(int argc, char **argv) {
  prepareCommandLine(printVersion);
  const Subcommand *command = nullptr;
  for (const Subcommand *candidate : Subcommand::all())
    if (argc > 1 && candidate->getName() == argv[1])
      command = candidate;
  if (command && argc == 3 && StringRef(argv[2]) == "--version") {
    printVersion(outs());
    return EXIT_SUCCESS;
  }
  if (!parseCommandLine(
          argc, argv,
          command ? command->help()
                  : "attn: a compiler for attention networks\n\n"
                    "example: echo 'Hello, how are you?' | attn translate\n",
          command ? ("attn " + command->getName()).str() : "attn"))
    return EXIT_FAILURE;
  if (!command)
    return fail("expected a subcommand; hint: see attn --help");
  return exitStatus(command->run());
}
