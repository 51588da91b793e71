// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-weights | FileCheck %s

// CHECK:     llvm.mlir.global external @attn_weights() {{.*}} : !llvm.array<3 x ptr>
// CHECK-NOT: attn.weight
attn.weights @g {
  attn.weight @a from ["a"] : tensor<6x4xf32>
  attn.weight @b from ["b"] : tensor<4xf32>
}
attn.weights @h {
  attn.weight @a from ["c"] : tensor<4xf32>
}
// CHECK-LABEL: func.func @f
func.func @f() -> memref<4xf32> {
  // CHECK:      %[[TABLE:.*]] = llvm.mlir.addressof @attn_weights
  // CHECK-NEXT: %[[SLOT:.*]] = llvm.getelementptr %[[TABLE]][0, 2]
  // CHECK-NEXT: llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
  %w = attn.get_weight @h::@a : memref<4xf32>
  return %w : memref<4xf32>
}
