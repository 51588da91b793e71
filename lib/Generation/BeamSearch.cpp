// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// This follows `_beam_search` of Hugging Face transformers 5 (generation/
// utils.py) step by step, one sentence at a time, as that does for a batch of
// one sentence. Penalties of -1e9 and float32 arithmetic are part of the
// algorithm: they decide between hypotheses in corner cases. Not the same is
// only how it is stored: a tree of tokens, of which beams hold leaves.

#include "LogitProcessor.h"
#include "attn/Generation/Search.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>

using namespace attn;

namespace {

constexpr float penalty = -1.0e9f;

/// A token and the one before it; the root is the start token.
struct Node {
  int32_t token;
  int32_t parent;
};

/// A beam that goes on: its last token and the model's row that knows it.
struct RunningBeam {
  float score;
  int32_t node;
  int32_t row;
};

/// A place among the best hypotheses, empty while `isFinished` is false.
struct FinishedBeam {
  float score = penalty;
  int32_t node = 0;
  bool isFinished = false;
};

/// Beam search of one sentence.
class SentenceSearch {
public:
  SentenceSearch(const GenerationOptions &options, int32_t sentence)
      : options(options), sentence(sentence) {
    int64_t kept =
        options.beamSize * std::max<int64_t>(2, 1 + options.endTokens.size());
    beamLogits.resize(options.beamSize);
    candidates.resize(kept);
    candidateNodes.resize(kept);
    stops.resize(kept);
    continued.resize(kept);
    merged.resize(options.beamSize + kept);
    finished.resize(options.beamSize);
    nodes.reserve(64 * options.beamSize);
    nodes.push_back({options.startToken, -1});
    // All but the first beam start far behind, so that the first step takes
    // the best tokens of one beam and not the same token of each.
    running.assign(options.beamSize, {penalty, 0, 0});
    running[0].score = 0;
  }

  llvm::MutableArrayRef<RunningBeam> beams() { return running; }
  int32_t sentenceIndex() const { return sentence; }
  int32_t token(const RunningBeam &beam) const {
    return nodes[beam.node].token;
  }

  /// Writes the last tokens of a beam to the end of `buffer` and returns them.
  llvm::ArrayRef<int32_t> tail(const RunningBeam &beam,
                               llvm::MutableArrayRef<int32_t> buffer) const {
    size_t begin = buffer.size();
    for (int32_t node = beam.node; begin > 0 && node >= 0;
         node = nodes[node].parent)
      buffer[--begin] = nodes[node].token;
    return buffer.drop_front(begin);
  }

  /// Takes the logits after each beam, which has `length` tokens, and chooses
  /// the beams of the next step. Returns true when the sentence is done.
  bool advance(llvm::function_ref<BeamLogits(const RunningBeam &)> logitsOf,
               int64_t vocabulary, int64_t length);

  SentenceResult result() const;

private:
  void selectRunning(int64_t vocabulary);
  void updateFinished(int64_t vocabulary, int64_t length);
  bool canImprove(int64_t length) const;
  bool isFull() const {
    return llvm::all_of(
        finished, [](const FinishedBeam &beam) { return beam.isFinished; });
  }
  /// The factor that a score of `length` tokens is divided by.
  float divisor(int64_t length) const {
    return static_cast<float>(
        std::pow(static_cast<double>(length), options.lengthPenalty));
  }
  /// The node of a candidate, made when it is first needed.
  int32_t nodeOf(size_t candidate, int64_t vocabulary);

  const GenerationOptions &options;
  int32_t sentence;
  std::string error;
  std::vector<Node> nodes;
  std::vector<RunningBeam> running, previous;
  std::vector<FinishedBeam> finished;
  /// False from the moment that nothing can enter `finished` any more.
  bool improvable = true;

  // Of one step, kept to spare allocations.
  std::vector<BeamLogits> beamLogits;
  std::vector<Candidate> candidates;
  std::vector<int32_t> candidateNodes;
  std::vector<char> stops;
  std::vector<Candidate> continued;
  std::vector<Candidate> merged;
  std::vector<FinishedBeam> nextFinished;
};

} // namespace

/// Moves the best `n` to the front, best first, equal scores in their order.
static void selectBest(llvm::MutableArrayRef<Candidate> candidates, int64_t n) {
  std::partial_sort(
      candidates.begin(), candidates.begin() + n, candidates.end(),
      [](const Candidate &a, const Candidate &b) {
        return a.score > b.score || (a.score == b.score && a.index < b.index);
      });
}

int32_t SentenceSearch::nodeOf(size_t candidate, int64_t vocabulary) {
  int32_t &node = candidateNodes[candidate];
  if (node < 0) {
    int64_t index = candidates[candidate].index;
    node = static_cast<int32_t>(nodes.size());
    nodes.push_back({static_cast<int32_t>(index % vocabulary),
                     previous[index / vocabulary].node});
  }
  return node;
}

void SentenceSearch::selectRunning(int64_t vocabulary) {
  for (size_t i = 0; i < candidates.size(); ++i)
    continued[i] = {candidates[i].score + (stops[i] ? penalty : 0.0f),
                    static_cast<int64_t>(i)};
  selectBest(continued, options.beamSize);
  for (int64_t beam = 0; beam < options.beamSize; ++beam) {
    size_t from = continued[beam].index;
    int64_t parent = candidates[from].index / vocabulary;
    running[beam] = {continued[beam].score, nodeOf(from, vocabulary),
                     previous[parent].row};
  }
}

void SentenceSearch::updateFinished(int64_t vocabulary, int64_t length) {
  bool closed = options.earlyStopping == EarlyStopping::WhenFull && isFull();
  float factor = divisor(length);
  int64_t numFinished = finished.size();
  for (int64_t i = 0; i < numFinished; ++i)
    merged[i] = {finished[i].score, i};
  auto enters = [&](int64_t candidate) {
    return stops[candidate] && candidate < options.beamSize;
  };
  for (int64_t i = 0, e = candidates.size(); i < e; ++i) {
    float score = candidates[i].score / factor;
    score += closed ? penalty : 0.0f;
    score += improvable ? 0.0f : penalty;
    score += enters(i) ? 0.0f : penalty;
    merged[numFinished + i] = {score, numFinished + i};
  }
  selectBest(merged, numFinished);
  nextFinished.clear();
  for (int64_t i = 0; i < numFinished; ++i) {
    auto [score, index] = merged[i];
    if (index < numFinished) {
      nextFinished.push_back(finished[index]);
      continue;
    }
    int64_t candidate = index - numFinished;
    nextFinished.push_back(
        {score, nodeOf(candidate, vocabulary), bool(enters(candidate))});
  }
  finished.swap(nextFinished);
}

bool SentenceSearch::canImprove(int64_t length) const {
  if (options.earlyStopping == EarlyStopping::Never &&
      options.lengthPenalty > 0.0)
    length = options.maxLength - 1;
  float bestPossible = running[0].score / divisor(length);
  float worst = penalty;
  if (isFull())
    worst = llvm::min_element(finished, [](const auto &a, const auto &b) {
              return a.score < b.score;
            })->score;
  return bestPossible > worst;
}

bool SentenceSearch::advance(
    llvm::function_ref<BeamLogits(const RunningBeam &)> logitsOf,
    int64_t vocabulary, int64_t length) {
  for (auto [logits, beam] : llvm::zip_equal(beamLogits, running)) {
    logits = logitsOf(beam);
    if (!logits.normalizer.isValid()) {
      error = "the decoder's output is not a number";
      return true;
    }
  }
  topCandidates(beamLogits, vocabulary, candidates);
  bool isLast = length + 1 >= options.maxLength;
  for (size_t i = 0; i < candidates.size(); ++i) {
    int32_t token = static_cast<int32_t>(candidates[i].index % vocabulary);
    stops[i] = isLast || llvm::is_contained(options.endTokens, token);
    candidateNodes[i] = -1;
  }
  previous = running;
  selectRunning(vocabulary);
  // `length` counts the start token, which the score does not, and lacks the
  // new one, which the score counts.
  updateFinished(vocabulary, length);
  improvable = improvable && canImprove(length);
  return !improvable ||
         (options.earlyStopping == EarlyStopping::WhenFull && isFull()) ||
         llvm::all_of(stops, [](char stop) { return stop; });
}

SentenceResult SentenceSearch::result() const {
  SentenceResult result;
  result.error = error;
  if (!error.empty())
    return result;
  for (const FinishedBeam &beam :
       llvm::ArrayRef<FinishedBeam>(finished).take_front(options.nBest)) {
    if (!beam.isFinished)
      continue;
    Hypothesis hypothesis;
    hypothesis.score = beam.score;
    for (int32_t node = beam.node; node > 0; node = nodes[node].parent)
      hypothesis.ids.push_back(nodes[node].token);
    std::reverse(hypothesis.ids.begin(), hypothesis.ids.end());
    if (!hypothesis.ids.empty() &&
        llvm::is_contained(options.endTokens, hypothesis.ids.back()))
      hypothesis.ids.pop_back();
    result.hypotheses.push_back(std::move(hypothesis));
  }
  if (result.hypotheses.empty())
    result.error = "every output of the greatest length is banned";
  return result;
}

llvm::Expected<std::vector<SentenceResult>>
attn::beamSearch(DecoderModel &model, const GenerationOptions &options,
                 llvm::ArrayRef<llvm::ArrayRef<int32_t>> sentences) {
  std::vector<SentenceResult> results(sentences.size());
  if (sentences.empty())
    return results;
  if (llvm::Error error = model.encode(sentences, options.padToken))
    return std::move(error);

  const int64_t vocabulary = model.targetVocabulary();
  const int64_t numBlocks = numLogitBlocks(vocabulary);
  const int64_t maxRows = options.beamSize * sentences.size();
  LogitProcessor processor(options);
  const int64_t context = processor.contextLength();

  std::vector<SentenceSearch> searches;
  searches.reserve(sentences.size());
  for (size_t i = 0; i < sentences.size(); ++i)
    searches.emplace_back(options, static_cast<int32_t>(i));
  std::vector<SentenceSearch *> active;
  active.reserve(sentences.size());
  for (SentenceSearch &search : searches)
    active.push_back(&search);

  // What the rows of a step are: their input, and whose beam they continue.
  std::vector<int32_t> ids, parents, rowSentences;
  std::vector<std::pair<SentenceSearch *, int64_t>> rowBeams;
  std::vector<float> maxima(maxRows * numBlocks);
  std::vector<int32_t> tails(maxRows * context);
  std::vector<RowNormalizer> normalizers(maxRows);
  std::vector<char> done(sentences.size());
  ids.reserve(maxRows);
  parents.reserve(maxRows);
  rowSentences.reserve(maxRows);
  rowBeams.reserve(maxRows);

  for (int64_t length = 1; !active.empty(); ++length) {
    ids.clear();
    parents.clear();
    rowSentences.clear();
    rowBeams.clear();
    for (SentenceSearch *search : active) {
      for (auto [index, beam] : llvm::enumerate(search->beams())) {
        // All beams start from the same token: the first step needs one row.
        if (length > 1 || index == 0) {
          if (length > 1)
            parents.push_back(beam.row);
          ids.push_back(search->token(beam));
          rowSentences.push_back(search->sentenceIndex());
          rowBeams.push_back({search, static_cast<int64_t>(index)});
        }
        beam.row = static_cast<int32_t>(ids.size()) - 1;
      }
    }
    llvm::Expected<llvm::MutableArrayRef<float>> logits =
        model.step(ids, parents, rowSentences);
    if (!logits)
      return logits.takeError();

    const int64_t numRows = ids.size();
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < numRows; ++row) {
      auto [search, beam] = rowBeams[row];
      llvm::MutableArrayRef<int32_t> buffer(tails.data() + row * context,
                                            context);
      normalizers[row] =
          processor.process(logits->slice(row * vocabulary, vocabulary),
                            search->tail(search->beams()[beam], buffer), length,
                            llvm::MutableArrayRef<float>(maxima).slice(
                                row * numBlocks, numBlocks));
    }
    auto logitsOf = [&](const RunningBeam &beam) {
      return BeamLogits{logits->data() + beam.row * vocabulary,
                        maxima.data() + beam.row * numBlocks,
                        normalizers[beam.row], beam.score};
    };
    const int64_t numActive = active.size();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < numActive; ++i)
      done[i] = active[i]->advance(logitsOf, vocabulary, length);

    size_t remaining = 0;
    for (int64_t i = 0; i < numActive; ++i) {
      if (done[i])
        results[active[i]->sentenceIndex()] = active[i]->result();
      else
        active[remaining++] = active[i];
    }
    active.resize(remaining);
  }
  return results;
}
