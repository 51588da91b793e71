// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What config.json and generation_config.json say of a Marian checkpoint in the
// Hugging Face layout.

#ifndef ATTN_IMPORT_MARIANCONFIG_H
#define ATTN_IMPORT_MARIANCONFIG_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/VirtualFileSystem.h"
#include <optional>
#include <string>

namespace attn {

/// A Marian encoder-decoder. A field that config.json does not give, or gives
/// as null, has the value that Hugging Face's MarianConfig gives it.
///
/// Fields of config.json that change nothing in inference, or that the
/// reference implementation ignores too (normalize_before, dropout rates), are
/// not read.
struct MarianConfig {
  enum class Activation {
    Relu,
    Gelu,     ///< the exact one, with erf
    GeluTanh, ///< "gelu_new", "gelu_pytorch_tanh" or "gelu_fast"
    Silu,     ///< x * sigmoid(x); "swish" is another name for it
  };

  /// When a beam search may end with candidates still open.
  enum class EarlyStopping {
    No,    ///< once no open beam is likely to pass the worst finished one
    Yes,   ///< once there are as many finished candidates as beams
    Never, ///< once no open beam can pass the worst finished one
  };

  /// The defaults that the checkpoint sets for decoding. A field that is not
  /// given has the value that Hugging Face's `generate` gives it.
  struct Generation {
    int64_t numBeams = 1;
    /// The longest output in tokens, counting the start and the end token; at
    /// most `maxPositionEmbeddings`. Taken from max_new_tokens + 1 where that
    /// is given.
    int64_t maxLength = 21;
    /// The shortest output before the end token is allowed, counting the start
    /// token; 0 means no limit.
    int64_t minLength = 0;
    double lengthPenalty = 1.0;
    EarlyStopping earlyStopping = EarlyStopping::No;
    /// Normalise the scores again after banned words are taken out.
    bool renormalizeLogits = false;
    /// 0 means no limit.
    int64_t noRepeatNgramSize = 0;
    double repetitionPenalty = 1.0;
    int64_t numReturnSequences = 1;
    bool doSample = false;
    double temperature = 1.0;
    int64_t topK = 50;
    double topP = 1.0;
    std::optional<int32_t> forcedBosTokenId;
    /// The token to end with at `maxLength`.
    std::optional<int32_t> forcedEosTokenId;
    /// Token sequences that must not be produced, none of them empty. One that
    /// is just the end token is left out, as the reference does.
    llvm::SmallVector<llvm::SmallVector<int32_t, 1>, 1> badWordsIds;
    /// Names of settings in the file that change what is produced and that this
    /// struct cannot express.
    llvm::SmallVector<std::string, 0> unsupported;
  };

  int64_t dModel = 1024;
  int64_t encoderLayers = 12, decoderLayers = 12;
  int64_t encoderHeads = 16, decoderHeads = 16;
  int64_t encoderFfnDim = 4096, decoderFfnDim = 4096;
  Activation activation = Activation::Gelu;
  int64_t vocabSize = 58101;
  /// vocabSize if not given, or if embeddings are shared.
  int64_t decoderVocabSize = 58101;
  int64_t maxPositionEmbeddings = 1024;
  /// Matrices are of I8, as `attn quantize` writes them: quantization_config
  /// names it as "quant_method".
  bool isQuantized = false;
  /// Encoder and decoder use one embedding, `model.shared.weight`; otherwise
  /// each has its own, and the target language a vocabulary of its own.
  bool shareEncoderDecoderEmbeddings = true;
  /// The output projection is the decoder's embedding; otherwise it is
  /// `lm_head.weight`.
  bool tieWordEmbeddings = true;
  /// Embeddings are multiplied by sqrt(dModel).
  bool scaleEmbedding = false;

  /// Ids below vocabSize (padding, end) and decoderVocabSize (all).
  int32_t padTokenId = 58100;
  int32_t eosTokenId = 0;
  int32_t decoderStartTokenId = 58100;

  Generation generation;

  /// Reads the configuration of the checkpoint in `directory` of `files`. Where
  /// there is no generation_config.json, config.json gives the decoding
  /// defaults. Errors: a file that cannot be read or is no JSON object, another
  /// architecture, a field of another type or out of range.
  static llvm::Expected<MarianConfig>
  load(llvm::StringRef directory,
       llvm::vfs::FileSystem &files = *llvm::vfs::getRealFileSystem());
};

} // namespace attn

#endif // ATTN_IMPORT_MARIANCONFIG_H
