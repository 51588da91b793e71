// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// What is added by the distance between key and query.

#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>
#h = affine_map<(b, h, i, j) -> (h)>
#bh = affine_map<(b, h, i, j) -> (b, h)>

// A slope for each head (ALiBi): for each distance one bias, from -4 to 6.
// CHECK-LABEL: func.func @slopes(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4x5x8xf32>, %[[K:.*]]: tensor<2x4x7x8xf32>, %[[SLOPES:.*]]: tensor<4xf32>)
// CHECK-DAG:     %[[FARTHEST:.*]] = arith.constant 6 : index
// CHECK-DAG:     %[[OUT:.*]] = tensor.empty() : tensor<4x13xf32>
// CHECK:         %[[BIASES:.*]] = linalg.generic {{.*}} ins(%[[SLOPES]] : tensor<4xf32>) outs(%[[OUT]] : tensor<4x13xf32>)
// CHECK:           %[[PLACE:.*]] = linalg.index 1 : index
// CHECK:           %[[DISTANCE:.*]] = arith.subi %[[PLACE]], %[[FARTHEST]] : index
// CHECK:           arith.maxsi %{{.*}}, %c-4 : index
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] biases(%[[BIASES]]) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
func.func @slopes(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %slopes: tensor<4xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #h, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %slopes : tensor<2x4x5x7xf32>, tensor<4xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %slope: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %d64 = arith.index_cast %d : index to i64
    %n = math.absi %d64 : i64
    %f = arith.sitofp %n : i64 to f32
    %bias = arith.mulf %slope, %f : f32
    %biased = arith.subf %x, %bias : f32
    %c = arith.cmpi sle, %j, %i : index
    %y = arith.select %c, %biased, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A slope for each head and each entry of the batch: all of them are heads.
// CHECK-LABEL: func.func @slopes_of_entries(
// CHECK:         %[[BIASES:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x4x13xf32>)
// CHECK:         %[[ALL:.*]] = tensor.collapse_shape %[[BIASES]]
// CHECK:         attn.sdpa %{{.*}} biases(%[[ALL]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : {{.*}}, tensor<8x13xf32>, 
func.func @slopes_of_entries(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %slopes: tensor<2x4xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #bh, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %slopes : tensor<2x4x5x7xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %slope: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %d32 = arith.index_cast %d : index to i32
    %f = arith.sitofp %d32 : i32 to f32
    %bias = arith.mulf %slope, %f : f32
    %biased = arith.subf %x, %bias : f32
    linalg.yield %biased : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// A table of buckets, read by a tensor of its own, of dynamic sizes; keys came
// before the queries.
// CHECK-LABEL: func.func @buckets(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4x?x8xf32>, %[[K:.*]]: tensor<2x4x?x8xf32>, %[[TABLE:.*]]: tensor<5x4xf32>)
// CHECK:         %[[BIASES:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4x?xf32>)
// CHECK:           tensor.extract %[[TABLE]]
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[K]] positions(%{{.*}}) biases(%[[BIASES]]) outs(%{{.*}}) {causal, scale = 1.000000e+00 : f64}
#t = affine_map<(h, i, j) -> (h, i, j)>
#th = affine_map<(b, h, i, j) -> (h, i, j)>
func.func @buckets(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x?x8xf32>, %table: tensor<5x4xf32>) -> tensor<2x4x?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2 : index
  %queries = tensor.dim %q, %two : tensor<2x4x?x8xf32>
  %keys = tensor.dim %k, %two : tensor<2x4x?x8xf32>
  %past = arith.subi %keys, %queries : index
  %e = tensor.empty(%queries, %keys) : tensor<2x4x?x?xf32>
  %eo = tensor.empty(%queries) : tensor<2x4x?x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  %et = tensor.empty(%queries, %keys) : tensor<4x?x?xf32>
  %biases = linalg.generic {indexing_maps = [#t], iterator_types = ["parallel", "parallel", "parallel"]} outs(%et : tensor<4x?x?xf32>) {
  ^bb0(%u: f32):
    %h = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %at = arith.addi %i, %past : index
    %d = arith.subi %at, %j : index
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %least = arith.maxsi %d, %c0 : index
    %bucket = arith.minsi %least, %c4 : index
    %y = tensor.extract %table[%bucket, %h] : tensor<5x4xf32>
    linalg.yield %y : f32
  } -> tensor<4x?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x?x8xf32>, tensor<2x4x?x8xf32>) outs(%zeros : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #th, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %biases : tensor<2x4x?x?xf32>, tensor<4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) {
  ^bb0(%x: f32, %bias: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %at = arith.addi %i, %past : index
    %c = arith.cmpi sle, %j, %at : index
    %biased = arith.addf %x, %bias : f32
    %y = arith.select %c, %biased, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x?x?xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x?x?xf32>) outs(%e : tensor<2x4x?x?xf32>) -> tensor<2x4x?x?xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x?x?xf32>, tensor<2x4x?x8xf32>) outs(%out : tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32>
  return %o : tensor<2x4x?x8xf32>
}

// A tensor of them that asserts something is computed once, where it stands.
// CHECK-LABEL: func.func @asserted(
// CHECK:         %[[BIASES:.*]] = linalg.generic
// CHECK:           cf.assert
// CHECK:         %[[MASK:.*]] = tensor.expand_shape %[[BIASES]]
// CHECK:         attn.sdpa %{{.*}} mask(%[[MASK]]) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @asserted(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %table: tensor<5x4xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %et = tensor.empty() : tensor<4x5x7xf32>
  %biases = linalg.generic {indexing_maps = [#t], iterator_types = ["parallel", "parallel", "parallel"]} outs(%et : tensor<4x5x7xf32>) {
  ^bb0(%u: f32):
    %h = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %d = arith.subi %i, %j : index
    %bucket = arith.maxsi %d, %c0 : index
    %inside = arith.cmpi ult, %bucket, %c5 : index
    cf.assert %inside, "an index inside"
    %y = tensor.extract %table[%bucket, %h] : tensor<5x4xf32>
    linalg.yield %y : f32
  } -> tensor<4x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %m = linalg.generic {indexing_maps = [#id, #th, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %biases : tensor<2x4x5x7xf32>, tensor<4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %bias: f32, %u: f32):
    %y = arith.addf %x, %bias : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}
