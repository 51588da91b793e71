// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checkpoint → functions that a search calls.

#ifndef ATTN_TRANSLATION_CHECKPOINTMODEL_H
#define ATTN_TRANSLATION_CHECKPOINTMODEL_H

#include "attn/Execution/CompiledCode.h"
#include "attn/Translation/TranslationModel.h"
#include "mlir/IR/OwningOpRef.h"

namespace attn {

/// The files that a checkpoint is made of, beside its weights.
inline constexpr llvm::StringLiteral checkpointFiles[] = {
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "source.spm",
    "target.spm",
    "vocab.json",
    "target_vocab.json"};

/// Whether `path` is one of the files of the checkpoint in `directory`.
bool isOfCheckpoint(llvm::StringRef path, llvm::StringRef directory);

/// The folder of the model that is used when none is named: $ATTN_MODEL, else
/// the one shipped with `binary`, a program in bin or a library in lib. Error:
/// there is none.
llvm::Expected<std::string> findDefaultModel(llvm::StringRef binary);

/// What products are computed in. Auto: the fastest that keeps the quality.
enum class DataType { F32, BF16, I8, Auto };

/// The element type of the weights of products, "f32", "bf16" or "i8". By
/// default i8 if the checkpoint is quantised, else f32.
llvm::StringRef typeOfWeights(std::optional<DataType> dataType,
                              const MarianConfig &config);

/// Makes what a search calls of a module that was imported: `decode_prepare`,
/// `decode_step`, `decode_logits` and `decode_greatest` in place of `decode`,
/// with weights of products in `weights`, f32, bf16 or i8, and caches of f32
/// beside weights of f32, else of bf16. The step gives what it attends to in a
/// cross-attention layer, too, if there is one to show.
llvm::Error deriveSteps(mlir::ModuleOp module, llvm::StringRef weights,
                        std::optional<int64_t> attentionLayer = std::nullopt);

/// Compiles the checkpoint in `directory`, or takes its code from the cache.
/// Steps of decoding tell what they attend to in the layer `attentionLayer` of
/// the decoder, if it is given, as TranslationModel::decoderLayer counts.
llvm::Expected<TranslationModel>
loadCheckpoint(llvm::StringRef directory, bool withTokenizer,
               std::optional<DataType> dataType, const CompileOptions &options,
               std::optional<int64_t> attentionLayer = std::nullopt);

} // namespace attn

#endif // ATTN_TRANSLATION_CHECKPOINTMODEL_H
