// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands between scores and their softmax, as `attn.sdpa` can express it:
// causality, windows, lengths, biases by distance, and one mask.

#ifndef ATTN_LIB_TRANSFORMS_ATTENTIONMASK_H
#define ATTN_LIB_TRANSFORMS_ATTENTIONMASK_H

#include "Elements.h"

#include <memory>
#include <set>

namespace attn {

/// One step from scores to masked scores, on the axes of scores.
struct MaskTerm {
  Element element;
  /// Added: a number, which counts `factor` times. Otherwise a condition that
  /// keeps a score; where it is false (true, if negated), the score is
  /// `excluded` instead. A number as a condition is true if it is not 0.
  bool isAdded;
  double factor = 1;
  bool isNegated = false;
  double excluded = 0;
  /// Whether that is added to the score, rather than in its place.
  bool isOffset = false;
  /// Which step it is, or a part of; the last one is 0.
  size_t step = 0;
  /// In how many masks of that step others are filled in after it.
  unsigned depth = 0;
  /// Of a condition that bounds two numbers by bounding the larger one (of x
  /// and -x where it is |x|), or the smaller one from below: whether only the
  /// first (1) or the second (2) is meant.
  unsigned bounded = 0;
};

/// Scores that replace those of excluded keys are at most this: beside a score
/// that is not excluded they have no weight.
constexpr double kLargestExcluded = -1e4;

/// The axes of attention. Those of a batch and of heads are in all operands.
struct AttentionAxes {
  AxisList batch, queries, keys, depth, width;

  /// Replaces axes by what they were split into.
  void resolve(const Axes &axes) {
    for (AxisList *list : {&batch, &queries, &keys, &depth, &width})
      *list = axes.resolve(*list);
  }
};

/// Whether the indices of a sum are these, each once.
bool hasIndices(llvm::ArrayRef<std::pair<unsigned, int64_t>> indices,
                llvm::ArrayRef<std::pair<unsigned, int64_t>> expected);

/// The masks of one attention.
class AttentionMask {
public:
  /// No masked score is below `least`, a number so low that scores do not count
  /// beside it; if that is given.
  AttentionMask(Elements &elements, AttentionAxes &axes, bool hasSinks,
                std::optional<double> least)
      : elements(elements), axes(axes), hasSinks(hasSinks), least(least),
        hasChanged(least.has_value()) {}

  /// Takes the steps, the last one first; fails if they use other axes.
  mlir::LogicalResult analyze(llvm::ArrayRef<MaskTerm> steps);

  /// The tensors that masks are computed from.
  llvm::ArrayRef<mlir::Value> getTensors() const { return tensors; }

  /// Whether masked scores are as they were written, and not only their
  /// softmax.
  bool isExact() const { return !hasChanged; }

  bool isCausal() const { return band && band->after == 0; }
  /// How many keys on each side of a query it may attend to, if that is bound
  /// and not by causality.
  std::optional<int64_t> getWindowBefore() const {
    return band ? band->before : std::nullopt;
  }
  std::optional<int64_t> getWindowAfter() const {
    return band && !isCausal() ? band->after : std::nullopt;
  }

  /// The axes of queries that causality, windows and biases by distance count;
  /// none if there are none of these. Any other axes of queries are then heads.
  std::optional<AxisList> getCountedQueries() const {
    if (!band && biases.empty())
      return std::nullopt;
    return elements.axes.resolve(band ? band->query : distance.query);
  }

  // `scores` are the dimensions that scores are to have: batch, heads, queries
  // and keys.

  /// Whether queries stand where the entry of the batch says, and nothing else.
  bool isPossible(llvm::ArrayRef<AxisList> scores);

  /// How many masks would have to be repeated.
  int64_t countRepeats(llvm::ArrayRef<AxisList> scores);

  /// The operands of `attn.sdpa`; none where they are not needed. `narrow` is
  /// the element type that a mask may have instead of f32.
  mlir::Value buildMask(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::ArrayRef<AxisList> scores, mlir::Type narrow);
  mlir::Value buildLengths(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<AxisList> scores);
  mlir::Value buildPositions(mlir::OpBuilder &builder, mlir::Location loc,
                             llvm::ArrayRef<AxisList> scores);
  mlir::Value buildBiases(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::ArrayRef<AxisList> scores);

  /// What holds for any query, if these operands do so only where each query
  /// keeps a key; else null.
  AttentionMask *getUnguarded() const { return unguarded.get(); }
  /// Whether each query keeps a key, an i1.
  mlir::Value buildGuard(mlir::OpBuilder &builder, mlir::Location loc);

private:
  /// constant + Σ factor · index of an axis + Σ factor · value.
  struct IndexSum {
    int64_t constant = 0;
    llvm::SmallVector<std::pair<unsigned, int64_t>> indices;
    llvm::SmallVector<std::pair<mlir::Value, int64_t>> values;
    llvm::SmallVector<std::pair<Element, int64_t>> elements;
  };
  /// What attention expresses without a mask, and the term that says it.
  struct Bound {
    IndexSum sum;
    MaskTerm term;
    /// The axis of queries that keys are compared with, if any.
    AxisList query;
  };

  /// Where a query stands among the keys: at its own index, and `constant` + Σ
  /// factor · value + Σ factor · element more; and how many keys before and
  /// after that it may attend to, if that is bound.
  struct Band {
    AxisList query;
    int64_t constant = 0;
    llvm::SmallVector<std::pair<mlir::Value, int64_t>> values;
    llvm::SmallVector<std::pair<Element, int64_t>> elements;
    std::optional<int64_t> before, after;
  };

  /// What biases by distance depend on: the axis of queries from which
  /// distances count, and axes of neither queries nor keys.
  struct Distance {
    AxisList query, others;
    int64_t visited = 0;
  };

  class GuardBuilder;

  bool addIndex(const Element &element, int64_t factor, IndexSum &sum);
  bool isFor(const Element &element, llvm::ArrayRef<unsigned> list);
  bool haveSameValues(const IndexSum &first, const IndexSum &second,
                      int64_t sign);
  bool canCount(unsigned query);
  bool matchOne(unsigned which, Element &e, int64_t &factor);
  std::optional<IndexSum> matchBound(const MaskTerm &term);
  bool takeBothBounds(const MaskTerm &term);
  bool takeBound(const MaskTerm &term);
  bool takeDistance(const IndexSum &sum, const MaskTerm &term);
  bool takeConstantBand(const MaskTerm &term);
  bool isByDistance(const Element &element, Distance &distance);
  bool takeBias(const MaskTerm &term);
  bool takeEither(const MaskTerm &first, const MaskTerm &second);
  bool hasFiniteBound() const;
  bool keepsOne() const;
  bool canGuard();
  void drop(std::optional<Bound> &bound);
  void dropReplaced();
  void joinBounds();
  mlir::LogicalResult finish();
  /// Leaves biases to a mask where they do not count as the band does.
  void dropBiases();
  /// What terms have become so far.
  auto getTaken() {
    return std::tie(after, before, lengths, biases, distance, terms);
  }
  /// `excluded`, but no less than scores may be.
  double raiseToLeast(double excluded) const {
    return least ? std::max(excluded, *least) : excluded;
  }
  void takeSteps(llvm::ArrayRef<MaskTerm> steps);
  /// Whether the score that the term gives excluded keys has to stay that.
  bool isKept(const MaskTerm &term) const;
  bool take(const MaskTerm &term, bool isPart);
  bool takeAdded(const MaskTerm &term, bool isPart);
  bool takeCondition(const MaskTerm &term);
  bool takeFilled(const MaskTerm &term);
  llvm::SmallVector<MaskTerm, 2> matchExclusions(const MaskTerm &term);
  std::optional<std::pair<MaskTerm, MaskTerm>>
  matchConjunction(const MaskTerm &term);
  bool takeParts(llvm::ArrayRef<MaskTerm> parts);
  bool collectAxes(const Element &element, AxisList &used);
  bool collectAxes(const Element &element, AxisList &used,
                   std::set<Elements::Key> &seen);
  /// Whether an operation that can be computed anew gives the element, and
  /// `holds` for all its operands but tensors that it reads as a whole.
  bool allOperands(const Element &element,
                   llvm::function_ref<bool(const Element &)> holds);
  /// What bounds the keys, if it is one length for each entry of the batch.
  std::optional<Element> getLengths(llvm::ArrayRef<AxisList> scores);
  /// Whether there are biases by distance, and they are the same for the batch.
  bool areBiases(llvm::ArrayRef<AxisList> scores);
  /// How many keys come before the first query, whatever the entry of the
  /// batch; an i32, if not 0.
  mlir::Value buildKeysBefore(mlir::OpBuilder &builder, mlir::Location loc);
  llvm::SmallVector<MaskTerm> getMaskTerms(llvm::ArrayRef<AxisList> scores);
  mlir::Value findMask(mlir::OpBuilder &builder, mlir::Location loc,
                       const MaskTerm &term, llvm::ArrayRef<AxisList> scores,
                       mlir::Type narrow);

  Elements &elements;
  AttentionAxes &axes;
  bool hasSinks;
  std::optional<double> least;
  /// Whether there may be queries without a key, for which the finite scores of
  /// excluded keys count.
  bool keepsFinite = false;
  /// How many terms have been looked at.
  int64_t visited = 0;
  /// Bounds of keys after a query, and before it, of which `band` is made; and
  /// of all keys.
  std::optional<Bound> after, before, lengths;
  std::optional<Band> band;
  /// What is added by distance alone.
  llvm::SmallVector<MaskTerm> biases;
  Distance distance;
  llvm::SmallVector<MaskTerm> terms;
  llvm::SmallVector<mlir::Value> tensors;
  /// Whether scores of excluded keys, or all of them by the same, have changed.
  bool hasChanged;
  /// The same without bounds that count on a guard, and what that looks at.
  std::shared_ptr<AttentionMask> unguarded;
  bool isFallback = false;
  llvm::SmallVector<IndexSum, 0> guardBounds;
  llvm::SmallVector<MaskTerm> guardTerms;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ATTENTIONMASK_H
