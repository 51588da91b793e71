// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-lower-reshapes))' | FileCheck %s
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-lower-reshapes,expand-strided-metadata))' | FileCheck %s --check-prefix=AFTER
// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-lower-reshapes,canonicalize))' | FileCheck %s --check-prefix=COPY

// AFTER-NOT: memref.expand_shape

// CHECK-LABEL: func.func @split(
// CHECK-SAME:    %[[X:.*]]: memref<?x8xf32>, %[[B:.*]]: index, %[[H:.*]]: index)
func.func @split(%x: memref<?x8xf32>, %b: index, %h: index) -> memref<?x?x8xf32> {
  // CHECK: %[[BASE:[^,]*]], %{{.*}} = memref.extract_strided_metadata %[[X]]
  // CHECK: %[[STRIDE:.*]] = arith.muli %{{.*}}, %[[H]] : index
  // CHECK: %[[Y:.*]] = memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[B]], %[[H]], 8], strides: [%[[STRIDE]], 8, 1] : memref<f32> to memref<?x?x8xf32>
  // CHECK: return %[[Y]]
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %h, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %y : memref<?x?x8xf32>
}

// CHECK-LABEL: func.func @strided(
func.func @strided(%x: memref<?x?xf32, strided<[?, 2], offset: ?>>, %a: index, %b: index, %c: index) -> memref<?x4x?x?xf32, strided<[?, ?, ?, 2], offset: ?>> {
  // CHECK: %[[BASE:[^,]*]], %[[OFFSET:[^,]*]], %{{.*}}:2, %[[STRIDES:[^,]*]]:2 = memref.extract_strided_metadata
  // CHECK: memref.reinterpret_cast %[[BASE]] to offset: [%[[OFFSET]]], sizes: [%{{.*}}, 4, %{{.*}}, %{{.*}}], strides: [%{{.*}}, %{{.*}}, %[[STRIDES]]#0, 2]
  %y = memref.expand_shape %x [[0, 1, 2], [3]] output_shape [%a, 4, %b, %c] : memref<?x?xf32, strided<[?, 2], offset: ?>> into memref<?x4x?x?xf32, strided<[?, ?, ?, 2], offset: ?>>
  return %y : memref<?x4x?x?xf32, strided<[?, ?, ?, 2], offset: ?>>
}

// What is returned is copied as a whole: it is known to be dense.
// COPY-LABEL: func.func @copied(
func.func @copied(%x: memref<?xf32>, %b: index, %h: index) -> memref<?x?xf32> {
  // COPY: bufferization.clone %{{.*}} : memref<?x?xf32> to memref<?x?xf32>
  %y = memref.expand_shape %x [[0, 1]] output_shape [%b, %h] : memref<?xf32> into memref<?x?xf32>
  %z = bufferization.clone %y : memref<?x?xf32> to memref<?x?xf32>
  return %z : memref<?x?xf32>
}

// COPY-LABEL: func.func @copied_of_constant_size(
func.func @copied_of_constant_size(%x: memref<?xf32>, %b: index) -> memref<?x?xf32> {
  %c4 = arith.constant 4 : index
  // COPY: bufferization.clone %{{.*}} : memref<?x4xf32> to memref<?x?xf32>
  %y = memref.expand_shape %x [[0, 1]] output_shape [%b, %c4] : memref<?xf32> into memref<?x?xf32>
  %z = bufferization.clone %y : memref<?x?xf32> to memref<?x?xf32>
  return %z : memref<?x?xf32>
}

// One unknown size follows from the others.
// CHECK-LABEL: func.func @one_unknown(
func.func @one_unknown(%x: memref<?x8xf32>, %b: index) -> memref<?x2x8xf32> {
  // CHECK-NEXT: memref.expand_shape
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, 2, 8] : memref<?x8xf32> into memref<?x2x8xf32>
  return %y : memref<?x2x8xf32>
}
