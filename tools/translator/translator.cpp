// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The main() of an executable that translates with the checkpoint that `attn
// compile` put into it. It shares translate.cpp with `attn translate`, and has
// no compiler, reads no other file, and writes none.

#include "../attn/LineFile.h"
#include "../attn/TranslateCommand.h"
#include "../command-line/CommandLine.h"
#include "attn/Execution/CompiledFunctions.h"
#include "attn/Execution/CpuTarget.h"
#include "attn/Execution/EmbeddedProgram.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/Execution/WorkingMemory.h"
#include "attn/Weights/JsonFile.h"
#include "llvm/Support/FileSystem.h"
#include <cerrno>
#include <omp.h>

using namespace llvm;
using namespace attn;

/// Not the top level, where LLVM has options of the same names.
cl::SubCommand &attn::translateCommand() {
  static cl::SubCommand command(program_invocation_short_name);
  return command;
}

static CpuTarget embeddedTarget() {
  CpuTarget target;
  target.cpu = attn_embedded_program.cpu;
  target.features = attn_embedded_program.features;
  return target;
}

static IntrusiveRefCntPtr<vfs::FileSystem> embeddedFiles() {
  auto files = makeIntrusiveRefCnt<vfs::InMemoryFileSystem>();
  for (const AttnEmbeddedFile *file = attn_embedded_program.files; file->name;
       ++file)
    files->addFileNoOwn(
        file->name, /*ModificationTime=*/0,
        MemoryBufferRef(StringRef(file->bytes, file->size), file->name));
  return files;
}

/// The decoder layer that the code tells the attention of; none if it does not.
static Expected<std::optional<int64_t>> embeddedLayer(vfs::FileSystem &files) {
  Expected<json::Object> object = readJsonObject("/attn.json", files);
  if (!object)
    return object.takeError();
  return object->getInteger("attention_layer");
}

// The checkpoint is in the executable.
bool attn::isOfModel(StringRef path) {
  static int anchor;
  return sys::fs::equivalent(path,
                             sys::fs::getMainExecutable(nullptr, &anchor));
}

Expected<TranslationModel>
attn::loadTranslationModel(bool withTokenizer, int threads,
                           std::optional<int64_t> attentionLayer) {
  const Stopwatch watch;
  IntrusiveRefCntPtr<vfs::FileSystem> files = embeddedFiles();
  Expected<TranslationModel> model =
      TranslationModel::read("/", withTokenizer, files);
  if (!model)
    return model;
  if (attentionLayer) {
    Expected<int64_t> asked = model->decoderLayer(*attentionLayer);
    if (!asked)
      return asked.takeError();
    Expected<std::optional<int64_t>> there = embeddedLayer(*files);
    if (!there)
      return there.takeError();
    if (*there != *asked)
      return createStringError(
          "this executable was compiled without what layer " + Twine(*asked) +
          " of the decoder attends to; hint: compile it with "
          "--alignment-layer=" +
          Twine(*asked));
  }
  const AttnEmbeddedProgram &program = attn_embedded_program;
  Expected<Manifest> manifest = Manifest::parse(program.manifest);
  if (!manifest)
    return manifest.takeError();
  keepWorkingMemory();
  const size_t numFunctions = manifest->functions.size();
  const size_t numWeights = manifest->weights.size();
  size_t f32Bytes = 0;
  for (const WeightRecipe &recipe : manifest->weights) {
    const size_t bytes = recipe.storedElements() * byteWidth(recipe.type);
    model->weightBytes += bytes;
    if (recipe.type == ElementType::F32)
      f32Bytes += bytes;
  }
  model->multipliesTiles =
      f32Bytes <= model->weightBytes / 2 && embeddedTarget().has("amx-tile");
  auto functions = std::make_shared<const CompiledFunctions>(
      std::move(*manifest), ArrayRef(program.entryPoints, numFunctions),
      ArrayRef(program.weights, numWeights));
  model->code = functions;
  model->fromCache = true;
  model->threads = threads > 0 ? threads : omp_get_max_threads();
  DecoderFunctions calls;
  calls.lookup = [code = functions.get()](StringRef name) {
    return code->lookup(name);
  };
  calls.call = [code = functions.get()](
                   StringRef name, ArrayRef<Tensor> arguments, int64_t count) {
    return code->call(name, arguments, static_cast<int>(count));
  };
  if (Error error = model->addDecoders(calls))
    return std::move(error);
  model->loadSeconds = watch.seconds();
  return model;
}

Expected<std::unique_ptr<SentenceSplitter>>
attn::createSentenceSplitter(StringRef) {
  // The rules of ICU would be 30 MB.
  return createStringError(
      "--split: an executable does not know where sentences end; hint: give "
      "one sentence a line, or use attn translate --split");
}

// Rules of ICU, too.
Segmenter *attn::wordSegmenter() { return nullptr; }

std::optional<std::string> attn::readTypedLine() {
  static std::unique_ptr<LineReader> reader = cantFail(LineReader::open("-"));
  outs() << "> ";
  outs().flush();
  Expected<std::optional<std::string>> read = reader->next();
  std::optional<std::string> line;
  if (read)
    line = std::move(*read);
  else
    consumeError(read.takeError());
  if (!line)
    outs() << '\n';
  return line;
}

static void printVersion(raw_ostream &os) {
  os << "attn " ATTN_VERSION ", compiled for " << attn_embedded_program.cpu
     << '\n';
}

int main(int argc, char **argv) {
  prepareCommandLine(printVersion);
  const std::string name = program_invocation_short_name;
  if (argc == 2 && StringRef(argv[1]) == "--version") {
    printVersion(outs());
    return EXIT_SUCCESS;
  }
  const std::string overview =
      name +
      ": translates sentences, one a line\n\n"
      "Without TEXT, lines come from --input or standard input; on a "
      "terminal,\n"
      "each is translated as it is typed, and Ctrl-D ends. What is not given "
      "is\n"
      "as the checkpoint's generation_config.json says. The checkpoint is in\n"
      "this executable, which attn compile made for the processor " +
      attn_embedded_program.cpu + ".\n\nexample: " + name +
      " \"Hello, how are you?\"\nexample: " + name +
      " --beam-size 6 --input text.en --output text.fr\n";
  // To LLVM it is a subcommand of a program without a name.
  std::string program;
  SmallVector<char *> arguments(argv, argv + argc);
  arguments[0] = program_invocation_short_name;
  arguments.insert(arguments.begin(), program.data());
  if (!parseCommandLine(static_cast<int>(arguments.size()), arguments.data(),
                        overview, name))
    return EXIT_FAILURE;
  if (Error error = checkRunnable(
          embeddedTarget(), "compile it with --target-cpu for this machine"))
    return exitStatus(std::move(error));
  return exitStatus(runTranslate());
}
