// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// What the bodies are made of that compute masks.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>
#id = affine_map<(b, i, j) -> (b, i, j)>
#j = affine_map<(b, i, j) -> (j)>
#diagonal = affine_map<(b, i, j) -> (i, i)>

// A body asks for sizes: of those it reads no element.
// CHECK-LABEL: func.func @sizes(
// CHECK:         %[[P:.*]] = linalg.generic
// CHECK:           tensor.dim
// CHECK-NOT:     linalg.softmax
// CHECK:         attn.sdpa {{.*}} positions(%[[P]]) outs(%{{.*}}) {causal,
func.func @sizes(%q: tensor<2x?x8xf32>, %k: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %n = tensor.dim %q, %c1 : tensor<2x?x8xf32>
  %m = tensor.dim %k, %c1 : tensor<2x?x8xf32>
  %e = tensor.empty(%n, %m) : tensor<2x?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x?x8xf32>, tensor<2x?x8xf32>) outs(%zeros : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<2x?x?xf32>) outs(%e : tensor<2x?x?xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %keys = tensor.dim %k, %c1 : tensor<2x?x8xf32>
    %queries = tensor.dim %q, %c1 : tensor<2x?x8xf32>
    %before = arith.subi %keys, %queries : index
    %place = arith.addi %i, %before : index
    %c = arith.cmpi sle, %j, %place : index
    %y = arith.select %c, %x, %lowest : f32
    linalg.yield %y : f32
  } -> tensor<2x?x?xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x?x?xf32>) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %eo = tensor.empty(%n) : tensor<2x?x8xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x?x?xf32>, tensor<2x?x8xf32>) outs(%out : tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return %o : tensor<2x?x8xf32>
}

// A mask that is read along its diagonal has no axis for both of its
// dimensions.
// CHECK-LABEL: func.func @diagonal(
// CHECK-NOT:     attn.sdpa
func.func @diagonal(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %m: tensor<5x5xf32>) -> tensor<2x5x8xf32> {
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %t = linalg.generic {indexing_maps = [#id, #diagonal, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %m : tensor<2x5x5xf32>, tensor<5x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%x: f32, %z: f32, %u: f32):
    %y = arith.addf %x, %z : f32
    linalg.yield %y : f32
  } -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// In eight bits, the index of a key that is far away comes before that of the
// query.
// CHECK-LABEL: func.func @few_bits(
// CHECK-NOT:     causal
// CHECK:         attn.sdpa {{.*}} mask(
// CHECK-NOT:     causal
func.func @few_bits(%q: tensor<2x500x8xf32>, %k: tensor<2x500x8xf32>) -> tensor<2x500x8xf32> {
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2x500x500xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x500x500xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x500x8xf32>, tensor<2x500x8xf32>) outs(%zeros : tensor<2x500x500xf32>) -> tensor<2x500x500xf32>
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<2x500x500xf32>) outs(%e : tensor<2x500x500xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %i8 = arith.index_cast %i : index to i8
    %j8 = arith.index_cast %j : index to i8
    %c = arith.cmpi sle, %j8, %i8 : i8
    %y = arith.select %c, %x, %lowest : f32
    linalg.yield %y : f32
  } -> tensor<2x500x500xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x500x500xf32>) outs(%e : tensor<2x500x500xf32>) -> tensor<2x500x500xf32>
  %out = arith.constant dense<0.0> : tensor<2x500x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x500x500xf32>, tensor<2x500x8xf32>) outs(%out : tensor<2x500x8xf32>) -> tensor<2x500x8xf32>
  return %o : tensor<2x500x8xf32>
}

// A bias of each head and distance, where heads are merged with the batch: their
// index together is that of no axis.
// CHECK-LABEL: func.func @merged_heads(
// CHECK:         tensor.extract %arg2
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) outs
func.func @merged_heads(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %table: tensor<8x16xf32>) -> tensor<2x4x5x8xf32> {
  %c8 = arith.constant 8 : index
  %q1 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x4x5x8xf32> into tensor<8x5x8xf32>
  %k1 = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<2x4x7x8xf32> into tensor<8x7x8xf32>
  %e = tensor.empty() : tensor<8x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<8x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q1, %k1 : tensor<8x5x8xf32>, tensor<8x7x8xf32>) outs(%zeros : tensor<8x5x7xf32>) -> tensor<8x5x7xf32>
  %biases = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : tensor<8x5x7xf32>) {
  ^bb0(%u: f32):
    %h = linalg.index 0 : index
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %d = arith.subi %j, %i : index
    %place = arith.addi %d, %c8 : index
    %bias = tensor.extract %table[%h, %place] : tensor<8x16xf32>
    linalg.yield %bias : f32
  } -> tensor<8x5x7xf32>
  %t = linalg.add ins(%s, %biases : tensor<8x5x7xf32>, tensor<8x5x7xf32>) outs(%e : tensor<8x5x7xf32>) -> tensor<8x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<8x5x7xf32>) outs(%e : tensor<8x5x7xf32>) -> tensor<8x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<8x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k1 : tensor<8x5x7xf32>, tensor<8x7x8xf32>) outs(%out : tensor<8x5x8xf32>) -> tensor<8x5x8xf32>
  %r = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [2, 4, 5, 8] : tensor<8x5x8xf32> into tensor<2x4x5x8xf32>
  return %r : tensor<2x4x5x8xf32>
}

// Each step reads the one before twice: it is computed once, and looked at so
// often that it ends.
// CHECK-LABEL: func.func @chain(
// CHECK-COUNT-16: arith.mulf
// CHECK-NOT:     arith.mulf
// CHECK:         attn.sdpa {{.*}} mask(
func.func @chain(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %m: tensor<7xf32>) -> tensor<2x5x8xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x5x7xf32>
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %t = linalg.generic {indexing_maps = [#id, #j, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %m : tensor<2x5x7xf32>, tensor<7xf32>) outs(%e : tensor<2x5x7xf32>) {
  ^bb0(%x: f32, %z: f32, %u: f32):
    %w1 = arith.mulf %z, %z : f32
    %w2 = arith.addf %w1, %w1 : f32
    %w3 = arith.mulf %w2, %w2 : f32
    %w4 = arith.addf %w3, %w3 : f32
    %w5 = arith.mulf %w4, %w4 : f32
    %w6 = arith.addf %w5, %w5 : f32
    %w7 = arith.mulf %w6, %w6 : f32
    %w8 = arith.addf %w7, %w7 : f32
    %w9 = arith.mulf %w8, %w8 : f32
    %w10 = arith.addf %w9, %w9 : f32
    %w11 = arith.mulf %w10, %w10 : f32
    %w12 = arith.addf %w11, %w11 : f32
    %w13 = arith.mulf %w12, %w12 : f32
    %w14 = arith.addf %w13, %w13 : f32
    %w15 = arith.mulf %w14, %w14 : f32
    %w16 = arith.addf %w15, %w15 : f32
    %w17 = arith.mulf %w16, %w16 : f32
    %w18 = arith.addf %w17, %w17 : f32
    %w19 = arith.mulf %w18, %w18 : f32
    %w20 = arith.addf %w19, %w19 : f32
    %w21 = arith.mulf %w20, %w20 : f32
    %w22 = arith.addf %w21, %w21 : f32
    %w23 = arith.mulf %w22, %w22 : f32
    %w24 = arith.addf %w23, %w23 : f32
    %w25 = arith.mulf %w24, %w24 : f32
    %w26 = arith.addf %w25, %w25 : f32
    %w27 = arith.mulf %w26, %w26 : f32
    %w28 = arith.addf %w27, %w27 : f32
    %w29 = arith.mulf %w28, %w28 : f32
    %w30 = arith.addf %w29, %w29 : f32
    %w31 = arith.mulf %w30, %w30 : f32
    %w32 = arith.addf %w31, %w31 : f32
    %w = arith.subf %w32, %one : f32
    %y = arith.addf %x, %w : f32
    linalg.yield %y : f32
  } -> tensor<2x5x7xf32>
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x5x7xf32>) outs(%e : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
