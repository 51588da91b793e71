// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s --implicit-check-not='linalg.batch_matmul'

// What exporters of other front ends write, and people do not.

#bij = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i, 0)>
#queries = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#keys = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#scores = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#weights = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#values = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#results = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// From PyTorch (torch-mlir): constants are of f64 and rounded where they are used;
// where all scores are -inf, compared in f64, the probabilities are 0.
// CHECK-LABEL: func.func @doubles(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x5x16xf32>, %[[K:[^:]*]]: tensor<2x7x16xf32>)
// CHECK-NOT:     linalg
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 2.500000e-01 : f64}
// CHECK-NOT:     linalg
func.func @doubles(%q: tensor<2x5x16xf32>, %k: tensor<2x7x16xf32>) -> tensor<2x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %infinity = arith.constant 0xFFF0000000000000 : f64
  %four = arith.constant 4.0 : f64
  %true = arith.constant true
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %e1 = tensor.empty() : tensor<2x5x1xf32>
  %i = tensor.empty() : tensor<2x5x7xi1>
  %i1 = tensor.empty() : tensor<2x5x1xi1>
  %kt = tensor.empty() : tensor<2x16x7xf32>
  %o = tensor.empty() : tensor<2x5x16xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m0 = linalg.fill ins(%lowest : f32) outs(%e1 : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %t0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %a0 = linalg.fill ins(%true : i1) outs(%i1 : tensor<2x5x1xi1>) -> tensor<2x5x1xi1>
  %k1 = linalg.transpose ins(%k : tensor<2x7x16xf32>) outs(%kt : tensor<2x16x7xf32>) permutation = [0, 2, 1]
  %s = linalg.batch_matmul ins(%q, %k1 : tensor<2x5x16xf32>, tensor<2x16x7xf32>) outs(%s0 : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %x = linalg.generic {indexing_maps = [#bij, #bij], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c = arith.truncf %four : f64 to f32
    %y = arith.divf %in, %c : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %m = linalg.generic {indexing_maps = [#bij, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x5x7xf32>) outs(%m0 : tensor<2x5x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x5x1xf32>
  %w = linalg.generic {indexing_maps = [#bij, #row, #bij], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %m : tensor<2x5x7xf32>, tensor<2x5x1xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%in: f32, %largest: f32, %out: f32):
    %d = arith.subf %in, %largest : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %t = linalg.generic {indexing_maps = [#bij, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%w : tensor<2x5x7xf32>) outs(%t0 : tensor<2x5x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x5x1xf32>
  %p = linalg.generic {indexing_maps = [#bij, #row, #bij], iterator_types = ["parallel", "parallel", "parallel"]} ins(%w, %t : tensor<2x5x7xf32>, tensor<2x5x1xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%in: f32, %total: f32, %out: f32):
    %y = arith.divf %in, %total : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %n = linalg.generic {indexing_maps = [#bij, #bij], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<2x5x7xf32>) outs(%i : tensor<2x5x7xi1>) {
  ^bb0(%in: f32, %out: i1):
    %d = arith.extf %in : f32 to f64
    %y = arith.cmpf oeq, %d, %infinity : f64
    linalg.yield %y : i1
  } -> tensor<2x5x7xi1>
  %a = linalg.generic {indexing_maps = [#bij, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%n : tensor<2x5x7xi1>) outs(%a0 : tensor<2x5x1xi1>) {
  ^bb0(%in: i1, %out: i1):
    %y = arith.andi %in, %out : i1
    linalg.yield %y : i1
  } -> tensor<2x5x1xi1>
  %p0 = linalg.generic {indexing_maps = [#row, #bij, #bij, #bij], iterator_types = ["parallel", "parallel", "parallel"]} ins(%a, %zeros, %p : tensor<2x5x1xi1>, tensor<2x5x7xf32>, tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%c: i1, %z: f32, %in: f32, %out: f32):
    %y = arith.select %c, %z, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %r = linalg.batch_matmul ins(%p0, %k : tensor<2x5x7xf32>, tensor<2x7x16xf32>) outs(%o0 : tensor<2x5x16xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// Keys of known sizes, which an exporter splits as it does the queries: how many
// there are is a quotient then.
// CHECK-LABEL: func.func @known_keys(
// CHECK-SAME:    %{{[^:]*}}: tensor<?x?x4x16xf32>, %[[K:[^:]*]]: tensor<2x3x64xf32>)
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %[[K]] {{\[}}[0, 1, 2]]
// CHECK:         %[[ANY:.*]] = tensor.cast %[[FLAT]] : tensor<384xf32> to tensor<?xf32>
// CHECK:         tensor.expand_shape %[[ANY]] {{.*}} : tensor<?xf32> into tensor<?x?x64xf32>
// CHECK:         attn.sdpa
// CHECK-NOT:     linalg.softmax
func.func @known_keys(%q: tensor<?x?x4x16xf32>, %k: tensor<2x3x64xf32>) -> tensor<?x4x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c384 = arith.constant 384 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x?x4x16xf32>
  %n = tensor.dim %q, %c1 : tensor<?x?x4x16xf32>
  %row = arith.muli %b, %c64 : index
  %m = arith.divui %c384, %row : index
  %flat = tensor.collapse_shape %k [[0, 1, 2]] : tensor<2x3x64xf32> into tensor<384xf32>
  %any = tensor.cast %flat : tensor<384xf32> to tensor<?xf32>
  %split = tensor.expand_shape %any [[0, 1, 2, 3]] output_shape [%b, %m, 4, 16] : tensor<?xf32> into tensor<?x?x4x16xf32>
  %qe = tensor.empty(%b, %n) : tensor<?x4x?x16xf32>
  %qt = linalg.transpose ins(%q : tensor<?x?x4x16xf32>) outs(%qe : tensor<?x4x?x16xf32>) permutation = [0, 2, 1, 3]
  %ke = tensor.empty(%b, %m) : tensor<?x4x?x16xf32>
  %kt = linalg.transpose ins(%split : tensor<?x?x4x16xf32>) outs(%ke : tensor<?x4x?x16xf32>) permutation = [0, 2, 1, 3]
  %se = tensor.empty(%b, %n, %m) : tensor<?x4x?x?xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%se : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %s = linalg.generic {indexing_maps = [#queries, #keys, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%qt, %kt : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) outs(%s0 : tensor<?x4x?x?xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %p = arith.mulf %x, %y : f32
    %t = arith.addf %sum, %p : f32
    linalg.yield %t : f32
  } -> tensor<?x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<?x4x?x?xf32>) outs(%se : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%qe : tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %o = linalg.generic {indexing_maps = [#weights, #values, #results], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%p, %kt : tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) outs(%o0 : tensor<?x4x?x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %t = arith.mulf %x, %y : f32
    %u = arith.addf %sum, %t : f32
    linalg.yield %u : f32
  } -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}
