// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// softmax(q kᵀ / 8) v in bf16: both products sum in f32, and so does the softmax.
func.func @attention_bf16(%q: tensor<?x?x64xbf16>, %k: tensor<?x?x64xbf16>,
                          %v: tensor<?x?x64xbf16>) -> tensor<?x?x64xbf16> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.125 : f32
  %batch = tensor.dim %q, %c0 : tensor<?x?x64xbf16>
  %queries = tensor.dim %q, %c1 : tensor<?x?x64xbf16>
  %keys = tensor.dim %k, %c1 : tensor<?x?x64xbf16>
  %square = tensor.empty(%batch, %queries, %keys) : tensor<?x?x?xf32>
  %products0 = linalg.fill ins(%zero : f32) outs(%square : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %products = linalg.batch_matmul
    indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                     affine_map<(b, m, n, k) -> (b, n, k)>,
                     affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<?x?x64xbf16>, tensor<?x?x64xbf16>)
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
  %square_bf16 = tensor.empty(%batch, %queries, %keys) : tensor<?x?x?xbf16>
  %weights_bf16 = linalg.generic {
      indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%weights : tensor<?x?x?xf32>) outs(%square_bf16 : tensor<?x?x?xbf16>) {
    ^bb0(%weight: f32, %out: bf16):
      %rounded = arith.truncf %weight : f32 to bf16
      linalg.yield %rounded : bf16
  } -> tensor<?x?x?xbf16>
  %empty = tensor.empty(%batch, %queries) : tensor<?x?x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %sums = linalg.batch_matmul
    ins(%weights_bf16, %v : tensor<?x?x?xbf16>, tensor<?x?x64xbf16>)
    outs(%init : tensor<?x?x64xf32>) -> tensor<?x?x64xf32>
  %empty_bf16 = tensor.empty(%batch, %queries) : tensor<?x?x64xbf16>
  %result = linalg.generic {
      indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sums : tensor<?x?x64xf32>) outs(%empty_bf16 : tensor<?x?x64xbf16>) {
    ^bb0(%sum: f32, %out: bf16):
      %rounded = arith.truncf %sum : f32 to bf16
      linalg.yield %rounded : bf16
  } -> tensor<?x?x64xbf16>
  return %result : tensor<?x?x64xbf16>
}

// The same for arguments and a result in f32, to be compared with a reference:
// .npy files have no bf16.
func.func @attention_bf16_of_f32(%q: tensor<?x?x64xf32>, %k: tensor<?x?x64xf32>,
                                 %v: tensor<?x?x64xf32>) -> tensor<?x?x64xf32> {
  %q_bf16 = call @round(%q) : (tensor<?x?x64xf32>) -> tensor<?x?x64xbf16>
  %k_bf16 = call @round(%k) : (tensor<?x?x64xf32>) -> tensor<?x?x64xbf16>
  %v_bf16 = call @round(%v) : (tensor<?x?x64xf32>) -> tensor<?x?x64xbf16>
  %result = call @attention_bf16(%q_bf16, %k_bf16, %v_bf16)
    : (tensor<?x?x64xbf16>, tensor<?x?x64xbf16>, tensor<?x?x64xbf16>) -> tensor<?x?x64xbf16>
  %widened = arith.extf %result : tensor<?x?x64xbf16> to tensor<?x?x64xf32>
  return %widened : tensor<?x?x64xf32>
}

func.func private @round(%x: tensor<?x?x64xf32>) -> tensor<?x?x64xbf16> {
  %rounded = arith.truncf %x : tensor<?x?x64xf32> to tensor<?x?x64xbf16>
  return %rounded : tensor<?x?x64xbf16>
}
