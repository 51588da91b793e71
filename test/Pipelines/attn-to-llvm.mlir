// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-to-llvm | FileCheck %s --implicit-check-not=memref --implicit-check-not=tensor --implicit-check-not=unrealized_conversion_cast

// Upstream operations, and ours, in one function: all of it becomes LLVM.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx2,+fma">} {
// CHECK-DAG:   llvm.mlir.global external constant @attn_manifest
// CHECK-DAG:   llvm.mlir.global external @attn_weights
// CHECK-DAG:   llvm.func @_mlir_ciface_mixed
func.func @mixed(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %a = attn.linear %x, %w outs(%e) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = arith.addf %a, %x : tensor<?x8xf32>
  %t = math.tanh %b : tensor<?x8xf32>
  %s = linalg.softmax dimension(1) ins(%t : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}
}
