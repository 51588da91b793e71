// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/AheadOfTime.h"
#include "CHeader.h"
#include "attn/Execution/CompiledCode.h"
#include "attn/Execution/Compiler.h"
#include "attn/Execution/WeightsStore.h"
#include "attn/IR/AttnDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/Target/TargetMachine.h"

using namespace attn;

/// The manifest that the module carries.
static llvm::Expected<Manifest> readManifest(llvm::Module &module) {
  auto *bytes = llvm::cast<llvm::ConstantDataSequential>(
      module.getGlobalVariable("attn_manifest")->getInitializer());
  return Manifest::parse(bytes->getAsString().rtrim('\0'));
}

/// Fills the table of weights with constants.
static llvm::Error embedWeights(llvm::Module &module, const Manifest &manifest,
                                llvm::StringRef weightsFile) {
  if (manifest.weights.empty())
    return llvm::Error::success();
  llvm::Expected<std::unique_ptr<WeightsStore>> store =
      WeightsStore::create(weightsFile, manifest.weights, /*threads=*/0);
  if (!store)
    return store.takeError();
  llvm::SmallVector<llvm::Constant *> pointers;
  for (auto [recipe, data] :
       llvm::zip_equal(manifest.weights, (*store)->pointers())) {
    llvm::StringRef bytes(static_cast<const char *>(data),
                          recipe.storedElements() * byteWidth(recipe.type));
    llvm::Constant *constant = llvm::ConstantDataArray::getRaw(
        bytes, bytes.size(), llvm::Type::getInt8Ty(module.getContext()));
    auto *global = new llvm::GlobalVariable(
        module, constant->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, constant, "attn_weight");
    global->setAlignment(llvm::Align(64)); // as in memory
    pointers.push_back(global);
  }
  llvm::GlobalVariable *table = module.getGlobalVariable("attn_weights");
  table->setInitializer(llvm::ConstantArray::get(
      llvm::cast<llvm::ArrayType>(table->getValueType()), pointers));
  table->setConstant(true);
  return llvm::Error::success();
}

llvm::Expected<AheadOfTimeCode>
attn::compileAheadOfTime(mlir::ModuleOp module, const CpuTarget &target,
                         llvm::StringRef weightsFile) {
  std::string file = weightsFile.str();
  if (auto named = llvm::dyn_cast_if_present<mlir::StringAttr>(
          module->removeAttr(AttnDialect::kWeightsFileAttr));
      named && file.empty())
    file = named.str();
  const unsigned optLevel = CompileOptions().optLevel;
  auto machine = createTargetMachine(target, optLevel);
  if (!machine)
    return machine.takeError();
  if (llvm::Error error = lowerToLLVMDialect(module, target))
    return std::move(error);
  llvm::LLVMContext context;
  auto translated = translateToLLVM(module, context, **machine, optLevel);
  if (!translated)
    return translated.takeError();
  llvm::Expected<Manifest> manifest = readManifest(**translated);
  if (!manifest)
    return manifest.takeError();
  AheadOfTimeCode code;
  if (llvm::Error error =
          makeCHeader(manifest->functions).moveInto(code.header))
    return std::move(error);
  if (llvm::Error error = embedWeights(**translated, *manifest, file))
    return std::move(error);
  // Only the functions are for others to see.
  (*translated)->getGlobalVariable("attn_manifest")->eraseFromParent();
  if (llvm::GlobalVariable *table =
          (*translated)->getGlobalVariable("attn_weights"))
    table->setLinkage(llvm::GlobalValue::InternalLinkage);
  if (llvm::Error error =
          emitObject(**translated, **machine).moveInto(code.object))
    return std::move(error);
  return code;
}
