// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// One attention each, as front ends and people write it.

#id2 = affine_map<(i, j) -> (i, j)>
#row2 = affine_map<(i, j) -> (i)>
#id3 = affine_map<(b, i, j) -> (b, i, j)>
#row3 = affine_map<(b, i, j) -> (b, i)>
#id4 = affine_map<(b, h, i, j) -> (b, h, i, j)>
#row4 = affine_map<(b, h, i, j) -> (b, h, i)>

// Keys are transposed first; the scale comes after.
// CHECK-LABEL: func.func @three_dims(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x?x64xf32>, %[[K:[^:]*]]: tensor<?x?x64xf32>, %[[V:[^:]*]]: tensor<?x?x32xf32>,
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] outs(%{{.*}}) {scale = 1.250000e-01 : f64} : (tensor<?x?x64xf32>, tensor<?x?x64xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
// CHECK-NEXT:    return %[[R]]
func.func @three_dims(%q: tensor<?x?x64xf32>, %k: tensor<?x?x64xf32>, %v: tensor<?x?x32xf32>, %b: index, %s: index, %m: index) -> tensor<?x?x32xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.125 : f32
  %t0 = tensor.empty(%b, %m) : tensor<?x64x?xf32>
  %kt = linalg.transpose ins(%k : tensor<?x?x64xf32>) outs(%t0 : tensor<?x64x?xf32>) permutation = [0, 2, 1]
  %s0 = tensor.empty(%b, %s, %m) : tensor<?x?x?xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %s2 = linalg.batch_matmul ins(%q, %kt : tensor<?x?x64xf32>, tensor<?x64x?xf32>) outs(%s1 : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %s3 = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s2 : tensor<?x?x?xf32>) outs(%s0 : tensor<?x?x?xf32>) {
  ^bb0(%x: f32, %o: f32):
    %y = arith.mulf %x, %scale : f32
    linalg.yield %y : f32
  } -> tensor<?x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%s3 : tensor<?x?x?xf32>) outs(%s0 : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %o0 = tensor.empty(%b, %s) : tensor<?x?x32xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<?x?x?xf32>, tensor<?x?x32xf32>) outs(%o1 : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %o : tensor<?x?x32xf32>
}

// One head, its keys transposed by the maps of the product; a constant to add
// to; softmax in steps, by linalg.reduce and named operations.
// CHECK-LABEL: func.func @two_dims(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<5x8xf32>, %[[K:[^:]*]]: tensor<7x8xf32>
// CHECK-DAG:     %[[Q3:.*]] = tensor.expand_shape %[[Q]] {{\[\[}}0, 1], [2]] output_shape [1, 5, 8]
// CHECK-DAG:     %[[K3:.*]] = tensor.expand_shape %[[K]] {{\[\[}}0, 1], [2]] output_shape [1, 7, 8]
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q3]], %[[K3]], %[[K3]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<1x5x8xf32>
// CHECK-NEXT:    %[[R2:.*]] = tensor.collapse_shape %[[R]]
// CHECK-NEXT:    return %[[R2]]
func.func @two_dims(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>) -> tensor<5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<5x7xf32>
  %s = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%q, %k : tensor<5x8xf32>, tensor<7x8xf32>) outs(%zeros : tensor<5x7xf32>) -> tensor<5x7xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<5xf32>
  %max = linalg.reduce ins(%s : tensor<5x7xf32>) outs(%lowest : tensor<5xf32>) dimensions = [1]
    (%x: f32, %y: f32) { %z = arith.maxnumf %x, %y : f32
      linalg.yield %z : f32 }
  %e = tensor.empty() : tensor<5x7xf32>
  %wide = linalg.broadcast ins(%max : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %d = linalg.sub ins(%s, %wide : tensor<5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %x = linalg.exp ins(%d : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %zero = arith.constant dense<0.0> : tensor<5xf32>
  %sum = linalg.reduce ins(%x : tensor<5x7xf32>) outs(%zero : tensor<5xf32>) dimensions = [1]
    (%a: f32, %b: f32) { %c = arith.addf %a, %b : f32
      linalg.yield %c : f32 }
  %sums = linalg.broadcast ins(%sum : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = linalg.div ins(%x, %sums : tensor<5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %out = arith.constant dense<0.0> : tensor<5x8xf32>
  %o = linalg.matmul ins(%p, %k : tensor<5x7xf32>, tensor<7x8xf32>) outs(%out : tensor<5x8xf32>) -> tensor<5x8xf32>
  return %o : tensor<5x8xf32>
}

// Heads in a dimension of their own; linalg.contract; queries are scaled first,
// by what is computed from their width; keys too.
// CHECK-LABEL: func.func @four_dims(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x4x?x16xf32>, %[[K:[^:]*]]: tensor<2x4x?x16xf32>
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 5.000000e-01 : f64} : {{.*}} -> tensor<2x4x?x16xf32>
// CHECK-NEXT:    return %[[R]]
func.func @four_dims(%q: tensor<2x4x?x16xf32>, %k: tensor<2x4x?x16xf32>, %s: index, %m: index) -> tensor<2x4x?x16xf32> {
  %zero = arith.constant 0.0 : f32
  %q0 = tensor.empty(%s) : tensor<2x4x?x16xf32>
  %scaled = linalg.generic {indexing_maps = [#id4, #id4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%q : tensor<2x4x?x16xf32>) outs(%q0 : tensor<2x4x?x16xf32>) {
  ^bb0(%x: f32, %o: f32):
    %c16 = arith.constant 16 : i64
    %width = arith.sitofp %c16 : i64 to f32
    %root = math.sqrt %width : f32
    %y = arith.divf %x, %root : f32
    linalg.yield %y : f32
  } -> tensor<2x4x?x16xf32>
  %two = arith.constant 2.0 : f32
  %twos = tensor.splat %two[%m] : tensor<2x4x?x16xf32>
  %doubled = arith.mulf %twos, %k : tensor<2x4x?x16xf32>
  %s0 = tensor.empty(%s, %m) : tensor<2x4x?x?xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %s2 = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, e)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>]
    ins(%scaled, %doubled : tensor<2x4x?x16xf32>, tensor<2x4x?x16xf32>) outs(%s1 : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%s2 : tensor<2x4x?x?xf32>) outs(%s0 : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%q0 : tensor<2x4x?x16xf32>) -> tensor<2x4x?x16xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, j)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, e)>]
    ins(%p, %k : tensor<2x4x?x?xf32>, tensor<2x4x?x16xf32>) outs(%o1 : tensor<2x4x?x16xf32>) -> tensor<2x4x?x16xf32>
  return %o : tensor<2x4x?x16xf32>
}

// Heads are split, folded into the batch, and merged again: no tensor moves.
// CHECK-LABEL: func.func @heads(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x5x64xf32>, %[[K:[^:]*]]: tensor<2x7x64xf32>, %[[V:[^:]*]]: tensor<2x7x64xf32>)
// CHECK-NEXT:    %[[E:.*]] = tensor.empty() : tensor<2x5x64xf32>
// CHECK-NEXT:    %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] outs(%[[E]]) {heads = 4 : i64, scale = 2.500000e-01 : f64} : {{.*}} -> tensor<2x5x64xf32>
// CHECK-NEXT:    return %[[R]]
func.func @heads(%q: tensor<2x5x64xf32>, %k: tensor<2x7x64xf32>, %v: tensor<2x7x64xf32>) -> tensor<2x5x64xf32> {
  %zero = arith.constant 0.0 : f32
  %q4 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 5, 4, 16] : tensor<2x5x64xf32> into tensor<2x5x4x16xf32>
  %qe = tensor.empty() : tensor<2x4x5x16xf32>
  %qt = linalg.transpose ins(%q4 : tensor<2x5x4x16xf32>) outs(%qe : tensor<2x4x5x16xf32>) permutation = [0, 2, 1, 3]
  %q3 = tensor.collapse_shape %qt [[0, 1], [2], [3]] : tensor<2x4x5x16xf32> into tensor<8x5x16xf32>
  %k4 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %ke = tensor.empty() : tensor<2x4x16x7xf32>
  %kt = linalg.transpose ins(%k4 : tensor<2x7x4x16xf32>) outs(%ke : tensor<2x4x16x7xf32>) permutation = [0, 2, 3, 1]
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x4x16x7xf32> into tensor<8x16x7xf32>
  %v4 = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [2, 7, 4, 16] : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
  %ve = tensor.empty() : tensor<2x4x7x16xf32>
  %vt = linalg.transpose ins(%v4 : tensor<2x7x4x16xf32>) outs(%ve : tensor<2x4x7x16xf32>) permutation = [0, 2, 1, 3]
  %v3 = tensor.collapse_shape %vt [[0, 1], [2], [3]] : tensor<2x4x7x16xf32> into tensor<8x7x16xf32>
  %s0 = tensor.empty() : tensor<8x5x7xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<8x5x7xf32>) -> tensor<8x5x7xf32>
  %s = linalg.batch_matmul ins(%q3, %k3 : tensor<8x5x16xf32>, tensor<8x16x7xf32>) outs(%s1 : tensor<8x5x7xf32>) -> tensor<8x5x7xf32>
  %s4 = tensor.expand_shape %s [[0, 1], [2], [3]] output_shape [2, 4, 5, 7] : tensor<8x5x7xf32> into tensor<2x4x5x7xf32>
  %four = arith.constant dense<4.0> : tensor<2x4x5x7xf32>
  %scaled = arith.divf %s4, %four : tensor<2x4x5x7xf32>
  %e4 = tensor.empty() : tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%scaled : tensor<2x4x5x7xf32>) outs(%e4 : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p3 = tensor.collapse_shape %p [[0, 1], [2], [3]] : tensor<2x4x5x7xf32> into tensor<8x5x7xf32>
  %o0 = tensor.empty() : tensor<8x5x16xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<8x5x16xf32>) -> tensor<8x5x16xf32>
  %o = linalg.batch_matmul ins(%p3, %v3 : tensor<8x5x7xf32>, tensor<8x7x16xf32>) outs(%o1 : tensor<8x5x16xf32>) -> tensor<8x5x16xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 4, 5, 16] : tensor<8x5x16xf32> into tensor<2x4x5x16xf32>
  %te = tensor.empty() : tensor<2x5x4x16xf32>
  %ot = linalg.transpose ins(%o4 : tensor<2x4x5x16xf32>) outs(%te : tensor<2x5x4x16xf32>) permutation = [0, 2, 1, 3]
  %r = tensor.collapse_shape %ot [[0], [1], [2, 3]] : tensor<2x5x4x16xf32> into tensor<2x5x64xf32>
  return %r : tensor<2x5x64xf32>
}

// Transposed within the products, which are generic, with the value first.
// Sizes are those of scores, which is no use of scores.
// CHECK-LABEL: func.func @transposed_within(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x?x4x16xf32>, %[[K:[^:]*]]: tensor<?x?x4x16xf32>
// CHECK-DAG:     %[[QM:.*]] = tensor.collapse_shape %[[Q]] {{\[\[}}0], [1], [2, 3]]
// CHECK-DAG:     %[[KM:.*]] = tensor.collapse_shape %[[K]] {{\[\[}}0], [1], [2, 3]]
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa %[[QM]], %[[KM]], %[[KM]] outs(%{{.*}}) {heads = 4 : i64, scale = 1.000000e+00 : f64} : {{.*}} -> tensor<?x?x64xf32>
// CHECK-NEXT:    %[[R4:.*]] = tensor.expand_shape %[[R]] {{\[\[}}0], [1], [2, 3]]
// CHECK-NEXT:    return %[[R4]]
func.func @transposed_within(%q: tensor<?x?x4x16xf32>, %k: tensor<?x?x4x16xf32>, %b: index, %s: index, %m: index) -> tensor<?x?x4x16xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %s0 = tensor.empty(%b, %s, %m) : tensor<?x4x?x?xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %s2 = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, e) -> (b, i, h, e)>, affine_map<(b, h, i, j, e) -> (b, j, h, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>) outs(%s1 : tensor<?x4x?x?xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %t = arith.mulf %y, %x : f32
    %u = arith.addf %t, %sum : f32
    linalg.yield %u : f32
  } -> tensor<?x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%s2 : tensor<?x4x?x?xf32>) outs(%s0 : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %pb = tensor.dim %p, %c0 : tensor<?x4x?x?xf32>
  %ps = tensor.dim %p, %c2 : tensor<?x4x?x?xf32>
  %o0 = tensor.empty(%pb, %ps) : tensor<?x?x4x16xf32>
  %o1 = linalg.fill ins(%zero : f32) outs(%o0 : tensor<?x?x4x16xf32>) -> tensor<?x?x4x16xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, i, h, f, j) -> (b, j, h, f)>, affine_map<(b, i, h, f, j) -> (b, h, i, j)>, affine_map<(b, i, h, f, j) -> (b, i, h, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%k, %p : tensor<?x?x4x16xf32>, tensor<?x4x?x?xf32>) outs(%o1 : tensor<?x?x4x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %t = arith.mulf %x, %y : f32
    %u = arith.addf %sum, %t : f32
    linalg.yield %u : f32
  } -> tensor<?x?x4x16xf32>
  return %o : tensor<?x?x4x16xf32>
}

// Keys are stored transposed: this takes a copy.
// CHECK-LABEL: func.func @keys_transposed(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x5x8xf32>, %[[K:[^:]*]]: tensor<2x8x7xf32>, %[[V:[^:]*]]: tensor<2x7x8xf32>)
// CHECK:         %[[T:.*]] = linalg.transpose ins(%[[K]] : tensor<2x8x7xf32>) outs(%{{.*}} : tensor<2x7x8xf32>) permutation = [0, 2, 1]
// CHECK:         attn.sdpa %[[Q]], %[[T]], %[[V]] outs
func.func @keys_transposed(%q: tensor<2x5x8xf32>, %k: tensor<2x8x7xf32>, %v: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x5x8xf32>, tensor<2x8x7xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The result is divided by the sums, not the probabilities; what is summed is
// computed twice.
// CHECK-LABEL: func.func @deferred(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %{{.*}} outs(%{{.*}}) {scale = 5.000000e-01 : f64}
// CHECK-NOT:     linalg
// CHECK:         return
func.func @deferred(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %half = arith.constant 0.5 : f32
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %lowest = arith.constant dense<-3.40282347E+38> : tensor<2x5xf32>
  %max = linalg.generic {indexing_maps = [#id3, #row3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%x: f32, %m: f32):
    %scaled = arith.mulf %x, %half : f32
    %y = arith.maximumf %scaled, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %sum = linalg.generic {indexing_maps = [#id3, #row3, #row3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s, %max : tensor<2x5x7xf32>, tensor<2x5xf32>) outs(%zero : tensor<2x5xf32>) {
  ^bb0(%x: f32, %m: f32, %t: f32):
    %scaled = arith.mulf %x, %half : f32
    %d = arith.subf %scaled, %m : f32
    %y = math.exp %d : f32
    %u = arith.addf %y, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %w = linalg.generic {indexing_maps = [#id3, #row3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x7xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %m: f32, %o: f32):
    %scaled = arith.mulf %x, %half : f32
    %d = arith.subf %scaled, %m : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%w, %v : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %oe = tensor.empty() : tensor<2x5x8xf32>
  %r = linalg.generic {indexing_maps = [#id3, #row3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%o, %sum : tensor<2x5x8xf32>, tensor<2x5xf32>) outs(%oe : tensor<2x5x8xf32>) {
  ^bb0(%x: f32, %t: f32, %u: f32):
    %y = arith.divf %x, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5x8xf32>
  return %r : tensor<2x5x8xf32>
}

// linalg.elementwise, linalg.map and linalg.reciprocal.
// CHECK-LABEL: func.func @other_words(
// CHECK:         attn.sdpa
// CHECK-NOT:     linalg
// CHECK:         return
func.func @other_words(%q: tensor<5x8xf32>, %k: tensor<7x8xf32>) -> tensor<5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<5x7xf32>
  %kt0 = tensor.empty() : tensor<8x7xf32>
  %kt = linalg.transpose ins(%k : tensor<7x8xf32>) outs(%kt0 : tensor<8x7xf32>) permutation = [1, 0]
  %s = linalg.matmul ins(%q, %kt : tensor<5x8xf32>, tensor<8x7xf32>) outs(%zeros : tensor<5x7xf32>) -> tensor<5x7xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<5xf32>
  %max = linalg.reduce {arith.maximumf} ins(%s : tensor<5x7xf32>) outs(%lowest : tensor<5xf32>) dimensions = [1]
  %e = tensor.empty() : tensor<5x7xf32>
  %d = linalg.elementwise kind=#linalg.elementwise_kind<sub> indexing_maps = [#id2, #row2, #id2] ins(%s, %max : tensor<5x7xf32>, tensor<5xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %x = linalg.map { math.exp } ins(%d : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>)
  %zero = arith.constant dense<0.0> : tensor<5xf32>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<5x7xf32>) outs(%zero : tensor<5xf32>) dimensions = [1]
  %r0 = tensor.empty() : tensor<5xf32>
  %inverse = linalg.reciprocal ins(%sum : tensor<5xf32>) outs(%r0 : tensor<5xf32>) -> tensor<5xf32>
  %wide = linalg.broadcast ins(%inverse : tensor<5xf32>) outs(%e : tensor<5x7xf32>) dimensions = [1]
  %p = linalg.mul ins(%wide, %x : tensor<5x7xf32>, tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) -> tensor<5x7xf32>
  %out = arith.constant dense<0.0> : tensor<5x8xf32>
  %o = linalg.matmul ins(%p, %k : tensor<5x7xf32>, tensor<7x8xf32>) outs(%out : tensor<5x8xf32>) -> tensor<5x8xf32>
  return %o : tensor<5x8xf32>
}

// Probabilities are rounded to bf16, so all may be in bf16; the result stays in
// f32, as it is summed.
// CHECK-LABEL: func.func @bf16(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x5x8xbf16>, %[[K:[^:]*]]: tensor<2x7x8xbf16>)
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : (tensor<2x5x8xbf16>, tensor<2x7x8xbf16>, tensor<2x7x8xbf16>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
func.func @bf16(%q: tensor<2x5x8xbf16>, %k: tensor<2x7x8xbf16>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xbf16>, tensor<2x7x8xbf16>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %rounded = arith.truncf %p : tensor<2x5x7xf32> to tensor<2x5x7xbf16>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%rounded, %k : tensor<2x5x7xbf16>, tensor<2x7x8xbf16>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// All in f16, softmax too.
// CHECK-LABEL: func.func @f16(
// CHECK:         attn.sdpa %{{.*}} {scale = 1.250000e-01 : f64} : (tensor<2x5x8xf16>, tensor<2x7x8xf16>, tensor<2x7x8xf16>, tensor<2x5x8xf16>) -> tensor<2x5x8xf16>
func.func @f16(%q: tensor<2x5x8xf16>, %k: tensor<2x7x8xf16>) -> tensor<2x5x8xf16> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf16>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf16>, tensor<2x7x8xf16>) outs(%zeros : tensor<2x5x7xf16>) -> tensor<2x5x7xf16>
  %scale = arith.constant dense<0.125> : tensor<2x5x7xf16>
  %scaled = arith.mulf %s, %scale : tensor<2x5x7xf16>
  %e = tensor.empty() : tensor<2x5x7xf16>
  %p = linalg.softmax dimension(2) ins(%scaled : tensor<2x5x7xf16>) outs(%e : tensor<2x5x7xf16>) -> tensor<2x5x7xf16>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf16>
  %o = linalg.batch_matmul ins(%p, %k : tensor<2x5x7xf16>, tensor<2x7x8xf16>) outs(%out : tensor<2x5x8xf16>) -> tensor<2x5x8xf16>
  return %o : tensor<2x5x8xf16>
}

// Nothing is rounded after the operands were widened: it stays in f32.
// CHECK-LABEL: func.func @widened(
// CHECK:         attn.sdpa %{{.*}} : (tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
func.func @widened(%q: tensor<2x5x8xbf16>, %k: tensor<2x7x8xbf16>) -> tensor<2x5x8xf32> {
  %qw = arith.extf %q : tensor<2x5x8xbf16> to tensor<2x5x8xf32>
  %kw = arith.extf %k : tensor<2x7x8xbf16> to tensor<2x7x8xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%qw, %kw : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %kw : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// But the result is rounded: it may be in bf16. What was rounded stays so.
// CHECK-LABEL: func.func @widened_and_rounded(
// CHECK-SAME:    %{{.*}}: tensor<2x5x8xf32>, %[[K:[^:]*]]: tensor<2x7x8xbf16>)
// CHECK:         %[[Q:.*]] = arith.truncf
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<2x5x8xbf16>
func.func @widened_and_rounded(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xbf16>) -> tensor<2x5x8xbf16> {
  %qn = arith.truncf %q : tensor<2x5x8xf32> to tensor<2x5x8xbf16>
  %qw = arith.extf %qn : tensor<2x5x8xbf16> to tensor<2x5x8xf32>
  %kw = arith.extf %k : tensor<2x7x8xbf16> to tensor<2x7x8xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%qw, %kw : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %kw : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %r = arith.truncf %o : tensor<2x5x8xf32> to tensor<2x5x8xbf16>
  return %r : tensor<2x5x8xbf16>
}

// One query and one sequence, in dimensions of size 1; in the body of a loop.
// CHECK-LABEL: func.func @one_query(
// CHECK:         scf.for
// CHECK:           attn.sdpa %{{.*}} : (tensor<1x4x1x8xf32>, tensor<1x4x7x8xf32>, tensor<1x4x7x8xf32>, tensor<1x4x1x8xf32>) -> tensor<1x4x1x8xf32>
// CHECK-NEXT:      scf.yield
func.func @one_query(%q: tensor<1x4x1x8xf32>, %k: tensor<1x4x7x8xf32>, %n: index) -> tensor<1x4x1x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zeros = arith.constant dense<0.0> : tensor<1x4x1x7xf32>
  %out = arith.constant dense<0.0> : tensor<1x4x1x8xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %q) -> (tensor<1x4x1x8xf32>) {
    %s = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, e)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%x, %k : tensor<1x4x1x8xf32>, tensor<1x4x7x8xf32>) outs(%zeros : tensor<1x4x1x7xf32>) {
    ^bb0(%u: f32, %v: f32, %sum: f32):
      %t = arith.mulf %u, %v : f32
      %w = arith.addf %sum, %t : f32
      linalg.yield %w : f32
    } -> tensor<1x4x1x7xf32>
    %e = tensor.empty() : tensor<1x4x1x7xf32>
    %p = linalg.softmax dimension(3) ins(%s : tensor<1x4x1x7xf32>) outs(%e : tensor<1x4x1x7xf32>) -> tensor<1x4x1x7xf32>
    %o = linalg.generic {indexing_maps = [affine_map<(b, h, i, f, j) -> (b, h, i, j)>, affine_map<(b, h, i, f, j) -> (b, h, j, f)>, affine_map<(b, h, i, f, j) -> (b, h, i, f)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%p, %k : tensor<1x4x1x7xf32>, tensor<1x4x7x8xf32>) outs(%out : tensor<1x4x1x8xf32>) {
    ^bb0(%u: f32, %v: f32, %sum: f32):
      %t = arith.mulf %u, %v : f32
      %w = arith.addf %sum, %t : f32
      linalg.yield %w : f32
    } -> tensor<1x4x1x8xf32>
    scf.yield %o : tensor<1x4x1x8xf32>
  }
  return %r : tensor<1x4x1x8xf32>
}

// A query without a dimension of its own.
// CHECK-LABEL: func.func @vector(
// CHECK:         attn.sdpa %{{.*}} : (tensor<4x1x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<4x1x8xf32>) -> tensor<4x1x8xf32>
func.func @vector(%q: tensor<4x8xf32>, %k: tensor<4x?x8xf32>, %m: index) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %s0 = tensor.empty(%m) : tensor<4x?xf32>
  %s1 = linalg.fill ins(%zero : f32) outs(%s0 : tensor<4x?xf32>) -> tensor<4x?xf32>
  %s = linalg.batch_matvec ins(%k, %q : tensor<4x?x8xf32>, tensor<4x8xf32>) outs(%s1 : tensor<4x?xf32>) -> tensor<4x?xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x?xf32>) outs(%s0 : tensor<4x?xf32>) -> tensor<4x?xf32>
  %out = arith.constant dense<0.0> : tensor<4x8xf32>
  %o = linalg.batch_vecmat ins(%p, %k : tensor<4x?xf32>, tensor<4x?x8xf32>) outs(%out : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %o : tensor<4x8xf32>
}

// Keys and values are repeated for all heads: no need to, if what only queries
// have is one long row of them.
// CHECK-LABEL: func.func @shared(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x4x5x8xf32>, %[[K:[^:]*]]: tensor<2x7x8xf32>)
// CHECK-NOT:     linalg.broadcast
// CHECK:         %[[Q3:.*]] = tensor.collapse_shape %[[Q]] {{\[\[}}0], [1, 2], [3]]
// CHECK:         attn.sdpa %[[Q3]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<2x20x8xf32>
func.func @shared(%q: tensor<2x4x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %ke = tensor.empty() : tensor<2x4x7x8xf32>
  %kb = linalg.broadcast ins(%k : tensor<2x7x8xf32>) outs(%ke : tensor<2x4x7x8xf32>) dimensions = [1]
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, e)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>]
    ins(%q, %kb : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, j)>, affine_map<(b, h, i, j, e) -> (b, h, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, e)>]
    ins(%p, %kb : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The same, written so in the products.
// CHECK-LABEL: func.func @shared_within(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x4x5x8xf32>, %[[K:[^:]*]]: tensor<2x7x8xf32>)
// CHECK:         %[[Q3:.*]] = tensor.collapse_shape %[[Q]] {{\[\[}}0], [1, 2], [3]]
// CHECK:         attn.sdpa %[[Q3]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}} -> tensor<2x20x8xf32>
func.func @shared_within(%q: tensor<2x4x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, e)>, affine_map<(b, h, i, j, e) -> (b, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, j)>]
    ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %o = linalg.contract indexing_maps = [affine_map<(b, h, i, j, e) -> (b, h, i, j)>, affine_map<(b, h, i, j, e) -> (b, j, e)>, affine_map<(b, h, i, j, e) -> (b, h, i, e)>]
    ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Two attentions, the first of which is the query of the second.
// CHECK-LABEL: func.func @two(
// CHECK:         %[[A:.*]] = attn.sdpa
// CHECK:         attn.sdpa %[[A]]
func.func @two(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.batch_matmul ins(%p, %k : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %s2 = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%o, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p2 = linalg.softmax dimension(2) ins(%s2 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o2 = linalg.batch_matmul ins(%p2, %k : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o2 : tensor<2x5x8xf32>
}

// Reduced dimensions are kept, with size 1; the maximum comes with its index;
// where all scores are -inf, the probabilities are 0.
// CHECK-LABEL: func.func @kept_dims(
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %{{.*}} outs(%{{.*}}) {scale = 1.000000e+00 : f64}
// CHECK-NOT:     linalg
// CHECK:         return
func.func @kept_dims(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %inf = arith.constant 0xFF800000 : f32
  %true = arith.constant true
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5x1xf32>
  %first = arith.constant dense<0> : tensor<2x5x1xi64>
  %max, %index = linalg.generic {indexing_maps = [#id3, affine_map<(b, i, j) -> (b, i, 0)>, affine_map<(b, i, j) -> (b, i, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x7xf32>) outs(%lowest, %first : tensor<2x5x1xf32>, tensor<2x5x1xi64>) {
  ^bb0(%x: f32, %m: f32, %i: i64):
    %j = linalg.index 2 : index
    %n = arith.index_cast %j : index to i64
    %y = arith.maximumf %x, %m : f32
    %c = arith.cmpf ogt, %x, %m : f32
    %z = arith.select %c, %n, %i : i64
    linalg.yield %y, %z : f32, i64
  } -> (tensor<2x5x1xf32>, tensor<2x5x1xi64>)
  %e = tensor.empty() : tensor<2x5x7xf32>
  %d = linalg.generic {indexing_maps = [#id3, affine_map<(b, i, j) -> (b, i, 0)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x7xf32>, tensor<2x5x1xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %m: f32, %o: f32):
    %y = arith.subf %x, %m : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5x1xf32>
  %sum = linalg.generic {indexing_maps = [#id3, affine_map<(b, i, j) -> (b, i, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5x1xf32>) {
  ^bb0(%x: f32, %t: f32):
    %y = arith.addf %x, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5x1xf32>
  %none = arith.constant dense<false> : tensor<2x5x1xi1>
  %left = linalg.generic {indexing_maps = [#id3, affine_map<(b, i, j) -> (b, i, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x7xf32>) outs(%none : tensor<2x5x1xi1>) {
  ^bb0(%x: f32, %t: i1):
    %c = arith.cmpf oeq, %x, %inf : f32
    %n = arith.xori %c, %true : i1
    %y = arith.ori %n, %t : i1
    linalg.yield %y : i1
  } -> tensor<2x5x1xi1>
  %p = linalg.generic {indexing_maps = [#id3, affine_map<(b, i, j) -> (b, i, 0)>, affine_map<(b, i, j) -> (b, i, 0)>, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%w, %sum, %left : tensor<2x5x7xf32>, tensor<2x5x1xf32>, tensor<2x5x1xi1>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %t: f32, %l: i1, %o: f32):
    %y = arith.divf %x, %t : f32
    %n = arith.xori %l, %true : i1
    %c = arith.constant 0.0 : f32
    %z = arith.select %n, %c, %y : f32
    linalg.yield %z : f32
  } -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
