// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy and beam search once more, as a literal transcription of `_sample` and
// `_beam_search` of Hugging Face transformers 5 for one sentence: full score
// tables, full sorts, whole sequences copied. It shares no code with the
// library. search-cases.jsonl checks both against the original.

#ifndef ATTN_UNITTESTS_GENERATION_REFERENCESEARCH_H
#define ATTN_UNITTESTS_GENERATION_REFERENCESEARCH_H

#include "LanguageModel.h"
#include "attn/Generation/Search.h"

namespace attn {

SentenceResult referenceGreedySearch(const LanguageModel &language,
                                     const GenerationOptions &options,
                                     llvm::ArrayRef<int32_t> source);

SentenceResult referenceBeamSearch(const LanguageModel &language,
                                   const GenerationOptions &options,
                                   llvm::ArrayRef<int32_t> source);

} // namespace attn

#endif // ATTN_UNITTESTS_GENERATION_REFERENCESEARCH_H
