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
