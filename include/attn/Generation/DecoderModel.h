// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_GENERATION_DECODERMODEL_H
#define ATTN_GENERATION_DECODERMODEL_H

#include "attn/Generation/Scoring.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>

namespace attn {

/// One partial output of one sentence, as it enters a step.
struct DecoderRow {
  /// The token that the step appends to it.
  int32_t token = 0;
  /// The history that it goes on from, or -1 where that is empty. Rows may
  /// share a parent.
  int32_t parent = -1;
  /// The number of its own history, for rows of later steps to go on from; what
  /// had the number before is forgotten, which no other row of the step may
  /// have as its parent.
  int32_t history = 0;
  /// The slot of the sentence that it translates.
  int32_t slot = 0;
  /// Where the model keeps what it knows of the token. Rows with equally many
  /// tokens have different ones, and what is kept there at another position
  /// stays: rows of a sentence have to take theirs, in any order, from some
  /// that no row of another sentence takes while the sentence is translated.
  int32_t cacheRow = 0;
};

/// What the rows of a step attended to in their sentences: of row r and head h,
/// the weight of source token s is values[r, h, s]. A row of numbers ends where
/// its sentence does; what comes after it means nothing.
struct StepAttention {
  /// Null if there is none.
  const float *values = nullptr;
  int64_t heads = 0, positions = 0;
};

/// An encoder and a one-step decoder over rows. Several rows (beams) may
/// translate the same sentence; rows of different sentences may have histories
/// of different lengths.
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

  /// The number of threads that following calls run on.
  virtual void setThreads(int64_t threads) = 0;

  /// Encodes sentences (none empty, none out of range), each to a slot of its
  /// own, and forgets what these slots held before. `padToken` fills the
  /// shorter sentences.
  virtual llvm::Error encode(llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences,
                             llvm::ArrayRef<int32_t> slots,
                             int32_t padToken) = 0;

  /// Feeds one token to each row. What it tells of the tokens after them, until
  /// the next call of step(), is computed when it is asked for.
  virtual llvm::Error step(llvm::ArrayRef<DecoderRow> rows) = 0;

  /// The logits of the tokens after the rows of the last step, over
  /// targetVocabulary() tokens; the caller may overwrite them, and they live
  /// until the next call.
  virtual llvm::Expected<Logits> logits() = 0;

  /// For each row of the last step the least token with the greatest logit; -1
  /// if one is a NaN or +infinity, or none is above -infinity. They live until
  /// the next call.
  virtual llvm::Expected<llvm::ArrayRef<int32_t>> greatest() = 0;

  /// The heads of attention(); 0 if the model does not tell what it attends to.
  virtual int64_t attentionHeads() const { return 0; }

  /// What the rows of the last step attended to, until the next call. A row
  /// attends with the token that it was fed, to choose the token after it.
  virtual StepAttention attention() const { return {}; }
};

} // namespace attn

#endif // ATTN_GENERATION_DECODERMODEL_H
