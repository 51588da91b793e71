// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn quantize: a checkpoint → one with matrices of 8-bit integers.

#include "../command-line/CommandLine.h"
#include "LineFile.h"
#include "Subcommand.h"
#include "attn/Execution/WeightsStore.h"
#include "attn/IR/AttnOps.h"
#include "attn/Import/ImportMarian.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Translation/CheckpointModel.h"
#include "attn/Weights/JsonFile.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/ReadFile.h"
#include "attn/Weights/WriteSafetensors.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

static Error runQuantize();

static Subcommand
    command("quantize", "write a checkpoint with weights of 8-bit integers",
            "attn quantize: writes a checkpoint whose matrices are integers\n\n"
            "A matrix NAME becomes a tensor of I8 of the same shape, and its\n"
            "rows are multiples of the numbers of NAME_scale, of F32. What\n"
            "`attn translate` makes of it is the same as with --dtype int8.\n"
            "\nexample: attn quantize models/tatoeba-en-fr -o /tmp/small\n",
            runQuantize);

static cl::opt<std::string> checkpoint(cl::Positional, cl::Required,
                                       cl::value_desc("DIR"),
                                       cl::desc("<checkpoint>"),
                                       cl::sub(command));
static cl::opt<std::string> output("o", cl::value_desc("DIR"),
                                   cl::desc("The folder to write"),
                                   cl::sub(command));

static constexpr StringLiteral weightsName = "model.safetensors";

namespace {

/// The tensors of a checkpoint that its network reads.
struct UsedTensors {
  StringSet<> matrices, others;
};

} // namespace

/// Asks the pass that quantises what it would do.
static Expected<UsedTensors> findTensors() {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module =
      importMarian(checkpoint, context);
  if (!module)
    return module.takeError();
  if (Error error = deriveSteps(**module, "i8"))
    return std::move(error);
  UsedTensors used;
  (*module)->walk([&](WeightOp weight) {
    if (weight.getSinusoidal() || weight.getMeasure())
      return;
    bool isInteger = weight.getLogicalType().getElementType().isInteger();
    for (auto source : weight.getSourcesAttr().getAsRange<mlir::StringAttr>())
      (isInteger ? used.matrices : used.others).insert(source);
  });
  return used;
}

/// How the loader makes integers of a matrix, and their scales.
static std::pair<WeightRecipe, WeightRecipe> makeRecipes(StringRef name,
                                                         const Weight &matrix) {
  WeightRecipe integers, scales;
  integers.name = scales.name = name.str();
  integers.sources = scales.sources = {name.str()};
  integers.type = ElementType::I8;
  integers.shape = matrix.shape.take_back(2).vec();
  scales.measure = WeightMeasure::Scales;
  scales.shape = {integers.shape.front()};
  return {integers, scales};
}

static Error writeTensors(const UsedTensors &used, StringRef source,
                          StringRef target) {
  Expected<std::unique_ptr<SafetensorsFile>> file =
      SafetensorsFile::open(source);
  if (!file)
    return file.takeError();
  std::vector<WeightRecipe> recipes;
  std::vector<NamedWeight> tensors;
  // Integers first: they stay aligned, whatever their sizes are.
  for (StringRef name : (*file)->names()) {
    if (!used.matrices.contains(name) && !used.others.contains(name))
      continue;
    Expected<Weight> weight = (*file)->find(name);
    if (!weight)
      return weight.takeError();
    if (!used.matrices.contains(name)) {
      tensors.push_back({name.str(), *weight});
      continue;
    }
    if (weight->type == WeightType::I8)
      return createStringError(source + ": tensor '" + name +
                               "': expected F32, F16 or BF16, got I8: the "
                               "checkpoint is quantized already");
    auto [integers, scales] = makeRecipes(name, *weight);
    recipes.push_back(std::move(integers));
    recipes.push_back(std::move(scales));
  }
  Expected<std::unique_ptr<WeightsStore>> store =
      WeightsStore::create(source, recipes, /*threads=*/0);
  if (!store)
    return store.takeError();
  for (auto [recipe, pointer] : zip(recipes, (*store)->pointers())) {
    Weight weight;
    bool isScales = recipe.measure == WeightMeasure::Scales;
    weight.type = isScales ? WeightType::F32 : WeightType::I8;
    weight.shape = recipe.shape;
    weight.bytes = ArrayRef(static_cast<const uint8_t *>(pointer),
                            recipe.storedElements() * sizeInBytes(weight.type));
    StringRef name = recipe.sources.front();
    tensors.push_back({isScales ? scaleNameOf(name) : name.str(), weight});
  }
  auto out = OutputFile::open(target);
  if (!out)
    return out.takeError();
  if (Error error = writeSafetensors(
          tensors, [&](StringRef bytes) { return (*out)->write(bytes); }))
    return error;
  return (*out)->close();
}

/// Copies config.json, with a field that says how the tensors are stored.
static Error writeConfig(StringRef source, StringRef target) {
  Expected<json::Object> config = readJsonObject(source);
  if (!config)
    return config.takeError();
  (*config)["quantization_config"] =
      json::Object{{"quant_method", "attn"}, {"bits", 8}};
  return writeFile(target,
                   formatv("{0:2}\n", json::Value(std::move(*config))).str());
}

/// Reads the other files that a checkpoint is made of.
static Expected<std::vector<std::unique_ptr<MemoryBuffer>>> readRest() {
  std::vector<std::unique_ptr<MemoryBuffer>> files;
  std::error_code code;
  for (sys::fs::directory_iterator it(checkpoint, code), end;
       it != end && !code; it.increment(code)) {
    StringRef path = it->path();
    bool isPart =
        is_contained({".json", ".spm", ".txt"}, sys::path::extension(path)) &&
        sys::path::filename(path) != "config.json";
    if (!isPart || it->type() == sys::fs::file_type::directory_file)
      continue;
    Expected<std::unique_ptr<MemoryBuffer>> file = readRegularFile(path);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  if (code)
    return createStringError(checkpoint +
                             ": cannot read the folder: " + reasonOf(code));
  return files;
}

/// Files of the folder may be links into the checkpoint, which must stay as it
/// is.
static Error checkLinks() {
  std::error_code code;
  for (sys::fs::directory_iterator it(checkpoint, code), end;
       it != end && !code; it.increment(code)) {
    SmallString<128> to(StringRef(output.getValue()));
    sys::path::append(to, sys::path::filename(it->path()));
    if (sys::fs::equivalent(it->path(), to))
      return makeCheckpointFileError(to);
  }
  return Error::success();
}

static Error runQuantize() {
  if (output.empty())
    return createStringError("expected -o DIR; hint: see attn quantize --help");
  Expected<UsedTensors> used = findTensors();
  if (!used)
    return used.takeError();
  auto rest = readRest();
  if (!rest)
    return rest.takeError();
  if (std::error_code code = sys::fs::create_directories(output))
    return createStringError(output +
                             ": cannot make the folder: " + reasonOf(code));
  if (sys::fs::equivalent(checkpoint, output))
    return createStringError(output + ": expected a folder other than the "
                                      "checkpoint's");
  if (Error error = checkLinks())
    return error;
  auto in = [](StringRef folder, StringRef name) {
    SmallString<128> path(folder);
    sys::path::append(path, name);
    return path;
  };
  if (Error error = writeTensors(*used, in(checkpoint, weightsName),
                                 in(output, weightsName)))
    return error;
  if (Error error =
          writeConfig(in(checkpoint, "config.json"), in(output, "config.json")))
    return error;
  for (const std::unique_ptr<MemoryBuffer> &file : *rest)
    if (Error error = writeFile(
            in(output, sys::path::filename(file->getBufferIdentifier())),
            file->getBuffer()))
      return error;
  return Error::success();
}
