// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Import/ImportMarian.h"

#include "attn/IR/AttnOps.h"
#include "attn/Import/MarianConfig.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/SafetensorsFile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>

using namespace mlir;
using namespace attn;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// What distinguishes the two sides of the network.
struct Side {
  StringRef name; // in the file and in the module
  int64_t layers, heads, feedForward, vocabulary;
  bool isDecoder;
};

/// Builds the module. Keeps the first error, so that weights can be listed in a
/// row; whoever adds many asks in between.
class MarianImporter {
public:
  MarianImporter(const MarianConfig &config, const SafetensorsFile &file,
                 StringRef path, MLIRContext &context)
      : config(config), file(file), path(path), builder(&context),
        // Diagnostics about the network name the file it comes from.
        location(FileLineColLoc::get(&context, path, 0, 0)),
        layerLocation(NameLoc::get(builder.getStringAttr("x"), location)),
        activations(RankedTensorType::get(
            {ShapedType::kDynamic, ShapedType::kDynamic, config.dModel},
            builder.getF32Type())) {}

  Expected<OwningOpRef<ModuleOp>> run();

private:
  // Weights.
  std::optional<Weight> findTensor(const Twine &name);
  bool checkScales(StringRef name, const Weight &weight);
  void addWeight(StringRef name, const Twine &source, ArrayRef<int64_t> shape,
                 Type elementType = nullptr);
  void addLinear(StringRef name, const Twine &source, int64_t outputs,
                 int64_t inputs);
  void addNorm(const Twine &source);
  void addAttention(const Twine &source);
  void addEmbedding(const Side &side);
  void addFeedForward(const Side &side, const Twine &source);
  void addOutput(const Side &decoder);
  void addWeights(const Side &side);
  void addGroup(const Twine &name, llvm::function_ref<void()> fill);
  std::string embeddingSource(const Side &side);

  // Functions.
  func::FuncOp
  startFunction(StringRef name,
                ArrayRef<std::pair<StringRef, RankedTensorType>> arguments,
                RankedTensorType result);
  Value embed(const Side &side, Value ids);
  Value feedForward(const Side &side, int64_t layer, Value input);
  void addEncode(const Side &side);
  void addDecode(const Side &side);
  SymbolRefAttr groupName(const Side &side, const Twine &suffix) {
    return FlatSymbolRefAttr::get(builder.getContext(),
                                  (side.name + "." + suffix).str());
  }
  RankedTensorType idsType(unsigned rank) {
    return RankedTensorType::get(
        SmallVector<int64_t>(rank, ShapedType::kDynamic), builder.getI32Type());
  }

  void fail(const Twine &text) {
    if (message.empty())
      message = (path + ": " + text).str();
  }
  /// The same of an error that names the file itself.
  void keepError(llvm::Error error) {
    std::string text = toString(std::move(error));
    if (message.empty())
      message = std::move(text);
  }

  const MarianConfig &config;
  const SafetensorsFile &file;
  StringRef path;
  OpBuilder builder;
  Location location, layerLocation;
  RankedTensorType activations;
  std::string message;
};

} // namespace

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" +
         llvm::join(
             llvm::map_range(shape,
                             [](int64_t size) { return std::to_string(size); }),
             ",") +
         "]";
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The tensor called `name`; none, and an error, if there is none or its
/// elements are not of a type that weights can have.
std::optional<Weight> MarianImporter::findTensor(const Twine &name) {
  SmallString<64> buffer;
  StringRef text = name.toStringRef(buffer);
  if (!file.contains(text)) {
    fail("expected tensor '" + text + "', got none of this name");
    return std::nullopt;
  }
  Expected<Weight> weight = file.find(text);
  if (!weight) {
    keepError(weight.takeError());
    return std::nullopt;
  }
  if (llvm::is_contained({WeightType::F32, WeightType::F16, WeightType::BF16},
                         weight->type))
    return *weight;
  if (weight->type == WeightType::I8 && weight->shape.size() == 2)
    return checkScales(text, *weight) ? std::optional(*weight) : std::nullopt;
  fail("tensor '" + text + "': expected F32, F16 or BF16, or a matrix of I8, " +
       "got " + nameOf(weight->type));
  return std::nullopt;
}

/// Whether a matrix of I8 has scales.
bool MarianImporter::checkScales(StringRef name, const Weight &weight) {
  std::string scaleName = scaleNameOf(name);
  if (!file.contains(scaleName)) {
    fail("tensor '" + name + "': expected its scales as tensor '" + scaleName +
         "', got none of this name");
    return false;
  }
  Expected<Weight> scales = file.find(scaleName);
  if (!scales) {
    keepError(scales.takeError());
    return false;
  }
  if (scales->type == WeightType::F32 &&
      scales->shape == weight.shape.take_front())
    return true;
  fail("tensor '" + scaleName + "': expected F32 of shape " +
       shapeText(weight.shape.take_front()) + ", got " + nameOf(scales->type) +
       " of shape " + shapeText(scales->shape));
  return false;
}

/// Adds the weight `name`, which is the tensor `source` of the file, to the
/// current group. Without `elementType` it has that of the file.
void MarianImporter::addWeight(StringRef name, const Twine &source,
                               ArrayRef<int64_t> shape, Type elementType) {
  std::string sourceName = source.str();
  std::optional<Weight> weight = findTensor(sourceName);
  if (!weight)
    return;
  ArrayRef<int64_t> got = weight->shape;
  while (got.size() > shape.size() && got.front() == 1)
    got = got.drop_front();
  if (got != shape)
    return fail("tensor '" + sourceName + "': expected shape " +
                shapeText(shape) + " by config.json, got " +
                shapeText(weight->shape));
  if (!elementType)
    elementType = weight->type == WeightType::F16 ? Type(builder.getF16Type())
                  : weight->type == WeightType::BF16
                      ? Type(builder.getBF16Type())
                      : builder.getF32Type();
  WeightOp::create(builder, location, name, /*visibility=*/nullptr,
                   builder.getStrArrayAttr({sourceName}),
                   /*sinusoidal=*/false,
                   RankedTensorType::get(shape, elementType));
}

void MarianImporter::addLinear(StringRef name, const Twine &source,
                               int64_t outputs, int64_t inputs) {
  addWeight((name + ".weight").str(), source + ".weight", {outputs, inputs},
            builder.getF32Type());
  addWeight((name + ".bias").str(), source + ".bias", {outputs},
            builder.getF32Type());
}

void MarianImporter::addNorm(const Twine &source) {
  addWeight("norm.weight", source + ".weight", {config.dModel},
            builder.getF32Type());
  addWeight("norm.bias", source + ".bias", {config.dModel},
            builder.getF32Type());
}

/// Adds the weights of the attention layer that the file calls `source`. Its
/// norm lies beside it.
void MarianImporter::addAttention(const Twine &source) {
  for (StringRef name : {"q", "k", "v", "out"})
    addLinear(name, source + "." + name + "_proj", config.dModel,
              config.dModel);
  addNorm(source + "_layer_norm");
}

void MarianImporter::addFeedForward(const Side &side, const Twine &source) {
  addLinear("in", source + ".fc1", side.feedForward, config.dModel);
  addLinear("out", source + ".fc2", config.dModel, side.feedForward);
  addNorm(source + ".final_layer_norm");
}

/// The file's name for the embedding of one side. Files differ in which of the
/// names of one shared tensor they keep.
std::string MarianImporter::embeddingSource(const Side &side) {
  if (!config.shareEncoderDecoderEmbeddings)
    return ("model." + side.name + ".embed_tokens.weight").str();
  SmallVector<StringRef, 4> names = {"model.shared.weight",
                                     "model.encoder.embed_tokens.weight",
                                     "model.decoder.embed_tokens.weight"};
  if (config.tieWordEmbeddings)
    names.push_back("lm_head.weight");
  auto *found =
      llvm::find_if(names, [&](StringRef name) { return file.contains(name); });
  return (found == names.end() ? names.front() : *found).str();
}

void MarianImporter::addEmbedding(const Side &side) {
  addWeight("table", embeddingSource(side), {side.vocabulary, config.dModel});
  std::string positions =
      ("model." + side.name + ".embed_positions.weight").str();
  SmallVector<int64_t, 2> shape = {config.maxPositionEmbeddings, config.dModel};
  if (file.contains(positions))
    return addWeight("positions", positions, shape, builder.getF32Type());
  WeightOp::create(builder, location, "positions", /*visibility=*/nullptr,
                   /*sources=*/nullptr, /*sinusoidal=*/true,
                   RankedTensorType::get(shape, builder.getF32Type()));
}

void MarianImporter::addOutput(const Side &decoder) {
  // A file may have an lm_head.weight that is the embedding once more.
  addWeight("weight",
            config.tieWordEmbeddings ? embeddingSource(decoder)
                                     : "lm_head.weight",
            {decoder.vocabulary, config.dModel}, builder.getF32Type());
  if (file.contains("final_logits_bias"))
    addWeight("bias", "final_logits_bias", {decoder.vocabulary},
              builder.getF32Type());
}

/// Adds a group of weights, in which `fill` adds them.
void MarianImporter::addGroup(const Twine &name,
                              llvm::function_ref<void()> fill) {
  SmallString<64> buffer;
  auto group = WeightsOp::create(builder, location, name.toStringRef(buffer));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&group.getBody().front());
  fill();
}

void MarianImporter::addWeights(const Side &side) {
  addGroup(side.name + ".embedding", [&] { addEmbedding(side); });
  for (int64_t i = 0; i < side.layers && message.empty(); ++i) {
    std::string group = (side.name + "." + Twine(i)).str();
    std::string source = ("model." + side.name + ".layers." + Twine(i)).str();
    addGroup(group + ".self_attention",
             [&] { addAttention(source + ".self_attn"); });
    if (side.isDecoder)
      addGroup(group + ".cross_attention",
               [&] { addAttention(source + ".encoder_attn"); });
    addGroup(group + ".feed_forward", [&] { addFeedForward(side, source); });
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Adds a function with a body to fill. The arguments' names are their roles
/// too.
func::FuncOp MarianImporter::startFunction(
    StringRef name, ArrayRef<std::pair<StringRef, RankedTensorType>> arguments,
    RankedTensorType result) {
  auto types = llvm::to_vector_of<Type>(llvm::make_second_range(arguments));
  auto function = func::FuncOp::create(
      builder, location, name, builder.getFunctionType(types, {result}));
  Block *body = function.addEntryBlock();
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    StringAttr role = builder.getStringAttr(argument.first);
    function.setArgAttr(index, AttnDialect::kRoleAttr, role);
    body->getArgument(index).setLoc(NameLoc::get(role, location));
  }
  builder.setInsertionPointToStart(body);
  return function;
}

Value MarianImporter::embed(const Side &side, Value ids) {
  double scale = config.scaleEmbedding ? std::sqrt(config.dModel) : 1;
  return EmbeddingOp::create(builder, layerLocation, activations, ids,
                             groupName(side, "embedding"),
                             llvm::APFloat(scale));
}

/// PyTorch's layer_norm has this epsilon where a network does not say.
static llvm::APFloat epsilon() { return llvm::APFloat(1e-5); }

/// The activation as the dialect calls it.
static Activation convert(MarianConfig::Activation activation) {
  switch (activation) {
  case MarianConfig::Activation::Relu:
    return Activation::ReLU;
  case MarianConfig::Activation::Gelu:
    return Activation::GELU;
  case MarianConfig::Activation::GeluTanh:
    return Activation::GELUTanh;
  case MarianConfig::Activation::Silu:
    return Activation::SiLU;
  }
  llvm_unreachable("unknown activation");
}

Value MarianImporter::feedForward(const Side &side, int64_t layer,
                                  Value input) {
  return FeedForwardOp::create(builder, layerLocation, activations, input,
                               groupName(side, Twine(layer) + ".feed_forward"),
                               convert(config.activation), NormPlacement::Post,
                               epsilon());
}

void MarianImporter::addEncode(const Side &side) {
  OpBuilder::InsertionGuard guard(builder);
  func::FuncOp function = startFunction(
      "encode", {{"ids", idsType(2)}, {"lengths", idsType(1)}}, activations);
  Value lengths = function.getArgument(1);
  Value value = embed(side, function.getArgument(0));
  for (int64_t i = 0; i < side.layers; ++i) {
    value = SelfAttentionOp::create(
                builder, layerLocation, activations, /*probabilities=*/Type(),
                value, lengths, groupName(side, Twine(i) + ".self_attention"),
                side.heads, /*causal=*/false, NormPlacement::Post, epsilon())
                .getResult();
    value = feedForward(side, i, value);
  }
  func::ReturnOp::create(builder, location, value);
}

void MarianImporter::addDecode(const Side &side) {
  OpBuilder::InsertionGuard guard(builder);
  RankedTensorType logits = activations.clone(
      {ShapedType::kDynamic, ShapedType::kDynamic, side.vocabulary});
  func::FuncOp function = startFunction("decode",
                                        {{"ids", idsType(2)},
                                         {"memory", activations},
                                         {"memory_lengths", idsType(1)}},
                                        logits);
  Value memory = function.getArgument(1), lengths = function.getArgument(2);
  Value value = embed(side, function.getArgument(0));
  for (int64_t i = 0; i < side.layers; ++i) {
    value = SelfAttentionOp::create(
                builder, layerLocation, activations, /*probabilities=*/Type(),
                value,
                /*lengths=*/Value(),
                groupName(side, Twine(i) + ".self_attention"), side.heads,
                /*causal=*/true, NormPlacement::Post, epsilon())
                .getResult();
    value = CrossAttentionOp::create(
                builder, layerLocation, activations, /*probabilities=*/Type(),
                value, memory, lengths,
                groupName(side, Twine(i) + ".cross_attention"), side.heads,
                NormPlacement::Post, epsilon())
                .getResult();
    value = feedForward(side, i, value);
  }
  value =
      ProjectOp::create(builder, layerLocation, logits, value,
                        FlatSymbolRefAttr::get(builder.getContext(), "output"));
  func::ReturnOp::create(builder, location, value);
}

Expected<OwningOpRef<ModuleOp>> MarianImporter::run() {
  OwningOpRef<ModuleOp> module(ModuleOp::create(location));
  (*module)->setAttr(AttnDialect::kWeightsFileAttr,
                     builder.getStringAttr(path));
  builder.setInsertionPointToEnd(module->getBody());
  Side encoder{"encoder",           config.encoderLayers,
               config.encoderHeads, config.encoderFfnDim,
               config.vocabSize,
               /*isDecoder=*/false};
  Side decoder{"decoder",
               config.decoderLayers,
               config.decoderHeads,
               config.decoderFfnDim,
               config.decoderVocabSize,
               /*isDecoder=*/true};
  addWeights(encoder);
  if (message.empty())
    addEncode(encoder);
  addWeights(decoder);
  addGroup("output", [&] { addOutput(decoder); });
  if (!message.empty())
    return llvm::createStringError(Twine(message));
  addDecode(decoder);
  if (failed(verify(*module)))
    return llvm::createStringError(path +
                                   ": the network built from it is not valid");
  return module;
}

Expected<OwningOpRef<ModuleOp>> attn::importMarian(StringRef directory,
                                                   MLIRContext &context) {
  Expected<MarianConfig> config = MarianConfig::load(directory);
  if (!config)
    return config.takeError();
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::real_path(directory, path))
    return llvm::createStringError(
        code, directory + ": cannot resolve the path: " + reasonOf(code));
  llvm::sys::path::append(path, "model.safetensors");
  Expected<std::unique_ptr<SafetensorsFile>> file = SafetensorsFile::open(path);
  if (!file)
    return file.takeError();
  context.loadDialect<AttnDialect, func::FuncDialect>();
  return MarianImporter(*config, **file, path, context).run();
}
