// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-weights | FileCheck %s

// CHECK:     llvm.mlir.global external @attn_weights() {{.*}} : !llvm.array<4 x ptr>
// CHECK-NOT: attn.weight
attn.weights @g {
  attn.weight @a from ["a"] : tensor<6x4xf32>
  attn.weight @b from ["b"] : tensor<4xf32>
}
attn.weights @h {
  attn.weight @a from ["c"] : tensor<4xf32>
  attn.weight @c from ["d"] : tensor<4xf32>
}
// CHECK-LABEL: func.func @f
func.func @f() -> memref<4xf32> {
  // CHECK:      %[[PLACE:.*]] = llvm.mlir.constant(2 : i64)
  // CHECK-NEXT: %[[TABLE:.*]] = llvm.mlir.addressof @attn_weights
  // CHECK-NEXT: %[[SLOT:.*]] = llvm.getelementptr %[[TABLE]][0, %[[PLACE]]]
  // CHECK-NEXT: llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
  %w = attn.get_weight @h::@a : memref<4xf32>
  return %w : memref<4xf32>
}

// A function whose weights are at the same distances in every call takes the
// place of the first.

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME:    %[[X:.*]]: memref<4xf32>, %[[FIRST:.*]]: i64)
// CHECK:         %[[NEXT:.*]] = llvm.mlir.constant(1 : i64) : i64
// CHECK:         %[[PLACE:.*]] = llvm.add %[[FIRST]], %[[NEXT]]
// CHECK:         llvm.getelementptr %{{.*}}[0, %[[PLACE]]]
func.func private @layer(%w: memref<4xf32>, %x: memref<4xf32>, %b: memref<4xf32>) {
  attn.layer_norm %x, %w, %b outs(%x) : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @layers
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(1 : i64) : i64
// CHECK:         call @layer(%{{.*}}, %[[ONE]]) : (memref<4xf32>, i64) -> ()
// CHECK:         %[[TWO:.*]] = llvm.mlir.constant(2 : i64) : i64
// CHECK:         call @layer(%{{.*}}, %[[TWO]]) : (memref<4xf32>, i64) -> ()
func.func @layers(%x: memref<4xf32>) {
  %b = attn.get_weight @g::@b : memref<4xf32>
  %a = attn.get_weight @h::@a : memref<4xf32>
  %c = attn.get_weight @h::@c : memref<4xf32>
  call @layer(%b, %x, %a) : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  call @layer(%a, %x, %c) : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
  return
}

// Where a call is unlike the others, weights stay arguments.

// CHECK-LABEL: func.func private @other(
// CHECK-SAME:    memref<4xf32>, %{{.*}}: memref<4xf32>)
func.func private @other(%w: memref<4xf32>, %x: memref<4xf32>) {
  attn.softmax %w outs(%x) : (memref<4xf32>, memref<4xf32>) -> ()
  return
}
func.func @others(%x: memref<4xf32>) {
  %b = attn.get_weight @g::@b : memref<4xf32>
  call @other(%b, %x) : (memref<4xf32>, memref<4xf32>) -> ()
  call @other(%x, %x) : (memref<4xf32>, memref<4xf32>) -> ()
  return
}
