// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Manifest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

using namespace attn;

bool TensorSignature::accepts(const Tensor &tensor) const {
  return tensor.type() == type && tensor.rank() == shape.size() &&
         llvm::all_of(llvm::zip(shape, tensor.shape()), [](const auto &pair) {
           return std::get<0>(pair) < 0 ||
                  std::get<0>(pair) == std::get<1>(pair);
         });
}

std::string TensorSignature::describe() const {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += (size < 0 ? std::string("?") : std::to_string(size)) + "x";
  return text + stringify(type).str() + ">";
}

llvm::Error FunctionSignature::check(llvm::ArrayRef<Tensor> given) const {
  if (given.size() != arguments.size())
    return llvm::createStringError(
        "'" + name + "': expected " + llvm::Twine(arguments.size()) +
        " arguments, got " + llvm::Twine(given.size()));
  auto nameOf = [&](int64_t argument) {
    return ("argument " + llvm::Twine(argument) + " of '" + name + "'").str();
  };
  for (auto [index, expected] : llvm::enumerate(arguments))
    if (!expected.accepts(given[index]))
      return llvm::createStringError(nameOf(index) + ": expected " +
                                     expected.describe() + ", got " +
                                     given[index].describe());
  for (const SizeConstraint &sizes : equal) {
    SizeConstraint::Place first = sizes.places.front();
    int64_t size =
        sizes.value.value_or(given[first.argument].dim(first.dim) - first.more);
    auto reasonFor = [&](int64_t more) -> std::string {
      if (sizes.value)
        return "";
      return (more > 0   ? ", one more than"
              : more < 0 ? ", one less than"
                         : ", as") +
             (" dimension " + std::to_string(first.dim) + " of " +
              nameOf(first.argument));
    };
    for (auto [argument, dim, more] : sizes.places)
      if (given[argument].dim(dim) != size + more)
        return llvm::createStringError(
            nameOf(argument) + ": expected size " + llvm::Twine(size + more) +
            " in dimension " + llvm::Twine(dim) + reasonFor(more - first.more) +
            ", got " + given[argument].describe());
  }
  return llvm::Error::success();
}

int64_t WeightRecipe::storedElements() const {
  if (panel && shape.size() == 2)
    return llvm::alignTo(columns(), panel) *
           (group > 1 ? llvm::alignTo(depth(), tileRows * group) : depth());
  int64_t count = 1;
  for (size_t i = 0; i < shape.size(); ++i)
    count *= i == 0 && panel ? llvm::alignTo(shape[0], panel) : shape[i];
  return count;
}

const FunctionSignature *Manifest::lookup(llvm::StringRef name) const {
  auto found = llvm::find_if(
      functions, [&](const FunctionSignature &f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

namespace attn {

// Found by argument-dependent lookup from llvm::json::parse.
namespace json = llvm::json;

static bool isShape(llvm::ArrayRef<int64_t> shape, bool dynamic,
                    json::Path path) {
  for (auto [index, size] : llvm::enumerate(shape)) {
    if (size < (dynamic ? -1 : 0)) {
      path.index(index).report("expected a size");
      return false;
    }
  }
  return true;
}

bool fromJSON(const json::Value &value, ElementType &type, json::Path path) {
  std::optional<ElementType> parsed =
      parseElementType(value.getAsString().value_or(""));
  if (!parsed) {
    path.report("expected an element type");
    return false;
  }
  type = *parsed;
  return true;
}

bool fromJSON(const json::Value &value, TensorSignature &signature,
              json::Path path) {
  json::ObjectMapper object(value, path);
  return object && object.map("type", signature.type) &&
         object.map("shape", signature.shape) &&
         object.mapOptional("role", signature.role) &&
         isShape(signature.shape, /*dynamic=*/true, path.field("shape"));
}

bool fromJSON(const json::Value &value, SizeConstraint &constraint,
              json::Path path) {
  json::ObjectMapper object(value, path);
  std::vector<std::vector<int64_t>> places;
  if (!object || !object.map("places", places) ||
      !object.map("value", constraint.value))
    return false;
  for (const std::vector<int64_t> &place : places)
    if (place.size() == 2 || (place.size() == 3 && place[2] == 1))
      constraint.places.push_back(
          {place[0], place[1], static_cast<int64_t>(place.size()) - 2});
  if (places.empty() || constraint.places.size() != places.size()) {
    path.field("places").report(
        "expected pairs of argument and dimension, or triples that end in 1");
    return false;
  }
  return true;
}

bool fromJSON(const json::Value &value, FunctionSignature &function,
              json::Path path) {
  json::ObjectMapper object(value, path);
  if (!object || !object.map("name", function.name) ||
      !object.map("arguments", function.arguments) ||
      !object.map("results", function.results) ||
      !object.mapOptional("equal", function.equal))
    return false;
  for (const SizeConstraint &constraint : function.equal)
    for (auto [argument, dim, more] : constraint.places)
      if (argument < 0 || argument >= int64_t(function.arguments.size()) ||
          dim < 0 ||
          dim >= int64_t(function.arguments[argument].shape.size())) {
        path.field("equal").report("expected places of arguments");
        return false;
      }
  return true;
}

bool fromJSON(const json::Value &value, WeightMeasure &measure,
              json::Path path) {
  std::optional<WeightMeasure> known =
      llvm::StringSwitch<std::optional<WeightMeasure>>(
          value.getAsString().value_or(""))
          .Case("scales", WeightMeasure::Scales)
          .Case("norms", WeightMeasure::Norms)
          .Case("errors", WeightMeasure::Errors)
          .Default(std::nullopt);
  if (!known) {
    path.report("expected 'scales', 'norms' or 'errors'");
    return false;
  }
  measure = *known;
  return true;
}

/// Whether the fields go together.
static bool isConsistent(const WeightRecipe &recipe, json::Path path) {
  if (recipe.sinusoidal != recipe.sources.empty()) {
    path.report("expected either sources or sinusoidal");
    return false;
  }
  size_t rank = recipe.shape.size();
  if (rank == 0) {
    path.field("shape").report("expected at least one dimension");
    return false;
  }
  if (recipe.sinusoidal &&
      (rank != 2 || recipe.panel || recipe.type != ElementType::F32)) {
    path.report("expected sinusoidal positions as f32 [P,D], not packed");
    return false;
  }
  if (recipe.measure != WeightMeasure::None &&
      (rank != 1 || recipe.sinusoidal || recipe.type != ElementType::F32)) {
    path.report("expected a measure as f32 [N], of sources");
    return false;
  }
  if (recipe.type == ElementType::I8 && (rank < 2 || recipe.transposed)) {
    path.report("expected i8 as a matrix that is not transposed");
    return false;
  }
  if (recipe.panel < 0 || recipe.panel > 4096 || (recipe.panel && rank > 2)) {
    path.report("expected a panel of 1 to 4096 on a matrix or a vector");
    return false;
  }
  if (recipe.transposed && (!recipe.panel || rank != 2)) {
    path.report("expected transposed of a matrix in panels");
    return false;
  }
  if (recipe.group < 1 || recipe.group > 4 ||
      (recipe.group > 1 && (!recipe.panel || rank != 2 ||
                            recipe.panel % WeightRecipe::tileRows != 0))) {
    path.report("expected groups of 1 to 4 of a matrix in panels of a multiple "
                "of 16");
    return false;
  }
  return true;
}

/// Whether sizes can be computed with.
static bool fitsInMemory(const WeightRecipe &recipe) {
  // Padding adds less than a panel of columns, and less than a tile of depth.
  std::vector<int64_t> padded = recipe.shape;
  auto pad = [&](int64_t &size, int64_t more) {
    if (llvm::AddOverflow(size, more, size))
      size = -1;
  };
  if (recipe.panel)
    pad(padded[recipe.transposed ? 1 : 0], recipe.panel);
  if (recipe.group > 1)
    pad(padded[recipe.transposed ? 0 : 1],
        recipe.group * WeightRecipe::tileRows);
  return countElements(recipe.type, padded).has_value();
}

bool fromJSON(const json::Value &value, WeightRecipe &recipe, json::Path path) {
  json::ObjectMapper object(value, path);
  if (!object || !object.map("name", recipe.name) ||
      !object.mapOptional("sources", recipe.sources) ||
      !object.mapOptional("sinusoidal", recipe.sinusoidal) ||
      !object.mapOptional("measure", recipe.measure) ||
      !object.map("type", recipe.type) || !object.map("shape", recipe.shape) ||
      !object.mapOptional("panel", recipe.panel) ||
      !object.mapOptional("transposed", recipe.transposed) ||
      !object.mapOptional("group", recipe.group) ||
      !isShape(recipe.shape, /*dynamic=*/false, path.field("shape")))
    return false;
  if (!isConsistent(recipe, path))
    return false;
  if (!fitsInMemory(recipe)) {
    path.field("shape").report("expected a shape that fits in memory");
    return false;
  }
  return true;
}

bool fromJSON(const json::Value &value, Manifest &manifest, json::Path path) {
  json::ObjectMapper object(value, path);
  int64_t version = 0;
  if (!object || !object.map("version", version))
    return false;
  if (version != 1) {
    path.field("version").report("expected version 1");
    return false;
  }
  return object.map("weights", manifest.weights) &&
         object.map("functions", manifest.functions);
}

} // namespace attn

llvm::Expected<Manifest> Manifest::parse(llvm::StringRef text) {
  llvm::Expected<Manifest> manifest =
      json::parse<Manifest>(text, "attn_manifest");
  if (!manifest)
    return llvm::createStringError("malformed manifest in compiled code: " +
                                   llvm::toString(manifest.takeError()));
  return manifest;
}
