// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Probabilities that are replaced where a query has no key, as the safe softmax
// of PyTorch does it.

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i, 0)>

// Conditions are negated by being compared with false.
// CHECK-LABEL: func.func @compared_with_false(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa
// CHECK-NOT:     linalg
// CHECK:         return
func.func @compared_with_false(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %false = arith.constant false
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %none = arith.constant dense<false> : tensor<2x5x1xi1>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %x = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %w = linalg.softmax dimension(2) ins(%x : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %left = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x5x7xf32>) outs(%none : tensor<2x5x1xi1>) {
  ^bb0(%in: f32, %t: i1):
    %c = arith.cmpf oeq, %in, %lowest : f32
    %n = arith.cmpi eq, %c, %false : i1
    %y = arith.ori %n, %t : i1
    linalg.yield %y : i1
  } -> tensor<2x5x1xi1>
  %p = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%left, %w : tensor<2x5x1xi1>, tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%l: i1, %in: f32, %o: f32):
    %n = arith.cmpi eq, %l, %false : i1
    %y = arith.select %n, %zero, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %y = linalg.batch_matmul ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %y : tensor<2x5x8xf32>
}

// Not negated inside: where any score is -inf, and not where all are.
// CHECK-LABEL: func.func @any_is_lowest(
// CHECK-NOT:     attn.sdpa
// CHECK:         return
func.func @any_is_lowest(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %false = arith.constant false
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %none = arith.constant dense<false> : tensor<2x5x1xi1>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %x = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %w = linalg.softmax dimension(2) ins(%x : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %left = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x5x7xf32>) outs(%none : tensor<2x5x1xi1>) {
  ^bb0(%in: f32, %t: i1):
    %c = arith.cmpf oeq, %in, %lowest : f32
    %n = arith.cmpi ne, %c, %false : i1
    %y = arith.ori %n, %t : i1
    linalg.yield %y : i1
  } -> tensor<2x5x1xi1>
  %p = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%left, %w : tensor<2x5x1xi1>, tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%l: i1, %in: f32, %o: f32):
    %n = arith.cmpi eq, %l, %false : i1
    %y = arith.select %n, %zero, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %y = linalg.batch_matmul ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %y : tensor<2x5x8xf32>
}
