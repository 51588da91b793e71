// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-expand-bf16 --split-input-file | FileCheck %s

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2">} {
// CHECK-LABEL: func.func @without_instruction
// CHECK-NOT:     arith.truncf
// CHECK:         arith.shrui
// CHECK-NOT:     arith.select {{.*}}bf16
// CHECK:         return
func.func @without_instruction(%x: vector<8xf32>, %y: f32) -> (vector<8xbf16>, bf16) {
  %r = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  %s = arith.truncf %y : f32 to bf16
  return %r, %s : vector<8xbf16>, bf16
}

// CHECK-LABEL: func.func @multiply_add
// CHECK:         math.fma {{.*}} : vector<8xf32>
// CHECK-NOT:     math.fma {{.*}}bf16
// CHECK:         return
func.func @multiply_add(%x: vector<8xbf16>) -> vector<8xbf16> {
  %r = math.fma %x, %x, %x : vector<8xbf16>
  return %r : vector<8xbf16>
}

// CHECK-LABEL: func.func @widen
// CHECK:         %[[BITS:.*]] = arith.bitcast %{{.*}} : vector<8xbf16> to vector<8xi16>
// CHECK:         %[[WIDE:.*]] = arith.extui %[[BITS]] : vector<8xi16> to vector<8xi32>
// CHECK:         %[[HIGH:.*]] = arith.shli %[[WIDE]], %{{.*}} : vector<8xi32>
// CHECK:         arith.bitcast %[[HIGH]] : vector<8xi32> to vector<8xf32>
// CHECK-NOT:     arith.extf
// CHECK:         return
func.func @widen(%x: vector<8xbf16>, %y: bf16) -> (vector<8xf32>, f32) {
  %r = arith.extf %x : vector<8xbf16> to vector<8xf32>
  %s = arith.extf %y : bf16 to f32
  return %r, %s : vector<8xf32>, f32
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "znver5", features = "+avx512f,+avx512bf16">} {
// CHECK-LABEL: func.func @with_instruction
// CHECK:         arith.truncf {{.*}} : vector<16xf32> to vector<16xbf16>
func.func @with_instruction(%x: vector<16xf32>) -> vector<16xbf16> {
  %r = arith.truncf %x : vector<16xf32> to vector<16xbf16>
  return %r : vector<16xbf16>
}

// What is not exact in f32 becomes odd there, so that nothing is rounded twice.
// CHECK-LABEL: func.func @from_f64
// CHECK:         %[[NEAREST:.*]] = arith.truncf %[[X:.*]] : f64 to f32
// CHECK:         %[[EXACT:.*]] = arith.extf %[[NEAREST]] : f32 to f64
// CHECK:         arith.cmpf one, %[[EXACT]], %[[X]] : f64
// CHECK:         %[[ODD:.*]] = arith.ori {{.*}} : i32
// CHECK:         %[[BETWEEN:.*]] = arith.bitcast %[[ODD]] : i32 to f32
// CHECK:         arith.truncf %[[BETWEEN]] : f32 to bf16
func.func @from_f64(%x: f64) -> bf16 {
  %r = arith.truncf %x : f64 to bf16
  return %r : bf16
}
}
