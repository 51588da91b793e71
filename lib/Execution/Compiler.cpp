// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Compiler.h"
#include "attn/Execution/DiagnosticError.h"
#include "attn/Execution/Manifest.h"
#include "attn/IR/AttnDialect.h"
#include "attn/Pipelines/Pipelines.h"

#include "llvm/ADT/SCCIterator.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

#include "mlir/Analysis/CallGraph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

using namespace attn;

static bool isInLLVMDialect(mlir::ModuleOp module) {
  return llvm::all_of(module.getOps(), [](mlir::Operation &op) {
    return llvm::isa_and_present<mlir::LLVM::LLVMDialect>(op.getDialect());
  });
}

/// Adds `void attn_call_NAME(ptr slots)`, which passes the pointers in `slots`
/// to the C entry point of function NAME: a call that needs to know nothing of
/// the number of arguments.
static llvm::Error addEntryPoint(llvm::Module &module, llvm::StringRef name) {
  llvm::Function *entry = module.getFunction(("_mlir_ciface_" + name).str());
  if (!entry || entry->isDeclaration())
    return llvm::createStringError("function '" + name +
                                   "' has no C entry point");
  llvm::FunctionType *type = entry->getFunctionType();
  if (!type->getReturnType()->isVoidTy() ||
      !llvm::all_of(type->params(),
                    [](llvm::Type *t) { return t->isPointerTy(); }))
    return llvm::createStringError(
        "function '" + name +
        "' takes or gives something that is no ranked tensor");

  llvm::IRBuilder<> builder(module.getContext());
  llvm::Type *pointer = builder.getPtrTy();
  auto *wrapper = llvm::Function::Create(
      llvm::FunctionType::get(builder.getVoidTy(), {pointer}, false),
      llvm::GlobalValue::ExternalLinkage, "attn_call_" + name, module);
  builder.SetInsertPoint(
      llvm::BasicBlock::Create(module.getContext(), "", wrapper));
  llvm::SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < type->getNumParams(); ++i)
    arguments.push_back(builder.CreateLoad(
        pointer,
        builder.CreateConstInBoundsGEP1_64(pointer, wrapper->getArg(0), i)));
  builder.CreateCall(entry, arguments);
  builder.CreateRetVoid();
  return llvm::Error::success();
}

/// Adds all entry points, and hides everything else but the two tables.
static llvm::Error addEntryPoints(llvm::Module &module) {
  llvm::GlobalVariable *text =
      module.getGlobalVariable("attn_manifest", /*AllowInternal=*/true);
  auto *bytes =
      text && text->hasInitializer()
          ? llvm::dyn_cast<llvm::ConstantDataSequential>(text->getInitializer())
          : nullptr;
  if (!bytes || !bytes->isString())
    return llvm::createStringError("the lowered module has no attn_manifest");
  llvm::Expected<Manifest> manifest =
      Manifest::parse(bytes->getAsString().rtrim('\0'));
  if (!manifest)
    return manifest.takeError();
  for (llvm::StringRef name : {"attn_manifest", "attn_weights"})
    if (llvm::GlobalVariable *table =
            module.getGlobalVariable(name, /*AllowInternal=*/true))
      table->setLinkage(llvm::GlobalValue::ExternalLinkage);

  llvm::StringSet<> kept = {"attn_manifest", "attn_weights"};
  for (const FunctionSignature &function : manifest->functions) {
    if (llvm::Error error = addEntryPoint(module, function.name))
      return error;
    kept.insert("attn_call_" + function.name);
  }
  llvm::internalizeModule(module, [&](const llvm::GlobalValue &value) {
    return kept.contains(value.getName());
  });
  return llvm::Error::success();
}

/// Tells LLVM what it may use in each function.
static void setAttributes(llvm::Module &module,
                          const llvm::TargetMachine &machine) {
  bool wide = machine.getTargetFeatureString().contains("+avx512f");
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    if (wide)
      function.addFnAttr("prefer-vector-width", "512");
    // No unwinding out of or through compiled code, so no tables for it.
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

/// The only lane that a mask has, if it is known to have one.
static std::optional<unsigned> getOnlyLane(const llvm::Value *value) {
  const auto *mask = llvm::dyn_cast<llvm::Constant>(value);
  const auto *type = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  if (!mask || !type)
    return std::nullopt;
  std::optional<unsigned> only;
  for (unsigned lane = 0; lane < type->getNumElements(); ++lane) {
    const llvm::Constant *isIn = mask->getAggregateElement(lane);
    if (isIn && isIn->isNullValue())
      continue;
    if (only || !isIn || !isIn->isOneValue())
      return std::nullopt;
    only = lane;
  }
  return only;
}

/// Makes masked stores of one lane stores of a scalar. LLVM 22 does so itself
/// for AVX-512, but writes four bytes where integers of 32 bits are made
/// shorter first (llvm-project issue 179489).
static void storeLanes(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction :
         llvm::make_early_inc_range(llvm::instructions(function))) {
      auto *store = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
      if (!store || store->getIntrinsicID() != llvm::Intrinsic::masked_store)
        continue;
      std::optional<unsigned> lane = getOnlyLane(store->getArgOperand(2));
      if (!lane)
        continue;
      llvm::IRBuilder<> builder(store);
      llvm::Value *element =
          builder.CreateExtractElement(store->getArgOperand(0), *lane);
      llvm::Value *place = builder.CreateConstInBoundsGEP1_64(
          element->getType(), store->getArgOperand(1), *lane);
      builder.CreateAlignedStore(
          element, place,
          llvm::commonAlignment(store->getParamAlign(1).valueOrOne(),
                                *lane * module.getDataLayout().getTypeStoreSize(
                                            element->getType())));
      store->eraseFromParent();
    }
}

/// What kernels gain by of LLVM's second level, in its notation. They have the
/// vectors, the tiles and the unrolling before LLVM sees them, and call nothing
/// that it could inline: the rest of that level takes most of its time in vain.
static constexpr llvm::StringLiteral kernelPasses =
    "function(sroa,early-cse<memssa>,simplifycfg,"
    "instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm),gvn,"
    "instcombine<no-verify-fixpoint>,loop-mssa(licm),loop(indvars),"
    "simplifycfg,dse,adce,infer-alignment)";

static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     bool isKernel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  // What is between kernels takes too little time to be unrolled.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  llvm::ModulePassManager passes;
  if (isKernel)
    llvm::cantFail(builder.parsePassPipeline(passes, kernelPasses));
  else
    passes = builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2);
  passes.run(module, modules);
  storeLanes(module);
}

static llvm::Error emit(llvm::Module &module, llvm::TargetMachine &machine,
                        llvm::CodeGenFileType kind,
                        llvm::raw_pwrite_stream &out) {
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, out, nullptr, kind))
    return llvm::createStringError("cannot generate code for '" +
                                   machine.getTargetCPU() + "'");
  passes.run(module);
  return llvm::Error::success();
}

/// Errors of what passes would lower: an empty module; functions that would be
/// looked for in the process, as code is made of what the module has; functions
/// that call themselves, which as a rule would go on until memory is used up.
static llvm::Error checkFunctions(mlir::ModuleOp module) {
  if (module.getBody()->empty())
    return llvm::createStringError("expected a module with functions, got an "
                                   "empty one");
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (function.isDeclaration())
      return llvm::createStringError("expected a body of function '" +
                                     function.getName() +
                                     "', got a declaration");
  const mlir::CallGraph graph(module);
  for (auto cycle = llvm::scc_begin(&graph); !cycle.isAtEnd(); ++cycle)
    if (cycle.hasCycle())
      return llvm::createStringError(
          "expected functions that do not call themselves, got '" +
          mlir::SymbolTable::getSymbolName(
              cycle->front()->getCallableRegion()->getParentOp())
              .getValue() +
          "'");
  return llvm::Error::success();
}

llvm::Error attn::lowerToLLVMDialect(mlir::ModuleOp module,
                                     const CpuTarget &target,
                                     mlir::Timer timer) {
  if (llvm::Error error = checkFunctions(module))
    return error;
  if (isInLLVMDialect(module))
    return llvm::Error::success();
  mlir::MLIRContext *context = module.getContext();
  context->loadDialect<AttnDialect>();
  module->setAttr(AttnDialect::kTargetAttr,
                  TargetAttr::get(context, target.cpu, target.features,
                                  target.l1, target.l2));
  DiagnosticError errors(context);
  mlir::TimingScope scope(timer.nest("Lower to the LLVM dialect"));
  mlir::PassManager preparation(context);
  preparation.enableTiming(scope);
  buildPreparationPipeline(preparation);
  // Kernels are our own and large: to verify them after each pass would take a
  // third of the time of lowering.
  mlir::PassManager parts(context);
  parts.enableTiming(scope);
  parts.enableVerifier(false);
  buildPartsPipeline(parts);
  if (mlir::failed(preparation.run(module)) ||
      mlir::failed(parts.run(module)) || mlir::failed(mlir::verify(module)))
    return errors.take("the module cannot be lowered");
  return llvm::Error::success();
}

/// What is compiled by itself: the first has all that others call, and the rest
/// is kernels.
static llvm::SmallVector<mlir::ModuleOp> getParts(mlir::ModuleOp module) {
  auto parts = llvm::to_vector(module.getOps<mlir::ModuleOp>());
  // Written in the LLVM dialect.
  if (parts.empty())
    parts.push_back(module);
  return parts;
}

static void registerTranslations(mlir::MLIRContext *context) {
  mlir::DialectRegistry translations;
  mlir::registerBuiltinDialectTranslation(translations);
  mlir::registerLLVMDialectTranslation(translations);
  mlir::registerOpenMPDialectTranslation(translations);
  context->appendDialectRegistry(translations);
}

/// Translates and optimises one part; adds entry points if it is the first. Of
/// what fails in MLIR diagnostics say more than the error.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translatePart(mlir::ModuleOp part, bool isFirst, llvm::LLVMContext &context,
              llvm::TargetMachine &machine, mlir::Timer timer) {
  mlir::TimingScope scope(timer.nest("Translate to LLVM IR"));
  std::unique_ptr<llvm::Module> result =
      mlir::translateModuleToLLVMIR(part, context);
  if (!result)
    return llvm::createStringError(
        "the module cannot be translated to LLVM IR");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  if (isFirst)
    if (llvm::Error error = addEntryPoints(*result))
      return std::move(error);
  setAttributes(*result, machine);
  scope = mlir::TimingScope(timer.nest("Optimize LLVM IR"));
  optimize(*result, machine, /*isKernel=*/!isFirst);
  return std::move(result);
}

llvm::Expected<std::unique_ptr<llvm::Module>>
attn::translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                      llvm::TargetMachine &machine, mlir::Timer timer) {
  registerTranslations(module.getContext());
  DiagnosticError errors(module.getContext());
  std::unique_ptr<llvm::Module> result;
  for (mlir::ModuleOp part : getParts(module)) {
    auto translated =
        translatePart(part, /*isFirst=*/!result, context, machine, timer);
    if (!translated)
      return errors.take(llvm::toString(translated.takeError()));
    if (!result) {
      result = std::move(*translated);
      continue;
    }
    auto kernels = llvm::map_to_vector(
        llvm::make_filter_range(**translated,
                                [](const llvm::Function &f) {
                                  return f.hasExternalLinkage() &&
                                         !f.isDeclaration();
                                }),
        [](const llvm::Function &f) { return f.getName().str(); });
    if (llvm::Linker::linkModules(*result, std::move(*translated)))
      return llvm::createStringError("parts of the module do not fit");
    for (llvm::StringRef name : kernels)
      result->getFunction(name)->setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  return std::move(result);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
attn::emitObject(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  if (llvm::Error error =
          emit(module, machine, llvm::CodeGenFileType::ObjectFile, out))
    return std::move(error);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(
      std::move(bytes), "attn", /*RequiresNullTerminator=*/false);
}

llvm::Expected<std::string> attn::emitAssembly(llvm::Module &module,
                                               llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  if (llvm::Error error =
          emit(module, machine, llvm::CodeGenFileType::AssemblyFile, out))
    return std::move(error);
  return std::string(bytes.begin(), bytes.end());
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
attn::compileToArchive(mlir::ModuleOp module, const CpuTarget &target,
                       unsigned threads, mlir::Timer timer) {
  mlir::MLIRContext *mlirContext = module.getContext();
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  const bool startThreads =
      threads > 1 && !mlirContext->isMultithreadingEnabled();
  if (startThreads)
    mlirContext->setThreadPool(pool);
  const llvm::scope_exit stopThreads([&] {
    if (startThreads)
      mlirContext->disableMultithreading();
  });

  if (llvm::Error error = lowerToLLVMDialect(module, target, timer))
    return std::move(error);
  registerTranslations(mlirContext);
  DiagnosticError diagnostics(mlirContext);
  llvm::SmallVector<mlir::ModuleOp> parts = getParts(module);
  using Object = llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>;
  auto compile = [&](mlir::ModuleOp part) -> Object {
    auto machine = createTargetMachine(target);
    if (!machine)
      return machine.takeError();
    llvm::LLVMContext context;
    auto translated = translatePart(part, /*isFirst=*/part == parts.front(),
                                    context, **machine, timer);
    if (!translated)
      return translated.takeError();
    part.getBody()->clear(); // to have the memory
    mlir::TimingScope scope(timer.nest("Generate code"));
    return emitObject(**translated, **machine);
  };
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects(parts.size());
  std::vector<std::string> errors(parts.size());
  mlir::parallelFor(mlirContext, 0, parts.size(), [&](size_t index) {
    errors[index] =
        llvm::toString(compile(parts[index]).moveInto(objects[index]));
  });
  for (llvm::StringRef error : errors)
    if (!error.empty())
      return diagnostics.take(error);

  llvm::SmallVector<llvm::NewArchiveMember> members;
  for (const std::unique_ptr<llvm::MemoryBuffer> &object : objects)
    members.emplace_back(object->getMemBufferRef());
  return llvm::writeArchiveToBuffer(
      members, llvm::SymtabWritingMode::NormalSymtab,
      llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false);
}
