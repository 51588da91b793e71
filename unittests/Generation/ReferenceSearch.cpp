// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ReferenceSearch.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace attn;

using Sequence = std::vector<int32_t>;
using Scores = std::vector<float>;

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

static void logSoftmax(Scores &scores) {
  float maximum = *llvm::max_element(scores);
  float sum = 0;
  for (float score : scores)
    sum += std::exp(score - maximum);
  for (float &score : scores)
    score = (score - maximum) - std::log(sum);
}

/// The list of processors that generate() builds, after one that allows the
/// prefix only (which is PrefixConstrainedLogitsProcessor, but for the bans).
static void process(Scores &scores, const Sequence &sequence,
                    const GenerationOptions &options) {
  if (sequence.size() <= options.prefix.size()) {
    for (auto [token, score] : llvm::enumerate(scores))
      if (int32_t(token) != options.prefix[sequence.size() - 1])
        score = minusInfinity;
    if (options.renormalize)
      logSoftmax(scores);
    return;
  }
  for (const Sequence &word : options.badWords) {
    if (word.size() == 1 && llvm::is_contained(options.endTokens, word[0]))
      continue;
    size_t prefix = word.size() - 1;
    if (prefix <= sequence.size() &&
        std::equal(word.begin(), word.end() - 1, sequence.end() - prefix))
      scores[word.back()] = minusInfinity;
  }
  if (int64_t(sequence.size()) < options.minLength)
    for (int32_t token : options.endTokens)
      scores[token] = minusInfinity;
  if (!options.forcedEndTokens.empty() &&
      int64_t(sequence.size()) == options.maxLength - 1) {
    llvm::fill(scores, minusInfinity);
    for (int32_t token : options.forcedEndTokens)
      scores[token] = 0;
  }
  if (options.renormalize)
    logSoftmax(scores);
}

static std::vector<size_t> topK(const Scores &scores, size_t k) {
  std::vector<size_t> indices(scores.size());
  std::iota(indices.begin(), indices.end(), 0);
  llvm::sort(indices, [&](size_t a, size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  indices.resize(k);
  return indices;
}

static Hypothesis strip(Sequence sequence, float score,
                        const GenerationOptions &options) {
  sequence.erase(sequence.begin());
  if (!sequence.empty() &&
      llvm::is_contained(options.endTokens, sequence.back()))
    sequence.pop_back();
  return {sequence, score, {}};
}

SentenceResult attn::referenceGreedySearch(const LanguageModel &language,
                                           const GenerationOptions &options,
                                           llvm::ArrayRef<int32_t> source) {
  Sequence sequence{options.startToken};
  float total = 0;
  while (true) {
    Scores scores = language.logits(source, sequence);
    logSoftmax(scores);
    process(scores, sequence, options);
    size_t next = llvm::max_element(scores) - scores.begin();
    total += scores[next];
    sequence.push_back(next);
    if (llvm::is_contained(options.endTokens, sequence.back()) ||
        int64_t(sequence.size()) >= options.maxLength)
      break;
  }
  float length = std::pow(sequence.size() - 1.0, options.lengthPenalty);
  SentenceResult result;
  result.hypotheses.push_back(strip(sequence, total / length, options));
  return result;
}

SentenceResult attn::referenceBeamSearch(const LanguageModel &language,
                                         const GenerationOptions &options,
                                         llvm::ArrayRef<int32_t> source) {
  const size_t numBeams = options.beamSize;
  const size_t beamsToKeep =
      std::max<size_t>(2, 1 + options.endTokens.size()) * numBeams;
  const size_t vocabulary = language.vocabulary;
  const bool stopsWhenFull = options.earlyStopping == EarlyStopping::WhenFull;
  int64_t curLen = 1;
  const int64_t promptLen = 1;

  std::vector<Sequence> runningSequences(numBeams,
                                         Sequence{options.startToken});
  std::vector<Sequence> sequences = runningSequences;
  Scores runningScores(numBeams, -1e9f);
  runningScores[0] = 0;
  Scores beamScores(numBeams, -1e9f);
  std::vector<bool> isSentFinished(numBeams, false);
  bool unsatisfied = true;

  while (true) {
    Scores accumulated;
    for (size_t beam = 0; beam < numBeams; ++beam) {
      Scores scores = language.logits(source, runningSequences[beam]);
      logSoftmax(scores);
      process(scores, runningSequences[beam], options);
      for (float score : scores)
        accumulated.push_back(score + runningScores[beam]);
    }

    Scores topScores;
    std::vector<Sequence> topSequences;
    std::vector<bool> hits;
    for (size_t index : topK(accumulated, beamsToKeep)) {
      topScores.push_back(accumulated[index]);
      topSequences.push_back(runningSequences[index / vocabulary]);
      topSequences.back().push_back(index % vocabulary);
      hits.push_back(
          curLen + 1 >= options.maxLength ||
          llvm::is_contained(options.endTokens, topSequences.back().back()));
    }

    Scores topRunning = topScores;
    for (size_t i = 0; i < beamsToKeep; ++i)
      topRunning[i] += (hits[i] ? 1.0f : 0.0f) * -1.0e9f;
    runningSequences.clear();
    runningScores.clear();
    for (size_t index : topK(topRunning, numBeams)) {
      runningSequences.push_back(topSequences[index]);
      runningScores.push_back(topRunning[index]);
    }

    bool allFinished = llvm::all_of(isSentFinished, [](bool f) { return f; });
    Scores mergedScores = beamScores;
    std::vector<Sequence> mergedSequences = sequences;
    std::vector<bool> mergedFinished = isSentFinished;
    for (size_t i = 0; i < beamsToKeep; ++i) {
      bool justFinished = hits[i] && i < numBeams;
      float score =
          topScores[i] / static_cast<float>(std::pow(curLen + 1 - promptLen,
                                                     options.lengthPenalty));
      score += (allFinished && stopsWhenFull ? 1.0f : 0.0f) * -1.0e9f;
      score += (!unsatisfied ? 1.0f : 0.0f) * -1.0e9f;
      score += (!justFinished ? 1.0f : 0.0f) * -1.0e9f;
      mergedScores.push_back(score);
      mergedSequences.push_back(topSequences[i]);
      mergedFinished.push_back(justFinished);
    }
    std::vector<size_t> kept = topK(mergedScores, numBeams);
    for (size_t i = 0; i < numBeams; ++i) {
      sequences[i] = mergedSequences[kept[i]];
      beamScores[i] = mergedScores[kept[i]];
      isSentFinished[i] = mergedFinished[kept[i]];
    }

    ++curLen;
    int64_t bestLength = curLen - promptLen;
    if (options.earlyStopping == EarlyStopping::Never &&
        options.lengthPenalty > 0.0)
      bestLength = options.maxLength - promptLen;
    float bestPossible =
        runningScores[0] /
        static_cast<float>(std::pow(bestLength, options.lengthPenalty));
    float lowest = *llvm::min_element(beamScores);
    bool anyBetter = false;
    for (size_t i = 0; i < numBeams; ++i)
      anyBetter |= bestPossible > (isSentFinished[i] ? lowest : -1.0e9f);
    unsatisfied = unsatisfied && anyBetter;

    bool existsOpenBeam =
        !(llvm::all_of(isSentFinished, [](bool f) { return f; }) &&
          stopsWhenFull);
    bool validContinuations = !llvm::all_of(hits, [](bool hit) { return hit; });
    if (!(unsatisfied && existsOpenBeam && validContinuations))
      break;
  }

  SentenceResult result;
  for (int64_t i = 0; i < options.nBest; ++i)
    if (isSentFinished[i])
      result.hypotheses.push_back(strip(sequences[i], beamScores[i], options));
  // Where the original gives an output of banned tokens.
  if (result.hypotheses.empty())
    result.error = "every output of the greatest length is banned";
  return result;
}
