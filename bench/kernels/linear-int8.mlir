// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// x wᵀ for x [M, 512] in f32 and w [2048, 512] or, filled in by the benchmark, of
// other widths. The weight is rounded to i8 when it is loaded, a row of x when it
// is multiplied: upstream has no operation for that.
attn.weights @linear {
  attn.weight @w from ["w"] : tensor<2048x512xi8>
  attn.weight @scales scales from ["w"] : tensor<2048xf32>
}
func.func @linear_int8(%x: tensor<?x512xf32>) -> tensor<?x2048xf32> {
  %w = attn.get_weight @linear::@w : tensor<2048x512xi8>
  %scales = attn.get_weight @linear::@scales : tensor<2048xf32>
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x512xf32>
  %empty = tensor.empty(%m) : tensor<?x2048xf32>
  %result = attn.linear %x, %w scales(%scales) outs(%empty)
    : (tensor<?x512xf32>, tensor<2048x512xi8>, tensor<2048xf32>, tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %result : tensor<?x2048xf32>
}
