// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Generation/GenerationOptions.h"
#include "MakeError.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include <algorithm>
#include <cmath>

using namespace attn;

llvm::Error GenerationOptions::verify(int64_t vocabulary, int64_t positions,
                                      int64_t heads) const {
  if (beamSize < 1 || beamSize > maxBeamSize)
    return makeError("expected a beam size in 1..{0}, got {1}", maxBeamSize,
                     beamSize);
  if (nBest < 1 || nBest > beamSize)
    return makeError("expected an n-best in 1..{0} (the beam size), got {1}",
                     beamSize, nBest);
  // Beyond, scores of long outputs have no place in an f32.
  if (!(std::abs(lengthPenalty) <= 10))
    return makeError("expected a length penalty in -10..10, got {0}",
                     llvm::format("%.10g", lengthPenalty));
  if (maxLength < 2 || maxLength - 1 > positions)
    return makeError("expected a maximum length in 2..{0} (the model's "
                     "positions and the end token), got {1}",
                     positions + 1, maxLength);
  if (minLength < 0 || minLength > maxLength)
    return makeError(
        "expected a minimum length in 0..{0} (the maximum length), "
        "got {1}",
        maxLength, minLength);
  if (int64_t(prefix.size()) > maxLength - 2)
    return makeError("expected a prefix of at most {0} tokens (the maximum "
                     "length without start and end), got {1}",
                     maxLength - 2, prefix.size());
  if (beamSize > 1 && vocabulary < std::max<int64_t>(2, 1 + endTokens.size()))
    return makeError(
        "expected a vocabulary of more tokens for beam search with "
        "{0} end tokens, got {1}",
        endTokens.size(), vocabulary);
  if (attention && heads < 1)
    return makeError("the model does not tell what it attends to");
  for (int32_t head : attentionHeads)
    if (head < 0 || (attention && head >= heads))
      return makeError("expected attention heads in 0..{0}, got {1}", heads - 1,
                       head);
  auto checkToken = [&](const char *what, int32_t token) -> llvm::Error {
    if (token >= 0 && token < vocabulary)
      return llvm::Error::success();
    return makeError("expected the {0} in 0..{1}, got {2}", what,
                     vocabulary - 1, token);
  };
  if (llvm::Error error = checkToken("decoder start token", startToken))
    return error;
  for (int32_t token : endTokens)
    if (llvm::Error error = checkToken("end token", token))
      return error;
  for (int32_t token : forcedEndTokens)
    if (llvm::Error error = checkToken("forced end token", token))
      return error;
  for (int32_t token : prefix) {
    if (llvm::Error error = checkToken("prefix token", token))
      return error;
    if (llvm::is_contained(endTokens, token))
      return makeError("expected a prefix without end tokens, got {0}", token);
  }
  for (const std::vector<int32_t> &word : badWords) {
    if (word.empty())
      return makeError("expected a token or more in each bad word, got none");
    for (int32_t token : word)
      if (llvm::Error error = checkToken("bad word token", token))
        return error;
  }
  return llvm::Error::success();
}
