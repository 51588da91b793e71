// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Finite scores of keys that are excluded: where a query has no other key, these
// count.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>
#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#ij = affine_map<(b, i, j) -> (i, j)>

// Filled in after causality, which is -inf: where all keys before a query are
// padding, padding after it counts too.
// CHECK-LABEL: func.func @filled_after_causality(
// CHECK:         arith.cmpi
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @filled_after_causality(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %padding: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %far = arith.constant -1.0e9 : f32
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %t = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %padding : tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %before = arith.cmpi sle, %j, %i : index
    %m = arith.select %before, %zero, %lowest : f32
    %n = arith.select %c, %far, %m : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// A window whose last queries have no key, bound on both sides: one mask, which
// is added once.
// CHECK-LABEL: func.func @constant_window(
// CHECK-NOT:     arith.addf
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @constant_window(%q: tensor<2x4x8xf32>, %k: tensor<2x2x8xf32>) -> tensor<2x4x8xf32> {
  %window = arith.constant dense<[[0.0, -3.4e38], [-3.4e38, 0.0], [-3.4e38, -3.4e38], [-3.4e38, -3.4e38]]> : tensor<4x2xf32>
  %e = tensor.empty() : tensor<2x4x2xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x2xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x8xf32>, tensor<2x2x8xf32>) outs(%zeros : tensor<2x4x2xf32>) -> tensor<2x4x2xf32>
  %t = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %window : tensor<2x4x2xf32>, tensor<4x2xf32>) outs(%e : tensor<2x4x2xf32>) {
  ^bb0(%x: f32, %m: f32, %u: f32):
    %y = arith.addf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x4x2xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x4x2xf32>) outs(%e : tensor<2x4x2xf32>) -> tensor<2x4x2xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x2xf32>, tensor<2x2x8xf32>) outs(%out : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %o : tensor<2x4x8xf32>
}

// Added twice and not in place of a score: as it was.
// CHECK-LABEL: func.func @added(
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[FAR:.*]] = arith.constant -1.000000e+04 : f32
// CHECK-DAG:     %[[FARTHEST:.*]] = arith.constant -3.400000e+38 : f32
// CHECK:         } else {
// CHECK:           %[[FIRST:.*]] = arith.select %{{.*}}, %[[ZERO]], %[[FARTHEST]] : f32
// CHECK:           %[[SECOND:.*]] = arith.select %{{.*}}, %[[ZERO]], %[[FAR]] : f32
// CHECK:           arith.addf %[[FIRST]], %[[SECOND]] : f32
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @added(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -1.0e4 : f32
  %farthest = arith.constant -3.4e38 : f32
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %t = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %before = arith.cmpi sle, %j, %i : index
    %m = arith.select %before, %zero, %farthest : f32
    %n = arith.select %c, %zero, %far : f32
    %sum = arith.addf %m, %n : f32
    %y = arith.addf %x, %sum : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
