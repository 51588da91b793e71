// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --canonicalize --cse | FileCheck %s

// Cores write into new memory, and read slices where they are: no copy.

// CHECK-LABEL: func.func @cores
// CHECK-NOT:     memref.copy
// CHECK:         attn.linear %{{.*}}, %{{.*}} outs(%[[QK:.*]]) : (memref<?x?x8xf32>, memref<16x8xf32>, memref<?x?x16xf32>) -> ()
// CHECK:         %[[Q:.*]] = memref.subview %[[QK]]
// CHECK:         %[[K:.*]] = memref.subview %[[QK]]
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}})
// CHECK-NOT:     memref.copy
func.func @cores(%x: tensor<?x?x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  %qk0 = tensor.empty(%b, %s) : tensor<?x?x16xf32>
  %qk = attn.linear %x, %w outs(%qk0) : (tensor<?x?x8xf32>, tensor<16x8xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %q = tensor.extract_slice %qk[0, 0, 0] [%b, %s, 8] [1, 1, 1] : tensor<?x?x16xf32> to tensor<?x?x8xf32>
  %k = tensor.extract_slice %qk[0, 0, 8] [%b, %s, 8] [1, 1, 1] : tensor<?x?x16xf32> to tensor<?x?x8xf32>
  %y0 = tensor.empty(%b, %s) : tensor<?x?x8xf32>
  %y = attn.sdpa %q, %k, %k outs(%y0) {heads = 2 : i64, scale = 0.5 : f64}
     : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// A cache is updated where it is.

// CHECK-LABEL: func.func @cache
// CHECK-SAME:    (%[[X:.*]]: memref<?x1x8xf32>, %[[P:.*]]: memref<?xi32>, %[[CACHE:.*]]: memref<?x?x8xf32>)
// CHECK-NEXT:    attn.cache_append %[[X]] at %[[P]] outs(%[[CACHE]])
// CHECK-NEXT:    return
func.func @cache(%x: tensor<?x1x8xf32>, %p: tensor<?xi32>, %cache: memref<?x?x8xf32>) {
  %c = bufferization.to_tensor %cache restrict writable : memref<?x?x8xf32> to tensor<?x?x8xf32>
  %u = attn.cache_append %x at %p outs(%c) : (tensor<?x1x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  bufferization.materialize_in_destination %u in writable %cache : (tensor<?x?x8xf32>, memref<?x?x8xf32>) -> ()
  return
}

// What a cache held before the append is still read: there the append copies.

// CHECK-LABEL: func.func @old_cache
// CHECK:         memref.copy
// CHECK:         attn.cache_append
func.func @old_cache(%x: tensor<1x1x8xf32>, %p: tensor<1xi32>, %cache: tensor<1x4x8xf32>) -> (tensor<1x4x8xf32>, tensor<1x4x8xf32>) {
  %u = attn.cache_append %x at %p outs(%cache) : (tensor<1x1x8xf32>, tensor<1xi32>, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %u, %cache : tensor<1x4x8xf32>, tensor<1x4x8xf32>
}

// CHECK-LABEL: func.func @weight
// CHECK:         attn.get_weight @g::@w : memref<4xf32>
attn.weights @g {
  attn.weight @w from ["w"] : tensor<4xf32>
}
func.func @weight() -> tensor<4xf32> {
  %w = attn.get_weight @g::@w : tensor<4xf32>
  return %w : tensor<4xf32>
}
