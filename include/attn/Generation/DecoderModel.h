// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_DECODERMODEL_H
#define ATTN_GENERATION_DECODERMODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>

namespace attn {

/// An encoder and a one-step decoder over rows. A row is one partial output of
/// one sentence; several rows (beams) may translate the same sentence.
class DecoderModel {
public:
  virtual ~DecoderModel();

  /// Source tokens are 0 … sourceVocabulary() - 1.
  virtual int64_t sourceVocabulary() const = 0;
  /// Output tokens are 0 … targetVocabulary() - 1.
  virtual int64_t targetVocabulary() const = 0;
  /// The longest source sentence.
  virtual int64_t sourcePositions() const = 0;
  /// The most tokens that the decoder can be fed, the start token included.
  virtual int64_t targetPositions() const = 0;

  /// Encodes a batch of sentences (none empty, none out of range) and forgets
  /// the batch before. `padToken` fills the shorter ones.
  virtual llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                             int32_t padToken) = 0;

  /// Feeds one token to each row and returns the logits of the tokens after
  /// them, [rows, targetVocabulary()]; the caller may overwrite them, and they
  /// live until the next call.
  ///
  /// `ids` is [rows]. `sentences` [rows] names the sentence of the encoded
  /// batch that each row translates. `parents` [rows] names the row of the
  /// step before whose history each row goes on from: two rows may share a
  /// parent, and a row that nobody names is dropped. In the first step after
  /// encode() `parents` is empty, and histories too.
  virtual llvm::Expected<llvm::MutableArrayRef<float>>
  step(llvm::ArrayRef<int32_t> ids, llvm::ArrayRef<int32_t> parents,
       llvm::ArrayRef<int32_t> sentences) = 0;
};

} // namespace attn

#endif // ATTN_GENERATION_DECODERMODEL_H
