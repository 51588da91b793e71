// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-weights --split-input-file --verify-diagnostics

// Bufferization comes before.
attn.weights @g {
  attn.weight @a from ["a"] : tensor<4xf32>
}
func.func @f() -> tensor<4xf32> {
  // expected-error @below {{expected a memref, got 'tensor<4xf32>'; hint: run attn-bufferize before this pass}}
  %w = attn.get_weight @g::@a : tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

// A function without a body keeps its arguments.
attn.weights @g {
  attn.weight @a from ["a"] : tensor<4xf32>
}
func.func private @declared(memref<4xf32>)
func.func @f() {
  %w = attn.get_weight @g::@a : memref<4xf32>
  call @declared(%w) : (memref<4xf32>) -> ()
  return
}
