// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Heads that share keys and values: nothing is repeated, and what counts queries
// counts those of one head.

#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>

// As models in PyTorch repeat them: each head of keys three times, one after the
// other.
// CHECK-LABEL: func.func @repeated(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x6x?x8xf32>, %[[K:[^:]*]]: tensor<?x2x?x8xf32>, %[[V:[^:]*]]: tensor<?x2x?x4xf32>,
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64} : (tensor<?x6x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x4xf32>, tensor<?x6x?x4xf32>) -> tensor<?x6x?x4xf32>
// CHECK-NEXT:    return %[[R]]
func.func @repeated(%q: tensor<?x6x?x8xf32>, %k: tensor<?x2x?x8xf32>, %v: tensor<?x2x?x4xf32>, %b: index, %n: index, %m: index) -> tensor<?x6x?x4xf32> {
  %zero = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %k0 = tensor.empty(%b, %m) : tensor<?x2x3x?x8xf32>
  %k1 = linalg.broadcast ins(%k : tensor<?x2x?x8xf32>) outs(%k0 : tensor<?x2x3x?x8xf32>) dimensions = [2]
  %k2 = tensor.collapse_shape %k1 [[0], [1, 2], [3], [4]] : tensor<?x2x3x?x8xf32> into tensor<?x6x?x8xf32>
  %v0 = tensor.empty(%b, %m) : tensor<?x2x3x?x4xf32>
  %v1 = linalg.broadcast ins(%v : tensor<?x2x?x4xf32>) outs(%v0 : tensor<?x2x3x?x4xf32>) dimensions = [2]
  %v2 = tensor.collapse_shape %v1 [[0], [1, 2], [3], [4]] : tensor<?x2x3x?x4xf32> into tensor<?x6x?x4xf32>
  %e = tensor.empty(%b, %n, %m) : tensor<?x6x?x?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k2 : tensor<?x6x?x8xf32>, tensor<?x6x?x8xf32>) outs(%z : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<?x6x?x?xf32>) outs(%e : tensor<?x6x?x?xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %keep = arith.cmpi sle, %j, %i : index
    %y = arith.select %keep, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<?x6x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%c : tensor<?x6x?x?xf32>) outs(%e : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %o0 = tensor.empty(%b, %n) : tensor<?x6x?x4xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x6x?x4xf32>) -> tensor<?x6x?x4xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v2 : tensor<?x6x?x?xf32>, tensor<?x6x?x4xf32>) outs(%o1 : tensor<?x6x?x4xf32>) -> tensor<?x6x?x4xf32>
  return %o : tensor<?x6x?x4xf32>
}

#q5 = affine_map<(b, h, g, i, j, e) -> (b, h, g, i, e)>
#k5 = affine_map<(b, h, g, i, j, e) -> (b, h, j, e)>
#s5 = affine_map<(b, h, g, i, j, e) -> (b, h, g, i, j)>
#id5 = affine_map<(b, h, g, i, j) -> (b, h, g, i, j)>

// Written so in the products; a mask that is the same for all heads.
// CHECK-LABEL: func.func @within(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<1x2x3x5x8xf32>, %[[K:[^:]*]]: tensor<1x2x7x8xf32>, %[[ALL:[^:]*]]: tensor<5x7xf32>)
// CHECK-DAG:     %[[Q4:.*]] = tensor.collapse_shape %[[Q]] {{\[\[}}0], [1, 2], [3], [4]]
// CHECK-DAG:     %[[M:.*]] = tensor.expand_shape %[[ALL]] {{\[\[}}0, 1, 2], [3]] output_shape [1, 1, 5, 7]
// CHECK:         attn.sdpa %[[Q4]], %[[K]], %[[K]] mask(%[[M]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<1x6x5x8xf32>
func.func @within(%q: tensor<1x2x3x5x8xf32>, %k: tensor<1x2x7x8xf32>, %all: tensor<5x7xf32>) -> tensor<1x2x3x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<1x2x3x5x7xf32>
  %e = tensor.empty() : tensor<1x2x3x5x7xf32>
  %s = linalg.contract indexing_maps = [#q5, #k5, #s5] ins(%q, %k : tensor<1x2x3x5x8xf32>, tensor<1x2x7x8xf32>) outs(%zeros : tensor<1x2x3x5x7xf32>) -> tensor<1x2x3x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id5, affine_map<(b, h, g, i, j) -> (i, j)>, #id5], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%s, %all : tensor<1x2x3x5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<1x2x3x5x7xf32>) {
  ^bb0(%x: f32, %a: f32, %u: f32):
    %y = arith.addf %x, %a : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x5x7xf32>
  %p = linalg.softmax dimension(4) ins(%m : tensor<1x2x3x5x7xf32>) outs(%e : tensor<1x2x3x5x7xf32>) -> tensor<1x2x3x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<1x2x3x5x8xf32>
  %o = linalg.contract indexing_maps = [#s5, #k5, #q5] ins(%p, %k : tensor<1x2x3x5x7xf32>, tensor<1x2x7x8xf32>) outs(%out : tensor<1x2x3x5x8xf32>) -> tensor<1x2x3x5x8xf32>
  return %o : tensor<1x2x3x5x8xf32>
}

// As PyTorch exports it: keys are transposed with the batch and all heads as one
// dimension.
#last = affine_map<(b, h, i, j, e) -> (b, h, e, j)>
// CHECK-LABEL: func.func @merged(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x6x?x8xf32>, %[[K:[^:]*]]: tensor<?x2x?x8xf32>,
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<?x6x?x8xf32>
func.func @merged(%q: tensor<?x6x?x8xf32>, %k: tensor<?x2x?x8xf32>, %b: index, %n: index, %m: index, %all: index) -> tensor<?x6x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %k0 = tensor.empty(%b, %m) : tensor<?x2x3x?x8xf32>
  %k1 = linalg.broadcast ins(%k : tensor<?x2x?x8xf32>) outs(%k0 : tensor<?x2x3x?x8xf32>) dimensions = [2]
  %k2 = tensor.collapse_shape %k1 [[0], [1, 2], [3], [4]] : tensor<?x2x3x?x8xf32> into tensor<?x6x?x8xf32>
  %k3 = tensor.collapse_shape %k2 [[0, 1], [2], [3]] : tensor<?x6x?x8xf32> into tensor<?x?x8xf32>
  %k4 = tensor.empty(%all, %m) : tensor<?x8x?xf32>
  %k5 = linalg.transpose ins(%k3 : tensor<?x?x8xf32>) outs(%k4 : tensor<?x8x?xf32>) permutation = [0, 2, 1]
  %k6 = tensor.expand_shape %k5 [[0, 1], [2], [3]] output_shape [%b, 6, 8, %m] : tensor<?x8x?xf32> into tensor<?x6x8x?xf32>
  %e = tensor.empty(%b, %n, %m) : tensor<?x6x?x?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #last, #s] ins(%q, %k6 : tensor<?x6x?x8xf32>, tensor<?x6x8x?xf32>) outs(%z : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<?x6x?x?xf32>) outs(%e : tensor<?x6x?x?xf32>) -> tensor<?x6x?x?xf32>
  %o0 = tensor.empty(%b, %n) : tensor<?x6x?x8xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x6x?x8xf32>) -> tensor<?x6x?x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k2 : tensor<?x6x?x?xf32>, tensor<?x6x?x8xf32>) outs(%o1 : tensor<?x6x?x8xf32>) -> tensor<?x6x?x8xf32>
  return %o : tensor<?x6x?x8xf32>
}

// Folded into the batch: the values by one reshape, the keys by two.
// CHECK-LABEL: func.func @folded(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x6x5x8xf32>, %[[K:[^:]*]]: tensor<2x2x7x8xf32>, %[[V:[^:]*]]: tensor<2x2x7x8xf32>)
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] outs(%{{.*}}) {scale = 1.000000e+00 : f64}
// CHECK-NEXT:    return %[[R]]
func.func @folded(%q: tensor<2x6x5x8xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x2x7x8xf32>) -> tensor<2x6x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<12x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<12x5x8xf32>
  %e = tensor.empty() : tensor<12x5x7xf32>
  %e5 = tensor.empty() : tensor<2x2x3x7x8xf32>
  %et = tensor.empty() : tensor<2x6x8x7xf32>
  %kr = linalg.broadcast ins(%k : tensor<2x2x7x8xf32>) outs(%e5 : tensor<2x2x3x7x8xf32>) dimensions = [2]
  %vr = linalg.broadcast ins(%v : tensor<2x2x7x8xf32>) outs(%e5 : tensor<2x2x3x7x8xf32>) dimensions = [2]
  %k4 = tensor.collapse_shape %kr [[0], [1, 2], [3], [4]] : tensor<2x2x3x7x8xf32> into tensor<2x6x7x8xf32>
  %kt = linalg.transpose ins(%k4 : tensor<2x6x7x8xf32>) outs(%et : tensor<2x6x8x7xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x6x5x8xf32> into tensor<12x5x8xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x6x8x7xf32> into tensor<12x8x7xf32>
  %v3 = tensor.collapse_shape %vr [[0, 1, 2], [3], [4]] : tensor<2x2x3x7x8xf32> into tensor<12x7x8xf32>
  %s = linalg.batch_matmul ins(%q3, %k3 : tensor<12x5x8xf32>, tensor<12x8x7xf32>) outs(%zeros : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<12x5x7xf32>) outs(%e : tensor<12x5x7xf32>) -> tensor<12x5x7xf32>
  %o = linalg.batch_matmul ins(%p, %v3 : tensor<12x5x7xf32>, tensor<12x7x8xf32>) outs(%out : tensor<12x5x8xf32>) -> tensor<12x5x8xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 6, 5, 8] : tensor<12x5x8xf32> into tensor<2x6x5x8xf32>
  return %o4 : tensor<2x6x5x8xf32>
}

// Values alone are repeated, for keys that differ, as where positions turn keys
// after that: then each head has its own.
// CHECK-LABEL: func.func @values_repeated(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x6x5x8xf32>, %[[K:[^:]*]]: tensor<2x6x7x8xf32>,
// CHECK:         %[[V:.*]] = tensor.collapse_shape
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] outs(%{{.*}}) {scale = 1.000000e+00 : f64}
// CHECK-NEXT:    return %[[R]]
func.func @values_repeated(%q: tensor<2x6x5x8xf32>, %k: tensor<2x6x7x8xf32>, %v: tensor<2x2x7x8xf32>) -> tensor<2x6x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x6x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x6x5x8xf32>
  %e = tensor.empty() : tensor<2x6x5x7xf32>
  %e5 = tensor.empty() : tensor<2x2x3x7x8xf32>
  %vr = linalg.broadcast ins(%v : tensor<2x2x7x8xf32>) outs(%e5 : tensor<2x2x3x7x8xf32>) dimensions = [2]
  %v4 = tensor.collapse_shape %vr [[0], [1, 2], [3], [4]] : tensor<2x2x3x7x8xf32> into tensor<2x6x7x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x6x5x8xf32>, tensor<2x6x7x8xf32>) outs(%zeros : tensor<2x6x5x7xf32>) -> tensor<2x6x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x6x5x7xf32>) outs(%e : tensor<2x6x5x7xf32>) -> tensor<2x6x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v4 : tensor<2x6x5x7xf32>, tensor<2x6x7x8xf32>) outs(%out : tensor<2x6x5x8xf32>) -> tensor<2x6x5x8xf32>
  return %o : tensor<2x6x5x8xf32>
}
