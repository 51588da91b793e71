// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
func.func @linear(%x: tensor<?x512xf32>, %w: tensor<64x16x2x16x32xbf16>, %b: tensor<2048xf32>, %o: tensor<?x2048xf32>) -> tensor<?x2048xf32> {
  %r = attn.linear %x, %w bias(%b) outs(%o) : (tensor<?x512xf32>, tensor<64x16x2x16x32xbf16>, tensor<2048xf32>, tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %r : tensor<?x2048xf32>
}
