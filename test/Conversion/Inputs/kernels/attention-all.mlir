// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
func.func @attention_all(%q: tensor<?x8x?x64xf32>, %k: tensor<?x8x?x64xf32>, %v: tensor<?x8x?x64xf32>, %n: tensor<?xi32>, %p: tensor<?xi32>, %a: tensor<8xf32>, %o: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %r = attn.sdpa %q, %k, %v lengths(%n) positions(%p) slopes(%a) outs(%o) {causal, scale = 0.125 : f64, window_before = 255 : i64} : (tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?xi32>, tensor<?xi32>, tensor<8xf32>, tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}
