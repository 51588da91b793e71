// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Results.h"
#include "Call.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace attn;

WordList::WordList(std::vector<Word> words) : words(std::move(words)) {
  for (Word &word : this->words) {
    word.text = json::fixUTF8(word.text);
    pointers.push_back(word.text.c_str());
  }
}

static SmallVector<TokenSpan> spansOf(const WordList &list) {
  return map_to_vector(list.words, [](const Word &word) {
    return TokenSpan{word.begin, word.end};
  });
}

Error attn_results::add(ArrayRef<int32_t> source, std::optional<StringRef> text,
                        SentenceResult result, UnknownWordCopier &copier) {
  Sentence &sentence = sentences.emplace_back();
  sentence.length = source.size();
  for (Hypothesis &hypothesis : result.hypotheses) {
    Expected<std::vector<std::string>> pieces =
        copier.targetPieces(hypothesis, text, source);
    if (!pieces)
      return pieces.takeError();
    Expected<std::string> joined = copier.getTokenizer().join(*pieces);
    if (!joined)
      return joined.takeError();
    Output &output = sentence.outputs.emplace_back();
    output.text = json::fixUTF8(*joined);
    if (!hypothesis.attention.empty()) {
      Expected<std::vector<std::string>> sourcePieces =
          copier.sourcePieces(text, source);
      if (!sourcePieces)
        return sourcePieces.takeError();
      if (sentence.words.words.empty())
        sentence.words = WordList(wordsOf(*sourcePieces));
      output.words = WordList(wordsOf(*pieces));
      output.alignment =
          alignWords(hypothesis, source.size(), spansOf(sentence.words),
                     spansOf(output.words), AlignmentStep::Choosing);
    }
    output.hypothesis = std::move(hypothesis);
  }
  return Error::success();
}

void attn_results_destroy(attn_results *results) { delete results; }

size_t attn_results_count(const attn_results *results, size_t sentence) {
  if (!results || sentence >= results->sentences.size())
    return 0;
  return results->sentences[sentence].outputs.size();
}

/// Null, and an error, if there is none.
static const attn_results::Output *findOutput(const attn_results *results,
                                              size_t sentence, size_t number) {
  if (number < attn_results_count(results, sentence))
    return &results->sentences[sentence].outputs[number];
  fail(ATTN_INVALID_ARGUMENT, "there is no hypothesis " + Twine(number) +
                                  " of sentence " + Twine(sentence));
  return nullptr;
}

attn_status attn_results_hypothesis(const attn_results *results,
                                    size_t sentence, size_t number,
                                    attn_hypothesis *hypothesis) {
  if (!results || !hypothesis)
    return fail(ATTN_INVALID_ARGUMENT, "expected results and a place for a "
                                       "hypothesis, got a null pointer");
  const attn_results::Output *output = findOutput(results, sentence, number);
  if (!output)
    return ATTN_INVALID_ARGUMENT;
  const std::vector<float> &attention = output->hypothesis.attention;
  attn_hypothesis found = {};
  found.text = output->text.c_str();
  found.ids = output->hypothesis.ids.data();
  found.length = output->hypothesis.ids.size();
  if (!attention.empty()) {
    found.attention = attention.data();
    found.source_length = results->sentences[sentence].length;
    found.steps = attention.size() / found.source_length;
  }
  found.score = output->hypothesis.score;
  return writeStructure(found, *hypothesis);
}

attn_status attn_results_alignment(const attn_results *results, size_t sentence,
                                   size_t number, attn_alignment *alignment) {
  if (!results || !alignment)
    return fail(ATTN_INVALID_ARGUMENT, "expected results and a place for an "
                                       "alignment, got a null pointer");
  const attn_results::Output *output = findOutput(results, sentence, number);
  if (!output)
    return ATTN_INVALID_ARGUMENT;
  if (!results->hasAttention)
    return fail(ATTN_INVALID_ARGUMENT,
                "expected a translator with an attention_layer");
  const WordList &source = results->sentences[sentence].words;
  attn_alignment found = {};
  found.source_words = source.pointers.data();
  found.source_count = source.pointers.size();
  found.target_words = output->words.pointers.data();
  found.target_count = output->words.pointers.size();
  found.weights = output->alignment.weights.data();
  return writeStructure(found, *alignment);
}
