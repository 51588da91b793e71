// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Integers that are constants, as the numbers that they stand for.

#id = affine_map<(b, i, j) -> (b, i, j)>
#j = affine_map<(b, i, j) -> (j)>

// Beyond 2^53 two of them may be the same as floats: these differ.
// CHECK-LABEL: func.func @large(
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs
func.func @large(%q: tensor<2x5x8xf32>, %k: tensor<2x8x7xf32>, %v: tensor<2x7x8xf32>, %kept: tensor<7xi1>) -> tensor<2x5x8xf32> {
  %inf = arith.constant 0xFF800000 : f32
  %even = arith.constant 9007199254740992 : i64
  %odd = arith.constant 9007199254740993 : i64
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x5x8xf32>, tensor<2x8x7xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #j, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %kept : tensor<2x5x7xf32>, tensor<7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %is_kept: i1, %u: f32):
    %n = arith.select %is_kept, %odd, %even : i64
    %c = arith.cmpi eq, %n, %odd : i64
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Without a sign, it is 200 that scores are divided by.
// CHECK-LABEL: func.func @unsigned(
// CHECK:         attn.sdpa %arg0, %{{.*}}, %arg2 outs(%{{.*}}) {scale = 5.000000e-03 : f64}
func.func @unsigned(%q: tensor<2x5x8xf32>, %k: tensor<2x8x7xf32>, %v: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %n = arith.constant dense<200> : tensor<2x5x7xi8>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x5x8xf32>, tensor<2x8x7xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %n : tensor<2x5x7xf32>, tensor<2x5x7xi8>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %i: i8, %u: f32):
    %f = arith.uitofp %i : i8 to f32
    %y = arith.divf %x, %f : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
