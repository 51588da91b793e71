// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Linker.h"
#include "LineFile.h"
#include "attn/Weights/Messages.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;
using namespace attn;

/// All of an executable that translates but the checkpoint: a file that is
/// built with this program.
static Expected<std::string> findTranslator() {
  static int anchor;
  SmallString<128> path(sys::path::parent_path(
      sys::path::parent_path(sys::fs::getMainExecutable(nullptr, &anchor))));
  sys::path::append(path, "lib", "translator.o");
  if (sys::fs::exists(path))
    return path.str().str();
  return createStringError("found no " + path +
                           ", which executables are linked with; hint: build "
                           "the target translator, or write a .o file");
}

Expected<Linker> Linker::find(Output output) {
  Linker linker;
  ErrorOr<std::string> compiler = std::error_code();
  for (StringRef name : {"cc", "clang", "gcc", "clang-22"})
    if (!compiler)
      compiler = sys::findProgramByName(name);
  if (!compiler)
    return createStringError("found no C compiler to link with (cc, clang, gcc "
                             "or clang-22); hint: write a .o file");
  linker.compiler = *compiler;
  if (output == Output::SharedObject) {
    linker.arguments = {
        "-shared", ATTN_OMP_LIBRARY,
        ("-Wl,-rpath," + sys::path::parent_path(ATTN_OMP_LIBRARY)).str()};
  } else {
    Expected<std::string> translator = findTranslator();
    if (!translator)
      return translator.takeError();
    linker.arguments = {*translator, ATTN_TRANSLATOR_LINK, "-l:libgomp.a",
                        "-lstdc++",  "-Wl,--gc-sections",  "-s"};
  }
  linker.arguments.emplace_back("-lm");
  return linker;
}

static Expected<SmallString<128>> makeTemporary(StringRef extension) {
  SmallString<128> path;
  if (std::error_code code =
          sys::fs::createTemporaryFile("attn", extension, path))
    return createStringError("cannot make a temporary file: " + reasonOf(code));
  return path;
}

/// What a C compiler said, in one line.
static std::string firstMessage(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> log = MemoryBuffer::getFile(path);
  if (!log)
    return "";
  return (*log)->getBuffer().trim().split('\n').first.str();
}

Expected<std::unique_ptr<MemoryBuffer>>
Linker::link(std::unique_ptr<MemoryBuffer> object) const {
  SmallString<128> input, linked, log;
  for (auto [path, extension] :
       {std::pair(&input, "o"), std::pair(&linked, "out"),
        std::pair(&log, "txt")})
    if (Error error = makeTemporary(extension).moveInto(*path))
      return std::move(error);
  // After an interrupt, too.
  CleanupInstaller removeInput(input), removeLinked(linked), removeLog(log);
  if (Error error = writeFile(input, object->getBuffer()))
    return std::move(error);
  object.reset();
  SmallVector<StringRef> command = {compiler, "-o", linked, input};
  append_range(command, arguments);
  std::string message;
  if (sys::ExecuteAndWait(compiler, command, /*Env=*/std::nullopt,
                          /*Redirects=*/{std::nullopt, std::nullopt, log.str()},
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message)) {
    if (message.empty())
      message = firstMessage(log);
    return createStringError(compiler + " cannot link it" +
                             (message.empty() ? "" : ": " + message));
  }
  return errorOrToExpected(MemoryBuffer::getFile(linked));
}
