// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// What is done to scores between the two products of an attention.

#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#bj = affine_map<(b, h, i, j) -> (b, j)>
#ij = affine_map<(b, h, i, j) -> (i, j)>
#hij = affine_map<(b, h, i, j) -> (h, i, j)>
#b = affine_map<(b, h, i, j) -> (b)>

// A bias of the scores of heads, broadcast over the batch.
// CHECK-LABEL: func.func @added(
// CHECK:         %[[M:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2], [3]] output_shape [1, 4, 5, 7]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<1x4x5x7xf32>, 
func.func @added(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<4x5x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #hij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %y = arith.addf %x, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Repeated by linalg.broadcast, subtracted, of dimensions that are one: what was
// before is read.
// CHECK-LABEL: func.func @broadcast(
// CHECK:         attn.sdpa %{{.*}} mask(%arg2) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xf32>, 
func.func @broadcast(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x1x1x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %a1 = tensor.collapse_shape %a [[0, 1], [2, 3]] : tensor<2x1x1x7xf32> into tensor<2x7xf32>
  %a2 = linalg.broadcast ins(%a1 : tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) dimensions = [1, 2]
  %m = linalg.add ins(%a2, %s : tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Computed for each query from what was repeated for it: it is computed once for
// all of them.
// CHECK-LABEL: func.func @computed_from_repeated(
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%arg2 : tensor<2x7xi1>) outs(%{{.*}} : tensor<2x7xf32>)
// CHECK:           arith.uitofp
// CHECK:           arith.mulf
// CHECK:         %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [2, 1, 1, 7]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M4]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @computed_from_repeated(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %i = tensor.empty() : tensor<2x4x5x7xi1>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %three = arith.constant -3.0 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %a1 = linalg.broadcast ins(%a : tensor<2x7xi1>) outs(%i : tensor<2x4x5x7xi1>) dimensions = [1, 2]
  %a3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a1 : tensor<2x4x5x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%c: i1, %u: f32):
    %x = arith.uitofp %c : i1 to f32
    %y = arith.mulf %x, %three : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %m = linalg.add ins(%a3, %s : tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Nor does it matter what else is computed where it is moved, as with a branch,
// which is not computed anew.
// CHECK-LABEL: func.func @computed_and_moved(
// CHECK:         linalg.generic {{.*}} ins(%arg2 : tensor<2x7xf32>) outs(%{{.*}} : tensor<2x7xf32>)
// CHECK-NOT:       scf.if
// CHECK:           arith.mulf
// CHECK:         attn.sdpa {{.*}} tensor<2x1x1x7xf32>
func.func @computed_and_moved(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>, %c: i1) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>) {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %three = arith.constant -3.0 : f32
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %a1 = linalg.generic {indexing_maps = [#bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a : tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %y = arith.mulf %x, %three : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %a2:2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a1 : tensor<2x4x5x7xf32>) outs(%e, %e : tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32, %v: f32):
    %y = scf.if %c -> f32 {
      scf.yield %x : f32
    } else {
      scf.yield %three : f32
    }
    linalg.yield %x, %y : f32, f32
  } -> (tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>)
  %m = linalg.add ins(%a2#0, %s : tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o, %a2#1 : tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>
}

// The product starts from it.
// CHECK-LABEL: func.func @initial(
// CHECK:         attn.sdpa %{{.*}} mask(%arg2) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @initial(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%a : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>

  %p = linalg.softmax dimension(3) ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Of another type than scores, and of that of nothing else: in f32.
// CHECK-LABEL: func.func @bf16(
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<5x7xbf16>) outs(%{{.*}} : tensor<5x7xf32>)
// CHECK:         arith.extf
// CHECK:         %[[M4:.*]] = tensor.expand_shape %[[M]] {{.*}} output_shape [1, 1, 5, 7]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M4]])
func.func @bf16(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<5x7xbf16>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<5x7xbf16>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: bf16, %u: f32):
    %w = arith.extf %a1 : bf16 to f32
    %y = arith.addf %w, %x : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The scale counts for the mask too.
// CHECK-LABEL: func.func @scaled_after(
// CHECK:         %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<5x7xf32>) outs(%{{.*}} : tensor<5x7xf32>)
// CHECK:         arith.mulf %{{.*}}, %[[HALF]]
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 5.000000e-01 : f64}
func.func @scaled_after(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<5x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %y = arith.addf %x, %a1 : f32
    %c = arith.constant 0.5 : f32
    %z = arith.mulf %y, %c : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A condition; where it is false, no key.
// CHECK-LABEL: func.func @kept(
// CHECK:         %[[M:.*]] = tensor.expand_shape %arg2 {{\[\[}}0, 1, 2], [3]] output_shape [2, 1, 1, 7]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xi1>, 
func.func @kept(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %y = arith.select %a1, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The other way around, by linalg.select.
// CHECK-LABEL: func.func @excluded(
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%arg2 : tensor<2x4x5x7xi1>) outs(%{{.*}} : tensor<2x4x5x7xi1>)
// CHECK:         arith.xori
// CHECK:         attn.sdpa %{{.*}} mask(%[[M]])
func.func @excluded(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x4x5x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %infs = linalg.fill ins(%inf : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.select ins(%a, %infs, %s : tensor<2x4x5x7xi1>, tensor<2x4x5x7xf32>, tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A finite score: where no key is left, all count alike. So it is added, so low
// that no score counts beside it.
// CHECK-LABEL: func.func @finite(
// CHECK:         %[[FAR:.*]] = arith.constant -1.000000e+30 : f32
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%arg2 : tensor<2x7xi1>) outs(%{{.*}} : tensor<2x7xf32>)
// CHECK:         arith.select %{{.*}}, %{{.*}}, %[[FAR]] : f32
// CHECK:         %[[M4:.*]] = tensor.expand_shape %[[M]]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M4]]) outs(%{{.*}}) {{.*}} tensor<2x1x1x7xf32>
func.func @finite(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %y = arith.select %a1, %x, %far : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Two of them: where no key is left, those of the higher one count.
// CHECK-LABEL: func.func @two_finite(
// CHECK-DAG:     %[[FAR:.*]] = arith.constant -1.000000e+30 : f32
// CHECK-DAG:     %[[FARTHER:.*]] = arith.constant -2.000000e+30 : f32
// CHECK:         %[[M:.*]] = arith.select %{{.*}}, %{{.*}}, %[[FARTHER]] : f32
// CHECK:         arith.select %{{.*}}, %[[M]], %[[FAR]] : f32
// CHECK:         attn.sdpa
func.func @two_finite(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>, %b: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %farther = arith.constant -2.0e9 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a, %b : tensor<2x4x5x7xf32>, tensor<2x7xi1>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %b1: i1, %u: f32):
    %y = arith.select %a1, %x, %farther : f32
    %z = arith.select %b1, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// One added, one a condition: one mask of both, of the axes of either.
// CHECK-LABEL: func.func @both(
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%arg2, %arg3 : tensor<4x5x7xf32>, tensor<2x7xi1>) outs(%{{.*}} : tensor<2x4x5x7xf32>)
// CHECK:         attn.sdpa %{{.*}} mask(%[[M]])
func.func @both(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<4x5x7xf32>, %c: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #hij, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a, %c : tensor<2x4x5x7xf32>, tensor<4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %c1: i1, %u: f32):
    %y = arith.addf %x, %a1 : f32
    %z = arith.select %c1, %y, %inf : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Indices compared within the step: no mask at all.
// CHECK-LABEL: func.func @causal(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sge, %i, %j : index
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Where the opposite does not hold.
// CHECK-LABEL: func.func @causal_negated(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal_negated(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %false = arith.constant false
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sge, %i, %j : index
    %n = arith.cmpi eq, %c, %false : i1
    %y = arith.select %n, %inf, %x : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// As integers, strictly, and the other way around.
// CHECK-LABEL: func.func @causal_integers(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal_integers(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %i1 = arith.index_cast %i : index to i32
    %j1 = arith.index_cast %j : index to i32
    %c = arith.cmpi slt, %i1, %j1 : i32
    %y = arith.select %c, %inf, %x : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A tensor of its own, added; finite, but the first key is always left.
// CHECK-LABEL: func.func @causal_tensor(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal_tensor(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %t = tensor.empty() : tensor<5x7xf32>
  %zero = arith.constant 0.0 : f32
  %far = arith.constant -3.40282347E+38 : f32
  %triangle = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%t : tensor<5x7xf32>) {
  ^bb0(%u: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi ule, %j, %i : index
    %y = arith.select %c, %zero, %far : f32
    linalg.yield %y : f32
  } -> tensor<5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %triangle : tensor<2x4x5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %y = arith.addf %x, %a1 : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A constant triangle.
// CHECK-LABEL: func.func @causal_constant(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal_constant(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %triangle = arith.constant dense<[[true, false, false, false, false, false, false], [true, true, false, false, false, false, false], [true, true, true, false, false, false, false], [true, true, true, true, false, false, false], [true, true, true, true, true, false, false]]> : tensor<5x7xi1>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %triangle : tensor<2x4x5x7xf32>, tensor<5x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %y = arith.select %a1, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Not that triangle.
// CHECK-LABEL: func.func @no_triangle(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @no_triangle(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %triangle = arith.constant dense<[[true, false, false, false, false, false, false], [true, true, false, false, false, false, false], [true, true, true, false, false, false, false], [true, true, true, true, false, false, false], [true, true, true, true, true, true, false]]> : tensor<5x7xi1>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #ij, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %triangle : tensor<2x4x5x7xf32>, tensor<5x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %y = arith.select %a1, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The last query sees the last key: as many keys come before as there are more
// than queries.
// CHECK-LABEL: func.func @causal_from_the_end(
// CHECK:         %[[N:.*]] = arith.index_cast %arg2 : index to i32
// CHECK:         %[[P:.*]] = tensor.splat %[[N]] : tensor<2xi32>
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 positions(%[[P]]) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @causal_from_the_end(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %before: index) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %last = arith.addi %i, %before : index
    %c = arith.cmpi sle, %j, %last : index
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Keys before the query only: the first query sees none.
// CHECK-LABEL: func.func @strictly_before(
// CHECK:         %[[P:.*]] = arith.constant dense<-1> : tensor<2xi32>
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 positions(%[[P]]) outs(%{{.*}}) {causal,
func.func @strictly_before(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi slt, %j, %i : index
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Unsigned: keys before the query, but not too far before. That is no bound alone.
// CHECK-LABEL: func.func @window(
// CHECK-NOT:     causal
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<1x1x5x7xi1>, 
func.func @window(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %three = arith.constant 3 : index
    %c = arith.cmpi ult, %d, %three : index
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// One step of both; what is more is a mask.
// CHECK-LABEL: func.func @causal_and_more(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xi1>, 
func.func @causal_and_more(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sge, %i, %j : index
    %both = arith.andi %c, %a1 : i1
    %y = arith.select %both, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Finite, with another mask: a query that sees no key sees all, so that this is a
// bound only where there is none.
// CHECK-LABEL: func.func @causal_finite_and_more(
// CHECK:         scf.if
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xf32>, 
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x5x7xf32>, 
func.func @causal_finite_and_more(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %far = arith.constant -1.0e9 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sge, %i, %j : index
    %y = arith.select %c, %x, %far : f32
    %z = arith.addf %y, %a1 : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A finite score replaces what was excluded before.
// CHECK-LABEL: func.func @replaced_by_finite(
// CHECK-NOT:     causal
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x5x7xf32>, 
func.func @replaced_by_finite(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %far = arith.constant -1.0e9 : f32
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c = arith.cmpi sge, %i, %j : index
    %y = arith.select %c, %x, %inf : f32
    %z = arith.select %a1, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// How many keys each entry of the batch has.
// CHECK-LABEL: func.func @lengths(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 lengths(%arg2) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @lengths(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2xi32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #b, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2xi32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i32, %u: f32):
    %j = linalg.index 3 : index
    %n = arith.index_cast %j : index to i32
    %c = arith.cmpi slt, %n, %a1 : i32
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Of heads there is no such operand.
// CHECK-LABEL: func.func @lengths_of_heads(
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<1x4x1x7xi1>, 
func.func @lengths_of_heads(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<4xi32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (h)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<4xi32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i32, %u: f32):
    %j = linalg.index 3 : index
    %n = arith.index_cast %j : index to i32
    %c = arith.cmpi slt, %n, %a1 : i32
    %y = arith.select %c, %x, %inf : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Computed from indices: a mask of its own.
// CHECK-LABEL: func.func @places(
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<5x7xf32>)
// CHECK:         %[[M4:.*]] = tensor.expand_shape %[[M]]
// CHECK:         attn.sdpa %{{.*}} mask(%[[M4]])
func.func @places(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.muli %j, %i : index
    %n = arith.index_cast %d : index to i32
    %f = arith.sitofp %n : i32 to f32
    %y = arith.addf %x, %f : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A condition as a number, times a finite one; causal as one minus it.
// CHECK-LABEL: func.func @as_number(
// CHECK:         linalg.generic
// CHECK:         arith.uitofp
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xf32>, 
func.func @as_number(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xi1>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m0 = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xi1>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: i1, %u: f32):
    %far = arith.constant -3.0e38 : f32
    %n = arith.uitofp %a1 : i1 to f32
    %d = arith.mulf %n, %far : f32
    %y = arith.addf %x, %d : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%m0 : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %one = arith.constant 1.0 : f32
    %inf = arith.constant 0xFF800000 : f32
    %c = arith.cmpi ule, %j, %i : index
    %n = arith.uitofp %c : i1 to f32
    %d = arith.subf %one, %n : f32
    %f = arith.mulf %d, %inf : f32
    %y = arith.addf %x, %f : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A constant that keeps a sum small stays in it.
// CHECK-LABEL: func.func @balanced(
// CHECK:         linalg.generic
// CHECK:         arith.mulf
// CHECK:         arith.subf
// CHECK:         attn.sdpa %{{.*}} mask(
func.func @balanced(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bj, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %big = arith.constant 1.0e9 : f32
    %d = arith.mulf %a1, %big : f32
    %f = arith.subf %d, %big : f32
    %y = arith.addf %x, %f : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The same for all keys.
// CHECK-LABEL: func.func @nothing(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs
func.func @nothing(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %c = arith.constant 3.0 : f32
    %true = arith.constant true
    %y = arith.addf %x, %c : f32
    %far = arith.constant -1.0e9 : f32
    %z = arith.select %true, %y, %far : f32
    linalg.yield %z : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Zero where the softmax is not a number, as PyTorch exports it.
// CHECK-LABEL: func.func @not_a_number(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%arg2) outs
func.func @not_a_number(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %bias: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = arith.addf %s, %bias : tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %n = arith.cmpf uno, %p, %p : tensor<2x4x5x7xf32>
  %g = arith.select %n, %zeros, %p : tensor<2x4x5x7xi1>, tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%g, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The same where something else is none.
// CHECK-LABEL: func.func @not_a_number_elsewhere(
// CHECK-COUNT-2: linalg.contract
func.func @not_a_number_elsewhere(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %bias: tensor<2x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = arith.addf %s, %bias : tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %n = arith.cmpf uno, %bias, %bias : tensor<2x4x5x7xf32>
  %g = arith.select %n, %zeros, %p : tensor<2x4x5x7xi1>, tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%g, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Masked scores are at least the lowest number, so that none is -inf: then the
// mask is.
// CHECK-LABEL: func.func @at_least(
// CHECK:         %[[LEAST:.*]] = arith.constant -3.40282347E+38 : f32
// CHECK:         arith.maximumf %{{.*}}, %[[LEAST]] : f32
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xf32>,
func.func @at_least(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %least = arith.constant -3.40282347E+38 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (b, j)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %sum = arith.addf %x, %a1 : f32
    %y = arith.maximumf %sum, %least : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The same, written as PyTorch does (through torch-mlir).
// CHECK-LABEL: func.func @at_least_by_comparison(
// CHECK:         %[[LEAST:.*]] = arith.constant -3.40282347E+38 : f32
// CHECK:         arith.maximumf %{{.*}}, %[[LEAST]] : f32
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<2x1x1x7xf32>,
func.func @at_least_by_comparison(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %least = arith.constant -3.40282347E+38 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (b, j)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %sum = arith.addf %x, %a1 : f32
    %c = arith.cmpf ogt, %sum, %least : f32
    %y = arith.select %c, %sum, %least : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The least of both.
// CHECK-LABEL: func.func @at_most(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @at_most(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %least = arith.constant -3.40282347E+38 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (b, j)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %sum = arith.addf %x, %a1 : f32
    %c = arith.cmpf ogt, %sum, %least : f32
    %y = arith.select %c, %least, %sum : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Compared with another number.
// CHECK-LABEL: func.func @at_least_another(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @at_least_another(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %a: tensor<2x7xf32>) -> tensor<2x4x5x8xf32> {
  %least = arith.constant -3.40282347E+38 : f32
  %other = arith.constant -1.0E+37 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, affine_map<(b, h, i, j) -> (b, j)>, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %a : tensor<2x4x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %a1: f32, %u: f32):
    %sum = arith.addf %x, %a1 : f32
    %c = arith.cmpf ogt, %sum, %other : f32
    %y = arith.select %c, %sum, %least : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}
