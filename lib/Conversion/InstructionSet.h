// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels ask of the instruction set that they are generated for. Each set
// has a file of its own; all else that is generated is the same for all.

#ifndef ATTN_LIB_CONVERSION_INSTRUCTIONSET_H
#define ATTN_LIB_CONVERSION_INSTRUCTIONSET_H

#include "attn/IR/AttnDialect.h"
#include "mlir/IR/Value.h"

namespace attn {

class KernelBuilder;

/// The code of what differs. The base class is the fallback that needs nothing
/// but vectors of the target's width: SSE.
class InstructionSet {
public:
  virtual ~InstructionSet() = default;

  /// The best one that the target has.
  static const InstructionSet &get(TargetAttr target);

  /// Vector registers.
  virtual int64_t getRegisters() const { return 16; }

  /// a * b + c on vectors of f32; in one rounding where there is an
  /// instruction for it.
  virtual mlir::Value emitFma(KernelBuilder &b, mlir::Value x, mlir::Value y,
                              mlir::Value z) const;

  /// ⌊x⌋ for |x| < 2^22, on vectors of f32; NaN for NaN.
  virtual mlir::Value emitFloor(KernelBuilder &b, mlir::Value x) const;

  /// 2^x within 2 ulp for x <= 0, on vectors of f32; 0 for -∞ and where the
  /// result is below the smallest normal number or less, NaN for NaN.
  virtual mlir::Value emitExp2(KernelBuilder &b, mlir::Value x) const;
};

/// AVX2 and FMA: 16 registers of 8 lanes.
const InstructionSet &getAvx2();
/// AVX-512 F and DQ: 32 registers of 16 lanes.
const InstructionSet &getAvx512();

/// 2^x by AVX-512 DQ, on vectors of 16 lanes, with the coefficients of any
/// polynomial for 2^f on 0..1, that of f^0 first.
mlir::Value emitAvx512Exp2(KernelBuilder &b, mlir::Value x,
                           llvm::ArrayRef<double> coefficients);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_INSTRUCTIONSET_H
