// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn compile: MLIR → object file or shared object, and a C header.

#include "LineFile.h"
#include "ModuleFile.h"
#include "Subcommand.h"
#include "attn/Execution/AheadOfTime.h"
#include "attn/Pipelines/Pipelines.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;
using namespace attn;

static Error runCompile();

static Subcommand command(
    "compile", "compile functions ahead of time",
    "attn compile: compiles the public functions of an MLIR file\n\n"
    "The output is an object file, or a shared object that is linked by the\n"
    "system's C compiler; it contains the weights. The header has a function\n"
    "attn_NAME for each. An object file is linked with -lomp -lm.\n"
    "\nexample: attn compile model.mlir -o model.so --header model.h\n",
    runCompile);

static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::value_desc("FILE.mlir"),
                                 cl::desc("<module>"), cl::sub(command));
static cl::opt<std::string> output("o", cl::Required,
                                   cl::value_desc("FILE.o|FILE.so"),
                                   cl::desc("Where to write the code"),
                                   cl::sub(command));
static cl::opt<std::string> header("header", cl::value_desc("FILE.h"),
                                   cl::desc("Where to write the C header"),
                                   cl::sub(command));
static cl::opt<std::string>
    targetCpu("target-cpu", cl::value_desc("NAME"), cl::init("native"),
              cl::desc("LLVM's name of the processor to compile for (default: "
                       "native)"),
              cl::sub(command));
static cl::opt<std::string>
    weights("weights", cl::value_desc("FILE"),
            cl::desc("Weights to use in place of the module's"),
            cl::sub(command));

/// Links an object with the OpenMP runtime that this program has.
static Error link(StringRef object, StringRef shared) {
  ErrorOr<std::string> compiler = std::error_code();
  for (StringRef name : {"cc", "clang", "gcc", "clang-22"})
    if (!compiler)
      compiler = sys::findProgramByName(name);
  if (!compiler)
    return createStringError(output +
                             ": found no C compiler to link with; hint: "
                             "write a .o file");
  std::string folder =
      ("-Wl,-rpath," + sys::path::parent_path(ATTN_OMP_LIBRARY)).str();
  std::string message;
  if (sys::ExecuteAndWait(*compiler,
                          {*compiler, "-shared", "-o", shared, object,
                           ATTN_OMP_LIBRARY, folder, "-lm"},
                          /*Env=*/std::nullopt, /*Redirects=*/{},
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message))
    return createStringError(output + ": " + *compiler + " cannot link it" +
                             (message.empty() ? "" : ": " + message));
  return Error::success();
}

static Expected<SmallString<128>> makeTemporary(StringRef extension) {
  SmallString<128> path;
  if (std::error_code error =
          sys::fs::createTemporaryFile("attn", extension, path))
    return createStringError("cannot make a temporary file: " +
                             error.message());
  return path;
}

/// The shared object that `object` links to.
static Expected<std::unique_ptr<MemoryBuffer>> makeShared(StringRef object) {
  Expected<SmallString<128>> input = makeTemporary("o");
  if (!input)
    return input.takeError();
  FileRemover removeInput(*input);
  Expected<SmallString<128>> linked = makeTemporary("so");
  if (!linked)
    return linked.takeError();
  FileRemover removeLinked(*linked);
  Expected<std::unique_ptr<OutputFile>> file = OutputFile::open(*input);
  if (!file)
    return file.takeError();
  (*file)->stream() << object;
  if (Error error = (*file)->close())
    return std::move(error);
  if (Error error = link(*input, *linked))
    return std::move(error);
  return errorOrToExpected(MemoryBuffer::getFile(*linked));
}

static Error runCompile() {
  StringRef extension = sys::path::extension(output);
  if (extension != ".o" && extension != ".so")
    return createStringError("-o: expected a file name that ends in .o or .so, "
                             "got '" +
                             output + "'");
  // What cannot be written shows before anything is compiled.
  auto codeFile = OutputFile::open(output);
  if (!codeFile)
    return codeFile.takeError();
  std::unique_ptr<OutputFile> headerFile;
  if (!header.empty())
    if (Error error = OutputFile::open(header).moveInto(headerFile))
      return error;
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = parseModuleFile(file, context);
  if (!module)
    return module.takeError();
  Expected<CpuTarget> target = resolveTarget(targetCpu);
  if (!target)
    return target.takeError();
  Expected<AheadOfTimeCode> code =
      compileAheadOfTime(**module, *target, weights);
  if (!code)
    return code.takeError();
  std::unique_ptr<MemoryBuffer> binary = std::move(code->object);
  if (extension == ".so")
    if (Error error = makeShared(binary->getBuffer()).moveInto(binary))
      return error;
  (*codeFile)->stream() << binary->getBuffer();
  if (Error error = (*codeFile)->close())
    return error;
  if (!headerFile)
    return Error::success();
  headerFile->stream() << code->header;
  return headerFile->close();
}
