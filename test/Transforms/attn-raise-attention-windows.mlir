// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Masks that keep keys by their distance from the query.

#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#ij = affine_map<(b, h, i, j) -> (i, j)>
#b = affine_map<(b, h, i, j) -> (b)>

// Two bounds in one condition.
// CHECK-LABEL: func.func @both_sides(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 1 : i64, window_before = 3 : i64}
func.func @both_sides(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %cm3 = arith.constant -3 : index
    %c1 = arith.constant 1 : index
    %first = arith.addi %i, %cm3 : index
    %last = arith.addi %i, %c1 : index
    %c = arith.cmpi sge, %j, %first : index
    %d = arith.cmpi sle, %j, %last : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Keys that are not far before, whatever comes after; as integers, the other way
// around.
// CHECK-LABEL: func.func @before(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_before = 2 : i64}
func.func @before(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %n = arith.index_cast %d : index to i32
    %c2 = arith.constant 2 : i32
    %c = arith.cmpi sgt, %n, %c2 : i32
    %y = arith.select %c, %excluded, %x : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Two steps with finite scores, as of a sliding window: each query keeps the key at
// its own index.
// CHECK-LABEL: func.func @sliding_finite(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64, window_before = 2 : i64}
func.func @sliding_finite(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant -3.40282347E+38 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sle, %j, %i : index
    %z = arith.select %c, %x, %excluded : f32
    %d = arith.subi %i, %j : index
    %c2 = arith.constant 2 : index
    %n = arith.cmpi sle, %d, %c2 : index
    %y = arith.select %n, %z, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Where there are more queries than keys, the last ones would be left without a key:
// finite scores count.
// CHECK-LABEL: func.func @sliding_finite_and_more_queries(
// CHECK-NOT:     window
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(
func.func @sliding_finite_and_more_queries(%q: tensor<2x4x7x8xf32>, %k: tensor<2x4x5x8xf32>) -> tensor<2x4x7x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x7x5xf32>
  %eo = tensor.empty() : tensor<2x4x7x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x7x5xf32>) -> tensor<2x4x7x5xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x7x8xf32>) -> tensor<2x4x7x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) outs(%zeros : tensor<2x4x7x5xf32>) -> tensor<2x4x7x5xf32>
  %excluded = arith.constant -3.40282347E+38 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x7x5xf32>) outs(%e : tensor<2x4x7x5xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sle, %j, %i : index
    %z = arith.select %c, %x, %excluded : f32
    %d = arith.subi %i, %j : index
    %c2 = arith.constant 2 : index
    %n = arith.cmpi sle, %d, %c2 : index
    %y = arith.select %n, %z, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x7x5xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x7x5xf32>) outs(%e : tensor<2x4x7x5xf32>) -> tensor<2x4x7x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x7x5xf32>, tensor<2x4x5x8xf32>) outs(%out : tensor<2x4x7x8xf32>) -> tensor<2x4x7x8xf32>
  return %o : tensor<2x4x7x8xf32>
}

// Both bounds are of keys after the query: it stands one further.
// CHECK-LABEL: func.func @further(
// CHECK:         %[[P:.*]] = arith.constant dense<1> : tensor<2xi32>
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 positions(%[[P]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 1 : i64, window_before = 0 : i64}
func.func @further(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %first = arith.addi %i, %c1 : index
    %last = arith.addi %i, %c2 : index
    %c = arith.cmpi sge, %j, %first : index
    %d = arith.cmpi sle, %j, %last : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The narrower of two bounds on one side.
// CHECK-LABEL: func.func @narrower(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64, window_before = 1 : i64}
func.func @narrower(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %cm1 = arith.constant -1 : index
    %c2 = arith.constant 2 : index
    %first = arith.addi %i, %cm1 : index
    %last = arith.addi %i, %c2 : index
    %c = arith.cmpi sge, %j, %first : index
    %d = arith.cmpi sle, %j, %last : index
    %both = arith.andi %c, %d : i1
    %own = arith.cmpi sle, %j, %i : index
    %all = arith.andi %both, %own : i1
    %y = arith.select %all, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// No key is within both: that is a mask.
// CHECK-LABEL: func.func @empty(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(
func.func @empty(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c2 = arith.constant 2 : index
    %c1 = arith.constant 1 : index
    %first = arith.addi %i, %c2 : index
    %last = arith.addi %i, %c1 : index
    %c = arith.cmpi sge, %j, %first : index
    %d = arith.cmpi sle, %j, %last : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Aligned at the last, sizes known at run time: both bounds are moved alike.
// CHECK-LABEL: func.func @from_the_end(
// CHECK-NOT:     linalg.generic
// CHECK:         %[[P:.*]] = tensor.splat
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 positions(%[[P]]) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64, window_before = 9 : i64}
func.func @from_the_end(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2 : index
  %queries = tensor.dim %q, %two : tensor<2x4x?x8xf32>
  %keys = tensor.dim %k, %two : tensor<2x4x?x8xf32>
  %e = tensor.empty(%queries, %keys) : tensor<2x4x?x?xf32>
  %eo = tensor.empty(%queries) : tensor<2x4x?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>) outs(%zeros : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %before = arith.subi %keys, %queries : index
    %at = arith.addi %i, %before : index
    %c = arith.cmpi sle, %j, %at : index
    %c9 = arith.constant 9 : index
    %first = arith.subi %at, %c9 : index
    %d = arith.cmpi sge, %j, %first : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x?x?xf32>, tensor<2x4x?x8xf32>) outs(%out : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  return %o : tensor<2x4x?x8xf32>
}

// Moved differently: one bound stays a mask.
// CHECK-LABEL: func.func @moved_differently(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @moved_differently(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2 : index
  %queries = tensor.dim %q, %two : tensor<2x4x?x8xf32>
  %keys = tensor.dim %k, %two : tensor<2x4x?x8xf32>
  %e = tensor.empty(%queries, %keys) : tensor<2x4x?x?xf32>
  %eo = tensor.empty(%queries) : tensor<2x4x?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>) outs(%zeros : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %before = arith.subi %keys, %queries : index
    %at = arith.addi %i, %before : index
    %c = arith.cmpi sle, %j, %i : index
    %d = arith.cmpi sge, %j, %at : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x?x?xf32>, tensor<2x4x?x8xf32>) outs(%out : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  return %o : tensor<2x4x?x8xf32>
}

// A constant band.
// CHECK-LABEL: func.func @constant(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 2 : i64, window_before = 1 : i64}
func.func @constant(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %band = arith.constant dense<[[true, true, true, false, false, false, false], [true, true, true, true, false, false, false], [false, true, true, true, true, false, false], [false, false, true, true, true, true, false], [false, false, false, true, true, true, true]]> : tensor<5x7xi1>
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %band : tensor<2x4x5x7xf32>, tensor<5x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %c: i1, %u: f32):
    %y = arith.select %c, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Each entry of the batch has a place of its own, which is computed from what it
// has seen. Places beyond i32 are the last of these.
// CHECK-LABEL: func.func @entries(
// CHECK:         %[[P:.*]] = linalg.generic {{.*}} ins(%arg2 : tensor<2xi64>) outs(%{{.*}} : tensor<2xi32>)
// CHECK:           arith.select
// CHECK:           arith.maxsi
// CHECK:           arith.minsi
// CHECK:           arith.trunci
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 positions(%[[P]]) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64, window_before = 2 : i64}
func.func @entries(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %seen: tensor<2xi64>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #b, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %seen : tensor<2x4x5x7xf32>, tensor<2xi64>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %n: i64, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %i64 = arith.index_cast %i : index to i64
    %j64 = arith.index_cast %j : index to i64
    %c0 = arith.constant 0 : i64
    %c3 = arith.constant 3 : i64
    %c5 = arith.constant 5 : i64
    %rest = arith.subi %n, %c5 : i64
    %isBegin = arith.cmpi slt, %rest, %c0 : i64
    %before = arith.select %isBegin, %c0, %rest : i64
    %place = arith.addi %before, %i64 : i64
    %first = arith.subi %place, %c3 : i64
    %c = arith.cmpi sle, %j64, %place : i64
    %d = arith.cmpi sgt, %j64, %first : i64
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Where it depends on the query too, there is a mask.
// CHECK-LABEL: func.func @entries_of_queries(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @entries_of_queries(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %seen: tensor<5xi64>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (i)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %seen : tensor<2x4x5x7xf32>, tensor<5xi64>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %n: i64, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %i64 = arith.index_cast %i : index to i64
    %j64 = arith.index_cast %j : index to i64
    %c0 = arith.constant 0 : i64
    %c3 = arith.constant 3 : i64
    %c5 = arith.constant 5 : i64
    %rest = arith.subi %n, %c5 : i64
    %isBegin = arith.cmpi slt, %rest, %c0 : i64
    %before = arith.select %isBegin, %c0, %rest : i64
    %place = arith.addi %before, %i64 : i64
    %first = arith.subi %place, %c3 : i64
    %c = arith.cmpi sle, %j64, %place : i64
    %d = arith.cmpi sgt, %j64, %first : i64
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// One value twice is not two values: the second bound stays in a mask.
// CHECK-LABEL: func.func @twice(
// CHECK-SAME:      %{{.*}}, %{{.*}}, %{{.*}}: index, %[[B:.*]]: index)
// CHECK:         linalg.generic
// CHECK:           arith.addi %{{.*}}, %[[B]]
// CHECK:         attn.sdpa {{.*}} mask(
// CHECK-SAME:      window_before = 3
func.func @twice(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: index, %b: index) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %cm3 = arith.constant -3 : index
    %far = arith.addi %i, %cm3 : index
    %a1 = arith.addi %far, %a : index
    %first = arith.addi %a1, %a : index
    %other = arith.addi %a1, %b : index
    %c = arith.cmpi sge, %j, %first : index
    %d = arith.cmpi sge, %j, %other : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}
