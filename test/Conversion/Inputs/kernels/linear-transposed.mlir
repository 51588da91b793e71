// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
func.func @linear(%x: tensor<?x512xf32>, %w: tensor<512x2048xf32>, %b: tensor<2048xf32>, %o: tensor<?x2048xf32>) -> tensor<?x2048xf32> {
  %r = attn.linear %x, %w bias(%b) outs(%o) {transposed} : (tensor<?x512xf32>, tensor<512x2048xf32>, tensor<2048xf32>, tensor<?x2048xf32>) -> tensor<?x2048xf32>
  return %r : tensor<?x2048xf32>
}
