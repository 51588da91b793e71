// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computes elements of tensors anew, in the body of another operation.

#ifndef ATTN_LIB_TRANSFORMS_ELEMENTCLONER_H
#define ATTN_LIB_TRANSFORMS_ELEMENTCLONER_H

#include "Elements.h"

#include <map>
#include <set>

namespace attn {

/// Copies what computes scalars in bodies of structured operations to one whose
/// loops run over the axes `loops`. First `collect` everything, then `clone` it
/// in the same order.
class ElementCloner {
public:
  /// What computes elements of tensors, as far as it is elementwise, is copied
  /// too where a tensor has an axis that is no loop, or with `inlines` of all.
  ElementCloner(Elements &elements, llvm::ArrayRef<unsigned> loops,
                bool inlines = false)
      : elements(elements), loops(loops), inlines(inlines) {}

  /// Notes the tensors that `given` is computed from.
  void collect(const Element &given);

  /// The axes of these tensors.
  AxisList getInputAxes();

  /// These tensors, an axis a dimension, and how the loops index them.
  llvm::SmallVector<mlir::Value>
  getInputs(mlir::OpBuilder &builder, mlir::Location loc,
            llvm::SmallVectorImpl<mlir::AffineMap> &maps);

  /// Makes `axis`, which is no loop, have this index.
  void fix(unsigned axis, mlir::Value index) { fixed[axis] = index; }

  /// The element, in a body with an argument for each tensor.
  mlir::Value clone(mlir::OpBuilder &builder, mlir::Location loc,
                    const Element &given, mlir::ValueRange arguments);

private:
  int64_t getLoop(unsigned axis) const {
    return llvm::find(loops, axis) - loops.begin();
  }

  bool isRead(const Element &element) const;
  Element skipMoves(Element element);

  Elements &elements;
  llvm::ArrayRef<unsigned> loops;
  bool inlines;
  /// Where an element is read twice, it is cloned once.
  std::set<Elements::Key> collected;
  std::map<Elements::Key, mlir::Value> clones;
  llvm::SmallVector<Element> inputs;
  llvm::SmallDenseMap<unsigned, mlir::Value> fixed;
  size_t next = 0;
};

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ELEMENTCLONER_H
