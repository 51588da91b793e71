// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn compile: MLIR → object file or shared object, and a C header; a
// checkpoint → an executable.

#include "../command-line/CommandLine.h"
#include "DataTypeOption.h"
#include "LineFile.h"
#include "Linker.h"
#include "ModuleFile.h"
#include "NumberOption.h"
#include "Subcommand.h"
#include "TargetCpuOption.h"
#include "WeightsOption.h"
#include "attn/Execution/AheadOfTime.h"
#include "attn/IR/AttnDialect.h"
#include "attn/Import/ImportMarian.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Translation/CheckpointModel.h"
#include "attn/Weights/ReadFile.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace attn;

static Error runCompile();

static Subcommand command(
    "compile", "compile functions ahead of time",
    "attn compile: compiles an MLIR file, or a checkpoint to an executable\n\n"
    "The public functions of an MLIR file become an object file, or a shared\n"
    "object that is linked by the system's C compiler; it contains the "
    "weights.\n"
    "The header has a function attn_NAME for each. An object file is linked\n"
    "with -lomp -lm.\n\n"
    "The folder of a checkpoint becomes an executable that translates, with "
    "the\n"
    "options of attn translate. It needs nothing but a processor like the one\n"
    "that it was compiled for (--target-cpu).\n"
    "\nexample: attn compile model.mlir -o model.so --header model.h\n"
    "example: attn compile path/to/opus-mt-en-fr -o translate-en-fr\n",
    runCompile);

static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::value_desc("FILE.mlir|DIR"),
                                 cl::desc("<module or checkpoint>"),
                                 cl::sub(command));
static cl::opt<std::string>
    output("o", cl::value_desc("FILE"),
           cl::desc("Where to write the code: FILE.o or "
                    "FILE.so of a module, FILE or FILE.o "
                    "of a checkpoint"),
           cl::sub(command));
static cl::opt<std::string> header("header", cl::value_desc("FILE.h"),
                                   cl::desc("Where to write the C header"),
                                   cl::sub(command));
static TargetCpuOption targetCpu(command);
static WeightsOption weights(command);

static DataTypeOption dataType(command);
static cl::opt<LayerNumber> alignmentLayer(
    "alignment-layer",
    cl::desc("Let the executable have --alignments and --explain, which show "
             "the attention of decoder layer N, from 0 on, or from -1, the "
             "last one, backwards"),
    cl::sub(command));

/// Options that go with the other kind of input.
static Error checkOptions(ArrayRef<std::pair<bool, StringRef>> others,
                          StringRef kind) {
  for (auto [isGiven, option] : others)
    if (isGiven)
      return createStringError(option + ": expected " + kind + ", got '" +
                               file + "'");
  return Error::success();
}

/// Writes an object, or what `linker` makes of it.
static Error write(std::unique_ptr<MemoryBuffer> object,
                   const std::optional<Linker> &linker, OutputFile &out) {
  if (linker)
    if (Error error = linker->link(std::move(object)).moveInto(object))
      return createStringError(output + ": " + toString(std::move(error)));
  if (Error error = out.write(object->getBuffer()))
    return error;
  return out.close();
}

/// What linking takes, which shows before anything is compiled.
static Error findLinker(Linker::Output kind, std::optional<Linker> &linker) {
  Expected<Linker> found = Linker::find(kind);
  if (!found)
    return createStringError(output + ": " + toString(found.takeError()));
  linker = std::move(*found);
  return Error::success();
}

/// No file that is read is replaced.
static Error checkNotRead(ArrayRef<StringRef> inputs) {
  for (StringRef path : {StringRef(output), StringRef(header)})
    if (any_of(inputs, [&](StringRef input) {
          return sys::fs::equivalent(path, input);
        }))
      return createStringError(path + ": expected a file other than those "
                                      "that are read");
  return Error::success();
}

static Error compileModule() {
  if (Error error = checkOptions(
          {{dataType.value().has_value(), "--dtype"},
           {alignmentLayer.getNumOccurrences() > 0, "--alignment-layer"}},
          "the folder of a checkpoint"))
    return error;
  StringRef extension = sys::path::extension(output);
  if (extension != ".o" && extension != ".so")
    return createStringError("-o: expected a file name that ends in .o or .so, "
                             "got '" +
                             output + "'");
  if (Error error = checkNotRead({file, weights}))
    return error;
  if (Error error = weights.check())
    return error;
  // What cannot be written shows before anything is compiled.
  auto codeFile = OutputFile::open(output);
  if (!codeFile)
    return codeFile.takeError();
  std::unique_ptr<OutputFile> headerFile;
  if (!header.empty())
    if (Error error = OutputFile::open(header).moveInto(headerFile))
      return error;
  if (headerFile && headerFile->replacesSame(**codeFile))
    return createStringError("--header: expected a file other than that of -o, "
                             "got '" +
                             header + "'");
  std::optional<Linker> linker;
  if (extension == ".so")
    if (Error error = findLinker(Linker::Output::SharedObject, linker))
      return error;
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = parseModuleFile(file, context);
  if (!module)
    return module.takeError();
  if (auto source = (**module)->getAttrOfType<mlir::StringAttr>(
          AttnDialect::kWeightsFileAttr))
    if (Error error = checkNotRead({source.getValue()}))
      return error;
  Expected<CpuTarget> target = resolveTarget(targetCpu);
  if (!target)
    return target.takeError();
  Expected<AheadOfTimeCode> code =
      compileAheadOfTime(**module, *target, weights);
  if (!code)
    return code.takeError();
  if (Error error = write(std::move(code->object), linker, **codeFile))
    return error;
  if (!headerFile)
    return Error::success();
  headerFile->stream() << code->header;
  return headerFile->close();
}

/// Files of a checkpoint that an executable reads, as the model does.
static Expected<std::vector<std::unique_ptr<MemoryBuffer>>> readFiles() {
  std::vector<std::unique_ptr<MemoryBuffer>> files;
  for (StringRef name : checkpointFiles) {
    SmallString<128> path(file);
    sys::path::append(path, name);
    if (!sys::fs::exists(path))
      continue;
    Expected<std::unique_ptr<MemoryBuffer>> read = readRegularFile(path);
    if (!read)
      return read.takeError();
    files.push_back(std::move(*read));
  }
  return files;
}

/// The code of a checkpoint, with `files` and what an executable has to know.
static Expected<std::unique_ptr<MemoryBuffer>>
compileCheckpoint(const TranslationModel &model) {
  std::optional<int64_t> layer;
  if (alignmentLayer.getNumOccurrences()) {
    Expected<int64_t> shown = model.decoderLayer(alignmentLayer.value);
    if (!shown)
      return shown.takeError();
    layer = *shown;
  }
  Expected<CpuTarget> target = resolveTarget(targetCpu);
  if (!target)
    return target.takeError();
  auto read = readFiles();
  if (!read)
    return read.takeError();
  std::vector<std::pair<std::string, StringRef>> files;
  for (const std::unique_ptr<MemoryBuffer> &content : *read)
    files.emplace_back(
        ("/" + sys::path::filename(content->getBufferIdentifier())).str(),
        content->getBuffer());
  const std::string layerFile =
      layer ? "{\"attention_layer\": " + itostr(*layer) + "}" : "{}";
  files.emplace_back("/attn.json", layerFile);

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = importMarian(file, context);
  if (!module)
    return module.takeError();
  if (Error error = deriveSteps(
          **module, typeOfWeights(dataType.value(), model.config), layer))
    return std::move(error);
  return embedProgram(**module, *target, files);
}

static Error compileExecutable() {
  if (Error error = checkOptions(
          {{!header.empty(), "--header"}, {!weights.empty(), "--weights"}},
          "an MLIR file"))
    return error;
  StringRef extension = sys::path::extension(output);
  if (extension == ".so")
    return createStringError("-o: expected the name of an executable, or one "
                             "that ends in .o, got '" +
                             output +
                             "'; hint: attn import makes a module of a "
                             "checkpoint, which becomes a shared object");
  if (isOfCheckpoint(output, file))
    return makeCheckpointFileError(output);
  const bool isObject = extension == ".o";
  auto codeFile = OutputFile::open(output, /*isExecutable=*/!isObject);
  if (!codeFile)
    return codeFile.takeError();
  std::optional<Linker> linker;
  if (!isObject)
    if (Error error = findLinker(Linker::Output::Translator, linker))
      return error;
  // What the executable will read is read here, so that what is wrong with it
  // shows now.
  Expected<TranslationModel> model =
      TranslationModel::read(file, /*withTokenizer=*/true);
  if (!model)
    return model.takeError();
  if (Error error = generationOptions(model->config).takeError())
    return error;
  Expected<std::unique_ptr<MemoryBuffer>> object = compileCheckpoint(*model);
  if (!object)
    return object.takeError();
  return write(std::move(*object), linker, **codeFile);
}

static Error runCompile() {
  if (output.empty())
    return createStringError("expected -o FILE; hint: see attn compile --help");
  return sys::fs::is_directory(file) ? compileExecutable() : compileModule();
}
