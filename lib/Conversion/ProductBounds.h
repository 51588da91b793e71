// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How large products may be that integers estimate: by Cauchy and Schwarz, x ·
// w differs from x̂ · ŵ by at most ‖x - x̂‖ · ‖w‖ + ‖x̂‖ · ‖w - ŵ‖.

#ifndef ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H
#define ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H

#include "QuantizedProduct.h"

namespace attn {

/// Bounds of the greatest products of panels of 32 columns. Estimates, of the
/// greatest in each panel, are [panels, rows], with +∞ instead of NaN; rows are
/// looked at as many at a time as a vector has lanes, from `first` on, those
/// `inside`.
class ProductBounds {
public:
  using Value = mlir::Value;

  /// `integers` have rounded their rows, with lengths. For each of so many
  /// columns of the weight, `norms` is its length, and `errors` that of what
  /// its integers take away.
  ProductBounds(KernelBuilder &b, const QuantizedProduct &integers, Value norms,
                Value errors, int64_t columns, Value rows);
  void deallocate();

  /// To be written for each panel first.
  void emitPanel(Value panel);
  /// Then for all rows: what the greatest of a row is at least.
  void emitLeast(Value estimates, Value first, Value inside);
  /// Then, which rows may have their greatest in a panel.
  Value emitCandidates(Value estimates, Value panel, Value first, Value inside);

private:
  Value allocate(int64_t size);
  /// to[panel] = the largest of what a vector has for columns of the panel.
  void emitLargest(Value vector, Value panel, Value to);
  /// How far the greatest of a panel may be from its estimate.
  Value emitSlack(Value estimate, Value panel, Value first, Value inside);

  KernelBuilder &b;
  const QuantizedProduct &integers;
  Value norms, errors;
  int64_t columns;
  Value rows;
  /// [panels], the largest norm and error of a column; and [rows].
  Value panelNorms, panelErrors, least;
};

} // namespace attn

#endif // ATTN_LIB_CONVERSION_PRODUCTBOUNDS_H
