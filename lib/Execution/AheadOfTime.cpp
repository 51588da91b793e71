// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/AheadOfTime.h"
#include "CHeader.h"
#include "attn/Execution/CompiledCode.h"
#include "attn/Execution/Compiler.h"
#include "attn/Execution/WeightsStore.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/Target/TargetMachine.h"

using namespace attn;

namespace {

/// A module on its way to an object.
struct Translated {
  std::unique_ptr<llvm::TargetMachine> machine;
  /// In this order: the module lives in the context.
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  Manifest manifest;
  /// What the module names, or what is given in its place.
  std::string weightsFile;
  std::unique_ptr<ModuleConstants> constants;
};

} // namespace

/// The manifest that the module carries.
static llvm::Expected<Manifest> readManifest(llvm::Module &module) {
  auto *bytes = llvm::cast<llvm::ConstantDataSequential>(
      module.getGlobalVariable("attn_manifest")->getInitializer());
  return Manifest::parse(bytes->getAsString().rtrim('\0'));
}

static llvm::Expected<Translated> translate(mlir::ModuleOp module,
                                            const CpuTarget &target,
                                            llvm::StringRef weightsFile) {
  Translated result;
  result.weightsFile = takeWeightsFile(module, weightsFile);
  if (llvm::Error error =
          ModuleConstants::take(module).moveInto(result.constants))
    return std::move(error);
  if (llvm::Error error = createTargetMachine(target).moveInto(result.machine))
    return std::move(error);
  if (llvm::Error error = lowerToLLVMDialect(module, target))
    return std::move(error);
  result.context = std::make_unique<llvm::LLVMContext>();
  if (llvm::Error error =
          translateToLLVM(module, *result.context, *result.machine)
              .moveInto(result.module))
    return std::move(error);
  if (llvm::Error error =
          readManifest(*result.module).moveInto(result.manifest))
    return std::move(error);
  return std::move(result);
}

/// A constant that only the module sees.
static llvm::GlobalVariable *
addConstant(llvm::Module &module, llvm::Constant *value, llvm::StringRef name) {
  return new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                  llvm::GlobalValue::PrivateLinkage, value,
                                  name);
}

static llvm::Constant *addText(llvm::Module &module, llvm::StringRef text) {
  return addConstant(module,
                     llvm::ConstantDataArray::getString(module.getContext(),
                                                        text,
                                                        /*AddNull=*/true),
                     "attn_text");
}

static llvm::Constant *addTable(llvm::Module &module,
                                llvm::ArrayRef<llvm::Constant *> entries,
                                llvm::Type *type) {
  return addConstant(module,
                     llvm::ConstantArray::get(
                         llvm::ArrayType::get(type, entries.size()), entries),
                     "attn_table");
}

/// Fills the table of weights with constants.
static llvm::Error embedWeights(const Translated &translated) {
  const Manifest &manifest = translated.manifest;
  llvm::Module &module = *translated.module;
  llvm::GlobalVariable *table = module.getGlobalVariable("attn_weights");
  if (table)
    table->setLinkage(llvm::GlobalValue::InternalLinkage);
  if (manifest.weights.empty())
    return llvm::Error::success();
  llvm::Expected<std::unique_ptr<WeightsStore>> store =
      WeightsStore::create(translated.weightsFile, manifest.weights,
                           /*threads=*/0, *translated.constants);
  if (!store)
    return store.takeError();
  // What several have in common in memory is there once in the object, too.
  llvm::DenseMap<std::pair<const void *, size_t>, llvm::GlobalVariable *>
      weights;
  llvm::SmallVector<llvm::Constant *> pointers;
  for (auto [recipe, data] :
       llvm::zip_equal(manifest.weights, (*store)->pointers())) {
    llvm::StringRef bytes(static_cast<const char *>(data),
                          recipe.storedElements() * byteWidth(recipe.type));
    llvm::GlobalVariable *&weight = weights[{data, bytes.size()}];
    if (!weight) {
      weight = addConstant(
          module,
          llvm::ConstantDataArray::getRaw(
              bytes, bytes.size(), llvm::Type::getInt8Ty(module.getContext())),
          "attn_weight");
      weight->setAlignment(llvm::Align(64)); // as in memory
    }
    pointers.push_back(weight);
  }
  table->setInitializer(llvm::ConstantArray::get(
      llvm::cast<llvm::ArrayType>(table->getValueType()), pointers));
  table->setConstant(true);
  return llvm::Error::success();
}

llvm::Expected<AheadOfTimeCode>
attn::compileAheadOfTime(mlir::ModuleOp module, const CpuTarget &target,
                         llvm::StringRef weightsFile) {
  llvm::Expected<Translated> translated =
      translate(module, target, weightsFile);
  if (!translated)
    return translated.takeError();
  AheadOfTimeCode code;
  if (llvm::Error error =
          makeCHeader(translated->manifest.functions).moveInto(code.header))
    return std::move(error);
  if (llvm::Error error = embedWeights(*translated))
    return std::move(error);
  // Only the functions are for others to see.
  translated->module->getGlobalVariable("attn_manifest")->eraseFromParent();
  if (llvm::Error error = emitObject(*translated->module, *translated->machine)
                              .moveInto(code.object))
    return std::move(error);
  return code;
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> attn::embedProgram(
    mlir::ModuleOp mlirModule, const CpuTarget &target,
    llvm::ArrayRef<std::pair<std::string, llvm::StringRef>> files) {
  llvm::Expected<Translated> translated =
      translate(mlirModule, target, /*weightsFile=*/"");
  if (!translated)
    return translated.takeError();
  if (llvm::Error error = embedWeights(*translated))
    return std::move(error);

  llvm::Module &module = *translated->module;
  llvm::Type *pointer = llvm::PointerType::getUnqual(module.getContext());
  llvm::Type *size = llvm::Type::getInt64Ty(module.getContext());
  llvm::Constant *null = llvm::Constant::getNullValue(pointer);
  llvm::SmallVector<llvm::Constant *> entryPoints;
  for (const FunctionSignature &function : translated->manifest.functions) {
    llvm::Function *entry = module.getFunction("attn_call_" + function.name);
    entry->setLinkage(llvm::GlobalValue::InternalLinkage);
    entryPoints.push_back(entry);
  }
  // AttnEmbeddedFile.
  auto *fileType = llvm::StructType::get(pointer, pointer, size);
  llvm::SmallVector<llvm::Constant *> fileTable;
  for (const auto &[name, bytes] : files)
    fileTable.push_back(llvm::ConstantStruct::get(
        fileType, addText(module, name), addText(module, bytes),
        llvm::ConstantInt::get(size, bytes.size())));
  fileTable.push_back(llvm::Constant::getNullValue(fileType));

  llvm::GlobalVariable *manifest = module.getGlobalVariable("attn_manifest");
  manifest->setLinkage(llvm::GlobalValue::InternalLinkage);
  llvm::Constant *weights =
      module.getGlobalVariable("attn_weights", /*AllowInternal=*/true);
  llvm::Constant *program = llvm::ConstantStruct::getAnon(
      {manifest, addText(module, target.cpu), addText(module, target.features),
       addTable(module, entryPoints, pointer), weights ? weights : null,
       addTable(module, fileTable, fileType)});
  addConstant(module, program, "attn_embedded_program")
      ->setLinkage(llvm::GlobalValue::ExternalLinkage);
  return emitObject(module, *translated->machine);
}
