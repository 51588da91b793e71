// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-copies | FileCheck %s

// CHECK-LABEL: func.func @slice
// CHECK-NOT:     memref.copy
// CHECK:         linalg.generic {{.*}} ins(%{{.*}} : memref<4x3xf32, strided<[6, 1]>>) outs(%{{.*}} : memref<4x3xf32>)
func.func @slice(%x: memref<4x3xf32, strided<[6, 1]>>, %y: memref<4x3xf32>) {
  memref.copy %x, %y : memref<4x3xf32, strided<[6, 1]>> to memref<4x3xf32>
  return
}

// CHECK-LABEL: func.func @dense
// CHECK:         memref.copy
func.func @dense(%x: memref<?x3xf32>, %y: memref<?x3xf32>) {
  memref.copy %x, %y : memref<?x3xf32> to memref<?x3xf32>
  return
}

// A part that is returned.

// CHECK-LABEL: func.func @part
// CHECK-NOT:     bufferization.clone
// CHECK:         %[[n:.*]] = memref.dim %{{.*}}, %c0
// CHECK:         %[[copy:.*]] = memref.alloc(%[[n]]) : memref<?x3xf32>
// CHECK:         linalg.generic {{.*}} outs(%[[copy]] : memref<?x3xf32>)
// CHECK:         return %[[copy]]
func.func @part(%x: memref<?x3xf32, strided<[6, 1]>>) -> memref<?x3xf32> {
  %y = bufferization.clone %x : memref<?x3xf32, strided<[6, 1]>> to memref<?x3xf32>
  return %y : memref<?x3xf32>
}
