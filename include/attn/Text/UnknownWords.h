// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words that a vocabulary lacks, copied from a text to its translation.

#ifndef ATTN_TEXT_UNKNOWNWORDS_H
#define ATTN_TEXT_UNKNOWNWORDS_H

#include "attn/Text/Words.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace attn {

/// A word by the rules of Unicode (Standard Annex 29, "Unicode Text
/// Segmentation"), or a sign between words that is no space.
struct Segment : Word {
  /// Not a sign.
  bool isWord;
  bool isAfterSpace;
  /// Whether the vocabulary lacks a token of it.
  bool isUnknown;
};

/// The segments of a text of which each token has a part; in pieces, "▁" is a
/// space. Those that a token belongs to both of are one. Error: the text has
/// 2 GiB or more.
llvm::Expected<std::vector<Segment>>
segmentsOf(llvm::ArrayRef<std::string> tokens,
           llvm::function_ref<bool(size_t)> isUnknown);

/// segmentsOf(), or another such function.
using Segmenter = llvm::Expected<std::vector<Segment>>(
    llvm::ArrayRef<std::string> tokens,
    llvm::function_ref<bool(size_t)> isUnknown);

/// Writes into the `pieces` of a translation what the vocabularies cannot
/// express. `weight` says how much a target and a source segment have to do
/// with each other; the weights of a target segment sum to 1, or are all 0.
///
/// - An unknown target segment becomes the source segment that it has most to
///   do with (Luong et al., Addressing the Rare Word Problem in Neural Machine
///   Translation, 2015; attention says here which it is).
/// - An unknown source segment that has no place by then takes that of the word
///   that has most to do with it, and of those after it that have to do with it
///   more than with any other: a network that reads what it does not know makes
///   words up.
/// - If there is no such word, it comes after the translation of what is before
///   it in the source.
/// - Where the source has no known word, it is its own translation.
void copyUnknown(llvm::ArrayRef<Segment> sources,
                 llvm::ArrayRef<Segment> targets,
                 llvm::function_ref<float(size_t target, size_t source)> weight,
                 std::vector<std::string> &pieces);

} // namespace attn

#endif // ATTN_TEXT_UNKNOWNWORDS_H
