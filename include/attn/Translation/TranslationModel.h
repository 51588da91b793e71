// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TRANSLATION_TRANSLATIONMODEL_H
#define ATTN_TRANSLATION_TRANSLATIONMODEL_H

#include "attn/Execution/Program.h"
#include "attn/Generation/CompiledDecoder.h"
#include "attn/Generation/Translator.h"
#include "attn/Import/MarianConfig.h"
#include "attn/Text/Tokenizer.h"

namespace attn {

/// The folder of the model that is used when none is named: $ATTN_MODEL, else
/// the one shipped with `binary`, a program in bin or a library in lib. Error:
/// there is none.
llvm::Expected<std::string> findDefaultModel(llvm::StringRef binary);

/// What a checkpoint asks of a search. Error: a setting that changes the output
/// and that the search does not know.
llvm::Expected<GenerationOptions> generationOptions(const MarianConfig &config);

/// What products are computed in. Auto: i8 where the processor has instructions
/// for it (AMX, VNNI), else f32.
enum class DataType { F32, BF16, I8, Auto };

/// Makes what a search calls of a module that was imported: `decode_prepare`
/// and `decode_step` in place of `decode`, with weights of products in
/// `weights`, f32, bf16 or i8. The step gives what it attends to in a
/// cross-attention layer, too, if there is one to show.
llvm::Error deriveSteps(mlir::ModuleOp module, llvm::StringRef weights,
                        std::optional<int64_t> attentionLayer = std::nullopt);

/// How sentences are shared among decoders, one for each worker.
struct BatchPlan {
  size_t workers;
  BatchOptions options;
};

/// A checkpoint ready to translate.
struct TranslationModel {
  MarianConfig config;
  /// None if it was not asked for.
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Program> program;
  /// Of `program`, one for each of its threads.
  std::vector<std::unique_ptr<CompiledDecoder>> decoders;
  /// Seconds to read the checkpoint and prepare its weights, and to compile.
  double loadSeconds = 0, compileSeconds = 0;

  /// Products are computed in `dataType`; by default, in i8 if the checkpoint
  /// is quantised, else in f32. Steps of decoding tell what they attend to in
  /// the layer `attentionLayer` of the decoder, if it is given: from 0 on, or
  /// from -1, the last one, backwards. Error: there is no such.
  static llvm::Expected<TranslationModel>
  load(llvm::StringRef directory, bool withTokenizer,
       std::optional<DataType> dataType, const CompileOptions &options,
       std::optional<int64_t> attentionLayer = std::nullopt);

  /// What is fastest for searches with so many beams on `threads` threads, of
  /// `decoders` at most. Each translates `batchSize` sentences at once; 0
  /// leaves that open, too.
  BatchPlan planBatches(int64_t beamSize, int64_t threads,
                        int64_t batchSize = 0) const;
};

} // namespace attn

#endif // ATTN_TRANSLATION_TRANSLATIONMODEL_H
