// RUN: attn-opt %s --attn-expand-math --split-input-file | FileCheck %s

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
  // CHECK-LABEL: func.func @exp(
  // CHECK-NOT:     math.exp
  // CHECK:         math.fma
  // CHECK:         arith.bitcast %{{.*}} : f32 to i32
  // CHECK:         arith.shli
  // CHECK:         arith.select
  // CHECK:         %[[Y:.*]] = arith.select
  // CHECK-NEXT:    return %[[Y]]
  func.func @exp(%x: f32) -> f32 {
    %y = math.exp %x : f32
    return %y : f32
  }

  // CHECK-LABEL: func.func @tanh(
  // CHECK-NOT:     math.tanh
  // CHECK:         %[[Y:.*]] = arith.divf
  // CHECK-NEXT:    return %[[Y]]
  func.func @tanh(%x: f32) -> f32 {
    %y = math.tanh %x : f32
    return %y : f32
  }

  // CHECK-LABEL: func.func @others(
  // CHECK-NEXT:    math.exp %{{.*}} : f64
  // CHECK-NEXT:    math.tanh %{{.*}} : vector<8xf32>
  // CHECK-NEXT:    math.log %{{.*}} : f32
  func.func @others(%a: f64, %b: vector<8xf32>, %c: f32) -> (f64, vector<8xf32>, f32) {
    %x = math.exp %a : f64
    %y = math.tanh %b : vector<8xf32>
    %z = math.log %c : f32
    return %x, %y, %z : f64, vector<8xf32>, f32
  }
}

// -----

// A fused multiply-add would be a call.
// CHECK-LABEL: func.func @exp_without_fma(
// CHECK-NOT:     math
// CHECK:         return
module attributes {attn.target = #attn.target<cpu = "x86-64", features = "+sse2">} {
  func.func @exp_without_fma(%x: f32) -> f32 {
    %y = math.exp %x : f32
    return %y : f32
  }
}

// -----

// CHECK-LABEL: func.func @no_target(
// CHECK-NEXT:    math.exp
func.func @no_target(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}
