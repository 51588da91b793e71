// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn translate: a checkpoint's sentences → sentences.

#include "TranslateCommand.h"

#include "CacheOptions.h"
#include "DataTypeOption.h"
#include "Subcommand.h"
#include "TargetCpuOption.h"
#include "llvm/LineEditor/LineEditor.h"
#include "llvm/Support/FileSystem.h"
#include <clocale>

using namespace llvm;
using namespace attn;

/// Not a global: options of other files ask for it before main().
cl::SubCommand &attn::translateCommand() {
  static Subcommand command(
      "translate", "translate sentences",
      "attn translate: translates sentences, one a line\n\n"
      "Without TEXT, lines come from --input or standard input; on a "
      "terminal,\n"
      "each is translated as it is typed, and Ctrl-D ends (history is kept in\n"
      "~/.attn-history). What is not given is as the checkpoint's\n"
      "generation_config.json says.\n\n"
      "example: attn translate \"Hello, how are you?\"\n"
      "example: attn translate --beam-size 6 --input text.en --output "
      "text.fr\n",
      runTranslate);
  return command;
}

static cl::SubCommand &command = translateCommand();

static cl::opt<std::string>
    modelDirectory("model", cl::value_desc("DIR"),
                   cl::desc("Checkpoint in the Hugging Face MarianMT layout "
                            "(default: $ATTN_MODEL, else English to French)"),
                   cl::sub(command));

static DataTypeOption dataType(command);

static CacheOptions cache(command);

static TargetCpuOption targetCpu(command);

/// The folder of the checkpoint that is asked for.
static Expected<std::string> findModel() {
  static int anchor;
  if (!modelDirectory.empty())
    return modelDirectory.getValue();
  return findDefaultModel(sys::fs::getMainExecutable(nullptr, &anchor));
}

bool attn::isOfModel(StringRef path) {
  Expected<std::string> directory = findModel();
  if (directory)
    return isOfCheckpoint(path, *directory);
  // Loading it says so.
  consumeError(directory.takeError());
  return false;
}

Expected<TranslationModel>
attn::loadTranslationModel(bool withTokenizer, int threads,
                           std::optional<int64_t> attentionLayer) {
  Expected<std::string> directory = findModel();
  if (!directory)
    return directory.takeError();
  CompileOptions options;
  options.cpu = targetCpu;
  options.threads = threads;
  cache.apply(options);
  return loadCheckpoint(*directory, withTokenizer, dataType.value(), options,
                        attentionLayer);
}

Expected<std::unique_ptr<SentenceSplitter>>
attn::createSentenceSplitter(StringRef language) {
  return SentenceSplitter::create(language);
}

Segmenter *attn::wordSegmenter() { return segmentsOf; }

std::optional<std::string> attn::readTypedLine() {
  // What is typed is UTF-8, as everywhere; the editor asks the locale.
  static const char *locale = std::setlocale(LC_CTYPE, "C.UTF-8");
  (void)locale;
  static LineEditor editor("attn");
  editor.setPrompt("> ");
  return editor.readLine();
}
