// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TRANSLATION_TRANSLATIONMODEL_H
#define ATTN_TRANSLATION_TRANSLATIONMODEL_H

#include "attn/Generation/CompiledDecoder.h"
#include "attn/Generation/Translator.h"
#include "attn/Import/MarianConfig.h"
#include "attn/Text/Tokenizer.h"

namespace attn {

/// What a checkpoint asks of a search. Error: a setting that changes the output
/// and that the search does not know.
llvm::Expected<GenerationOptions> generationOptions(const MarianConfig &config);

/// How sentences are shared among decoders, one for each worker.
struct BatchPlan {
  size_t workers;
  BatchOptions options;
};

/// A model ready to translate, wherever its code comes from.
struct TranslationModel {
  /// More would be a mistake; each has a decoder.
  static constexpr int maxThreads = 1024;

  MarianConfig config;
  /// None if it was not asked for.
  std::unique_ptr<Tokenizer> tokenizer;
  /// Owns the code that the decoders call.
  std::shared_ptr<const void> code;
  /// One for each thread.
  std::vector<std::unique_ptr<CompiledDecoder>> decoders;
  int threads = 1;
  /// Whether nothing had to be compiled.
  bool fromCache = false;
  /// Bytes that packed weights take.
  size_t weightBytes = 0;
  /// Whether most of their products are by tiles (AMX), which take less time
  /// than reading the weights, even for many rows.
  bool multipliesTiles = false;
  /// Seconds to read the checkpoint and prepare its weights, and to compile.
  double loadSeconds = 0, compileSeconds = 0;

  /// Reads all but the code, from the files of a checkpoint in `directory` of
  /// `files`.
  static llvm::Expected<TranslationModel>
  read(llvm::StringRef directory, bool withTokenizer,
       const llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> &files =
           llvm::vfs::getRealFileSystem());

  /// `layer` of the decoder, counted from 0 on, or from -1, the last one,
  /// backwards, as a number from 0 on. Error: there is no such.
  llvm::Expected<int64_t> decoderLayer(int64_t layer) const;

  /// Makes the decoders, of functions that `code` owns.
  llvm::Error addDecoders(const DecoderFunctions &functions);

  /// What is fastest for searches with so many beams on `threads` threads, of
  /// `decoders` at most. Each translates `batchSize` sentences at once; 0
  /// leaves that open, too.
  BatchPlan planBatches(int64_t beamSize, int64_t threads,
                        int64_t batchSize = 0) const;
};

} // namespace attn

#endif // ATTN_TRANSLATION_TRANSLATIONMODEL_H
