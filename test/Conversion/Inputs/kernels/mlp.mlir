// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
func.func @mlp(%x: tensor<?x512xf32>, %w1: tensor<512x2048xf32>, %b1: tensor<2048xf32>, %w2: tensor<2048x512xf32>, %b2: tensor<512xf32>, %o: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %r = attn.mlp %x, %w1 bias(%b1) activation relu, %w2 bias(%b2) outs(%o) {hidden_transposed, transposed} : (tensor<?x512xf32>, tensor<512x2048xf32>, tensor<2048xf32>, tensor<2048x512xf32>, tensor<512xf32>, tensor<?x512xf32>) -> tensor<?x512xf32>
  return %r : tensor<?x512xf32>
}
