// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// softmax(q kᵀ / 8) v for q [B, Q, 64], k and v [B, K, 64]: named operations, the
// scale between them.
func.func @attention(%q: tensor<?x?x64xf32>, %k: tensor<?x?x64xf32>,
                     %v: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.125 : f32
  %batch = tensor.dim %q, %c0 : tensor<?x?x64xf32>
  %queries = tensor.dim %q, %c1 : tensor<?x?x64xf32>
  %keys = tensor.dim %k, %c1 : tensor<?x?x64xf32>
  %square = tensor.empty(%batch, %queries, %keys) : tensor<?x?x?xf32>
  %products0 = linalg.fill ins(%zero : f32) outs(%square : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %products = linalg.batch_matmul
    indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                     affine_map<(b, m, n, k) -> (b, n, k)>,
                     affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<?x?x64xf32>, tensor<?x?x64xf32>)
    outs(%products0 : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %scores = linalg.generic {
      indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%products : tensor<?x?x?xf32>) outs(%square : tensor<?x?x?xf32>) {
    ^bb0(%product: f32, %out: f32):
      %score = arith.mulf %product, %scale : f32
      linalg.yield %score : f32
  } -> tensor<?x?x?xf32>
  %weights = linalg.softmax dimension(2) ins(%scores : tensor<?x?x?xf32>)
    outs(%square : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %empty = tensor.empty(%batch, %queries) : tensor<?x?x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %result = linalg.batch_matmul
    ins(%weights, %v : tensor<?x?x?xf32>, tensor<?x?x64xf32>)
    outs(%init : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  return %result : tensor<?x?x64xf32>
}
