// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// relu(x w1 + b1) w2 + b2 for x [M, 512], w1 [512, 2048], w2 [2048, 512].
#matrix = affine_map<(m, n) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>
ml_program.global private @w1(#ml_program.extern<tensor<512x2048xf32>>) : tensor<512x2048xf32>
ml_program.global private @b1(#ml_program.extern<tensor<2048xf32>>) : tensor<2048xf32>
ml_program.global private @w2(#ml_program.extern<tensor<2048x512xf32>>) : tensor<2048x512xf32>
ml_program.global private @b2(#ml_program.extern<tensor<512xf32>>) : tensor<512xf32>
func.func @feed_forward_f32(%x: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %w1 = ml_program.global_load_const @w1 : tensor<512x2048xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<2048xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<2048x512xf32>
  %b2 = ml_program.global_load_const @b2 : tensor<512xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x512xf32>
  %wide = tensor.empty(%m) : tensor<?x2048xf32>
  %products0 = linalg.fill ins(%zero : f32) outs(%wide : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %products = linalg.matmul ins(%x, %w1 : tensor<?x512xf32>, tensor<512x2048xf32>)
    outs(%products0 : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %hidden = linalg.generic {
      indexing_maps = [#matrix, #bias, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%products, %b1 : tensor<?x2048xf32>, tensor<2048xf32>)
      outs(%wide : tensor<?x2048xf32>) {
    ^bb0(%product: f32, %bias: f32, %out: f32):
      %sum = arith.addf %product, %bias : f32
      %relu = arith.maximumf %sum, %zero : f32
      linalg.yield %relu : f32
  } -> tensor<?x2048xf32>
  %narrow = tensor.empty(%m) : tensor<?x512xf32>
  %sums0 = linalg.fill ins(%zero : f32) outs(%narrow : tensor<?x512xf32>) -> tensor<?x512xf32>
  %sums = linalg.matmul ins(%hidden, %w2 : tensor<?x2048xf32>, tensor<2048x512xf32>)
    outs(%sums0 : tensor<?x512xf32>) -> tensor<?x512xf32>
  %result = linalg.generic {
      indexing_maps = [#matrix, #bias, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%sums, %b2 : tensor<?x512xf32>, tensor<512xf32>)
      outs(%narrow : tensor<?x512xf32>) {
    ^bb0(%product: f32, %bias: f32, %out: f32):
      %sum = arith.addf %product, %bias : f32
      linalg.yield %sum : f32
  } -> tensor<?x512xf32>
  return %result : tensor<?x512xf32>
}
