// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matches attention that is written in upstream operations.

#ifndef ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H
#define ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H

#include "AttentionMask.h"
#include "Elements.h"
#include "attn/IR/AttnOps.h"

namespace attn {

/// A tensor that an operand can be read from, times `scale`.
struct Source {
  Element element;
  double scale;
};

/// What scores or probabilities are multiplied by, or divided.
struct AttentionFactor {
  Element element;
  bool isDivisor;
};

/// Where the operands of an `attn.sdpa` have their axes.
struct Form {
  /// Whether heads are a dimension, or beside each other in the width.
  bool hasHeadDim;
  Layout query, key, value, out;
  /// Batch, heads, queries and keys, whatever the form.
  Layout scores;
};

/// Matches one attention, whose result is one tensor.
class AttentionMatcher {
public:
  /// Whether `tensor` is an attention with `product` as its second matrix
  /// product.
  bool match(mlir::Value tensor, mlir::Operation *product);

  /// Replaces the root; returns its definition, which is unused.
  mlir::Operation *replace();

  /// What computes probabilities that are used elsewhere too, or scores that
  /// are returned, before the root is replaced; null if they are not.
  mlir::Operation *getShownOp() {
    return shown ? shown.value.getDefiningOp() : nullptr;
  }

private:
  /// exp(base · (scores - Σ shifts)), where shifts are the same for all keys.
  struct Power {
    Element element, scores;
    double base;
    llvm::SmallVector<Element> shifts;
  };

  bool isSameForKeys(const Element &element);
  std::optional<Power> matchPower(const Element &element);
  std::optional<Element> matchKept(const Element &element);
  std::optional<Element> matchLogarithm(const Element &element);
  std::optional<Element> matchExponential(const Element &element);
  std::optional<Reduction> matchLargest(const Element &element,
                                        const Element &x);
  std::optional<Reduction> matchSum(const Element &element);
  bool isSumOf(const Element &sum, const Element &element);
  bool isNoneLeft(const Element &element, const Element &scores);
  Element skipExtensions(const Element &element);
  Element skipZeroSum(const Element &divisor);
  bool isInfinite(const Element &element, const Element &number);
  bool isNaNOf(const Element &element, const Element &number);
  std::optional<Element> matchLargestIsExcluded(const Element &element);
  bool areGuardsImplied();
  std::optional<Element> matchSoftmax(const Element &element);
  std::optional<Element> matchProbabilities();
  /// The scores of which `element` is the softmax with a sink, as part of one
  /// that has a column more.
  std::optional<Element> matchSinkColumn(const Element &element);
  /// Whether `divisor` is the sum of the weights `dividend` over the keys, or
  /// that and the weight of a sink.
  bool isDivisor(const Element &divisor, const Element &dividend);
  const Source *pickSinks(llvm::ArrayRef<unsigned> heads);
  std::optional<std::pair<Element, Element>>
  matchQuotient(const Element &element);
  bool matchWeightedSum(const Element &sum, mlir::Operation *product,
                        const Element *divisor);
  bool matchScores(const Element &element, double factor);
  std::optional<Element> matchLeast(const Element &element);
  bool matchFactor(const Element &element, unsigned index, double factor);
  bool resolveFactor(AttentionFactor &factor);
  void forget();
  bool findShown();
  void findStage();
  bool matchProduct(const Contraction &contraction, double factor);
  bool classify(const Contraction &contraction);

  llvm::SmallVector<Source> getSources(const Element &element, bool isScaled);
  const Source *pick(llvm::ArrayRef<Source> sources, mlir::Type type,
                     llvm::ArrayRef<AxisList> target);
  bool canBe(mlir::Type type);
  mlir::Type chooseType();
  llvm::SmallVector<AxisList> getQueryAxes();
  Form getForm(size_t split, llvm::ArrayRef<unsigned> queryAxes,
               bool hasHeadDim);
  bool isPossible(const Form &form);
  std::optional<int64_t> getCost(const Form &form, mlir::Type type);
  std::optional<Form> chooseForm(mlir::Type type);
  mlir::Value build(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::ArrayRef<Source> sources, mlir::Type type,
                    llvm::ArrayRef<AxisList> target);
  mlir::Value multiply(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value tensor, llvm::ArrayRef<AxisList> apart,
                       const AttentionFactor &by);
  mlir::Value buildQueries(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Type type, llvm::ArrayRef<AxisList> target);

  Elements elements;
  Element root, probabilities, query, key, value;
  /// Scores that join the softmax, if there are any.
  Element sinks;
  mlir::Operation *scores = nullptr;
  AttentionAxes axes;
  llvm::SmallVector<MaskTerm> steps;
  /// Scores on the way to the product that are not scaled further out: how many
  /// steps are further out, and whether the cap is.
  struct Stage {
    Element element;
    size_t steps;
    bool isInCap;
  };
  llvm::SmallVector<Stage> stages;
  /// Masks whose largest number is -∞ where probabilities are replaced by 0.
  llvm::SmallVector<Element> guards;
  llvm::SmallVector<Source> queries, keys, values, sinkSources;
  double scale = 1;
  /// A factor that is the same for all keys: queries are multiplied by it.
  std::optional<AttentionFactor> scoreFactor;
  /// The same of probabilities: the result is multiplied by it.
  std::optional<AttentionFactor> resultFactor;
  /// The natural logarithm of the number of which weights are powers.
  double base = 1;
  /// None if scores are not capped.
  std::optional<double> softcap;
  /// What masked scores are at least.
  std::optional<double> least;
  /// What the sum of the softmax is computed from: everything from there on is
  /// replaced.
  mlir::Operation *softmax = nullptr;
  /// The probabilities, if they are used elsewhere too, or the scores of a
  /// stage.
  Element shown;
  std::optional<ScoreStage> shownStage;
  std::optional<AttentionMask> mask;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H
