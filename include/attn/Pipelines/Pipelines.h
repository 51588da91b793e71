// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of passes under names; nothing else.

#ifndef ATTN_PIPELINES_PIPELINES_H
#define ATTN_PIPELINES_PIPELINES_H

#include "llvm/ADT/StringRef.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace attn {

/// `attn-import-weights`: globals and constants of functions to weights by
/// name.
void buildWeightsPipeline(mlir::OpPassManager &pm);

/// `attn-fuse`: layers, and what upstream operations write of them, to fused
/// cores, on tensors.
void buildFusionPipeline(mlir::OpPassManager &pm);

/// `attn-derive-decoding`: fuses, and derives from the whole-sentence decoder
/// `decode` the functions that a search calls, `decode_prepare`, `decode_step`,
/// `decode_logits` and `decode_greatest`. These store keys and values of f32 in
/// \p cacheType, "f32" or "bf16".
void buildDecodingPipeline(mlir::OpPassManager &pm,
                           llvm::StringRef cacheType = "f32");

/// `attn-bufferize`: cores on tensors to cores on memrefs, with the memory of
/// temporaries shared and repeated layers outlined.
void buildBufferizationPipeline(mlir::OpPassManager &pm);

/// The first half of `attn-to-llvm` and `attn-to-llvm-in-parts`: any module of
/// functions on tensors in attn, linalg, tensor, arith and math to cores on
/// memrefs, with packed weights and a manifest. Needs the module attribute
/// `attn.target`.
void buildPreparationPipeline(mlir::OpPassManager &pm);

/// The second half of `attn-to-llvm-in-parts`: to the LLVM dialect, in nested
/// modules that are compiled by themselves. The first has all but kernels.
void buildPartsPipeline(mlir::OpPassManager &pm);

/// Registers the pipelines above under their names, and every pass of ours.
void registerPassesAndPipelines();

/// Registers the attn dialect, every upstream dialect and what passes need to
/// know of them.
void registerAllDialects(mlir::DialectRegistry &registry);

} // namespace attn

#endif // ATTN_PIPELINES_PIPELINES_H
