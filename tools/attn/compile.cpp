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

static Error write(StringRef path, StringRef content) {
  Expected<std::unique_ptr<OutputFile>> file = OutputFile::open(path);
  if (!file)
    return file.takeError();
  (*file)->stream() << content;
  return (*file)->close();
}

/// Links an object with the OpenMP runtime that this program has.
static Error link(StringRef object, StringRef path) {
  ErrorOr<std::string> compiler = std::error_code();
  for (StringRef name : {"cc", "clang", "gcc", "clang-22"})
    if (!compiler)
      compiler = sys::findProgramByName(name);
  if (!compiler)
    return createStringError(path + ": found no C compiler to link with; hint: "
                                    "write a .o file");
  std::string folder =
      ("-Wl,-rpath," + sys::path::parent_path(ATTN_OMP_LIBRARY)).str();
  std::string message;
  if (sys::ExecuteAndWait(*compiler,
                          {*compiler, "-shared", "-o", path, object,
                           ATTN_OMP_LIBRARY, folder, "-lm"},
                          /*Env=*/std::nullopt, /*Redirects=*/{},
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message))
    return createStringError(path + ": " + *compiler + " cannot link it" +
                             (message.empty() ? "" : ": " + message));
  return Error::success();
}

static Error writeCode(StringRef code, StringRef path) {
  if (sys::path::extension(path) == ".o")
    return write(path, code);
  SmallString<128> object;
  if (std::error_code error = sys::fs::createTemporaryFile("attn", "o", object))
    return createStringError("cannot make a temporary file: " +
                             error.message());
  FileRemover remover(object);
  if (Error error = write(object, code))
    return error;
  return link(object, path);
}

static Error runCompile() {
  StringRef extension = sys::path::extension(output);
  if (extension != ".o" && extension != ".so")
    return createStringError("-o: expected a file name that ends in .o or .so, "
                             "got '" +
                             output + "'");
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
  if (Error error = writeCode(code->object->getBuffer(), output))
    return error;
  return header.empty() ? Error::success() : write(header, code->header);
}
