// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sentences → sentences: what `attn translate` shares with executables that
// `attn compile` makes. TranslateCommand.h has what differs.

#include "../command-line/CommandLine.h"
#include "AlignmentFile.h"
#include "ChoiceOption.h"
#include "Interrupts.h"
#include "JsonNumber.h"
#include "LineFile.h"
#include "NumberOption.h"
#include "PeakMemory.h"
#include "ProgressBar.h"
#include "TranslateCommand.h"
#include "TranslationStream.h"
#include "attn/Execution/Stopwatch.h"
#include "llvm/Support/Process.h"

using namespace llvm;
using namespace attn;

static cl::SubCommand &command = translateCommand();

static cl::list<std::string> texts(cl::Positional, cl::desc("[TEXT ...]"),
                                   cl::sub(command));
static cl::opt<std::string> input("input", cl::value_desc("FILE"),
                                  cl::desc("Read lines of FILE (-: standard "
                                           "input)"),
                                  cl::init("-"), cl::sub(command));
static cl::opt<std::string>
    output("output", cl::value_desc("FILE"),
           cl::desc("Write to FILE once all is translated (-: standard "
                    "output, as it goes)"),
           cl::init("-"), cl::sub(command));
static cl::opt<bool>
    split("split",
          cl::desc("Split each line into sentences, and join their "
                   "translations to a line; for text longer than a sentence"),
          cl::sub(command));
static ChoiceOption<LineFormat>
    inputFormat("input-format", cl::desc("What lines are:"),
                cl::values(clEnumValN(LineFormat::Text, "text", "sentences"),
                           clEnumValN(LineFormat::Ids, "ids",
                                      "token ids and the end token's, with "
                                      "spaces between")),
                cl::init(LineFormat::Text), cl::sub(command));
static ChoiceOption<LineFormat> outputFormat(
    "output-format", cl::desc("What is written:"),
    cl::values(clEnumValN(LineFormat::Text, "text", "sentences"),
               clEnumValN(LineFormat::Ids, "ids",
                          "token ids without start and end token"),
               clEnumValN(LineFormat::Json, "json",
                          "an object a line: \"line\", \"hypotheses\" with "
                          "\"text\", \"ids\" and \"score\", and \"error\"")),
    cl::init(LineFormat::Text), cl::sub(command));
static cl::opt<IntegerIn<1, GenerationOptions::maxBeamSize>>
    beamSize("beam-size", cl::desc("Beams of a sentence; 1 is greedy search"),
             cl::sub(command));
static cl::opt<Number> lengthPenalty("length-penalty",
                                     cl::desc("Scores are divided by length^F"),
                                     cl::sub(command));
static cl::opt<IntegerIn<2>>
    maxLength("max-length",
              cl::desc("Most tokens of an output, start and end included"),
              cl::sub(command));
static cl::opt<IntegerIn<0>>
    minLength("min-length",
              cl::desc("Fewest tokens of an output, start but not end "
                       "included"),
              cl::sub(command));
static cl::opt<std::string>
    prefix("prefix", cl::value_desc("TEXT"),
           cl::desc("Every output begins with TEXT, in the target language; "
                    "--max-length counts it"),
           cl::sub(command));
static cl::opt<IntegerIn<1, GenerationOptions::maxBeamSize>>
    nBest("n-best", cl::desc("Write the N best, a line each"),
          cl::sub(command));
static cl::opt<bool> scores("scores",
                            cl::desc("Write the score and a tab before each"),
                            cl::sub(command));
static cl::opt<bool> wordByWord(
    "stream",
    cl::desc("Translate line by line, and write each word as soon as "
             "it is sure (greedy search; in a session always)"),
    cl::sub(command));
static cl::opt<IntegerIn<1, TranslationModel::maxThreads>>
    threads("threads", cl::desc("Threads (default: all cores)"),
            cl::sub(command));
static cl::opt<IntegerIn<1>>
    batchSize("batch-size",
              cl::desc("Sentences translated at once by each thread (default: "
                       "32, or fewer so that there are 72 beams); 1: one after "
                       "the other, each by all threads"),
              cl::sub(command));
static cl::opt<std::string> alignments(
    "alignments", cl::value_desc("FILE"),
    cl::desc(
        "Write which source words each word of the best translation "
        "attends to; the format is that of FILE's name: .json, .html, .svg "
        "or .pharaoh (a line of source-target pairs, 0-0 1-2)"),
    cl::sub(command));
static cl::opt<bool>
    explain("explain",
            cl::desc("Write below each translation which source "
                     "words its words attend to"),
            cl::sub(command));
static cl::opt<LayerNumber>
    alignmentLayer("alignment-layer",
                   cl::desc("Decoder layer whose attention is shown, from 0 "
                            "on, or from -1, the last one, backwards"),
                   cl::init(LayerNumber{-1}), cl::sub(command));
static cl::list<IntegerIn<0>>
    alignmentHeads("alignment-heads", cl::value_desc("N,N"), cl::CommaSeparated,
                   cl::desc("Heads whose mean is shown, from 0 on (default: "
                            "all)"),
                   cl::sub(command));
static ChoiceOption<AlignmentStep>
    alignmentStep("alignment-step",
                  cl::desc("The step that shows what a word attends to:"),
                  cl::values(clEnumValN(AlignmentStep::Choosing, "choosing",
                                        "that which chooses it"),
                             clEnumValN(AlignmentStep::Fed, "fed",
                                        "that which is fed with it")),
                  cl::init(AlignmentStep::Choosing), cl::sub(command));
static cl::opt<bool> stats("stats",
                           cl::desc("One JSON line about time and memory on "
                                    "standard error"),
                           cl::sub(command));

static bool showsAttention() { return explain || !alignments.empty(); }

/// What has no meaning for several sentences that become one line.
static Error checkSplit() {
  if (!split)
    return Error::success();
  for (auto [isGiven, option] :
       {std::pair(inputFormat != LineFormat::Text, "--input-format"),
        std::pair(outputFormat != LineFormat::Text, "--output-format"),
        std::pair(nBest.value > 1, "--n-best"),
        std::pair(scores.getValue(), "--scores"),
        std::pair(!prefix.empty(), "--prefix"),
        std::pair(!alignments.empty(), "--alignments"),
        std::pair(explain.getValue(), "--explain")})
    if (isGiven)
      return createStringError("--split: expected lines of text and nothing "
                               "else, got " +
                               Twine(option) +
                               ", which is of one sentence; hint: give one "
                               "sentence a line without --split");
  return Error::success();
}

/// What is wrong with options by themselves.
static Error checkOptions() {
  if (!texts.empty() && input.getNumOccurrences())
    return createStringError(
        "expected TEXT or --input, got both; hint: TEXT that begins with a "
        "dash comes after --");
  if (Error error = checkSplit())
    return error;
  if (explain && outputFormat != LineFormat::Text)
    return createStringError(
        Twine("--explain: expected --output-format text, got ") +
        (outputFormat == LineFormat::Ids ? "ids" : "json"));
  for (StringRef path : {StringRef(output), StringRef(alignments)})
    if (isOfModel(path))
      return makeCheckpointFileError(path);
  return Error::success();
}

/// What is not known before the last word, or comes before the first.
static Error checkStream(const GenerationOptions &options) {
  if (!wordByWord)
    return Error::success();
  if (options.beamSize > 1)
    return createStringError("--stream: expected greedy search, got " +
                             Twine(options.beamSize) +
                             " beams; hint: --beam-size 1");
  for (auto [isGiven, option] :
       {std::pair(outputFormat != LineFormat::Text, "--output-format"),
        std::pair(scores.getValue(), "--scores"),
        std::pair(batchSize.value > 1, "--batch-size")})
    if (isGiven)
      return createStringError("--stream: expected words one after the other, "
                               "got " +
                               Twine(option));
  return Error::success();
}

/// The options given, on top of what the checkpoint says.
static Expected<GenerationOptions>
searchOptions(const TranslationModel &model) {
  Expected<GenerationOptions> options = generationOptions(model.config);
  if (!options)
    return options;
  if (beamSize.getNumOccurrences())
    options->beamSize = beamSize.value;
  // The checkpoint's number of results is no wish of the user's.
  options->nBest = std::min(options->nBest, options->beamSize);
  if (split)
    options->nBest = 1;
  else if (nBest.getNumOccurrences())
    options->nBest = nBest.value;
  if (options->nBest > options->beamSize)
    return createStringError(
        "--n-best: expected at most the beam size " + Twine(options->beamSize) +
        ", got " + Twine(options->nBest) + "; hint: raise --beam-size");
  if (lengthPenalty.getNumOccurrences())
    options->lengthPenalty = lengthPenalty.value;
  if (maxLength.getNumOccurrences())
    options->maxLength = maxLength.value;
  if (minLength.getNumOccurrences())
    options->minLength = minLength.value;
  options->scores = scores || outputFormat == LineFormat::Json;
  options->attention = showsAttention();
  for (const auto &head : alignmentHeads)
    options->attentionHeads.push_back(static_cast<int32_t>(head.value));
  if (Error error = checkStream(*options))
    return std::move(error);
  if (!prefix.empty()) {
    Expected<std::vector<int32_t>> ids = model.tokenizer->encodeTarget(prefix);
    if (!ids)
      return createStringError("--prefix: " + toString(ids.takeError()));
    options->prefix = std::move(*ids);
  }
  return options;
}

static void printStatistics(const TranslationModel &model,
                            const TranslationStream &stream, double seconds) {
  int64_t decoderRows = 0;
  for (const std::unique_ptr<CompiledDecoder> &decoder : model.decoders)
    decoderRows += decoder->numRows();
  json::OStream json(errs());
  json.object([&] {
    json.attribute("sentences", stream.numSentences());
    json.attribute("tokens_in", stream.numTokensIn());
    json.attribute("tokens_out", stream.numTokensOut());
    json.attribute("decoder_rows", decoderRows);
    addNumber(json, "load_s", model.loadSeconds, /*digits=*/6);
    addNumber(json, "compile_s", model.compileSeconds, /*digits=*/6);
    json.attribute("cached", model.fromCache);
    addNumber(json, "translate_s", seconds, /*digits=*/6);
    addNumber(json, "peak_rss_mb", peakMemory());
  });
  errs() << '\n';
}

namespace {

/// Where translations go, and what their words attend to.
struct OutputFiles {
  std::unique_ptr<OutputFile> lines;
  std::unique_ptr<AlignmentFile> alignments;

  static Expected<OutputFiles> open();

  Error flush() {
    Error error = lines->flush();
    return error ? std::move(error) : alignments->flush();
  }

  /// Completes and keeps the files.
  Error close() {
    Error error = lines->close();
    return error ? std::move(error) : alignments->close();
  }
};

} // namespace

Expected<OutputFiles> OutputFiles::open() {
  OutputFiles files;
  if (Error error = OutputFile::open(output).moveInto(files.lines))
    return std::move(error);
  bool withColors = output == "-" && sys::Process::StandardOutHasColors();
  if (Error error =
          AlignmentFile::open(::alignments, explain, withColors, alignmentStep)
              .moveInto(files.alignments))
    return std::move(error);
  if (files.alignments->replacesSame(*files.lines))
    return createStringError("--alignments: expected a file other than that of "
                             "--output, got '" +
                             ::alignments + "'");
  return files;
}

/// Translates what `reader` gives, or `texts` if it is null.
static Error translateLines(TranslationStream &stream,
                            ArrayRef<std::string> texts, LineReader *reader,
                            OutputFiles &files) {
  std::mutex mutex; // of what follows: lines are read while others are done
  Progress progress;
  progress.bytes = reader ? reader->numBytes() : 0;
  // Lines that go to the terminal show by themselves how far it is.
  ProgressBar bar(reader &&
                  !(output == "-" && sys::Process::StandardOutIsDisplayed()));
  size_t nextText = 0;
  auto source = [&]() -> Expected<std::optional<std::string>> {
    if (!reader) {
      if (nextText == texts.size())
        return std::nullopt;
      return texts[nextText++];
    }
    Expected<std::optional<std::string>> line = reader->next();
    if (line && *line) {
      std::lock_guard<std::mutex> lock(mutex);
      ++progress.linesRead;
      progress.bytesRead += (*line)->size() + 1;
    }
    return line;
  };
  auto report = [&](const Twine &message) {
    std::lock_guard<std::mutex> lock(mutex);
    bar.print("error: " + message);
  };
  auto finished = [&] {
    std::lock_guard<std::mutex> lock(mutex);
    ++progress.linesDone;
    bar.update(progress);
  };
  auto flush = [&] { return files.flush(); };
  return stream.run(source, {files.lines->stream(), flush, report, finished});
}

/// Whether someone types lines and sees what becomes of them.
static bool isSession() {
  return texts.empty() && input == "-" && output == "-" &&
         sys::Process::StandardInIsUserInput() &&
         sys::Process::StandardOutIsDisplayed();
}

/// Translates each line as it is typed.
static Error translateSession(TranslationStream &stream, OutputFiles &files) {
  keepTerminalSettings();
  while (std::optional<std::string> line = readTypedLine())
    if (!StringRef(*line).trim().empty())
      if (Error error =
              translateLines(stream, *line, /*reader=*/nullptr, files))
        return error;
  return Error::success();
}

/// How lines are read and written, for a search with `search`.
static StreamOptions streamOptions(const TranslationModel &model,
                                   const GenerationOptions &search,
                                   SentenceSplitter *splitter,
                                   AlignmentFile &alignmentFile) {
  StreamOptions options;
  options.input = inputFormat;
  options.output = outputFormat;
  options.splitter = splitter;
  options.wordByWord =
      wordByWord || (isSession() && search.beamSize == 1 && !scores &&
                     outputFormat == LineFormat::Text);
  options.nBest = search.nBest;
  options.scores = scores;
  options.sourceVocabulary = model.config.vocabSize;
  if (showsAttention())
    options.written = [&](const WrittenLine &line, raw_ostream &output) {
      alignmentFile.write(line, output);
    };
  return options;
}

/// A search by as many decoders of `model` as it has work for.
static Expected<std::unique_ptr<Translator>>
createTranslator(const TranslationModel &model, GenerationOptions search) {
  BatchPlan plan = model.planBatches(search.beamSize, model.threads,
                                     wordByWord ? 1 : batchSize.value);
  // What is read is translated, before anything else is read.
  if (wordByWord)
    plan.options.windowBatches = 1;
  SmallVector<DecoderModel *> decoders;
  for (const auto &decoder : ArrayRef(model.decoders).take_front(plan.workers))
    decoders.push_back(decoder.get());
  return Translator::create(decoders, std::move(search), plan.options);
}

static Expected<TranslationModel> loadModel(bool withTokenizer,
                                            std::optional<int64_t> layer) {
  return loadTranslationModel(withTokenizer, static_cast<int>(threads.value),
                              layer);
}

Error attn::runTranslate() {
  deferInterrupts();
  // What can be wrong with options and files shows before any work is done.
  if (Error error = checkOptions())
    return error;
  std::unique_ptr<LineReader> reader;
  if (texts.empty())
    if (Error error = LineReader::open(input).moveInto(reader))
      return error;
  Expected<OutputFiles> files = OutputFiles::open();
  if (!files)
    return files.takeError();

  bool withTokenizer = inputFormat != LineFormat::Ids ||
                       outputFormat != LineFormat::Ids || showsAttention() ||
                       !prefix.empty();
  std::optional<int64_t> layer;
  if (showsAttention())
    layer = alignmentLayer.value;
  Expected<TranslationModel> model = loadModel(withTokenizer, layer);
  if (!model)
    return model.takeError();
  Expected<GenerationOptions> search = searchOptions(*model);
  if (!search)
    return search.takeError();
  std::unique_ptr<SentenceSplitter> splitter;
  if (split)
    if (Error error = createSentenceSplitter(model->tokenizer->sourceLanguage())
                          .moveInto(splitter))
      return error;
  StreamOptions options =
      streamOptions(*model, *search, splitter.get(), *files->alignments);
  Expected<std::unique_ptr<Translator>> translator =
      createTranslator(*model, std::move(*search));
  if (!translator)
    return translator.takeError();

  std::optional<UnknownWordCopier> copier;
  if (withTokenizer)
    copier.emplace(*model->tokenizer, wordSegmenter(), [] {
      return loadModel(/*withTokenizer=*/false, alignmentLayer.value);
    });
  TranslationStream stream(**translator, copier ? &*copier : nullptr,
                           std::move(options));
  const Stopwatch watch;
  if (Error error = isSession()
                        ? translateSession(stream, *files)
                        : translateLines(stream, texts, reader.get(), *files))
    return error;
  const double seconds = watch.seconds();
  if (Error error = files->close())
    return error;
  if (stats)
    printStatistics(*model, stream, seconds);
  return stream.numFailed() ? make_error<ReportedError>() : Error::success();
}
