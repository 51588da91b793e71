// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-reuse-buffers --split-input-file | FileCheck %s

// A chain needs two buffers, whatever its length; their sizes are computed first.

// CHECK-LABEL: func.func @chain
// CHECK-SAME:    (%[[X:.*]]: memref<?x?xf32>)
func.func @chain(%x: memref<?x?xf32>) -> memref<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK:      %[[M:.*]] = memref.dim %[[X]]
  // CHECK:      %[[N:.*]] = memref.dim %[[X]]
  // CHECK-NEXT: %[[A:.*]] = memref.alloc(%[[M]], %[[N]])
  // CHECK-NEXT: %[[B:.*]] = memref.alloc(%[[M]], %[[N]])
  // CHECK-NEXT: %[[R:.*]] = memref.alloc(%[[M]], %[[N]])
  // CHECK-NOT:  memref.alloc
  // CHECK:      attn.softmax %[[X]] outs(%[[A]])
  // CHECK:      attn.softmax %[[A]] outs(%[[B]])
  // CHECK:      attn.softmax %[[B]] outs(%[[A]])
  // CHECK:      attn.softmax %[[A]] outs(%[[B]])
  // CHECK:      attn.softmax %[[B]] outs(%[[R]])
  // CHECK:      return %[[R]]
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  %a = memref.alloc(%m, %n) : memref<?x?xf32>
  attn.softmax %x outs(%a) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  %b = memref.alloc(%m, %n) : memref<?x?xf32>
  attn.softmax %a outs(%b) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  %c = memref.alloc(%m, %n) : memref<?x?xf32>
  attn.softmax %b outs(%c) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  %d = memref.alloc(%m, %n) : memref<?x?xf32>
  attn.softmax %c outs(%d) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  %r = memref.alloc(%m, %n) : memref<?x?xf32>
  attn.softmax %d outs(%r) : (memref<?x?xf32>, memref<?x?xf32>) -> ()
  return %r : memref<?x?xf32>
}

// -----

// A view keeps its buffer alive.

// CHECK-LABEL: func.func @view
func.func @view(%x: memref<8x8xf32>, %y: memref<4x8xf32>) {
  // CHECK-COUNT-2: memref.alloc
  // CHECK-NOT:     memref.alloc
  %a = memref.alloc() : memref<8x8xf32>
  attn.softmax %x outs(%a) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  %v = memref.subview %a[0, 0] [4, 8] [1, 1] : memref<8x8xf32> to memref<4x8xf32, strided<[8, 1]>>
  %b = memref.alloc() : memref<8x8xf32>
  attn.softmax %x outs(%b) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  attn.softmax %v outs(%y) : (memref<4x8xf32, strided<[8, 1]>>, memref<4x8xf32>) -> ()
  attn.softmax %b outs(%x) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  return
}

// -----

// Where the address goes elsewhere, nothing is known; other types share nothing.

// CHECK-LABEL: func.func @escapes
func.func @escapes(%x: memref<8x8xf32>, %which: i1) {
  // CHECK-COUNT-4: memref.alloc
  %a = memref.alloc() : memref<8x8xf32>
  %b = memref.alloc() : memref<8x8xf32>
  %s = arith.select %which, %a, %b : memref<8x8xf32>
  attn.softmax %x outs(%s) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  %c = memref.alloc() : memref<8x8xf32>
  attn.softmax %x outs(%c) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  %d = memref.alloc() {alignment = 128 : i64} : memref<8x8xf32>
  attn.softmax %x outs(%d) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  return
}

// -----

// A size that is computed from what the function computes stays where it is.

// CHECK-LABEL: func.func @late_size
func.func @late_size(%x: memref<?xf32>, %sizes: memref<1xindex>) {
  // CHECK: memref.load
  // CHECK: memref.alloc
  %c0 = arith.constant 0 : index
  %n = memref.load %sizes[%c0] : memref<1xindex>
  %a = memref.alloc(%n) : memref<?xf32>
  attn.softmax %x outs(%a) : (memref<?xf32>, memref<?xf32>) -> ()
  return
}

// -----

// In a function of several blocks, order is not time.

// CHECK-LABEL: func.func @several_blocks
func.func @several_blocks(%x: memref<8x8xf32>) {
  // CHECK-COUNT-2: memref.alloc
  %a = memref.alloc() : memref<8x8xf32>
  attn.softmax %x outs(%a) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  %b = memref.alloc() : memref<8x8xf32>
  attn.softmax %x outs(%b) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  attn.softmax %b outs(%x) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  cf.br ^end
^end:
  attn.softmax %a outs(%x) : (memref<8x8xf32>, memref<8x8xf32>) -> ()
  return
}
