// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention for q [B, H, Q, 64], k and v [B, H, K, 64] in nothing but
// linalg.generic: the query is scaled first, and the softmax is decomposed.
#row = affine_map<(b, h, m, n) -> (b, h, m)>
#same = affine_map<(b, h, m, n) -> (b, h, m, n)>
func.func @attention_heads(%q: tensor<?x?x?x64xf32>, %k: tensor<?x?x?x64xf32>,
                           %v: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %scale = arith.constant 0.125 : f32
  %batch = tensor.dim %q, %c0 : tensor<?x?x?x64xf32>
  %heads = tensor.dim %q, %c1 : tensor<?x?x?x64xf32>
  %queries = tensor.dim %q, %c2 : tensor<?x?x?x64xf32>
  %keys = tensor.dim %k, %c2 : tensor<?x?x?x64xf32>
  %empty = tensor.empty(%batch, %heads, %queries) : tensor<?x?x?x64xf32>
  %rows = tensor.empty(%batch, %heads, %queries) : tensor<?x?x?xf32>
  %square = tensor.empty(%batch, %heads, %queries, %keys) : tensor<?x?x?x?xf32>

  %scaled = linalg.generic {
      indexing_maps = [#same, #same],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q : tensor<?x?x?x64xf32>) outs(%empty : tensor<?x?x?x64xf32>) {
    ^bb0(%x: f32, %out: f32):
      %y = arith.mulf %x, %scale : f32
      linalg.yield %y : f32
  } -> tensor<?x?x?x64xf32>
  %scores0 = linalg.fill ins(%zero : f32) outs(%square : tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %scores = linalg.generic {
      indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>,
                       affine_map<(b, h, m, n, k) -> (b, h, n, k)>,
                       affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%scaled, %k : tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>)
      outs(%scores0 : tensor<?x?x?x?xf32>) {
    ^bb0(%x: f32, %y: f32, %sum: f32):
      %product = arith.mulf %x, %y : f32
      %next = arith.addf %sum, %product : f32
      linalg.yield %next : f32
  } -> tensor<?x?x?x?xf32>

  %largest0 = linalg.fill ins(%lowest : f32) outs(%rows : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %largest = linalg.generic {
      indexing_maps = [#same, #row],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%scores : tensor<?x?x?x?xf32>) outs(%largest0 : tensor<?x?x?xf32>) {
    ^bb0(%x: f32, %most: f32):
      %next = arith.maximumf %most, %x : f32
      linalg.yield %next : f32
  } -> tensor<?x?x?xf32>
  %powers = linalg.generic {
      indexing_maps = [#same, #row, #same],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%scores, %largest : tensor<?x?x?x?xf32>, tensor<?x?x?xf32>)
      outs(%square : tensor<?x?x?x?xf32>) {
    ^bb0(%x: f32, %most: f32, %out: f32):
      %difference = arith.subf %x, %most : f32
      %power = math.exp %difference : f32
      linalg.yield %power : f32
  } -> tensor<?x?x?x?xf32>
  %total0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %total = linalg.generic {
      indexing_maps = [#same, #row],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%powers : tensor<?x?x?x?xf32>) outs(%total0 : tensor<?x?x?xf32>) {
    ^bb0(%x: f32, %sum: f32):
      %next = arith.addf %sum, %x : f32
      linalg.yield %next : f32
  } -> tensor<?x?x?xf32>
  %weights = linalg.generic {
      indexing_maps = [#same, #row, #same],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%powers, %total : tensor<?x?x?x?xf32>, tensor<?x?x?xf32>)
      outs(%square : tensor<?x?x?x?xf32>) {
    ^bb0(%x: f32, %sum: f32, %out: f32):
      %weight = arith.divf %x, %sum : f32
      linalg.yield %weight : f32
  } -> tensor<?x?x?x?xf32>

  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
  %result = linalg.generic {
      indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>,
                       affine_map<(b, h, m, n, k) -> (b, h, k, n)>,
                       affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%weights, %v : tensor<?x?x?x?xf32>, tensor<?x?x?x64xf32>)
      outs(%init : tensor<?x?x?x64xf32>) {
    ^bb0(%x: f32, %y: f32, %sum: f32):
      %product = arith.mulf %x, %y : f32
      %next = arith.addf %sum, %product : f32
      linalg.yield %next : f32
  } -> tensor<?x?x?x64xf32>
  return %result : tensor<?x?x?x64xf32>
}
