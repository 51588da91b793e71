// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --convert-to-llvm --attn-call-libm --split-input-file | FileCheck %s
// RUN: attn-opt %s --convert-to-llvm --attn-call-libm --split-input-file --mlir-print-ir-before=convert-math-to-libm -o %t 2>&1 | FileCheck %s --check-prefix=RUNS

// CHECK:       llvm.func @erff(f32) -> f32
// CHECK-LABEL: llvm.func @scalar
// CHECK:         llvm.call @erff(
// CHECK:         llvm.intr.exp(
// CHECK-NOT:     math.
// RUNS:        llvm.func @scalar
func.func @scalar(%x: f32) -> f32 {
  %y = math.erf %x : f32
  %z = math.exp %y : f32
  return %z : f32
}

// -----

// CHECK-LABEL: llvm.func @vector
// CHECK-COUNT-2: llvm.call @cbrt(
// CHECK-NOT:     math.
// RUNS:        llvm.func @vector
func.func @vector(%x: vector<2xf64>) -> vector<2xf64> {
  %y = math.cbrt %x : vector<2xf64>
  return %y : vector<2xf64>
}

// -----

// libm has no function of these.
// CHECK-LABEL: llvm.func @others
// CHECK:         llvm.intr.minimum(
// CHECK:         llvm.call @[[POWER:[a-z0-9_]*ipowi[a-z0-9_]*]](
// CHECK-NOT:     math.
// CHECK:       llvm.func linkonce_odr @[[POWER]](
// RUNS:        llvm.func @others
func.func @others(%x: f32, %low: f32, %high: f32, %n: i32) -> (f32, i32) {
  %y = math.clampf %x to [%low, %high] : f32
  %m = math.ipowi %n, %n : i32
  return %y, %m : f32, i32
}

// -----

// Nothing is left: none of the passes runs.
// CHECK-LABEL: llvm.func @intrinsic
// CHECK:         llvm.intr.exp(
// RUNS-NOT:    llvm.func @intrinsic
func.func @intrinsic(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}
