// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-to-llvm-in-parts | FileCheck %s --implicit-check-not=memref --implicit-check-not=tensor --implicit-check-not=unrealized_conversion_cast
// RUN: attn-opt %s --attn-to-llvm-in-parts --mlir-timing -o %t 2>&1 | FileCheck %s --check-prefix=TIMING

// Parts have no functions to lower in parallel while they are in parallel.
// TIMING:     SplitKernels
// TIMING:     'builtin.module' Pipeline
// TIMING-NOT: 'func.func' Pipeline

// A module for the functions, and one for each region of the kernel.

// CHECK:      module @functions
// CHECK-DAG:    llvm.mlir.global external constant @attn_manifest
// CHECK-DAG:    llvm.func @_mlir_ciface_f
// CHECK-DAG:    llvm.func @linear_region({{[^%]*}}) attributes {passthrough = ["noinline"], sym_visibility = "private"}
// CHECK:        llvm.call @linear_region(
// CHECK:      module @linear_region
// CHECK:        llvm.func @linear_region({{.*}}) attributes {passthrough = ["noinline"]{{.*}}} {
// CHECK:          omp.parallel
module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx2,+fma">} {
func.func @f(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %a = attn.linear %x, %w outs(%e) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}
}
