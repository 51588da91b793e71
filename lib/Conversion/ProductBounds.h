// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How large products may be that integers estimate: by Cauchy and Schwarz, x ·
// w differs from x̂ · ŵ by at most ‖x - x̂‖ · ‖w‖ + ‖x̂‖ · ‖w - ŵ‖.

#ifndef ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H
#define ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H

#include "RoundedRows.h"

namespace attn {

/// Bounds of the greatest products of panels of 32 columns. Estimates, of the
/// greatest in each panel, are [panels, rows], with +∞ instead of NaN; rows are
/// looked at as many at a time as a vector has lanes, from `first` on, those
/// `inside`.
class ProductBounds {
public:
  using Value = mlir::Value;

  /// `input` has rounded all rows, with lengths. `norms` and `errors` have a
  /// number for each panel of the weight: the largest length of a column, and
  /// of what its integers take away. If the product \p isNarrow, both factors
  /// are rounded to bf16 in it, or one, or none.
  ProductBounds(KernelBuilder &b, const RoundedRows &input, Value norms,
                Value errors, Value rows, bool isNarrow);
  void deallocate();

  /// To be written for all rows first: what the greatest of a row is at least.
  void emitLeast(Value estimates, Value first, Value inside);
  /// Then, which rows may have their greatest in a panel.
  Value emitCandidates(Value estimates, Value panel, Value first, Value inside);

private:
  /// How far the greatest of a panel may be from its estimate.
  Value emitSlack(Value estimate, Value panel, Value first, Value inside);

  KernelBuilder &b;
  const RoundedRows &input;
  bool isNarrow;
  /// [panels], and what the greatest of each row is at least.
  Value norms, errors, least;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H
