// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// This follows `_beam_search` of Hugging Face transformers 5 (generation/
// utils.py) step by step, as that does for a batch of one sentence. Penalties
// of -1e9 and float32 arithmetic are part of the algorithm: they decide between
// hypotheses in corner cases. Not the same is how it is stored: a tree of
// tokens, of which beams hold leaves; and that a beam which is too far behind
// to matter to a step need not be fed (Meister, Vieira and Cotterell,
// Best-First Beam Search, 2020): what it goes on with has no better score than
// itself.

#include "AttentionHistory.h"
#include "LogitProcessor.h"
#include "SentenceSearch.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace attn;

namespace {

constexpr float penalty = -1.0e9f;

/// More than a log probability may be above 0.
constexpr float roundingError = 1.0e-3f;

/// A token and the one before it; the root is the start token.
struct Node {
  int32_t token;
  int32_t parent;
  /// The number in the history of what it attended to when it was fed.
  int32_t attended = -1;
};

/// A beam that goes on, and its last token.
struct RunningBeam {
  float score;
  int32_t node;
};

/// A place among the best hypotheses, empty while `isFinished` is false.
struct FinishedBeam {
  float score = penalty;
  int32_t node = 0;
  bool isFinished = false;
};

class BeamSearch : public SentenceSearch {
public:
  BeamSearch(const LogitProcessor &processor, int64_t vocabulary,
             int64_t sourceTokens)
      : processor(processor), options(processor.getOptions()),
        vocabulary(vocabulary),
        numKept(options.beamSize *
                std::max<size_t>(2, 1 + options.endTokens.size())),
        history(options.attentionHeads, sourceTokens) {
    finished.resize(options.beamSize);
    context.resize(processor.contextLength());
    nodes.reserve(64 * options.beamSize);
    nodes.push_back({options.startToken, -1});
    // All but the first beam start far behind, so that the first step takes
    // the best tokens of one beam and not the same token of each. They start
    // from the same token: the first step needs one row.
    running.assign(options.beamSize, {penalty, 0});
    running[0].score = 0;
    inputs = {{options.startToken, -1, 0, 0}};
  }

  llvm::ArrayRef<Row> rows(bool mayWait) override;
  bool advance(const Logits &logits, const StepAttention &attention,
               int64_t first) override;
  SentenceResult result() const override;

private:
  /// Adds what beam number `numFed` may go on with to the candidates; false if
  /// that is not a number.
  bool feed(const Logits &logits, const StepAttention &attention, int64_t row);
  /// The score from which on a candidate matters to the step; -infinity while
  /// there are too few.
  float leastScore() const;
  /// Whether beams from `beam` on may have a candidate that matters.
  bool mayMatter(int64_t beam) const {
    return running[beam].score + roundingError >= leastScore();
  }
  llvm::ArrayRef<int32_t> tail(const RunningBeam &beam);
  /// Chooses the beams that go on, and what the next step takes of them.
  void selectRunning();
  void updateFinished();
  bool canImprove() const;
  bool isLast() const { return length + 1 >= options.maxLength; }
  bool isStop(const Candidate &candidate) const {
    return isLast() || llvm::is_contained(
                           options.endTokens,
                           static_cast<int32_t>(candidate.index % vocabulary));
  }
  bool isFull() const {
    return llvm::all_of(
        finished, [](const FinishedBeam &beam) { return beam.isFinished; });
  }
  /// The factor that a score of `length` tokens is divided by.
  float divisor(int64_t length) const {
    return static_cast<float>(
        std::pow(static_cast<double>(length), options.lengthPenalty));
  }
  std::vector<float> attentionOf(int32_t node) const;
  /// The node of a candidate, made when it is first needed.
  int32_t nodeOf(size_t candidate);

  const LogitProcessor &processor;
  const GenerationOptions &options;
  const int64_t vocabulary;
  /// Candidates that a step looks at.
  const size_t numKept;
  AttentionHistory history;
  /// Tokens of each running beam, start token included.
  int64_t length = 1;
  std::string error;
  /// A row for each beam, or the only one of the first step; those of the first
  /// numFed beams were fed, those before numAsked are being fed.
  std::vector<Row> inputs;
  int64_t numFed = 0, numAsked = 0;
  std::vector<Node> nodes;
  std::vector<RunningBeam> running, previous;
  std::vector<FinishedBeam> finished;
  /// False from the moment that nothing can enter `finished` any more.
  bool improvable = true;

  // Of one step, kept to spare allocations.
  std::vector<int32_t> context;
  BeamLogits beamLogits;
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

int32_t BeamSearch::nodeOf(size_t candidate) {
  int32_t &node = candidateNodes[candidate];
  if (node < 0) {
    int64_t index = candidates[candidate].index;
    node = static_cast<int32_t>(nodes.size());
    nodes.push_back({static_cast<int32_t>(index % vocabulary),
                     previous[index / vocabulary].node});
  }
  return node;
}

void BeamSearch::selectRunning() {
  continued.clear();
  for (auto [candidate, stop] : llvm::zip_equal(candidates, stops))
    continued.push_back({candidate.score + (stop ? penalty : 0.0f),
                         static_cast<int64_t>(continued.size())});
  selectBest(continued, options.beamSize);
  inputs.clear();
  // Beams of one length go on from those of the other.
  const auto beams = static_cast<int32_t>(options.beamSize);
  const int32_t parents = length % 2 ? 0 : beams, own = beams - parents;
  for (int32_t beam = 0; beam < beams; ++beam) {
    size_t from = continued[beam].index;
    running[beam] = {continued[beam].score, nodeOf(from)};
    // The first step has one row for all beams.
    int64_t parent = length == 1 ? 0 : candidates[from].index / vocabulary;
    inputs.push_back({nodes[running[beam].node].token,
                      parents + static_cast<int32_t>(parent), own + beam,
                      beam});
  }
}

void BeamSearch::updateFinished() {
  bool closed = options.earlyStopping == EarlyStopping::WhenFull && isFull();
  float factor = divisor(length);
  int64_t numFinished = finished.size();
  merged.resize(numFinished + candidates.size());
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
    nextFinished.push_back({score, nodeOf(candidate), bool(enters(candidate))});
  }
  finished.swap(nextFinished);
}

bool BeamSearch::canImprove() const {
  int64_t length = this->length;
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

/// The last tokens of a beam, as many as the processor looks at.
llvm::ArrayRef<int32_t> BeamSearch::tail(const RunningBeam &beam) {
  size_t begin = context.size();
  for (int32_t node = beam.node; begin > 0 && node >= 0;
       node = nodes[node].parent)
    context[--begin] = nodes[node].token;
  return llvm::ArrayRef(context).drop_front(begin);
}

bool BeamSearch::feed(const Logits &logits, const StepAttention &attention,
                      int64_t row) {
  const RunningBeam &beam = running[numFed];
  if (length > 1 || numFed == 0) {
    if (options.attention)
      nodes[beam.node].attended = history.add(attention, row);
    LogitRow values = logits.row(row);
    beamLogits = {values, processor.process(values, tail(beam), length), 0};
  }
  beamLogits.score = beam.score;
  if (!beamLogits.normalizer.isValid())
    return false;
  addCandidates(numFed++, beamLogits, numKept, candidates);
  return true;
}

float BeamSearch::leastScore() const {
  // What stops matters among the first ones, what goes on until there are
  // enough.
  int64_t number = 0, numGoOn = 0;
  for (const Candidate &candidate : candidates) {
    numGoOn += !isStop(candidate);
    if (++number >= options.beamSize &&
        (isLast() || numGoOn >= options.beamSize))
      return candidate.score;
  }
  return -std::numeric_limits<float>::infinity();
}

llvm::ArrayRef<SentenceSearch::Row> BeamSearch::rows(bool mayWait) {
  // Beams so far behind the best one rarely matter.
  constexpr float largeDistance = 3;
  auto isLikely = [&](int64_t beam) {
    return numFed > 0 ? mayMatter(beam)
                      : running[beam].score >= running[0].score - largeDistance;
  };
  numAsked = inputs.size();
  while (mayWait && numAsked > numFed + 1 && !isLikely(numAsked - 1))
    --numAsked;
  return llvm::ArrayRef(inputs).slice(numFed, numAsked - numFed);
}

bool BeamSearch::advance(const Logits &logits, const StepAttention &attention,
                         int64_t first) {
  // The first step has one row for all beams.
  const int64_t begin = numFed, end = length == 1 ? options.beamSize : numAsked;
  do {
    int64_t row = length == 1 ? first : first + numFed - begin;
    if (!feed(logits, attention, row)) {
      error = "the decoder's output is not a number";
      return true;
    }
  } while (numFed < end && mayMatter(numFed));
  if (numFed < options.beamSize && mayMatter(numFed))
    return false;
  stops.clear();
  for (const Candidate &candidate : candidates)
    stops.push_back(isStop(candidate));
  candidateNodes.assign(candidates.size(), -1);
  previous = running;
  selectRunning();
  // `length` counts the start token, which the score does not, and lacks the
  // new one, which the score counts.
  updateFinished();
  improvable = improvable && canImprove();
  ++length;
  numFed = 0;
  candidates.clear();
  return !improvable ||
         (options.earlyStopping == EarlyStopping::WhenFull && isFull()) ||
         llvm::all_of(stops, [](char stop) { return stop; });
}

/// What the steps that chose a node and those before it attended to.
std::vector<float> BeamSearch::attentionOf(int32_t node) const {
  std::vector<float> weights;
  if (!options.attention)
    return weights;
  llvm::SmallVector<int32_t> fed;
  for (node = nodes[node].parent; node >= 0; node = nodes[node].parent)
    fed.push_back(nodes[node].attended);
  for (int32_t number : llvm::reverse(fed))
    llvm::append_range(weights, history[number]);
  return weights;
}

SentenceResult BeamSearch::result() const {
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
    hypothesis.attention = attentionOf(beam.node);
    if (!hypothesis.ids.empty() &&
        llvm::is_contained(options.endTokens, hypothesis.ids.back()))
      hypothesis.ids.pop_back();
    result.hypotheses.push_back(std::move(hypothesis));
  }
  if (result.hypotheses.empty())
    result.error = "every output of the greatest length is banned";
  return result;
}

std::unique_ptr<SentenceSearch>
attn::createBeamSearch(const LogitProcessor &processor, int64_t vocabulary,
                       int64_t sourceTokens) {
  return std::make_unique<BeamSearch>(processor, vocabulary, sourceTokens);
}
