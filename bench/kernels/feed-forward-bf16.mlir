// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// relu(x w1 + b1) w2 + b2 in bf16, for x [M, 512], w1 [512, 2048], w2 [2048, 512]:
// the products, biases and relu are computed in f32.
#matrix = affine_map<(m, n) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>
ml_program.global private @w1(#ml_program.extern<tensor<512x2048xbf16>>) : tensor<512x2048xbf16>
ml_program.global private @b1(#ml_program.extern<tensor<2048xbf16>>) : tensor<2048xbf16>
ml_program.global private @w2(#ml_program.extern<tensor<2048x512xbf16>>) : tensor<2048x512xbf16>
ml_program.global private @b2(#ml_program.extern<tensor<512xbf16>>) : tensor<512xbf16>
func.func @feed_forward_bf16(%x: tensor<?x512xbf16>) -> tensor<?x512xbf16> {
  %w1 = ml_program.global_load_const @w1 : tensor<512x2048xbf16>
  %b1 = ml_program.global_load_const @b1 : tensor<2048xbf16>
  %w2 = ml_program.global_load_const @w2 : tensor<2048x512xbf16>
  %b2 = ml_program.global_load_const @b2 : tensor<512xbf16>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %wide = tensor.empty(%m) : tensor<?x2048xf32>
  %products0 = linalg.fill ins(%zero : f32) outs(%wide : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %products = linalg.matmul ins(%x, %w1 : tensor<?x512xbf16>, tensor<512x2048xbf16>)
    outs(%products0 : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %wide_bf16 = tensor.empty(%m) : tensor<?x2048xbf16>
  %hidden = linalg.generic {
      indexing_maps = [#matrix, #bias, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%products, %b1 : tensor<?x2048xf32>, tensor<2048xbf16>)
      outs(%wide_bf16 : tensor<?x2048xbf16>) {
    ^bb0(%product: f32, %bias: bf16, %out: bf16):
      %wide_bias = arith.extf %bias : bf16 to f32
      %sum = arith.addf %product, %wide_bias : f32
      %relu = arith.maximumf %sum, %zero : f32
      %rounded = arith.truncf %relu : f32 to bf16
      linalg.yield %rounded : bf16
  } -> tensor<?x2048xbf16>
  %narrow = tensor.empty(%m) : tensor<?x512xf32>
  %sums0 = linalg.fill ins(%zero : f32) outs(%narrow : tensor<?x512xf32>) -> tensor<?x512xf32>
  %sums = linalg.matmul ins(%hidden, %w2 : tensor<?x2048xbf16>, tensor<2048x512xbf16>)
    outs(%sums0 : tensor<?x512xf32>) -> tensor<?x512xf32>
  %narrow_bf16 = tensor.empty(%m) : tensor<?x512xbf16>
  %result = linalg.generic {
      indexing_maps = [#matrix, #bias, #matrix], iterator_types = ["parallel", "parallel"]}
      ins(%sums, %b2 : tensor<?x512xf32>, tensor<512xbf16>)
      outs(%narrow_bf16 : tensor<?x512xbf16>) {
    ^bb0(%product: f32, %bias: bf16, %out: bf16):
      %wide_bias = arith.extf %bias : bf16 to f32
      %sum = arith.addf %product, %wide_bias : f32
      %rounded = arith.truncf %sum : f32 to bf16
      linalg.yield %rounded : bf16
  } -> tensor<?x512xbf16>
  return %result : tensor<?x512xbf16>
}

// The same for an argument and a result in f32, to be compared with a reference:
// .npy files have no bf16.
func.func @feed_forward_bf16_of_f32(%x: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %x_bf16 = arith.truncf %x : tensor<?x512xf32> to tensor<?x512xbf16>
  %result = call @feed_forward_bf16(%x_bf16) : (tensor<?x512xbf16>) -> tensor<?x512xbf16>
  %widened = arith.extf %result : tensor<?x512xbf16> to tensor<?x512xf32>
  return %widened : tensor<?x512xf32>
}
