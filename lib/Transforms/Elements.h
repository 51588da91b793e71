// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads tensor programs element by element: what computes one element, whether
// it is written with named operations, in the body of a linalg.generic or with
// arithmetic on tensors, and whatever moves it around in between.

#ifndef ATTN_LIB_TRANSFORMS_ELEMENTS_H
#define ATTN_LIB_TRANSFORMS_ELEMENTS_H

#include "Axes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace attn {

/// One element of a tensor, for each index of the axes in `layout`. Or a scalar
/// in the body of a structured operation: then `layout` is that of its loops.
/// Or a scalar from elsewhere.
struct Element {
  mlir::Value value;
  Layout layout;

  bool isTensor() const {
    return llvm::isa<mlir::RankedTensorType>(value.getType());
  }
  /// The definition, if it is an `OpTy`.
  template <typename OpTy> OpTy getOp() const {
    return value.getDefiningOp<OpTy>();
  }
  explicit operator bool() const { return static_cast<bool>(value); }
};

/// init + Σ lhs · rhs over the axes `reduced`.
struct Contraction {
  mlir::linalg::LinalgOp op;
  Element lhs, rhs, init;
  AxisList reduced;
};

/// What `combiner` makes of init and all elements of an axis.
struct Reduction {
  mlir::Operation *combiner;
  Element input, init;
};

/// One of two constants, as a condition has it; a constant is twice the same,
/// without a condition. As a number, what holds is not 0.
struct Choice {
  Element condition;
  double ifTrue, ifFalse;
};

/// Reads the elements of tensors, and names the axes on the way.
class Elements {
public:
  Axes axes;

  /// An element of `tensor`, on axes of its own.
  Element get(mlir::Value tensor);

  /// What is the same for two elements that are.
  using Key = std::pair<void *, Layout>;
  Key keyOf(const Element &element) {
    return {element.value.getAsOpaquePointer(),
            axes.resolveAll(element.layout)};
  }

  /// The same element one operation further up, if that one only moves it:
  /// transposes, broadcasts, reshapes, copies, fills. From a tensor that an
  /// elementwise operation computes into its body, and out of it.
  std::optional<Element> step(const Element &element);

  /// The same as `step`, but into a body only if all of it can be computed
  /// anew for one element, somewhere else.
  std::optional<Element> stepToComputed(const Element &element);

  /// The same element as far up as it is only moved.
  Element forward(Element element);

  /// The same, also past conversions between f32, f16 and bf16.
  Element plain(const Element &element);

  /// An operand of the operation that computes `element`.
  Element operand(const Element &element, unsigned index) const;

  /// The value of an element that is a constant.
  std::optional<double> getConstant(const Element &element);

  /// The choice between two constants that `element` is. The condition is none
  /// itself: what negates it, makes a number of it, or compares that is
  /// skipped.
  std::optional<Choice> matchChoice(const Element &element);

  /// Whether both are computed in the same way from the same.
  bool areSame(const Element &first, const Element &second);

  /// What `element`, plain, is the sum of.
  std::optional<Contraction> matchContraction(const Element &element);

  /// The reduction along `reduced`, an axis of what it reduces, that `element`
  /// is.
  std::optional<Reduction> matchReduction(const Element &element,
                                          llvm::ArrayRef<unsigned> reduced);

  /// The tensor that `element` is one of, if it is a scalar in a body; with
  /// `widen` also one of a narrower type of float.
  std::optional<Element> getTensor(Element element, bool widen);

  /// The tensors that `element`, a tensor, is the same as, itself first; with
  /// `widen` also those of a narrower type of float.
  llvm::SmallVector<Element> getSources(Element element, bool widen);

  /// Lets all uses of the tensor `old` use `tensor` instead, which has the same
  /// elements in `layout`, and maybe of another type of float.
  void replace(mlir::OpBuilder &builder, mlir::Location loc, Element old,
               mlir::Value tensor, llvm::ArrayRef<AxisList> layout) const;

private:
  std::optional<Element> stepOrWiden(const Element &element, bool widen);
  std::optional<Element> stepReshape(const Element &element);
  std::optional<Layout> getLoops(mlir::linalg::LinalgOp op,
                                 mlir::OpResult result,
                                 llvm::ArrayRef<AxisList> layout);
  std::optional<Layout> getLayout(mlir::linalg::LinalgOp op,
                                  mlir::OpOperand &operand,
                                  llvm::ArrayRef<AxisList> loops);
};

/// Whether the operation that computes `element` reads `operand` as a whole: in
/// a body, a tensor that it extracts an element from, or asks for its size.
bool isReadWhole(const Element &element, mlir::Value operand);

/// The structured operation whose body `value` is in; none if it is in none.
mlir::linalg::LinalgOp getBodyOwner(mlir::Value value);

/// Whether `op` computes each element of its result from one element of each
/// operand.
bool isElementwise(mlir::Operation *op);

/// Whether `op` splits and merges dimensions, or tells their sizes.
bool isReshape(mlir::Operation *op);

/// `tensor` in another type of float.
mlir::Value convert(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value tensor, mlir::Type element);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ELEMENTS_H
