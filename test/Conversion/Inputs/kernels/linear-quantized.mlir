// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
func.func @linear(%x: tensor<?x512xf32>, %w: tensor<64x8x2x16x64xi8>, %s: tensor<2048xf32>, %b: tensor<2048xf32>, %o: tensor<?x2048xf32>) -> tensor<?x2048xf32> {
  %r = attn.linear %x, %w scales(%s) bias(%b) outs(%o) : (tensor<?x512xf32>, tensor<64x8x2x16x64xi8>, tensor<2048xf32>, tensor<2048xf32>, tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %r : tensor<?x2048xf32>
}
