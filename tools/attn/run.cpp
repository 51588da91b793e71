// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn run: compiles a function of an MLIR file and calls it on tensors.

#include "CacheOptions.h"
#include "ChoiceOption.h"
#include "FaultReport.h"
#include "JsonNumber.h"
#include "ModuleFile.h"
#include "NumberOption.h"
#include "PeakMemory.h"
#include "RandomInputs.h"
#include "Subcommand.h"
#include "TargetCpuOption.h"
#include "WeightsOption.h"
#include "attn/Execution/Compiler.h"
#include "attn/Execution/DiagnosticError.h"
#include "attn/Execution/NpyFile.h"
#include "attn/Execution/Program.h"
#include "attn/Execution/Stopwatch.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Weights/Messages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

static Error runProgram();

static attn::Subcommand command(
    "run", "compile a function and call it",
    "attn run: compiles a function of an MLIR file and calls it\n\n"
    "The function takes and gives ranked tensors, in attn or in upstream's\n"
    "linalg, tensor, arith and math. Result i is written to "
    "DIR/result<i>.npy.\n"
    "\nexample: attn run f.mlir --entry f --input x.npy --input y.npy "
    "--output-dir out\n"
    "example: attn run f.mlir --entry f --random-inputs 1 --shapes 8x512x64 "
    "--bench 100\n",
    runProgram);

enum class Stage { None, Attn, Linalg, LLVM, Assembly };

static cl::list<std::string> files(cl::Positional, cl::OneOrMore,
                                   cl::value_desc("FILE.mlir"),
                                   cl::desc("<module> [further inputs]"),
                                   cl::sub(command));
static cl::opt<std::string>
    entry("entry", cl::value_desc("NAME"),
          cl::desc("The function (default: the only public one)"),
          cl::sub(command));
static cl::list<std::string>
    inputs("input", cl::value_desc("FILE.npy"),
           cl::desc("An argument; in order, once for each"), cl::sub(command));
static cl::opt<std::string>
    outputDir("output-dir", cl::value_desc("DIR"),
              cl::desc("Where to write results; without it only their types "
                       "are printed"),
              cl::sub(command));
static cl::opt<attn::IntegerIn<0>>
    seed("random-inputs", cl::value_desc("SEED"),
         cl::desc("Make arguments up: floats in -1..1, integers from 0 to "
                  "below 8 and every size (lengths from 1)"),
         cl::sub(command));
static cl::opt<std::string>
    shapes("shapes", cl::value_desc("8x512x64,..."),
           cl::desc("With --random-inputs: a shape for each argument, or for "
                    "each that has a dynamic one"),
           cl::sub(command));
static cl::opt<attn::IntegerIn<1>>
    bench("bench",
          cl::desc("Call the function so many times and print one line of "
                   "JSON"),
          cl::sub(command));
static attn::TargetCpuOption targetCpu(command);
static cl::opt<attn::IntegerIn<1, 4096>>
    threads("threads", cl::desc("Threads (default: all cores)"),
            cl::sub(command));
static attn::ChoiceOption<Stage> emitStage(
    "emit", cl::desc("Print the whole module and stop"),
    cl::values(clEnumValN(Stage::Attn, "attn", "fused, on tensors"),
               clEnumValN(Stage::Linalg, "linalg", "on memrefs, before loops"),
               clEnumValN(Stage::LLVM, "llvm", "optimised LLVM IR"),
               clEnumValN(Stage::Assembly, "asm", "assembly")),
    cl::init(Stage::None), cl::sub(command));
static cl::opt<bool>
    timing("timing",
           cl::desc("Print on standard error what compiling, pass by pass, "
                    "loading and calling took"),
           cl::sub(command));
static attn::WeightsOption weights(command);
static attn::CacheOptions cache(command);

/// Finds the function to call and hides all others, so that only what it needs
/// is compiled. Modules that are in the LLVM dialect stay as they are.
static Expected<std::string> selectEntry(mlir::ModuleOp module) {
  SmallVector<mlir::func::FuncOp> functions;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (function.isPublic())
      functions.push_back(function);
  if (module.lookupSymbol("_mlir_ciface_" + entry))
    return entry;
  std::string name = entry;
  if (name.empty() && functions.size() == 1)
    name = functions[0].getName().str();
  bool found = false;
  for (mlir::func::FuncOp function : functions) {
    found |= function.getName() == name;
    if (function.getName() != name)
      function.setPrivate();
  }
  if (!found) {
    std::string known = join(map_range(functions,
                                       [](mlir::func::FuncOp function) {
                                         return function.getName().str();
                                       }),
                             ", ");
    if (known.empty())
      known = "none";
    return createStringError(files[0] + ": expected " +
                             (name.empty()
                                  ? "--entry to name a function"
                                  : "a public function '" + name + "'") +
                             "; hint: there is " + known);
  }
  attn::DiagnosticError errors(module.getContext());
  mlir::PassManager passes(module.getContext());
  passes.addPass(mlir::createSymbolDCEPass());
  if (mlir::failed(passes.run(module)))
    return errors.take("cannot remove unused functions");
  return name;
}

static Error emit(mlir::ModuleOp module, mlir::Timer timer) {
  Expected<attn::CpuTarget> target = attn::resolveTarget(targetCpu);
  if (!target)
    return target.takeError();
  if (emitStage == Stage::Attn || emitStage == Stage::Linalg) {
    attn::DiagnosticError errors(module.getContext());
    mlir::PassManager passes(module.getContext());
    mlir::TimingScope scope(timer.nest("Run passes"));
    passes.enableTiming(scope);
    attn::buildFusionPipeline(passes);
    if (emitStage == Stage::Linalg)
      attn::buildBufferizationPipeline(passes);
    if (mlir::failed(passes.run(module)))
      return errors.take("the module cannot be lowered");
    outs() << module << "\n";
    return Error::success();
  }
  auto machine = attn::createTargetMachine(*target);
  if (!machine)
    return machine.takeError();
  if (Error error = attn::lowerToLLVMDialect(module, *target, timer))
    return error;
  LLVMContext context;
  auto translated = attn::translateToLLVM(module, context, **machine, timer);
  if (!translated)
    return translated.takeError();
  if (emitStage == Stage::LLVM) {
    outs() << **translated;
    return Error::success();
  }
  mlir::TimingScope scope(timer.nest("Generate code"));
  Expected<std::string> assembly = attn::emitAssembly(**translated, **machine);
  if (!assembly)
    return assembly.takeError();
  outs() << *assembly;
  return Error::success();
}

/// The files of --input, and those after the module, in the order given.
static std::vector<std::string> inputFiles() {
  std::vector<std::pair<unsigned, std::string>> ordered;
  for (auto [index, file] : enumerate(inputs))
    ordered.emplace_back(inputs.getPosition(index), file);
  for (size_t index = 1; index < files.size(); ++index)
    ordered.emplace_back(files.getPosition(index), files[index]);
  sort(ordered);
  std::vector<std::string> result;
  result.reserve(ordered.size());
  for (auto &[position, file] : ordered)
    result.push_back(std::move(file));
  return result;
}

static Expected<std::vector<attn::Tensor>>
readInputs(const attn::FunctionSignature &function) {
  std::vector<std::string> paths = inputFiles();
  if (paths.size() != function.arguments.size())
    return createStringError("'" + function.name + "': expected " +
                             Twine(function.arguments.size()) +
                             " inputs, got " + Twine(paths.size()) +
                             "; hint: pass --input FILE.npy for each, or "
                             "--random-inputs SEED");
  std::vector<attn::Tensor> tensors;
  for (auto [index, path] : enumerate(paths)) {
    Expected<attn::Tensor> tensor = attn::readNpy(path);
    if (!tensor)
      return tensor.takeError();
    const attn::TensorSignature &expected = function.arguments[index];
    if (!expected.accepts(*tensor))
      return createStringError(path + ": expected " + expected.describe() +
                               " for argument " + Twine(index) + " of '" +
                               function.name + "', got " + tensor->describe());
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

/// What a call needs, where nothing is called.
static Error checkEmitting() {
  using OptionRef = std::reference_wrapper<const cl::Option>;
  for (const cl::Option &option : std::initializer_list<OptionRef>{
           entry, inputs, outputDir, seed, shapes, bench, threads})
    if (option.getNumOccurrences())
      return createStringError("expected --emit or --" + option.ArgStr +
                               ", got both; hint: --emit prints the whole "
                               "module and calls nothing");
  if (files.size() > 1)
    return createStringError("expected one file with --emit, got " +
                             Twine(files.size()));
  return Error::success();
}

/// Options that would be passed over.
static Error checkOptions() {
  if (emitStage != Stage::None)
    return checkEmitting();
  const bool isRandom = seed.getNumOccurrences();
  if (isRandom && (!inputs.empty() || files.size() > 1))
    return createStringError("expected --random-inputs or files of inputs, got "
                             "both");
  if (!isRandom && shapes.getNumOccurrences())
    return createStringError("expected --random-inputs SEED with --shapes; "
                             "hint: files have shapes of their own");
  return Error::success();
}

/// Calls the function `bench` times, after one call that warms up.
static Error measure(const attn::Program &program, StringRef name,
                     ArrayRef<attn::Tensor> arguments) {
  std::vector<double> times;
  for (int64_t i = 0; i < bench.value; ++i) {
    const attn::Stopwatch watch;
    auto results = program.call(name, arguments);
    times.push_back(1e3 * watch.seconds());
    if (!results)
      return results.takeError();
  }
  sort(times);
  size_t middle = times.size() / 2;
  double median = times.size() % 2 ? times[middle]
                                   : (times[middle - 1] + times[middle]) / 2;
  const attn::LoadStatistics &statistics = program.statistics();
  json::OStream json(outs());
  json.object([&] {
    attn::addNumber(json, "compile_ms", statistics.compileSeconds * 1e3);
    attn::addNumber(json, "min_ms", times.front());
    attn::addNumber(json, "median_ms", median);
    attn::addNumber(json, "peak_rss_mb", attn::peakMemory());
    json.attribute("threads", statistics.threads);
    json.attribute("target", statistics.target.cpu);
  });
  outs() << "\n";
  return Error::success();
}

static Error runProgram() {
  if (Error error = checkOptions())
    return error;
  mlir::DefaultTimingManager times; // printed at the end
  times.setEnabled(timing);
  mlir::Timer timer = times.getRootTimer();
  mlir::TimingScope total(timer);
  mlir::TimingScope scope(timer.nest("Read the module"));
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  // With few cores, threads of the compiler cost more than they give.
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = attn::parseModuleFile(files[0], context);
  if (!module)
    return module.takeError();
  scope.stop();
  if (emitStage != Stage::None)
    return emit(**module, timer);
  Expected<std::string> name = selectEntry(**module);
  if (!name)
    return name.takeError();
  if (Error error = weights.check())
    return error;

  attn::CompileOptions options;
  options.timer = mlir::Timer(timer);
  options.cpu = targetCpu;
  options.threads = int(threads.value);
  cache.apply(options);
  options.weightsFile = weights;
  auto program = attn::Program::load(**module, options);
  if (!program)
    return program.takeError();
  const attn::FunctionSignature *function = (*program)->lookup(*name);
  if (!function)
    return createStringError(files[0] + ": expected a function '" + *name +
                             "' that can be called");
  auto arguments = seed.getNumOccurrences()
                       ? attn::makeRandomInputs(*function, shapes, seed.value)
                       : readInputs(*function);
  if (!arguments)
    return arguments.takeError();
  attn::FaultReport faults(*name);
  scope = mlir::TimingScope(timer.nest("Call the function"));
  auto results = (*program)->call(*name, *arguments);
  scope.stop();
  if (!results)
    return results.takeError();

  if (!outputDir.empty()) {
    if (std::error_code code = sys::fs::create_directories(outputDir))
      return createStringError("cannot write to " + outputDir + ": " +
                               attn::reasonOf(code));
    std::vector<std::pair<std::string, attn::Tensor>> written;
    for (auto [index, result] : enumerate(*results)) {
      SmallString<128> path(outputDir);
      sys::path::append(path, "result" + Twine(index) + ".npy");
      written.emplace_back(path.str(), result);
    }
    if (Error error = attn::writeNpyFiles(written))
      return error;
  } else if (!bench.value) {
    for (auto [index, result] : enumerate(*results))
      outs() << "result" << index << ": " << result.describe() << "\n";
  }
  results->clear();
  return bench.value ? measure(**program, *name, *arguments) : Error::success();
}
