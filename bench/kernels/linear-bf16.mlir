// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// x w in bf16, for x [M, 512] and w [512, 2048] or, filled in by the benchmark,
// of other widths: the sums are computed in f32.
ml_program.global private @w(#ml_program.extern<tensor<512x2048xbf16>>) : tensor<512x2048xbf16>
func.func @linear_bf16(%x: tensor<?x512xbf16>) -> tensor<?x2048xbf16> {
  %w = ml_program.global_load_const @w : tensor<512x2048xbf16>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %x, %c0 : tensor<?x512xbf16>
  %empty = tensor.empty(%m) : tensor<?x2048xf32>
  %sums0 = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %sums = linalg.matmul ins(%x, %w : tensor<?x512xbf16>, tensor<512x2048xbf16>)
    outs(%sums0 : tensor<?x2048xf32>) -> tensor<?x2048xf32>
  %result = arith.truncf %sums : tensor<?x2048xf32> to tensor<?x2048xbf16>
  return %result : tensor<?x2048xbf16>
}

// The same for an argument and a result in f32, to be compared with a reference:
// .npy files have no bf16.
func.func @linear_bf16_of_f32(%x: tensor<?x512xf32>) -> tensor<?x2048xf32> {
  %x_bf16 = arith.truncf %x : tensor<?x512xf32> to tensor<?x512xbf16>
  %result = call @linear_bf16(%x_bf16) : (tensor<?x512xbf16>) -> tensor<?x2048xbf16>
  %widened = arith.extf %result : tensor<?x2048xbf16> to tensor<?x2048xf32>
  return %widened : tensor<?x2048xf32>
}
