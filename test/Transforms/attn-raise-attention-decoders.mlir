// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Masks of decoders as exporters write them, with finite scores of excluded keys.
// Where a query may be left without a key, bounds hold under a guard.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>
#id = affine_map<(b, i, j) -> (b, i, j)>
#bj = affine_map<(b, i, j) -> (b, j)>
#bi = affine_map<(b, i, j) -> (b, i)>
!t = tensor<?x?x8xf32>
!x = tensor<?x?x?xf32>

// A triangle and padding: whether the first query keeps a key is looked up.
// CHECK-LABEL: func.func @padded(
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%arg2, {{.*}})
// CHECK:           %[[J:.*]] = linalg.index 1
// CHECK:           arith.cmpi sle, %[[J]], %c0
// CHECK:           arith.ori
// CHECK:         %[[ALL:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[ANY]] : tensor<?xi1>)
// CHECK:         %[[GUARD:.*]] = tensor.extract %[[ALL]][]
// CHECK:         scf.if %[[GUARD]]
// CHECK:           %[[SMALL:.*]] = tensor.expand_shape %arg2 {{.*}} : tensor<?x?xi1> into tensor<?x1x1x?xi1>
// CHECK:           attn.sdpa %{{.*}} mask(%[[SMALL]]) outs(%{{.*}}) {causal,
// CHECK:         } else {
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @padded(%q: !t, %k: !t, %a: tensor<?x?xi1>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi1>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %both = arith.andi %c, %a1 : i1
    %n = arith.select %both, %zero, %far : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A window, where each query has to keep a key.
// CHECK-LABEL: func.func @window(
// CHECK:         %[[ANY:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
// CHECK:         linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[ANY]] : tensor<?xi1>)
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {causal, {{.*}}window_before = 2 : i64}
// CHECK:         } else {
// CHECK:           attn.sdpa %{{.*}} mask(
func.func @window(%q: !t, %k: !t) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %three = arith.constant 3 : index
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : !x) outs(%e : !x) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %l = arith.subi %i, %three : index
    %d = arith.cmpi sgt, %j, %l : index
    %both = arith.andi %c, %d : i1
    %y = arith.select %both, %x, %far : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// After as many keys as a tensor has: the first key is always kept.
// CHECK-LABEL: func.func @after_some(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} positions(%{{.*}}) outs(%{{.*}}) {causal,
func.func @after_some(%q: !t, %k: !t, %before: tensor<?xf32>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %past = tensor.dim %before, %c0 : tensor<?xf32>
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : !x) outs(%e : !x) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %at = arith.addi %i, %past : index
    %c = arith.cmpi sle, %j, %at : index
    %y = arith.select %c, %x, %far : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A number that is given may be below 0.
// CHECK-LABEL: func.func @after_given(
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} positions(%{{.*}}) outs(%{{.*}}) {causal,
// CHECK:         } else {
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @after_given(%q: !t, %k: !t, %past: index) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : !x) outs(%e : !x) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %at = arith.addi %i, %past : index
    %c = arith.cmpi sle, %j, %at : index
    %y = arith.select %c, %x, %far : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// The first query is known to have no key: nothing is looked up.
// CHECK-LABEL: func.func @strict(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @strict(%q: !t, %k: !t, %a: tensor<?x?xi1>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi1>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi slt, %j, %i : index
    %both = arith.andi %c, %a1 : i1
    %y = arith.select %both, %x, %far : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A condition for each query, and one that is not for the keys: the mask is as large
// as scores in any case.
// CHECK-LABEL: func.func @of_queries(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @of_queries(%q: !t, %k: !t, %a: tensor<?x?xi1>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bi, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi1>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %both = arith.andi %c, %a1 : i1
    %y = arith.select %both, %x, %far : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A triangle in which more is filled: where it and a number of the key are 0.
// CHECK-LABEL: func.func @filled(
// CHECK:         scf.if
// CHECK:           %[[COUNTS:.*]] = linalg.generic {{.*}} ins(%arg2 : tensor<?x?xi64>) outs(%{{.*}} : tensor<?x?xi1>)
// CHECK:           %[[SMALL:.*]] = tensor.expand_shape %[[COUNTS]]
// CHECK:           attn.sdpa %{{.*}} mask(%[[SMALL]]) outs(%{{.*}}) {causal,
// CHECK:         } else {
func.func @filled(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %bound = arith.select %c, %zero, %far : f32
    %f = arith.sitofp %a1 : i64 to f32
    %sum = arith.addf %bound, %f : f32
    %none = arith.cmpf oeq, %sum, %zero : f32
    %n = arith.select %none, %far, %bound : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A bias of each key, which must not exclude the first query's last key either.
// CHECK-LABEL: func.func @filled_in_biases(
// CHECK:         %[[LEAST:.*]] = arith.constant -10000 : i64
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
// CHECK:           arith.cmpi sgt, %{{.*}}, %[[LEAST]]
// CHECK:         scf.if
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal,
// CHECK:         } else {
// CHECK:           attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @filled_in_biases(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %bias = arith.sitofp %a1 : i64 to f32
    %n = arith.select %c, %bias, %far : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// Where the sum of other numbers is 0: not known of any key by itself.
// CHECK-LABEL: func.func @filled_otherwise(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @filled_otherwise(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sle, %j, %i : index
    %bound = arith.select %c, %zero, %far : f32
    %f = arith.sitofp %a1 : i64 to f32
    %d = arith.index_cast %i : index to i64
    %other = arith.sitofp %d : i64 to f32
    %sum = arith.addf %other, %f : f32
    %none = arith.cmpf oeq, %sum, %zero : f32
    %n = arith.select %none, %far, %bound : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// Excluded by both of two bounds: the wider one counts.
// CHECK-LABEL: func.func @product(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} positions(%{{.*}}) outs(%{{.*}}) {causal,
func.func @product(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %past = tensor.dim %a, %c1 : tensor<?x?xi64>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sgt, %j, %i : index
    %upper = arith.select %c, %far, %zero : f32
    %at = arith.addi %i, %past : index
    %late = arith.cmpi sgt, %j, %at : index
    %factor = arith.uitofp %late : i1 to f32
    %n = arith.mulf %upper, %factor : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// It is not known which is the wider one.
// CHECK-LABEL: func.func @product_apart(
// CHECK-NOT:     scf.if
// CHECK-NOT:     causal
// CHECK:         attn.sdpa %{{.*}} mask(
func.func @product_apart(%q: !t, %k: !t, %a: tensor<?x?xi64>, %given: index) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %c = arith.cmpi sgt, %j, %i : index
    %upper = arith.select %c, %far, %zero : f32
    %at = arith.addi %i, %given : index
    %late = arith.cmpi sgt, %j, %at : index
    %factor = arith.uitofp %late : i1 to f32
    %n = arith.mulf %upper, %factor : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A mask for as many keys as there may be, of which the first ones are read.
// CHECK-LABEL: func.func @first_keys(
// CHECK-NOT:     extract_slice
// CHECK:         attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {causal,
func.func @first_keys(%q: !t, %k: !t, %most: index) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %em = tensor.empty(%nq, %most) : tensor<?x?xf32>
  %n = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%em : tensor<?x?xf32>) {
  ^bb0(%u: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %zero, %far : f32
    linalg.yield %y : f32
  } -> tensor<?x?xf32>
  %part = tensor.extract_slice %n[0, 0] [%nq, %nk] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, i, j) -> (i, j)>, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %part : !x, tensor<?x?xf32>) outs(%e : !x) {
  ^bb0(%x: f32, %a: f32, %u: f32):
    %y = arith.addf %x, %a : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// Others than the first ones: these stand at other places.
// CHECK-LABEL: func.func @other_keys(
// CHECK:         %[[PART:.*]] = tensor.extract_slice %{{.*}}[0, 1]
// CHECK:         %[[MASK:.*]] = tensor.expand_shape %[[PART]]
// CHECK-NOT:     causal
// CHECK:         attn.sdpa %{{.*}} mask(%[[MASK]])
func.func @other_keys(%q: !t, %k: !t, %most: index) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %em = tensor.empty(%nq, %most) : tensor<?x?xf32>
  %n = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%em : tensor<?x?xf32>) {
  ^bb0(%u: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %zero, %far : f32
    linalg.yield %y : f32
  } -> tensor<?x?xf32>
  %part = tensor.extract_slice %n[0, 1] [%nq, %nk] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, i, j) -> (i, j)>, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %part : !x, tensor<?x?xf32>) outs(%e : !x) {
  ^bb0(%x: f32, %a: f32, %u: f32):
    %y = arith.addf %x, %a : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// A condition as a number, compared.
// CHECK-LABEL: func.func @compared(
// CHECK-NOT:     scf.if
// CHECK:         attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {causal,
func.func @compared(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %one = arith.constant 1.0 : f32
    %c = arith.cmpi sle, %j, %i : index
    %f = arith.select %c, %one, %zero : f32
    %is = arith.cmpf oeq, %f, %zero : f32
    %n = arith.select %is, %far, %zero : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}

// The other way around, of which the last query is left without a key, perhaps.
// CHECK-LABEL: func.func @compared_otherwise(
// CHECK:         scf.if
// CHECK-NOT:     causal
// CHECK:           attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} {{.*}}window_before
func.func @compared_otherwise(%q: !t, %k: !t, %a: tensor<?x?xi64>) -> !t {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %nb = tensor.dim %q, %c0 : !t
  %nq = tensor.dim %q, %c1 : !t
  %nk = tensor.dim %k, %c1 : !t
  %e = tensor.empty(%nb, %nq, %nk) : !x
  %eo = tensor.empty(%nb, %nq) : !t
  %zeros = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %zo = linalg.fill ins(%zero : f32) outs(%eo : !t) -> !t
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : !t, !t) outs(%zeros : !x) -> !x
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %a : !x, tensor<?x?xi64>) outs(%e : !x) {
  ^bb0(%x: f32, %a1: i64, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %one = arith.constant 1.0 : f32
    %c = arith.cmpi sle, %j, %i : index
    %f = arith.select %c, %zero, %one : f32
    %is = arith.cmpf oeq, %f, %zero : f32
    %n = arith.select %is, %far, %zero : f32
    %y = arith.addf %x, %n : f32
    linalg.yield %y : f32
  } -> !x
  %p = linalg.softmax dimension(2) ins(%m : !x) outs(%e : !x) -> !x
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : !x, !t) outs(%zo : !t) -> !t
  return %o : !t
}
