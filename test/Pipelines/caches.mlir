// RUN: attn-opt %s --attn-emit-manifest --attn-bufferize --attn-lower-copies | FileCheck %s

// A caller that gives a cache away gets it back with the new rows in it: nothing
// is copied but these.

// CHECK-LABEL: func.func @given(
// CHECK-SAME:    %[[NEW:[^:]*]]: memref<?x?x16xf32>, %[[AT:[^:]*]]: memref<?xi32>, %[[CACHE:[^:]*]]: memref<?x?x16xf32> {attn.role = "cache"})
// CHECK-NEXT:    attn.cache_append %[[NEW]] at %[[AT]] outs(%[[CACHE]])
// CHECK-NEXT:    return %[[CACHE]]
func.func @given(%new: tensor<?x?x16xf32>, %at: tensor<?xi32>, %cache: tensor<?x?x16xf32> {attn.role = "cache"}) -> tensor<?x?x16xf32> {
  %r = attn.cache_append %new at %at outs(%cache) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// The same in upstream operations, and read afterwards.
// CHECK-LABEL: func.func @inserted(
// CHECK-NOT:     memref.copy
// CHECK:         %[[PLACE:.*]] = memref.subview %[[CACHE:.*]][0, %{{.*}}, 0] [2, 1, 16]
// CHECK:         linalg.generic {{.*}} outs(%[[PLACE]] :
// CHECK:         attn.sdpa %{{.*}}, %[[CACHE]], %[[CACHE]]
// CHECK-NOT:     memref.copy
// CHECK:         return %[[CACHE]], %{{.*}}
func.func @inserted(%new: tensor<2x1x16xf32>, %n: tensor<i64>, %cache: tensor<2x?x16xf32> {attn.role = "cache"}) -> (tensor<2x?x16xf32>, tensor<2x1x16xf32>) {
  %n0 = tensor.extract %n[] : tensor<i64>
  %at = arith.index_cast %n0 : i64 to index
  %r = tensor.insert_slice %new into %cache[0, %at, 0] [2, 1, 16] [1, 1, 1] : tensor<2x1x16xf32> into tensor<2x?x16xf32>
  %o = tensor.empty() : tensor<2x1x16xf32>
  %y = attn.sdpa %new, %r, %r outs(%o) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x1x16xf32>, tensor<2x?x16xf32>, tensor<2x?x16xf32>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %r, %y : tensor<2x?x16xf32>, tensor<2x1x16xf32>
}

// What is not given is not written: there the append works on a copy.
// CHECK-LABEL: func.func @kept(
// CHECK-SAME:    %[[NEW:[^:]*]]: memref<?x?x16xf32>, %[[AT:[^:]*]]: memref<?xi32>, %[[PAST:[^:]*]]: memref<?x?x16xf32>)
// CHECK:         memref.copy %[[PAST]], %[[COPY:.*]] :
// CHECK:         attn.cache_append %[[NEW]] at %[[AT]] outs(%[[COPY]])
// CHECK:         return %[[COPY]]
func.func @kept(%new: tensor<?x?x16xf32>, %at: tensor<?xi32>, %past: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %r = attn.cache_append %new at %at outs(%past) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// Of a cache whose old rows are still read, the old ones are kept.
// CHECK-LABEL: func.func @both(
// CHECK:         memref.copy
// CHECK:         attn.cache_append
func.func @both(%new: tensor<?x?x16xf32>, %at: tensor<?xi32>, %cache: tensor<?x?x16xf32> {attn.role = "cache"}) -> (tensor<?x?x16xf32>, tensor<?x?x16xf32>) {
  %r = attn.cache_append %new at %at outs(%cache) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %r, %cache : tensor<?x?x16xf32>, tensor<?x?x16xf32>
}
