// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-fuse | FileCheck %s

// A transformer layer of another front end: its projections are linear layers
// and its attention is attention, on the tensors as they are.

// CHECK-LABEL: func.func @layer(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<2x5x16xf32>,
// CHECK-NOT:     linalg
// CHECK:         %[[Q:.*]] = attn.linear %[[X]]
// CHECK-NOT:     linalg
// CHECK:         %[[A:.*]] = attn.sdpa %[[Q]], %[[Q]], %[[Q]] outs(%{{.*}}) {heads = 2 : i64, scale = 5.000000e-01 : f64}
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.linear %[[A]], %{{.*}} residual(%[[X]])
// CHECK-NOT:     linalg
// CHECK:         return %[[R]]
func.func @layer(%x: tensor<2x5x16xf32>, %wq: tensor<16x16xf32>, %bq: tensor<16xf32>, %wo: tensor<16x16xf32>) -> tensor<2x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant dense<0.5> : tensor<4x5x5xf32>
  %x2 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x5x16xf32> into tensor<10x16xf32>
  %e = tensor.empty() : tensor<10x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<10x16xf32>) -> tensor<10x16xf32>
  %p = linalg.matmul ins(%x2, %wq : tensor<10x16xf32>, tensor<16x16xf32>) outs(%f : tensor<10x16xf32>) -> tensor<10x16xf32>
  %b = linalg.broadcast ins(%bq : tensor<16xf32>) outs(%e : tensor<10x16xf32>) dimensions = [0]
  %s = arith.addf %p, %b : tensor<10x16xf32>
  %s4 = tensor.expand_shape %s [[0, 1], [2, 3]] output_shape [2, 5, 2, 8] : tensor<10x16xf32> into tensor<2x5x2x8xf32>
  %te = tensor.empty() : tensor<2x2x5x8xf32>
  %t = linalg.transpose ins(%s4 : tensor<2x5x2x8xf32>) outs(%te : tensor<2x2x5x8xf32>) permutation = [0, 2, 1, 3]
  %q = tensor.collapse_shape %t [[0, 1], [2], [3]] : tensor<2x2x5x8xf32> into tensor<4x5x8xf32>
  %se = tensor.empty() : tensor<4x5x5xf32>
  %sf = linalg.fill ins(%zero : f32) outs(%se : tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %scores = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %q : tensor<4x5x8xf32>, tensor<4x5x8xf32>) outs(%sf : tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %scaled = arith.mulf %scores, %half : tensor<4x5x5xf32>
  %w = linalg.softmax dimension(2) ins(%scaled : tensor<4x5x5xf32>) outs(%se : tensor<4x5x5xf32>) -> tensor<4x5x5xf32>
  %ve = tensor.empty() : tensor<4x5x8xf32>
  %vf = linalg.fill ins(%zero : f32) outs(%ve : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %a = linalg.batch_matmul ins(%w, %q : tensor<4x5x5xf32>, tensor<4x5x8xf32>) outs(%vf : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %a4 = tensor.expand_shape %a [[0, 1], [2], [3]] output_shape [2, 2, 5, 8] : tensor<4x5x8xf32> into tensor<2x2x5x8xf32>
  %ae = tensor.empty() : tensor<2x5x2x8xf32>
  %at = linalg.transpose ins(%a4 : tensor<2x2x5x8xf32>) outs(%ae : tensor<2x5x2x8xf32>) permutation = [0, 2, 1, 3]
  %am = tensor.collapse_shape %at [[0, 1], [2, 3]] : tensor<2x5x2x8xf32> into tensor<10x16xf32>
  %o = linalg.matmul ins(%am, %wo : tensor<10x16xf32>, tensor<16x16xf32>) outs(%f : tensor<10x16xf32>) -> tensor<10x16xf32>
  %o3 = tensor.expand_shape %o [[0, 1], [2]] output_shape [2, 5, 16] : tensor<10x16xf32> into tensor<2x5x16xf32>
  %r = arith.addf %o3, %x : tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}
