// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of passes under names; nothing else.

#include "attn/Pipelines/Pipelines.h"
#include "attn/Conversion/Passes.h"
#include "attn/IR/AttnDialect.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

void attn::buildWeightsPipeline(OpPassManager &pm) {
  pm.addPass(createImportGlobals());
  pm.addPass(createImportConstants());
}

void attn::buildFusionPipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createAssertBounds());
  buildWeightsPipeline(pm);
  pm.addNestedPass<func::FuncOp>(createSimplifyShapes());
  pm.addNestedPass<func::FuncOp>(createRaiseAttention());
  pm.addNestedPass<func::FuncOp>(createRaiseLayerNorm());
  pm.addNestedPass<func::FuncOp>(createRaiseLinear());
  pm.addNestedPass<func::FuncOp>(createDecomposeLayers());
  pm.addNestedPass<func::FuncOp>(createFuseAttention());
  pm.addPass(createFuseProjections());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void attn::buildDecodingPipeline(OpPassManager &pm, StringRef cacheType) {
  buildFusionPipeline(pm);
  pm.addPass(
      createIncrementalDecoding({/*function=*/"decode", cacheType.str()}));
  pm.addPass(createOutlineLogits());
}

void attn::buildBufferizationPipeline(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createDecomposeAggregates());
  pm.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createReuseBuffers());
  bufferization::buildBufferDeallocationPipeline(
      pm, bufferization::BufferDeallocationPipelineOptions());
  pm.addPass(createCSEPass());
  pm.addPass(createOutlineRepeats());
}

void attn::buildPreparationPipeline(OpPassManager &pm) {
  buildFusionPipeline(pm);
  pm.addNestedPass<func::FuncOp>(createFuseFeedForward());
  pm.addNestedPass<func::FuncOp>(createDeferMasks());
  pm.addPass(createEstimateGreatest());
  pm.addPass(createPackWeights());
  pm.addPass(createEmitManifest());
  buildBufferizationPipeline(pm);
}

/// From cores on memrefs to the functions that they call, kernels, in loops.
static void buildKernelPipeline(OpPassManager &pm) {
  pm.addPass(createLowerCores());
  pm.addPass(createLowerWeights());
  pm.addNestedPass<func::FuncOp>(createLowerCopies());
  pm.addNestedPass<func::FuncOp>(createLowerReshapes());
  pm.addPass(createOutlineLoops());
  pm.addPass(createParallelizeLoops());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
}

/// From memrefs, loops and vectors to the LLVM dialect. Has no nested passes: a
/// thread that waits for functions of one part would take the parts that are
/// another's to lower.
static void buildLLVMPipeline(OpPassManager &pm) {
  arith::ArithEmulateUnsupportedFloatsOptions emulated;
  emulated.sourceTypeStrs = {"bf16"};
  emulated.targetTypeStr = "f32";
  pm.addPass(arith::createArithEmulateUnsupportedFloats(emulated));
  pm.addPass(math::createMathExtendToSupportedTypes());
  pm.addPass(createExpandMath());
  pm.addPass(createExpandBFloat16());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());

  pm.addPass(createConvertBufferizationToMemRefPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createCallLibm());
  pm.addPass(createReconcileUnrealizedCastsPass());
  // Parallel regions are handed what they use of descriptors, not whole ones.
  pm.addPass(createCanonicalizerPass(
      GreedyRewriteConfig().setRegionSimplificationLevel(
          GreedySimplifyRegionLevel::Disabled)));
}

void attn::buildPartsPipeline(OpPassManager &pm) {
  buildKernelPipeline(pm);
  pm.addPass(createSplitKernels());
  buildLLVMPipeline(pm.nest<ModuleOp>());
}

/// All of the lowering, in one module.
static void buildLoweringPipeline(OpPassManager &pm) {
  buildPreparationPipeline(pm);
  buildKernelPipeline(pm);
  buildLLVMPipeline(pm);
}

/// All of the lowering, in nested modules.
static void buildLoweringInPartsPipeline(OpPassManager &pm) {
  buildPreparationPipeline(pm);
  buildPartsPipeline(pm);
}

void attn::registerPassesAndPipelines() {
  registerAttnTransformsPasses();
  registerAttnConversionPasses();
  PassPipelineRegistration<>("attn-import-weights",
                             "globals and constants to weights by name",
                             buildWeightsPipeline);
  PassPipelineRegistration<>(
      "attn-fuse",
      "layers, and upstream operations that compute the like, to fused cores",
      buildFusionPipeline);
  PassPipelineRegistration<>(
      "attn-derive-decoding",
      "a whole-sentence decoder to the steps that a search calls",
      [](OpPassManager &pm) { buildDecodingPipeline(pm); });
  PassPipelineRegistration<>("attn-bufferize",
                             "cores on tensors to cores on memrefs, with "
                             "temporaries shared and repeated layers outlined",
                             buildBufferizationPipeline);
  PassPipelineRegistration<>(
      "attn-to-llvm",
      "functions on tensors in attn, linalg, tensor, arith and math to LLVM",
      buildLoweringPipeline);
  PassPipelineRegistration<>(
      "attn-to-llvm-in-parts",
      "the same to a module for each kernel and one for all else",
      buildLoweringInPartsPipeline);
}

void attn::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<AttnDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
}
