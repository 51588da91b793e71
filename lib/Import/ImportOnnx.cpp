// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Import/ImportOnnx.h"

#include "OnnxCall.h"
#include "attn/IR/AttnOps.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/OnnxFile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace attn;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// Builds the function of a graph.
class GraphImporter {
public:
  GraphImporter(const OnnxFile &file, MLIRContext &context)
      : graph(file.graph()), path(file.path()), builder(&context),
        location(FileLineColLoc::get(&context, path, 0, 0)),
        import(TensorBuilder(builder, location), file.opset()) {}

  Expected<OwningOpRef<ModuleOp>> run();

private:
  Error addInputs(func::FuncOp function,
                  ArrayRef<const OnnxValueInfo *> inputs);
  Error addInitializers(func::FuncOp function);
  OnnxValue addWeight(func::FuncOp function, const OnnxTensor &tensor);
  Error setWeightsFile(ModuleOp module);
  LogicalResult addConstant(const OnnxTensor &tensor);
  LogicalResult addNode(size_t index, const OnnxNode &node);
  FailureOr<OnnxValues> addBranch(OnnxCall &call, StringRef name);
  Error addResults(func::FuncOp function);
  void setKnownSizes(func::FuncOp function);
  Expected<RankedTensorType> getType(const OnnxValueInfo &info);
  Error fail(const Twine &text) {
    return llvm::createStringError(path + ": " + text);
  }

  const OnnxGraph &graph;
  StringRef path;
  OpBuilder builder;
  Location location;
  OnnxImport import;
  llvm::StringMap<OnnxValue> values;
};

} // namespace

/// Whether those who call the function have tensors of it.
static bool isOutside(Type element) {
  return !element.isUnsignedInteger() && !element.isInteger(16);
}

Expected<RankedTensorType> GraphImporter::getType(const OnnxValueInfo &info) {
  Type element = getElementType(builder.getContext(), info.type);
  if (!element || !isOutside(element))
    return fail("input '" + info.name +
                "': expected a tensor of FLOAT, DOUBLE, FLOAT16, BFLOAT16, "
                "INT64, INT32, INT8 or BOOL, got " +
                nameOf(info.type));
  if (!info.shape)
    return fail("input '" + info.name +
                "': expected a tensor of known rank, got none");
  SmallVector<int64_t> shape;
  for (const OnnxSize &size : *info.shape)
    shape.push_back(size.value.value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

Error GraphImporter::addInputs(func::FuncOp function,
                               ArrayRef<const OnnxValueInfo *> inputs) {
  llvm::StringMap<unsigned> uses;
  for (const OnnxValueInfo *info : inputs)
    for (const OnnxSize &size : *info->shape)
      ++uses[size.name];
  // Whoever calls the function checks sizes that have one name.
  for (auto [index, info] : llvm::enumerate(inputs)) {
    SmallVector<StringRef> names;
    for (const OnnxSize &size : *info->shape)
      names.push_back(uses[size.name] > 1 && !size.value ? size.name : "");
    if (!llvm::all_of(names, std::mem_fn(&StringRef::empty)))
      function.setArgAttr(index, AttnDialect::kSizesAttr,
                          builder.getStrArrayAttr(names));
  }
  llvm::StringMap<OpFoldResult> named;
  for (auto [info, argument] : llvm::zip(inputs, function.getArguments())) {
    argument.setLoc(NameLoc::get(builder.getStringAttr(info->name), location));
    TensorSizes sizes;
    for (auto [dim, size] : llvm::enumerate(*info->shape)) {
      OpFoldResult *known = size.name.empty() ? nullptr : &named[size.name];
      if (size.value)
        sizes.push_back(builder.getIndexAttr(*size.value));
      else if (known && *known)
        sizes.push_back(*known);
      else
        sizes.push_back(tensor::DimOp::create(builder, location, argument, dim)
                            .getResult());
      if (known && !size.value)
        *known = sizes.back();
    }
    if (!values.try_emplace(info->name, SizedTensor{argument, sizes}).second)
      return fail("expected names of inputs to differ, got '" + info->name +
                  "' twice");
  }
  return Error::success();
}

/// Whether a constant is one of the network's weights, which stay in the file,
/// and not a number or a size that a graph is computed with.
static bool isWeight(const OnnxTensor &tensor, StringRef function) {
  constexpr OnnxType floats[] = {OnnxType::Float, OnnxType::Float16,
                                 OnnxType::BFloat16};
  constexpr OnnxType bytes[] = {OnnxType::Int8, OnnxType::UInt8};
  int64_t count = 1;
  for (int64_t size : tensor.shape)
    count *= size;
  bool isKind =
      llvm::is_contained(floats, tensor.type) ||
      (llvm::is_contained(bytes, tensor.type) && tensor.shape.size() > 1);
  // The name becomes a symbol, and is written as JSON.
  return isKind && count > 1 && !tensor.name.empty() &&
         tensor.name != function && llvm::json::isUTF8(tensor.name);
}

OnnxValue GraphImporter::addWeight(func::FuncOp function,
                                   const OnnxTensor &tensor) {
  MLIRContext *context = builder.getContext();
  auto type =
      RankedTensorType::get(tensor.shape, getElementType(context, tensor.type));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(function);
  auto global = ml_program::GlobalOp::create(
      builder, location, tensor.name, type, /*is_mutable=*/false,
      ml_program::ExternAttr::get(context, type),
      builder.getStringAttr("private"));
  builder.setInsertionPointToEnd(&function.front());
  Value value = ml_program::GlobalLoadConstOp::create(
      builder, location, type, FlatSymbolRefAttr::get(global));
  return OnnxValue(SizedTensor{
      value, TensorSizes(llvm::map_range(tensor.shape, [&](int64_t size) {
        return import.tensors.constantSize(size);
      }))});
}

/// Leaves out weights that nobody uses, and says where the others are.
Error GraphImporter::setWeightsFile(ModuleOp module) {
  llvm::StringSet<> used;
  module->walk([&](ml_program::GlobalLoadConstOp load) {
    used.insert(load.getGlobal().getLeafReference());
  });
  for (auto global :
       llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (!used.contains(global.getSymName()))
      global->erase();
  if (used.empty())
    return Error::success();
  SmallString<128> absolute(path);
  if (std::error_code code = llvm::sys::fs::make_absolute(absolute))
    return fail("cannot find the working directory: " + reasonOf(code));
  module->setAttr(AttnDialect::kWeightsFileAttr,
                  builder.getStringAttr(absolute));
  return Error::success();
}

LogicalResult GraphImporter::addConstant(const OnnxTensor &tensor) {
  OnnxNode none;
  OnnxCall call(import, none, {});
  FailureOr<OnnxValue> value = call.constant(tensor);
  if (failed(value)) {
    import.message =
        ("initializer '" + tensor.name + "': " + import.message).str();
    return failure();
  }
  values[tensor.name] = *value;
  return success();
}

Error GraphImporter::addInitializers(func::FuncOp function) {
  for (const OnnxTensor &tensor : graph.initializers) {
    if (isWeight(tensor, function.getName())) {
      values[tensor.name] = addWeight(function, tensor);
      continue;
    }
    if (failed(addConstant(tensor)))
      return fail(import.message);
  }
  return Error::success();
}

/// Operators of other domains than ONNX's own have that before their names.
static std::string getOperatorName(const OnnxNode &node) {
  if (node.domain.empty() || node.domain == "ai.onnx")
    return node.operation.str();
  return (node.domain + "." + node.operation).str();
}

static OnnxOperator findOperator(StringRef name) {
  for (auto *find :
       {findActivationOperator, findElementwiseOperator, findShapeOperator,
        findMovingOperator, findGatherOperator, findNetworkOperator,
        findNormOperator, findPoolingOperator, findQuantizationOperator,
        findReductionOperator, findScatterOperator, findSelectionOperator})
    if (OnnxOperator found = find(name))
      return found;
  return nullptr;
}

/// Whether an operator may have operands without a sign: those that move
/// elements, and those that know of them. All others compute with signs.
static bool takesUnsigned(StringRef name) {
  constexpr StringRef moving[] = {
      "Cast",   "CastLike",  "Concat",        "Expand",  "Flatten",
      "Gather", "GatherND",  "Identity",      "Reshape", "Shape",
      "Size",   "Slice",     "Split",         "Squeeze", "Transpose",
      "Where",  "Unsqueeze", "GatherElements"};
  return llvm::is_contained(moving, name) || findQuantizationOperator(name);
}

/// The format's name of a type of integers.
static std::string getName(Type type) {
  return (Twine(type.isUnsignedInteger() ? "U" : "") + "INT" +
          Twine(type.getIntOrFloatBitWidth()))
      .str();
}

/// Builds a branch where the next operations are, and returns its outputs: it
/// sees what is before, and nothing else of it is seen after it.
FailureOr<OnnxValues> GraphImporter::addBranch(OnnxCall &call, StringRef name) {
  const OnnxAttribute *attribute = call.find(name, OnnxAttribute::Graph);
  if (!attribute || attribute->graph.empty())
    return call.fail("expected a graph as '" + name + "', got none");
  const OnnxGraph &branch = attribute->graph.front();
  if (branch.outputs.size() != call.node.outputs.size())
    return call.fail("expected '" + name + "' to have " +
                     Twine(call.node.outputs.size()) + " outputs, got " +
                     Twine(branch.outputs.size()));
  llvm::SaveAndRestore scope(values);
  for (const OnnxTensor &tensor : branch.initializers)
    if (failed(addConstant(tensor)))
      return failure();
  for (auto [index, node] : llvm::enumerate(branch.nodes))
    if (failed(addNode(index, node)))
      return failure();
  OnnxValues results;
  for (const OnnxValueInfo &info : branch.outputs) {
    auto found = values.find(info.name);
    if (found == values.end())
      return call.fail("expected '" + name + "' to compute '" + info.name +
                       "', got none of this name");
    results.push_back(found->second);
  }
  return results;
}

LogicalResult GraphImporter::addNode(size_t index, const OnnxNode &node) {
  auto failNode = [&](const Twine &text) {
    std::string name = node.name.empty() ? "" : (" '" + node.name + "'").str();
    import.message = ("node " + Twine(index) + name + " (" +
                      getOperatorName(node) + "): " + text)
                         .str();
    return failure();
  };
  bool isBranch = getOperatorName(node) == "If";
  OnnxOperator importer = findOperator(getOperatorName(node));
  if (!importer && !isBranch) {
    // ONNX Runtime's, of tensors in blocks of as many channels as the vectors
    // of the processor have numbers that the model was optimised on.
    bool isOfProcessor = node.domain == "com.microsoft.nchwc";
    return failNode("expected an operator of ONNX that attn can import, got " +
                    Twine(isOfProcessor
                              ? "one for one processor; hint: "
                                "ORT_ENABLE_EXTENDED makes none of them"
                              : "another"));
  }
  OnnxValues inputs;
  for (StringRef input : node.inputs) {
    auto found = values.find(input);
    if (!input.empty() && found == values.end())
      return failNode("expected the input '" + input +
                      "' to be computed before, got none of this name");
    inputs.push_back(input.empty() ? OnnxValue() : found->second);
    if (inputs.back() && inputs.back().type().isUnsignedInteger() &&
        !takesUnsigned(getOperatorName(node)))
      return failNode("expected operands of another type, got " +
                      getName(inputs.back().type()));
  }
  StringRef name = node.name.empty() ? node.operation : node.name;
  import.tensors.location = NameLoc::get(builder.getStringAttr(name), location);
  OnnxCall call(import, node, std::move(inputs));
  FailureOr<OnnxValues> results =
      isBranch ? importIf(call,
                          [&](StringRef name) { return addBranch(call, name); })
               : importer(call);
  if (failed(results) || !import.message.empty())
    return failNode(import.message);
  if (const OnnxAttribute *attribute = call.findUnread())
    return failNode("expected attributes that can be imported, got '" +
                    attribute->name + "'");
  for (auto [position, output] : llvm::enumerate(node.outputs)) {
    if (output.empty())
      continue;
    if (position >= results->size())
      return failNode("expected at most " + Twine(results->size()) +
                      " outputs, got " + Twine(node.outputs.size()));
    if (!values.try_emplace(output, (*results)[position]).second)
      return failNode("expected names of outputs to differ, got '" + output +
                      "' again");
  }
  return success();
}

Error GraphImporter::addResults(func::FuncOp function) {
  SmallVector<Value> results;
  import.tensors.location = location;
  OnnxNode none;
  for (const OnnxValueInfo &info : graph.outputs) {
    auto found = values.find(info.name);
    if (found == values.end())
      return fail("expected the output '" + info.name +
                  "' to be computed, got none of this name");
    Type element = found->second.type();
    if (!isOutside(element))
      return fail("output '" + info.name +
                  "': expected a tensor of another type, got " +
                  getName(element) +
                  "; hint: a Cast to INT32 keeps its numbers");
    results.push_back(OnnxCall(import, none, {}).asTensor(found->second).value);
  }
  func::ReturnOp::create(builder, location, results);
  setKnownSizes(function);
  // Sizes that nobody needed, and what they were computed from.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  function.setFunctionType(
      builder.getFunctionType(function.front().getArgumentTypes(),
                              llvm::to_vector(ValueRange(results).getTypes())));
  return Error::success();
}

/// Makes integers without a sign those of arithmetic, which has none: whoever
/// reads them has cast them.
static void dropSigns(ModuleOp module) {
  auto signless = [](Type type) {
    return IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth());
  };
  AttrTypeReplacer replacer;
  replacer.addReplacement(
      [&](IntegerType type) -> std::optional<Type> { return signless(type); });
  replacer.addReplacement(
      [&](DenseElementsAttr elements) -> std::optional<Attribute> {
        Type type = elements.getElementType();
        if (!type.isUnsignedInteger())
          return std::nullopt;
        return elements.bitcast(signless(type));
      });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  module.walk([](UnrealizedConversionCastOp cast) {
    cast.getResult(0).replaceAllUsesWith(cast.getOperand(0));
    cast.erase();
  });
}

/// Gives arguments the sizes that turned out to be known, which whoever calls
/// the function then checks.
void GraphImporter::setKnownSizes(func::FuncOp function) {
  builder.setInsertionPointToStart(&function.front());
  for (BlockArgument argument : function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    SmallVector<int64_t> shape(type.getShape());
    for (auto [size, number] : import.tensors.known.numbers) {
      auto op = size.getDefiningOp<tensor::DimOp>();
      if (op && op.getSource() == argument && op.getConstantIndex())
        shape[*op.getConstantIndex()] = number;
    }
    if (type.getShape() == ArrayRef(shape))
      continue;
    argument.setType(type.clone(shape));
    auto cast = tensor::CastOp::create(builder, location, type, argument);
    argument.replaceAllUsesExcept(cast, cast);
  }
}

Expected<OwningOpRef<ModuleOp>> GraphImporter::run() {
  OwningOpRef<ModuleOp> module(ModuleOp::create(location));
  builder.setInsertionPointToEnd(module->getBody());
  // Old models have their constants among the inputs.
  llvm::StringSet<> constants;
  for (const OnnxTensor &tensor : graph.initializers)
    constants.insert(tensor.name);
  SmallVector<const OnnxValueInfo *> inputs;
  SmallVector<Type> types;
  for (const OnnxValueInfo &info : graph.inputs) {
    if (constants.contains(info.name))
      continue;
    Expected<RankedTensorType> type = getType(info);
    if (!type)
      return type.takeError();
    inputs.push_back(&info);
    types.push_back(*type);
  }
  auto function = func::FuncOp::create(builder, location, "main",
                                       builder.getFunctionType(types, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  if (Error error = addInputs(function, inputs))
    return std::move(error);
  if (Error error = addInitializers(function))
    return std::move(error);
  for (auto [index, node] : llvm::enumerate(graph.nodes))
    if (failed(addNode(index, node)))
      return fail(import.message);
  if (Error error = addResults(function))
    return std::move(error);
  dropSigns(*module);
  if (Error error = setWeightsFile(*module))
    return std::move(error);
  if (failed(verify(*module)))
    return fail("the graph built from it is not valid");
  return module;
}

Expected<OwningOpRef<ModuleOp>> attn::importOnnx(const OnnxFile &file,
                                                 MLIRContext &context) {
  context.loadDialect<AttnDialect, arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      ml_program::MLProgramDialect, scf::SCFDialect,
                      tensor::TensorDialect>();
  return GraphImporter(file, context).run();
}
