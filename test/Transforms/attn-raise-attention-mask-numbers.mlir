// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Which numbers a mask has for keys that conditions exclude by finite scores; where
// bounds exclude them, how it is asked before if each query keeps a key; and of which
// type numbers are that are added.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>
#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#j = affine_map<(b, i, j) -> (j)>

// Where the condition holds.
// CHECK-LABEL: func.func @where(
// CHECK-DAG:     %[[FAR:.*]] = arith.constant -1.000000e+30 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         arith.select %{{.*}}, %[[FAR]], %[[ZERO]] : f32
// CHECK:         attn.sdpa
func.func @where(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %c: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %c : tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c1: i1, %u: f32):
    %y = arith.select %c1, %far, %x : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// However far apart they were, none becomes -inf.
// CHECK-LABEL: func.func @lowest_of_two(
// CHECK-DAG:     %[[FAR:.*]] = arith.constant -1.000000e+30 : f32
// CHECK-DAG:     %[[FARTHEST:.*]] = arith.constant -9.99999968E+37 : f32
// CHECK:         %[[M:.*]] = arith.select %{{.*}}, %{{.*}}, %[[FARTHEST]] : f32
// CHECK:         arith.select %{{.*}}, %[[M]], %[[FAR]] : f32
// CHECK:         attn.sdpa
func.func @lowest_of_two(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %c: tensor<2x7xi1>, %d: tensor<7xi1>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %far = arith.constant -1.0e4 : f32
  %lowest = arith.constant 0xFF7FFFFF : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #j, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %c, %d : tensor<2x5x7xf32>, tensor<2x7xi1>, tensor<7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c1: i1, %d1: i1, %u: f32):
    %y = arith.select %c1, %x, %lowest : f32
    %z = arith.select %d1, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The lowest number stays, beside numbers that are added and may be as low.
// CHECK-LABEL: func.func @lowest_beside_added(
// CHECK:         %[[LOWEST:.*]] = arith.constant -3.40282347E+38 : f32
// CHECK:         ^bb0(%[[A:[^:]*]]: f32,
// CHECK:         arith.select %{{.*}}, %[[A]], %[[LOWEST]] : f32
// CHECK:         attn.sdpa
func.func @lowest_beside_added(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %a: tensor<2x5x7xf32>, %c: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %lowest = arith.constant 0xFF7FFFFF : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a, %c : tensor<2x5x7xf32>, tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %c1: i1, %u: f32):
    %y = arith.addf %x, %a1 : f32
    %z = arith.select %c1, %y, %lowest : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Of a causal one, the first query keeps the fewest keys; another excludes them
// where it holds.
// CHECK-LABEL: func.func @causal_and_where(
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg2, {{.*}})
// CHECK-NEXT:    ^bb0(%[[C:[^:]*]]: i1,
// CHECK:           %[[J:.*]] = linalg.index 1 : index
// CHECK:           %[[V:.*]] = arith.cmpi sle, %[[J]], %c0 : index
// CHECK:           %[[N:.*]] = arith.xori %[[C]], %true : i1
// CHECK:           arith.andi %[[V]], %[[N]] : i1
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal,
func.func @causal_and_where(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %c: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %c : tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c1: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %v = arith.cmpi sge, %i, %j : index
    %y = arith.select %c1, %far, %x : f32
    %z = arith.select %v, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// What is added counts as often as it is added.
// CHECK-LABEL: func.func @causal_and_half(
// CHECK-DAG:     %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK-DAG:     %[[LEAST:.*]] = arith.constant -1.000000e+04 : f32
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg2, {{.*}})
// CHECK-NEXT:    ^bb0(%[[B:[^:]*]]: f32,
// CHECK:           %[[S:.*]] = arith.mulf %[[B]], %[[HALF]] : f32
// CHECK:           arith.cmpf ogt, %[[S]], %[[LEAST]] : f32
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal,
func.func @causal_and_half(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %b: tensor<2x7xf32>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %half = arith.constant 0.5 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %b : tensor<2x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %b1: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %v = arith.cmpi sge, %i, %j : index
    %w = arith.addf %x, %b1 : f32
    %y = arith.select %v, %w, %far : f32
    %z = arith.mulf %y, %half : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Of a window without causality, no query keeps the fewest: each is looked at.
// CHECK-LABEL: func.func @window_and_kept(
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%arg2, {{.*}})
// CHECK:           %[[J:.*]] = linalg.index 2 : index
// CHECK:           %[[N:.*]] = arith.subi %c-3, %[[J]] : index
// CHECK:           %[[I:.*]] = linalg.index 1 : index
// CHECK:           %[[D:.*]] = arith.addi %[[N]], %[[I]] : index
// CHECK:           arith.cmpi sle, %[[D]], %c0 : index
// CHECK:         linalg.generic {{.*}} iterator_types = ["reduction", "reduction"]}
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {{{.*}}window_before = 3
func.func @window_and_kept(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %c: tensor<2x7xi1>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %c : tensor<2x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %c1: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %three = arith.constant 3 : index
    %n = arith.addi %j, %three : index
    %v = arith.cmpi sge, %n, %i : index
    %y = arith.select %c1, %x, %far : f32
    %z = arith.select %v, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Of the type of queries that were widened: as it is.
// CHECK-LABEL: func.func @narrow(
// CHECK-NOT:     linalg.generic
// CHECK:         %[[M:.*]] = tensor.expand_shape %arg2 {{.*}} : tensor<2x5x7xbf16> into tensor<2x1x5x7xbf16>
// CHECK:         attn.sdpa %{{.*}} mask(%[[M]])
func.func @narrow(%q: tensor<2x5x8xbf16>, %k: tensor<2x7x8xbf16>, %a: tensor<2x5x7xbf16>) -> tensor<2x5x8xbf16> {
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %qw = arith.extf %q : tensor<2x5x8xbf16> to tensor<2x5x8xf32>
  %kw = arith.extf %k : tensor<2x7x8xbf16> to tensor<2x7x8xf32>
  %aw = arith.extf %a : tensor<2x5x7xbf16> to tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%qw, %kw : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = arith.addf %s, %aw : tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %kw : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %r = arith.truncf %o : tensor<2x5x8xf32> to tensor<2x5x8xbf16>
  return %r : tensor<2x5x8xbf16>
}
