// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-outline-repeats --split-input-file | FileCheck %s

// Three layers become three calls; weights and buffers are arguments.

attn.weights @a { attn.weight @w from ["a.w"] : tensor<8xf32> }
attn.weights @b { attn.weight @w from ["b.w"] : tensor<8xf32> }
attn.weights @c { attn.weight @w from ["c.w"] : tensor<8xf32> }

// CHECK:      func.func private @net_layer(%[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32>, %[[W:.*]]: memref<8xf32>) {
// CHECK-NEXT:   attn.softmax %[[X]] outs(%[[Y]])
// CHECK-NEXT:   attn.layer_norm %[[Y]], %[[W]], %[[W]] outs(%[[X]])
// CHECK-NEXT:   return

// CHECK-LABEL: func.func @net(
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32>)
func.func @net(%x: memref<4x8xf32>) {
  // CHECK-DAG:  %[[A:.*]] = attn.get_weight @a::@w
  // CHECK-DAG:  %[[B:.*]] = attn.get_weight @b::@w
  // CHECK-DAG:  %[[C:.*]] = attn.get_weight @c::@w
  // CHECK-DAG:  %[[Y:.*]] = memref.alloc()
  // CHECK:      call @net_layer(%[[X]], %[[Y]], %[[A]])
  // CHECK-NEXT: call @net_layer(%[[X]], %[[Y]], %[[B]])
  // CHECK-NEXT: call @net_layer(%[[X]], %[[Y]], %[[C]])
  // CHECK-NEXT: return
  %y = memref.alloc() : memref<4x8xf32>
  %wa = attn.get_weight @a::@w : memref<8xf32>
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %wa, %wa outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  %wb = attn.get_weight @b::@w : memref<8xf32>
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %wb, %wb outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  %wc = attn.get_weight @c::@w : memref<8xf32>
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %wc, %wc outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  return
}

// -----

// An attribute that differs makes another layer.

// CHECK-NOT:   func.func private
// CHECK-LABEL: func.func @other_epsilon
// CHECK-NOT:   call
func.func @other_epsilon(%x: memref<4x8xf32>, %y: memref<4x8xf32>, %w: memref<8xf32>) {
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %w, %w outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %w, %w outs(%x) {epsilon = 0.1 : f64} : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  return
}

// -----

// One operation that repeats is a kernel already: it stays.

// CHECK-LABEL: func.func @single
// CHECK-COUNT-3: attn.softmax
func.func @single(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  return
}

// -----

// Operands that are one value in the first layer alone are two arguments.

// CHECK-LABEL: func.func private @once_the_same_layer(
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32>, %[[W:.*]]: memref<8xf32>, %[[B:.*]]: memref<8xf32>)
// CHECK:         attn.layer_norm %[[Y]], %[[W]], %[[B]] outs(%[[X]])
// CHECK-LABEL: func.func @once_the_same(
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32>, %[[W:.*]]: memref<8xf32>, %[[B:.*]]: memref<8xf32>)
// CHECK-NEXT:    call @once_the_same_layer(%[[X]], %[[Y]], %[[W]], %[[W]])
// CHECK-NEXT:    call @once_the_same_layer(%[[X]], %[[Y]], %[[W]], %[[B]])
func.func @once_the_same(%x: memref<4x8xf32>, %y: memref<4x8xf32>, %w: memref<8xf32>, %b: memref<8xf32>) {
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %w, %w outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  attn.layer_norm %y, %w, %b outs(%x) : (memref<4x8xf32>, memref<8xf32>, memref<8xf32>, memref<4x8xf32>) -> ()
  return
}

// -----

// A view within a layer is made by each call.

// CHECK-LABEL: func.func private @view_layer(
// CHECK:         memref.subview
// CHECK:         attn.softmax
// CHECK-LABEL: func.func @view(
// CHECK-COUNT-2: call @view_layer
func.func @view(%x: memref<8x8xf32>, %y: memref<4x8xf32>, %places: memref<1xindex>) {
  %c0 = arith.constant 0 : index
  %n = memref.load %places[%c0] : memref<1xindex>
  %a = memref.subview %x[%n, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1], offset: ?>>
  attn.softmax %a outs(%y) : (memref<4x8xf32, strided<[8, 1], offset: ?>>, memref<4x8xf32>) -> ()
  %b = memref.subview %x[%n, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1], offset: ?>>
  attn.softmax %b outs(%y) : (memref<4x8xf32, strided<[8, 1], offset: ?>>, memref<4x8xf32>) -> ()
  return
}

// -----

// One that is used later is not in a layer.

// CHECK-NOT:   call
// CHECK-LABEL: func.func @used_later(
// CHECK-NOT:   call
func.func @used_later(%x: memref<8x8xf32>, %y: memref<4x8xf32>, %places: memref<1xindex>) {
  %c0 = arith.constant 0 : index
  %n = memref.load %places[%c0] : memref<1xindex>
  %a = memref.subview %x[%n, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1], offset: ?>>
  attn.softmax %a outs(%y) : (memref<4x8xf32, strided<[8, 1], offset: ?>>, memref<4x8xf32>) -> ()
  %b = memref.subview %x[%n, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1], offset: ?>>
  attn.softmax %b outs(%y) : (memref<4x8xf32, strided<[8, 1], offset: ?>>, memref<4x8xf32>) -> ()
  attn.softmax %a outs(%y) : (memref<4x8xf32, strided<[8, 1], offset: ?>>, memref<4x8xf32>) -> ()
  return
}
