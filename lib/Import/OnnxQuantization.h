// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What operators of quantised networks share.

#ifndef ATTN_LIB_IMPORT_ONNXQUANTIZATION_H
#define ATTN_LIB_IMPORT_ONNXQUANTIZATION_H

#include "OnnxCall.h"

namespace attn {

/// Whether numbers of 8 bits are of this type.
bool isByte(mlir::Type type);

/// The least and the most of the integers of this type.
std::pair<double, double> rangeOf(mlir::Type type);

/// (x - zero point) · scale in f32; the zero point may be left out.
mlir::FailureOr<OnnxValue> dequantise(OnnxCall &call, const OnnxValue &x,
                                      const OnnxValue &zero,
                                      const OnnxValue &scale);

/// The numbers of `x`, which is of 8 bits, with one scale and one zero point of
/// the same type for all; the zero point may be left out.
mlir::FailureOr<OnnxValue> readBytes(OnnxCall &call, const OnnxValue &x,
                                     OnnxValue scale, OnnxValue zero);

/// x / scale + zero point in whole numbers, those that the type has; the zero
/// point may be left out.
mlir::FailureOr<OnnxValue> quantise(OnnxCall &call, const OnnxValue &x,
                                    const OnnxValue &scale,
                                    const OnnxValue &zero, mlir::Type type);

mlir::FailureOr<OnnxValues> importConvInteger(OnnxCall &call);
mlir::FailureOr<OnnxValues> importDynamicQuantizeLinear(OnnxCall &call);
mlir::FailureOr<OnnxValues> importDynamicQuantizeMatMul(OnnxCall &call);
mlir::FailureOr<OnnxValues> importMatMulInteger(OnnxCall &call);
mlir::FailureOr<OnnxValues> importMatMulIntegerToFloat(OnnxCall &call);
mlir::FailureOr<OnnxValues> importMatMulNBits(OnnxCall &call);
mlir::FailureOr<OnnxValues> importQGemm(OnnxCall &call);
mlir::FailureOr<OnnxValues> importQLinearMatMul(OnnxCall &call);
mlir::FailureOr<OnnxValues> importQuantisedAttention(OnnxCall &call);
mlir::FailureOr<OnnxValues>
importQuantisedEmbedLayerNormalization(OnnxCall &call);

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXQUANTIZATION_H
