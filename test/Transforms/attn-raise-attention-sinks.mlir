// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Scores that join the softmax and have no value.

#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#row = affine_map<(b, h, i, j) -> (b, h, i)>
#head = affine_map<(b, h, i, j) -> (h, 0, 0)>
#rows = affine_map<(b, h, i) -> (b, h, i)>
#heads = affine_map<(b, h, i) -> (h)>

// A column more, less the largest of each row, and the probabilities of all but
// that column: sizes are known at run time only.
// CHECK-LABEL: func.func @column(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x4x?x8xf32>, %[[K:[^:]*]]: tensor<?x4x?x8xf32>, %[[V:[^:]*]]: tensor<?x4x?x8xf32>, %[[N:[^:]*]]: tensor<4xf32>)
// CHECK-NOT:     tensor.insert_slice
// CHECK-NOT:     linalg.
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] sinks(%[[N]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
// CHECK:         return %[[R]]
func.func @column(%q: tensor<?x4x?x8xf32>, %k: tensor<?x4x?x8xf32>, %v: tensor<?x4x?x8xf32>, %n: tensor<4xf32>) -> tensor<?x4x?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x4x?x8xf32>
  %i = tensor.dim %q, %c2 : tensor<?x4x?x8xf32>
  %j = tensor.dim %k, %c2 : tensor<?x4x?x8xf32>
  %m = arith.addi %j, %c1 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %es = tensor.empty(%b, %i, %j) : tensor<?x4x?x?xf32>
  %zs = linalg.fill ins(%zero : f32) outs(%es : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) outs(%zs : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %n0 = tensor.expand_shape %n [[0, 1, 2]] output_shape [4, 1, 1] : tensor<4xf32> into tensor<4x1x1xf32>
  %en = tensor.empty(%b, %i) : tensor<?x4x?x1xf32>
  %n1 = linalg.generic {indexing_maps = [#head, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%n0 : tensor<4x1x1xf32>) outs(%en : tensor<?x4x?x1xf32>) {
  ^bb0(%x: f32, %out: f32):
    linalg.yield %x : f32
  } -> tensor<?x4x?x1xf32>
  %em = tensor.empty(%b, %i, %m) : tensor<?x4x?x?xf32>
  %a0 = tensor.insert_slice %s into %em[0, 0, 0, 0] [%b, 4, %i, %j] [1, 1, 1, 1] : tensor<?x4x?x?xf32> into tensor<?x4x?x?xf32>
  %a = tensor.insert_slice %n1 into %a0[0, 0, 0, %j] [%b, 4, %i, 1] [1, 1, 1, 1] : tensor<?x4x?x1xf32> into tensor<?x4x?x?xf32>
  %er = tensor.empty(%b, %i) : tensor<?x4x?xf32>
  %lr = linalg.fill ins(%lowest : f32) outs(%er : tensor<?x4x?xf32>) -> tensor<?x4x?xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%a : tensor<?x4x?x?xf32>) outs(%lr : tensor<?x4x?xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.maximumf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<?x4x?xf32>
  %d = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%a, %max : tensor<?x4x?x?xf32>, tensor<?x4x?xf32>) outs(%em : tensor<?x4x?x?xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.subf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<?x4x?x?xf32>
  %p0 = linalg.softmax dimension(3) ins(%d : tensor<?x4x?x?xf32>) outs(%em : tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %p = tensor.extract_slice %p0[0, 0, 0, 0] [%b, 4, %i, %j] [1, 1, 1, 1] : tensor<?x4x?x?xf32> to tensor<?x4x?x?xf32>
  %eo = tensor.empty(%b, %i) : tensor<?x4x?x8xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<?x4x?x?xf32>, tensor<?x4x?x8xf32>) outs(%zo : tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %o : tensor<?x4x?x8xf32>
}

// The power of the sink is added to the sum by which the weighted values are
// divided.
// CHECK-LABEL: func.func @power(
// CHECK-NOT:     math.exp
// CHECK:         attn.sdpa %{{.*}} sinks(%{{.*}}) outs
func.func @power(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<2x4x6x8xf32>, %n: tensor<4xf32>) -> tensor<2x4x5x8xf32> {
  %zs = arith.constant dense<0.0> : tensor<2x4x5x6xf32>
  %zr = arith.constant dense<0.0> : tensor<2x4x5xf32>
  %zo = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %lr = arith.constant dense<0xFF800000> : tensor<2x4x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%zs : tensor<2x4x5x6xf32>) -> tensor<2x4x5x6xf32>
  %max0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%s : tensor<2x4x5x6xf32>) outs(%lr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.maximumf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %max = linalg.generic {indexing_maps = [#rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max0, %n : tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.maximumf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %w = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x4x5x6xf32>, tensor<2x4x5xf32>) outs(%zs : tensor<2x4x5x6xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %d = arith.subf %x, %z : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x6xf32>
  %sum0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%w : tensor<2x4x5x6xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.addf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sum0, %max, %n : tensor<2x4x5xf32>, tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %u: f32, %out: f32):
    %d = arith.subf %u, %z : f32
    %e = math.exp %d : f32
    %y = arith.addf %x, %e : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %o0 = linalg.contract indexing_maps = [#s, #k, #q] ins(%w, %v : tensor<2x4x5x6xf32>, tensor<2x4x6x8xf32>) outs(%zo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %o = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%o0, %sum : tensor<2x4x5x8xf32>, tensor<2x4x5xf32>) outs(%zo : tensor<2x4x5x8xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.divf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A number that is added to all scores counts, beside a sink.
// CHECK-LABEL: func.func @raised_scores(
// CHECK-NOT:     math.exp
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) sinks(%{{.*}}) outs
func.func @raised_scores(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<2x4x6x8xf32>, %n: tensor<4xf32>) -> tensor<2x4x5x8xf32> {
  %zs = arith.constant dense<0.0> : tensor<2x4x5x6xf32>
  %zr = arith.constant dense<0.0> : tensor<2x4x5xf32>
  %zo = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %lr = arith.constant dense<0xFF800000> : tensor<2x4x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%zs : tensor<2x4x5x6xf32>) -> tensor<2x4x5x6xf32>
  %two = arith.constant dense<2.0> : tensor<2x4x5x6xf32>
  %s = arith.addf %s0, %two : tensor<2x4x5x6xf32>
  %max0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%s : tensor<2x4x5x6xf32>) outs(%lr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.maximumf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %max = linalg.generic {indexing_maps = [#rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max0, %n : tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.maximumf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %w = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x4x5x6xf32>, tensor<2x4x5xf32>) outs(%zs : tensor<2x4x5x6xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %d = arith.subf %x, %z : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x6xf32>
  %sum0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%w : tensor<2x4x5x6xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.addf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sum0, %max, %n : tensor<2x4x5xf32>, tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %u: f32, %out: f32):
    %d = arith.subf %u, %z : f32
    %e = math.exp %d : f32
    %y = arith.addf %x, %e : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %o0 = linalg.contract indexing_maps = [#s, #k, #q] ins(%w, %v : tensor<2x4x5x6xf32>, tensor<2x4x6x8xf32>) outs(%zo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %o = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%o0, %sum : tensor<2x4x5x8xf32>, tensor<2x4x5xf32>) outs(%zo : tensor<2x4x5x8xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.divf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Scores are less their largest already; the sink is not.
// CHECK-LABEL: func.func @shifted_once_more(
// CHECK-NOT:     attn.sdpa
// CHECK:         return
func.func @shifted_once_more(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<2x4x6x8xf32>, %n: tensor<4xf32>) -> tensor<2x4x5x8xf32> {
  %zs = arith.constant dense<0.0> : tensor<2x4x5x6xf32>
  %zr = arith.constant dense<0.0> : tensor<2x4x5xf32>
  %zo = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %lr = arith.constant dense<0xFF800000> : tensor<2x4x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%zs : tensor<2x4x5x6xf32>) -> tensor<2x4x5x6xf32>
  %max0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%s : tensor<2x4x5x6xf32>) outs(%lr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.maximumf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %max = linalg.generic {indexing_maps = [#rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max0, %n : tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.maximumf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %w = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x4x5x6xf32>, tensor<2x4x5xf32>) outs(%zs : tensor<2x4x5x6xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %d0 = arith.subf %x, %z : f32
    %d = arith.subf %d0, %z : f32
    %y = math.exp %d : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x6xf32>
  %sum0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%w : tensor<2x4x5x6xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.addf %x, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #rows, #heads, #rows], iterator_types = ["parallel", "parallel", "parallel"]} ins(%sum0, %max, %n : tensor<2x4x5xf32>, tensor<2x4x5xf32>, tensor<4xf32>) outs(%zr : tensor<2x4x5xf32>) {
  ^bb0(%x: f32, %z: f32, %u: f32, %out: f32):
    %d = arith.subf %u, %z : f32
    %e = math.exp %d : f32
    %y = arith.addf %x, %e : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5xf32>
  %o0 = linalg.contract indexing_maps = [#s, #k, #q] ins(%w, %v : tensor<2x4x5x6xf32>, tensor<2x4x6x8xf32>) outs(%zo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %o = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%o0, %sum : tensor<2x4x5x8xf32>, tensor<2x4x5xf32>) outs(%zo : tensor<2x4x5x8xf32>) {
  ^bb0(%x: f32, %z: f32, %out: f32):
    %y = arith.divf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The column is another one for each query: it is no sink.
// CHECK-LABEL: func.func @column_of_queries(
// CHECK-NOT:     attn.sdpa
// The probabilities that are left out are not those of the column.
// CHECK-LABEL: func.func @other_column(
// CHECK-NOT:     attn.sdpa
func.func @column_of_queries(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x6x8xf32>, %v: tensor<2x4x6x8xf32>, %n: tensor<2x4x5x1xf32>) -> tensor<2x4x5x8xf32> {
  %zs = arith.constant dense<0.0> : tensor<2x4x5x6xf32>
  %zo = arith.constant dense<0.0> : tensor<2x4x5x8xf32>
  %em = tensor.empty() : tensor<2x4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x6x8xf32>) outs(%zs : tensor<2x4x5x6xf32>) -> tensor<2x4x5x6xf32>
  %a = tensor.concat dim(3) %s, %n : (tensor<2x4x5x6xf32>, tensor<2x4x5x1xf32>) -> tensor<2x4x5x7xf32>
  %p0 = linalg.softmax dimension(3) ins(%a : tensor<2x4x5x7xf32>) outs(%em : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %p = tensor.extract_slice %p0[0, 0, 0, 0] [2, 4, 5, 6] [1, 1, 1, 1] : tensor<2x4x5x7xf32> to tensor<2x4x5x6xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x4x5x6xf32>, tensor<2x4x6x8xf32>) outs(%zo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}
func.func @other_column(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x6x8xf32>, %v: tensor<1x4x6x8xf32>, %n: tensor<4xf32>) -> tensor<1x4x5x8xf32> {
  %zs = arith.constant dense<0.0> : tensor<1x4x5x6xf32>
  %zo = arith.constant dense<0.0> : tensor<1x4x5x8xf32>
  %em = tensor.empty() : tensor<1x4x5x7xf32>
  %en = tensor.empty() : tensor<1x4x5x1xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32>) outs(%zs : tensor<1x4x5x6xf32>) -> tensor<1x4x5x6xf32>
  %n1 = linalg.broadcast ins(%n : tensor<4xf32>) outs(%en : tensor<1x4x5x1xf32>) dimensions = [0, 2, 3]
  %a = tensor.concat dim(3) %n1, %s : (tensor<1x4x5x1xf32>, tensor<1x4x5x6xf32>) -> tensor<1x4x5x7xf32>
  %p0 = linalg.softmax dimension(3) ins(%a : tensor<1x4x5x7xf32>) outs(%em : tensor<1x4x5x7xf32>) -> tensor<1x4x5x7xf32>
  %p = tensor.extract_slice %p0[0, 0, 0, 0] [1, 4, 5, 6] [1, 1, 1, 1] : tensor<1x4x5x7xf32> to tensor<1x4x5x6xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<1x4x5x6xf32>, tensor<1x4x6x8xf32>) outs(%zo : tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %o : tensor<1x4x5x8xf32>
}
