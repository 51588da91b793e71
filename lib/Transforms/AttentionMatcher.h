// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matches attention that is written in upstream operations.

#ifndef ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H
#define ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H

#include "AttentionMask.h"
#include "Elements.h"

namespace attn {

/// A tensor that an operand can be read from, times `scale`.
struct Source {
  Element element;
  double scale;
};

/// Where the operands of an `attn.sdpa` have their axes.
struct Form {
  /// The axes of the batch before this are the batch, the others are heads.
  size_t split;
  /// Whether heads are a dimension, or beside each other in the width.
  bool hasHeadDim;
  Layout query, key, value, out;
};

/// Matches one attention, whose result is one tensor.
class AttentionMatcher {
public:
  /// Whether `root` is an attention with `product` as its second matrix
  /// product.
  bool match(mlir::Value root, mlir::Operation *product);

  /// Replaces the root; returns its definition, which is unused.
  mlir::Operation *replace();

private:
  std::optional<Element> matchExponential(const Element &element);
  bool isSumOf(const Element &sum, const Element &element);
  bool isNoneLeft(const Element &element, const Element &scores);
  std::optional<Element> matchSoftmax(const Element &element);
  std::optional<std::pair<Element, Element>>
  matchQuotient(const Element &element);
  bool matchWeightedSum(const Element &sum, mlir::Operation *product,
                        const Element *divisor);
  bool matchScores(const Element &element, double factor);
  bool matchProduct(const Contraction &contraction, double factor);
  bool classify(const Contraction &contraction);

  llvm::SmallVector<Source> getSources(const Element &element, bool isScaled);
  const Source *pick(llvm::ArrayRef<Source> sources, mlir::Type type,
                     llvm::ArrayRef<AxisList> target);
  bool canBe(mlir::Type type);
  mlir::Type chooseType();
  std::optional<Form> chooseForm(mlir::Type type);
  mlir::Value build(mlir::OpBuilder &builder, mlir::Location loc,
                    llvm::ArrayRef<Source> sources, mlir::Type type,
                    llvm::ArrayRef<AxisList> target);

  Elements elements;
  Element root, probabilities, query, key, value;
  mlir::Operation *scores = nullptr;
  AttentionAxes axes;
  llvm::SmallVector<MaskTerm> steps;
  llvm::SmallVector<Source> queries, keys, values;
  double scale = 1;
  std::optional<AttentionMask> mask;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ATTENTIONMATCHER_H
