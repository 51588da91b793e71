// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Attention whose probabilities or scores are used elsewhere too, whose scores
// are capped, and that guards against queries without keys.

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>

// The probabilities are a second result, whose other use stands in front.
// CHECK-LABEL: func.func @probabilities_used(
// CHECK-NOT:     linalg.softmax
// CHECK:         %[[R:.*]]:2 = attn.sdpa {{.*}} -> (tensor<2x5x8xf32>, tensor<2x1x5x5xf32>)
// CHECK:         %[[P:.*]] = tensor.collapse_shape %[[R]]#1
// CHECK:         %[[N:.*]] = arith.negf %[[P]]
// CHECK:         return %[[R]]#0, %[[N]]
func.func @probabilities_used(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %n = arith.negf %p : tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %n : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}

// Scores that are returned are a second result.
// CHECK-LABEL: func.func @scores_returned(
// CHECK-NOT:     linalg.
// CHECK:         %[[R:.*]]:2 = attn.sdpa {{.*}} {scale = 2.000000e+00 : f64, shown_stage = #attn<stage scaled>} : {{.*}} -> (tensor<2x5x8xf32>, tensor<2x1x5x5xf32>)
// CHECK-NOT:     linalg.
// CHECK:         %[[S:.*]] = tensor.collapse_shape %[[R]]#1
// CHECK:         return %[[R]]#0, %[[S]]
func.func @scores_returned(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %two = arith.constant dense<2.0> : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s = arith.mulf %s0, %two : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %s : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}

// Capped, or with a mask.
// CHECK-LABEL: func.func @capped_returned(
// CHECK-NOT:     math.tanh
// CHECK:         attn.sdpa {{.*}} {scale = 1.000000e+00 : f64, shown_stage = #attn<stage capped>, softcap = 3.000000e+00 : f64}
// CHECK-LABEL: func.func @masked_returned(
// CHECK-NOT:     linalg.softmax
// CHECK:         attn.sdpa {{.*}} mask(%{{.*}}) {{.*}} shown_stage = #attn<stage masked>
func.func @capped_returned(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %three = arith.constant dense<3.0> : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.divf %s0, %three : tensor<2x5x5xf32>
  %s2 = math.tanh %s1 : tensor<2x5x5xf32>
  %s3 = arith.mulf %s2, %three : tensor<2x5x5xf32>
  %s4 = arith.addf %s3, %m : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s4 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %s3 : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}
func.func @masked_returned(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.addf %s0, %m : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s1 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %s1 : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}

// Finite scores of excluded keys are not what attention has of them: these scores
// are computed apart.
// CHECK-LABEL: func.func @finite_returned(
// CHECK:         %[[S:.*]] = arith.select
// CHECK-NOT:     shown_stage
// CHECK:         return %{{.*}}, %[[S]]
func.func @finite_returned(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xi1>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %far = arith.constant dense<-1.0e9> : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.select %m, %s0, %far : tensor<2x5x5xi1>, tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s1 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %s1 : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}

// Those that go on are computed once more.
// CHECK-LABEL: func.func @scores_used(
// CHECK:         %[[S:.*]] = linalg.contract
// CHECK:         %[[N:.*]] = arith.negf %[[S]]
// CHECK-NOT:     linalg.softmax
// CHECK:         %[[R:.*]] = attn.sdpa
// CHECK-NOT:     linalg.contract
// CHECK:         return %[[R]], %[[N]]
func.func @scores_used(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %n = arith.negf %s : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %n : tensor<2x5x8xf32>, tensor<2x5x5xf32>
}

// 3 · tanh(scores / 6), to which a mask is added: what is before the cap is
// scaled by 3 / 6.
// CHECK-LABEL: func.func @capped(
// CHECK-SAME:    %[[M:[^:]*]]: tensor<2x5x5xf32>)
// CHECK:         %[[E:.*]] = tensor.expand_shape %[[M]]
// CHECK:         attn.sdpa %{{.*}} mask(%[[E]]) outs(%{{.*}}) {scale = 5.000000e-01 : f64, softcap = 3.000000e+00 : f64}
func.func @capped(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %three = arith.constant dense<3.0> : tensor<2x5x5xf32>
  %six = arith.constant dense<6.0> : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.divf %s0, %six : tensor<2x5x5xf32>
  %s2 = math.tanh %s1 : tensor<2x5x5xf32>
  %s3 = arith.mulf %s2, %three : tensor<2x5x5xf32>
  %s4 = arith.addf %s3, %m : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s4 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// A mask before the cap would be capped too: that has no form.
// CHECK-LABEL: func.func @masked_before_cap(
// CHECK-NOT:     attn.sdpa
func.func @masked_before_cap(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %three = arith.constant dense<3.0> : tensor<2x5x5xf32>
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.addf %s0, %m : tensor<2x5x5xf32>
  %s2 = math.tanh %s1 : tensor<2x5x5xf32>
  %s3 = arith.mulf %s2, %three : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s3 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Zero where the largest number of the mask is -inf, as ONNX writes it.
// CHECK-LABEL: func.func @guarded(
// CHECK-NOT:     linalg.softmax
// CHECK:         attn.sdpa %{{.*}} mask(%{{.*}}) outs
// CHECK-NOT:     arith.cmpf
func.func @guarded(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %none = arith.constant 0xFF800000 : f32
  %nothing = arith.constant 0.0 : f32
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.addf %s0, %m : tensor<2x5x5xf32>
  %p0 = linalg.softmax dimension(2) ins(%s1 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%m : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %t, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max, %p0 : tensor<2x5xf32>, tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %c = arith.cmpf oeq, %a, %none : f32
    %w = arith.select %c, %nothing, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The guard is about another mask than the one that is added.
// CHECK-LABEL: func.func @guarded_by_other(
// CHECK-NOT:     attn.sdpa
func.func @guarded_by_other(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %m: tensor<2x5x5xf32>, %n: tensor<2x5x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %none = arith.constant 0xFF800000 : f32
  %nothing = arith.constant 0.0 : f32
  %s0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %s1 = arith.addf %s0, %m : tensor<2x5x5xf32>
  %p0 = linalg.softmax dimension(2) ins(%s1 : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%n : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %t, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%max, %p0 : tensor<2x5xf32>, tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %c = arith.cmpf oeq, %a, %none : f32
    %w = arith.select %c, %nothing, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
