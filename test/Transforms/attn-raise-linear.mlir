// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-linear,canonicalize,cse))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#column = affine_map<(i, j) -> (i)>

// A product, no more.
// CHECK-LABEL: func.func @alone(
// CHECK:         %[[E:.*]] = tensor.empty
// CHECK-NEXT:    %[[Y:.*]] = attn.linear %arg0, %arg1 outs(%[[E]]) {transposed} : (tensor<?x8xf32>, tensor<8x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @alone(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %p : tensor<?x6xf32>
}

// Bias, activation, residual.
// CHECK-LABEL: func.func @all(
// CHECK:         attn.linear %arg0, %arg1 bias(%arg3) residual(%arg4) activation relu outs(%{{.*}}) {transposed}
// CHECK-NOT:     linalg
func.func @all(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %b: tensor<6xf32>, %r: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<?x6xf32>, tensor<6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %c: f32, %o: f32):
    %v = arith.addf %u, %c : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %v = arith.maximumf %u, %zero : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  %y = arith.addf %r, %a : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// All in the body of one operation; the bias has a dimension of size 1.
// CHECK-LABEL: func.func @fused(
// CHECK:         %[[B:.*]] = tensor.collapse_shape %arg3 {{\[\[}}0, 1]]
// CHECK:         attn.linear %arg0, %arg1 bias(%[[B]]) residual(%arg4) activation silu outs(%{{.*}}) {transposed}
// CHECK-NOT:     linalg
func.func @fused(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %b: tensor<1x6xf32>, %r: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> (0, j)>, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %b, %r : tensor<?x6xf32>, tensor<1x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %c: f32, %t: f32, %o: f32):
    %one = arith.constant 1.0 : f32
    %v = arith.addf %c, %u : f32
    %n = arith.negf %v : f32
    %x1 = math.exp %n : f32
    %d = arith.addf %x1, %one : f32
    %s = arith.divf %one, %d : f32
    %a = arith.mulf %v, %s : f32
    %z = arith.addf %a, %t : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// The product starts from a bias, or from a residual.
// CHECK-LABEL: func.func @initial_bias(
// CHECK:         attn.linear %arg0, %arg1 bias(%arg3) activation relu outs(%{{.*}}) {transposed}
// CHECK:         attn.linear %arg0, %arg1 bias(%arg3) residual(%arg4) outs(%{{.*}}) {transposed}
// CHECK-NOT:     linalg
func.func @initial_bias(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %b: tensor<6xf32>, %r: tensor<?x6xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %wide = linalg.broadcast ins(%b : tensor<6xf32>) outs(%e : tensor<?x6xf32>) dimensions = [0]
  %p1 = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%wide : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y1 = linalg.max ins(%p1, %f : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p2 = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%r : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y2 = linalg.add ins(%p2, %wide : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y1, %y2 : tensor<?x6xf32>, tensor<?x6xf32>
}

// GELU by erf,
// CHECK-LABEL: func.func @gelu(
// CHECK:         activation gelu
// CHECK-NOT:     linalg
func.func @gelu(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %c = arith.constant 0.70710678 : f32
    %h = arith.mulf %u, %half : f32
    %s = arith.mulf %u, %c : f32
    %t = math.erf %s : f32
    %v = arith.addf %t, %one : f32
    %z = arith.mulf %h, %v : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// with arithmetic on tensors, dividing,
// CHECK-LABEL: func.func @gelu_of_tensors(
// CHECK:         activation gelu
// CHECK-NOT:     math
func.func @gelu_of_tensors(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %half = arith.constant dense<0.5> : tensor<4x6xf32>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %root = arith.constant dense<1.41421354> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %d = arith.divf %p, %root : tensor<4x6xf32>
  %t = math.erf %d : tensor<4x6xf32>
  %h = arith.mulf %t, %half : tensor<4x6xf32>
  %s = arith.addf %h, %half : tensor<4x6xf32>
  %y = arith.mulf %p, %s : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// by the complement of erf,
// CHECK-LABEL: func.func @gelu_complement(
// CHECK:         activation gelu
func.func @gelu_complement(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %c = arith.constant -0.70710678 : f32
    %s = arith.mulf %u, %c : f32
    %t = math.erfc %s : f32
    %v = arith.mulf %u, %t : f32
    %z = arith.mulf %v, %half : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// and with both signs turned,
// CHECK-LABEL: func.func @gelu_negated(
// CHECK:         activation gelu
// CHECK-NOT:     math
func.func @gelu_negated(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %half = arith.constant dense<-0.5> : tensor<4x6xf32>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %root = arith.constant dense<1.41421354> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %d = arith.divf %p, %root : tensor<4x6xf32>
  %t = math.erf %d : tensor<4x6xf32>
  %h = arith.mulf %t, %half : tensor<4x6xf32>
  %s = arith.addf %h, %half : tensor<4x6xf32>
  %n = arith.negf %p : tensor<4x6xf32>
  %y = arith.mulf %n, %s : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// but not of x alone with erf's argument negated instead,
// CHECK-LABEL: func.func @gelu_half_negated(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         math.erf
func.func @gelu_half_negated(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %half = arith.constant dense<-0.5> : tensor<4x6xf32>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %root = arith.constant dense<-1.41421354> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %d = arith.divf %p, %root : tensor<4x6xf32>
  %t = math.erf %d : tensor<4x6xf32>
  %h = arith.mulf %t, %half : tensor<4x6xf32>
  %s = arith.addf %h, %half : tensor<4x6xf32>
  %y = arith.mulf %p, %s : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// By tanh it is another function,
// CHECK-LABEL: func.func @gelu_tanh(
// CHECK:         attn.linear %arg0, %arg1 activation gelu_tanh outs(%{{.*}}) {transposed}
// CHECK-NOT:     math.tanh
func.func @gelu_tanh(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %c1 = arith.constant 0.044715 : f32
    %c2 = arith.constant 0.797884583 : f32
    %s = arith.mulf %u, %u : f32
    %t = arith.mulf %s, %u : f32
    %k = arith.mulf %t, %c1 : f32
    %a = arith.addf %u, %k : f32
    %d = arith.mulf %a, %c2 : f32
    %g = math.tanh %d : f32
    %v = arith.addf %g, %one : f32
    %h = arith.mulf %u, %half : f32
    %z = arith.mulf %h, %v : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// of which x may be taken out, and whose third power may be one operation,
// CHECK-LABEL: func.func @gelu_tanh_taken_out(
// CHECK:         attn.linear %arg0, %arg1 activation gelu_tanh outs(%{{.*}}) {transposed}
// CHECK-NOT:     math.tanh
func.func @gelu_tanh_taken_out(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %half = arith.constant dense<0.5> : tensor<4x6xf32>
  %one = arith.constant dense<1.0> : tensor<4x6xf32>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %c1 = arith.constant dense<0.044715> : tensor<4x6xf32>
  %c2 = arith.constant dense<0.797884583> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %s = arith.mulf %p, %p : tensor<4x6xf32>
  %k = arith.mulf %c1, %s : tensor<4x6xf32>
  %a = arith.addf %k, %one : tensor<4x6xf32>
  %m = arith.mulf %p, %c2 : tensor<4x6xf32>
  %d = arith.mulf %m, %a : tensor<4x6xf32>
  %t = math.tanh %d : tensor<4x6xf32>
  %h = arith.mulf %t, %half : tensor<4x6xf32>
  %v = arith.addf %h, %half : tensor<4x6xf32>
  %y = arith.mulf %v, %p : tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// CHECK-LABEL: func.func @gelu_tanh_of_powers(
// CHECK:         %[[Y:.*]] = attn.linear %arg0, %arg1 activation gelu_tanh outs(%{{.*}}) {transposed}
// CHECK-NOT:     math
// CHECK:         return %[[Y]], %[[Y]]
func.func @gelu_tanh_of_powers(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %half = arith.constant dense<0.5> : tensor<4x6xf32>
  %one = arith.constant dense<1.0> : tensor<4x6xf32>
  %three = arith.constant dense<3.0> : tensor<4x6xf32>
  %count = arith.constant dense<3> : tensor<4x6xi64>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %c1 = arith.constant dense<0.044715> : tensor<4x6xf32>
  %c2 = arith.constant dense<0.797884583> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %s1 = math.powf %p, %three : tensor<4x6xf32>
  %k1 = arith.mulf %c1, %s1 : tensor<4x6xf32>
  %a1 = arith.addf %p, %k1 : tensor<4x6xf32>
  %d1 = arith.mulf %a1, %c2 : tensor<4x6xf32>
  %t1 = math.tanh %d1 : tensor<4x6xf32>
  %v1 = arith.addf %one, %t1 : tensor<4x6xf32>
  %h1 = arith.mulf %v1, %half : tensor<4x6xf32>
  %y1 = arith.mulf %p, %h1 : tensor<4x6xf32>
  %p2 = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %s2 = math.fpowi %p2, %count : tensor<4x6xf32>, tensor<4x6xi64>
  %k2 = arith.mulf %c1, %s2 : tensor<4x6xf32>
  %a2 = arith.addf %p2, %k2 : tensor<4x6xf32>
  %d2 = arith.mulf %a2, %c2 : tensor<4x6xf32>
  %t2 = math.tanh %d2 : tensor<4x6xf32>
  %v2 = arith.addf %one, %t2 : tensor<4x6xf32>
  %h2 = arith.mulf %v2, %half : tensor<4x6xf32>
  %y2 = arith.mulf %p2, %h2 : tensor<4x6xf32>
  return %y1, %y2 : tensor<4x6xf32>, tensor<4x6xf32>
}

// but neither with the second power, nor with the sign of one tanh turned.
// CHECK-LABEL: func.func @gelu_tanh_of_another(
// CHECK-NOT:     activation
func.func @gelu_tanh_of_another(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %half = arith.constant dense<0.5> : tensor<4x6xf32>
  %one = arith.constant dense<1.0> : tensor<4x6xf32>
  %i = arith.constant dense<0.0> : tensor<4x6xf32>
  %c1 = arith.constant dense<0.044715> : tensor<4x6xf32>
  %c2 = arith.constant dense<0.797884583> : tensor<4x6xf32>
  %c3 = arith.constant dense<-0.797884583> : tensor<4x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %s1 = arith.mulf %p, %p : tensor<4x6xf32>
  %k1 = arith.mulf %c1, %s1 : tensor<4x6xf32>
  %a1 = arith.addf %p, %k1 : tensor<4x6xf32>
  %d1 = arith.mulf %a1, %c2 : tensor<4x6xf32>
  %t1 = math.tanh %d1 : tensor<4x6xf32>
  %v1 = arith.addf %one, %t1 : tensor<4x6xf32>
  %h1 = arith.mulf %v1, %half : tensor<4x6xf32>
  %y1 = arith.mulf %p, %h1 : tensor<4x6xf32>
  %p2 = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x6xf32>) outs(%i : tensor<4x6xf32>) -> tensor<4x6xf32>
  %s2 = arith.mulf %p2, %p2 : tensor<4x6xf32>
  %q2 = arith.mulf %s2, %p2 : tensor<4x6xf32>
  %k2 = arith.mulf %c1, %q2 : tensor<4x6xf32>
  %a2 = arith.addf %p2, %k2 : tensor<4x6xf32>
  %d2 = arith.mulf %a2, %c3 : tensor<4x6xf32>
  %t2 = math.tanh %d2 : tensor<4x6xf32>
  %v2 = arith.addf %one, %t2 : tensor<4x6xf32>
  %h2 = arith.mulf %v2, %half : tensor<4x6xf32>
  %y2 = arith.mulf %p2, %h2 : tensor<4x6xf32>
  return %y1, %y2 : tensor<4x6xf32>, tensor<4x6xf32>
}

// GELU is not of two different arguments, nor with other constants.
// CHECK-LABEL: func.func @gelu_of_another(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         math.erf
// CHECK:         attn.linear %arg0, %arg4 outs(%{{.*}}) {transposed}
// CHECK:         math.erf
func.func @gelu_of_another(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %r: tensor<?x6xf32>, %w2: tensor<8x6xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %r : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %v1: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %c = arith.constant 0.70710678 : f32
    %h = arith.mulf %v1, %half : f32
    %s = arith.mulf %u, %c : f32
    %t = math.erf %s : f32
    %v = arith.addf %t, %one : f32
    %z = arith.mulf %h, %v : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  %p2 = linalg.matmul ins(%x, %w2 : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p2 : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %c = arith.constant 0.71 : f32
    %h = arith.mulf %u, %half : f32
    %s = arith.mulf %u, %c : f32
    %t = math.erf %s : f32
    %v = arith.addf %t, %one : f32
    %z = arith.mulf %h, %v : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y, %y2 : tensor<?x6xf32>, tensor<?x6xf32>
}

// ReLU by a select; of the other side, it is none.
// CHECK-LABEL: func.func @relu_select(
// CHECK:         attn.linear %arg0, %arg1 activation relu outs(%{{.*}}) {transposed}
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         arith.select
func.func @relu_select(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %c = arith.cmpf ogt, %u, %zero : f32
    %z = arith.select %c, %u, %zero : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  %p2 = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p2 : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %c = arith.cmpf ogt, %u, %zero : f32
    %z = arith.select %c, %zero, %u : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y, %y2 : tensor<?x6xf32>, tensor<?x6xf32>
}

// What is divided is not what the sigmoid is of.
// CHECK-LABEL: func.func @silu_of_another(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         linalg.generic
func.func @silu_of_another(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %r: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %r : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %one = arith.constant 1.0 : f32
    %n = arith.negf %u : f32
    %a = math.exp %n : f32
    %d = arith.addf %a, %one : f32
    %z = arith.divf %v, %d : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// The sum is used besides the activation of it, so that stays outside.
// CHECK-LABEL: func.func @used_before(
// CHECK:         %[[S:.*]] = attn.linear %arg0, %arg1 bias(%arg3) outs(%{{.*}}) {transposed}
// CHECK:         %[[Y:.*]] = linalg.generic {{.*}} ins(%[[S]]
// CHECK:         return %[[S]], %[[Y]]
func.func @used_before(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %b: tensor<6xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<?x6xf32>, tensor<6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %c: f32, %o: f32):
    %v = arith.addf %u, %c : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %v = arith.maximumf %u, %zero : f32
    linalg.yield %v : f32
  } -> tensor<?x6xf32>
  return %s, %a : tensor<?x6xf32>, tensor<?x6xf32>
}

// What is added is computed from the product.
// CHECK-LABEL: func.func @added_to_itself(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         linalg.generic
func.func @added_to_itself(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%p : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %o: f32):
    %t = math.tanh %u : f32
    %z = arith.addf %u, %t : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A value for each row is no bias.
// CHECK-LABEL: func.func @by_column(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed}
// CHECK:         linalg.generic
func.func @by_column(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %b: tensor<?xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<?x6xf32>, tensor<?xf32>) outs(%e : tensor<?x6xf32>) {
  ^bb0(%u: f32, %c: f32, %o: f32):
    %z = arith.addf %u, %c : f32
    linalg.yield %z : f32
  } -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// One residual; the other one is added after.
// CHECK-LABEL: func.func @two_residuals(
// CHECK:         attn.linear %arg0, %arg1 residual(%{{.*}}) outs(%{{.*}}) {transposed}
// CHECK:         arith.addf
func.func @two_residuals(%x: tensor<?x8xf32>, %w: tensor<8x6xf32>, %m: index, %r: tensor<?x6xf32>, %t: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %a = arith.addf %p, %r : tensor<?x6xf32>
  %y = arith.addf %a, %t : tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A weight [N, K], by the maps of the product or by a transpose before it.
// CHECK-LABEL: func.func @weight_transposed(
// CHECK:         %[[Y:.*]] = attn.linear %arg0, %arg1 outs(%{{.*}}) : (tensor<?x8xf32>, tensor<6x8xf32>,
// CHECK:         return %[[Y]], %[[Y]]
func.func @weight_transposed(%x: tensor<?x8xf32>, %v: tensor<6x8xf32>, %m: index) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m) : tensor<?x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %y1 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %v : tensor<?x8xf32>, tensor<6x8xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  %t = tensor.empty() : tensor<8x6xf32>
  %w = linalg.transpose ins(%v : tensor<6x8xf32>) outs(%t : tensor<8x6xf32>) permutation = [1, 0]
  %y2 = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x6xf32>) outs(%f : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y1, %y2 : tensor<?x6xf32>, tensor<?x6xf32>
}

// Of three dimensions: with one weight, with one that is repeated, and with the
// batch folded into the rows.
// CHECK-LABEL: func.func @batched(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed} : (tensor<2x3x8xf32>, tensor<8x6xf32>, tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
// CHECK:         attn.linear %arg0, %arg1 bias(%arg2) outs(%{{.*}}) {transposed} : (tensor<2x3x8xf32>, tensor<8x6xf32>, tensor<6xf32>, tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
// CHECK:         attn.linear %arg0, %arg1 residual(%arg3) outs(%{{.*}}) {transposed} : (tensor<2x3x8xf32>, tensor<8x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
// CHECK-NOT:     linalg
func.func @batched(%x: tensor<2x3x8xf32>, %w: tensor<8x6xf32>, %b: tensor<6xf32>, %r: tensor<2x3x6xf32>) -> (tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x6xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %y1 = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%x, %w : tensor<2x3x8xf32>, tensor<8x6xf32>) outs(%f : tensor<2x3x6xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %s = arith.mulf %u, %v : f32
    %t = arith.addf %o, %s : f32
    linalg.yield %t : f32
  } -> tensor<2x3x6xf32>
  %we = tensor.empty() : tensor<2x8x6xf32>
  %wb = linalg.broadcast ins(%w : tensor<8x6xf32>) outs(%we : tensor<2x8x6xf32>) dimensions = [0]
  %p2 = linalg.batch_matmul ins(%x, %wb : tensor<2x3x8xf32>, tensor<2x8x6xf32>) outs(%f : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %bb = linalg.broadcast ins(%b : tensor<6xf32>) outs(%e : tensor<2x3x6xf32>) dimensions = [0, 1]
  %y2 = arith.addf %bb, %p2 : tensor<2x3x6xf32>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x8xf32> into tensor<6x8xf32>
  %f2 = tensor.collapse_shape %f [[0, 1], [2]] : tensor<2x3x6xf32> into tensor<6x6xf32>
  %p3 = linalg.matmul ins(%x2, %w : tensor<6x8xf32>, tensor<8x6xf32>) outs(%f2 : tensor<6x6xf32>) -> tensor<6x6xf32>
  %q3 = tensor.expand_shape %p3 [[0, 1], [2]] output_shape [2, 3, 6] : tensor<6x6xf32> into tensor<2x3x6xf32>
  %y3 = arith.addf %q3, %r : tensor<2x3x6xf32>
  return %y1, %y2, %y3 : tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>
}

// Heads are merged before, or by the product itself.
// CHECK-LABEL: func.func @heads_merged(
// CHECK:         %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1], [2, 3]]
// CHECK:         attn.linear %[[X]], %{{.*}} outs(%{{.*}}) {transposed} : (tensor<2x3x8xf32>, tensor<8x6xf32>,
// CHECK-NOT:     linalg
func.func @heads_merged(%x: tensor<2x3x2x4xf32>, %w: tensor<2x4x6xf32>) -> tensor<2x3x6xf32> {
  %f = arith.constant dense<0.0> : tensor<2x3x6xf32>
  %y = linalg.contract indexing_maps = [affine_map<(b, m, n, h, e) -> (b, m, h, e)>, affine_map<(b, m, n, h, e) -> (h, e, n)>, affine_map<(b, m, n, h, e) -> (b, m, n)>]
    ins(%x, %w : tensor<2x3x2x4xf32>, tensor<2x4x6xf32>) outs(%f : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  return %y : tensor<2x3x6xf32>
}

// Of vectors: the matrix is the weight.
// CHECK-LABEL: func.func @vectors(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed} : (tensor<8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<6xf32>
// CHECK:         attn.linear %arg2, %arg1 outs(%{{.*}}) : (tensor<6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<8xf32>
func.func @vectors(%x: tensor<8xf32>, %w: tensor<8x6xf32>, %t: tensor<6xf32>) -> (tensor<6xf32>, tensor<8xf32>) {
  %f = arith.constant dense<0.0> : tensor<6xf32>
  %g = arith.constant dense<0.0> : tensor<8xf32>
  %y = linalg.vecmat ins(%x, %w : tensor<8xf32>, tensor<8x6xf32>) outs(%f : tensor<6xf32>) -> tensor<6xf32>
  %z = linalg.matvec ins(%w, %t : tensor<8x6xf32>, tensor<6xf32>) outs(%g : tensor<8xf32>) -> tensor<8xf32>
  return %y, %z : tensor<6xf32>, tensor<8xf32>
}

// This takes a copy.
// CHECK-LABEL: func.func @input_transposed(
// CHECK:         linalg.transpose ins(%arg0
// CHECK:         attn.linear %transposed, %arg1 outs(%{{.*}}) {transposed}
func.func @input_transposed(%x: tensor<8x4xf32>, %w: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %f = arith.constant dense<0.0> : tensor<4x6xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : tensor<8x4xf32>, tensor<8x6xf32>) outs(%f : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// Summed in f32, and rounded after all.
// CHECK-LABEL: func.func @bf16(
// CHECK:         attn.linear %arg0, %arg1 bias(%arg2) activation relu outs(%{{.*}}) {transposed} : (tensor<4x8xbf16>, tensor<8x6xbf16>, tensor<6xbf16>, tensor<4x6xbf16>) -> tensor<4x6xbf16>
func.func @bf16(%x: tensor<4x8xbf16>, %w: tensor<8x6xbf16>, %b: tensor<6xbf16>) -> tensor<4x6xbf16> {
  %f = arith.constant dense<0.0> : tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xbf16>
  %p = linalg.matmul ins(%x, %w : tensor<4x8xbf16>, tensor<8x6xbf16>) outs(%f : tensor<4x6xf32>) -> tensor<4x6xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<4x6xf32>, tensor<6xbf16>) outs(%e : tensor<4x6xbf16>) {
  ^bb0(%u: f32, %c: bf16, %o: bf16):
    %zero = arith.constant 0.0 : f32
    %d = arith.extf %c : bf16 to f32
    %s = arith.addf %u, %d : f32
    %a = arith.maximumf %s, %zero : f32
    %r = arith.truncf %a : f32 to bf16
    linalg.yield %r : bf16
  } -> tensor<4x6xbf16>
  return %y : tensor<4x6xbf16>
}

// Widened before the product, which is the same without.
// CHECK-LABEL: func.func @widened(
// CHECK:         attn.linear %arg0, %arg1 outs(%{{.*}}) {transposed} : (tensor<4x8xf16>, tensor<8x6xf16>, tensor<4x6xf32>) -> tensor<4x6xf32>
func.func @widened(%x: tensor<4x8xf16>, %w: tensor<8x6xf16>) -> tensor<4x6xf32> {
  %f = arith.constant dense<0.0> : tensor<4x6xf32>
  %xw = arith.extf %x : tensor<4x8xf16> to tensor<4x8xf32>
  %ww = arith.extf %w : tensor<8x6xf16> to tensor<8x6xf32>
  %y = linalg.matmul ins(%xw, %ww : tensor<4x8xf32>, tensor<8x6xf32>) outs(%f : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// What was rounded stays so.
// CHECK-LABEL: func.func @rounded(
// CHECK:         %[[X:.*]] = arith.truncf
// CHECK:         attn.linear %[[X]], %arg1 outs(%{{.*}}) {transposed} : (tensor<4x8xbf16>, tensor<8x6xbf16>, tensor<4x6xf32>) -> tensor<4x6xf32>
func.func @rounded(%x: tensor<4x8xf32>, %w: tensor<8x6xbf16>) -> tensor<4x6xf32> {
  %f = arith.constant dense<0.0> : tensor<4x6xf32>
  %xn = arith.truncf %x : tensor<4x8xf32> to tensor<4x8xbf16>
  %y = linalg.matmul ins(%xn, %w : tensor<4x8xbf16>, tensor<8x6xbf16>) outs(%f : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// One of them widened: then both in f32.
// CHECK-LABEL: func.func @mixed(
// CHECK:         %[[W:.*]] = arith.extf
// CHECK:         attn.linear %arg0, %[[W]] outs(%{{.*}}) {transposed} : (tensor<4x8xf32>, tensor<8x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
func.func @mixed(%x: tensor<4x8xf32>, %w: tensor<8x6xf16>) -> tensor<4x6xf32> {
  %f = arith.constant dense<0.0> : tensor<4x6xf32>
  %ww = arith.extf %w : tensor<8x6xf16> to tensor<8x6xf32>
  %y = linalg.matmul ins(%x, %ww : tensor<4x8xf32>, tensor<8x6xf32>) outs(%f : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// A feed-forward of one row of three dimensions, as two layers.
// CHECK-LABEL: func.func @feed_forward(
// CHECK:         %[[H:.*]] = attn.linear %arg0, %arg1 bias(%arg2) activation relu outs(%{{.*}}) {transposed} : (tensor<1x1x8xf32>, tensor<8x16xf32>, tensor<16xf32>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
// CHECK:         attn.linear %[[H]], %arg3 bias(%arg4) residual(%arg0) outs(%{{.*}}) {transposed} : (tensor<1x1x16xf32>, tensor<16x8xf32>, tensor<8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
func.func @feed_forward(%x: tensor<1x1x8xf32>, %w1: tensor<8x16xf32>, %b1: tensor<16xf32>, %w2: tensor<16x8xf32>, %b: tensor<8xf32>) -> tensor<1x1x8xf32> {
  %zero = arith.constant 0.0 : f32
  %x2 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
  %f1 = arith.constant dense<0.0> : tensor<1x16xf32>
  %p1 = linalg.matmul ins(%x2, %w1 : tensor<1x8xf32>, tensor<8x16xf32>) outs(%f1 : tensor<1x16xf32>) -> tensor<1x16xf32>
  %b2 = tensor.expand_shape %b1 [[0, 1]] output_shape [1, 16] : tensor<16xf32> into tensor<1x16xf32>
  %s1 = arith.addf %p1, %b2 : tensor<1x16xf32>
  %a1 = arith.maximumf %s1, %f1 : tensor<1x16xf32>
  %f2 = arith.constant dense<0.0> : tensor<1x8xf32>
  %p2 = linalg.matmul ins(%a1, %w2 : tensor<1x16xf32>, tensor<16x8xf32>) outs(%f2 : tensor<1x8xf32>) -> tensor<1x8xf32>
  %r2 = tensor.expand_shape %p2 [[0, 1], [2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
  %b3 = tensor.expand_shape %b [[0, 1, 2]] output_shape [1, 1, 8] : tensor<8xf32> into tensor<1x1x8xf32>
  %s2 = arith.addf %r2, %b3 : tensor<1x1x8xf32>
  %y = arith.addf %x, %s2 : tensor<1x1x8xf32>
  return %y : tensor<1x1x8xf32>
}

// Sizes that are not known: of the rows, of the sum, and of the result.
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?xf32>, %[[W:.*]]: tensor<?x?xf32>, %[[V:.*]]: tensor<?x6xf32>
// CHECK-DAG:     %[[M:.*]] = tensor.dim %[[X]], %c0
// CHECK-DAG:     %[[N:.*]] = tensor.dim %[[W]], %c1
// CHECK:         %[[O:.*]] = tensor.empty(%[[M]], %[[N]])
// CHECK:         attn.linear %[[X]], %[[W]] outs(%[[O]]) {transposed} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
// CHECK:         attn.linear %[[X]], %[[V]] outs({{.*}}) {transposed} : (tensor<?x?xf32>, tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
func.func @dynamic(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %v: tensor<?x6xf32>) -> (tensor<?x?xf32>, tensor<?x6xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %w, %c1 : tensor<?x?xf32>
  %e0 = tensor.empty(%m, %n) : tensor<?x?xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<?x?xf32>, tensor<?x?xf32>) outs(%f0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %e1 = tensor.empty(%m) : tensor<?x6xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %1 = linalg.matmul ins(%x, %v : tensor<?x?xf32>, tensor<?x6xf32>) outs(%f1 : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x6xf32>
}

// A sum of dynamic length waits in the result, of f32; a residual would wait
// for the activation.
// CHECK-LABEL: func.func @dynamic_depth(
// CHECK-SAME:    %[[X:.*]]: tensor<4x?xbf16>, %[[W:.*]]: tensor<?x6xbf16>, %[[R:.*]]: tensor<4x6xf32>
// CHECK:         %[[Y:.*]] = attn.linear %[[X]], %[[W]] activation relu outs({{.*}}) {transposed} : (tensor<4x?xbf16>, tensor<?x6xbf16>, tensor<4x6xf32>) -> tensor<4x6xf32>
// CHECK:         arith.addf %[[Y]], %[[R]]
// CHECK:         %[[Z:.*]] = attn.linear %[[X]], %[[W]] outs({{.*}}) {transposed} : (tensor<4x?xbf16>, tensor<?x6xbf16>, tensor<4x6xf32>) -> tensor<4x6xf32>
// CHECK:         arith.truncf %[[Z]] : tensor<4x6xf32> to tensor<4x6xbf16>
func.func @dynamic_depth(%x: tensor<4x?xbf16>, %w: tensor<?x6xbf16>, %r: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xbf16>) {
  %f0 = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<4x?xbf16>, tensor<?x6xbf16>) outs(%f0 : tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = arith.maximumf %0, %f0 : tensor<4x6xf32>
  %2 = arith.addf %1, %r : tensor<4x6xf32>
  %f1 = arith.constant dense<0.0> : tensor<4x6xbf16>
  %3 = linalg.matmul ins(%x, %w : tensor<4x?xbf16>, tensor<?x6xbf16>) outs(%f1 : tensor<4x6xbf16>) -> tensor<4x6xbf16>
  return %2, %3 : tensor<4x6xf32>, tensor<4x6xbf16>
}

// Left alone: a batch of weights, no sum, other types, memrefs.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     attn.linear
// CHECK:         return
func.func @others(%b: tensor<2x4x4xf32>, %d: tensor<4x4xf64>, %i: tensor<4x4xi32>, %m: memref<4x4xf32>)
    -> (tensor<2x4x4xf32>, tensor<4x4xf64>, tensor<4x4xi32>, tensor<2x4x4xf32>) {
  %f2 = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %2 = linalg.batch_matmul ins(%b, %b : tensor<2x4x4xf32>, tensor<2x4x4xf32>) outs(%f2 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %f3 = arith.constant dense<0.0> : tensor<4x4xf64>
  %3 = linalg.matmul ins(%d, %d : tensor<4x4xf64>, tensor<4x4xf64>) outs(%f3 : tensor<4x4xf64>) -> tensor<4x4xf64>
  %f4 = arith.constant dense<0> : tensor<4x4xi32>
  %4 = linalg.matmul ins(%i, %i : tensor<4x4xi32>, tensor<4x4xi32>) outs(%f4 : tensor<4x4xi32>) -> tensor<4x4xi32>
  %5 = linalg.mul ins(%b, %b : tensor<2x4x4xf32>, tensor<2x4x4xf32>) outs(%f2 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  linalg.matmul ins(%m, %m : memref<4x4xf32>, memref<4x4xf32>) outs(%m : memref<4x4xf32>)
  return %2, %3, %4, %5 : tensor<2x4x4xf32>, tensor<4x4xf64>, tensor<4x4xi32>, tensor<2x4x4xf32>
}
