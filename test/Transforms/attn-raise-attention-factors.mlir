// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Scores that are multiplied by what is no constant: queries are, where it is the
// same for all keys.

#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#head = affine_map<(b, h, i, j) -> (h)>
#query = affine_map<(b, h, i, j) -> (b, i)>
#key = affine_map<(b, h, i, j) -> (b, j)>
#dot = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#of = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#sum = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#weights = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#values = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#result = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// A temperature of each head, as of cosine attention.
// CHECK-LABEL: func.func @heads(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x5x16xf32>, %[[K:[^:]*]]: tensor<2x3x7x16xf32>, %[[T:[^:]*]]: tensor<3xf32>)
// CHECK:         %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[T]] :
// CHECK:           arith.mulf
// CHECK:         attn.sdpa %[[SCALED]], %[[K]], %[[K]] outs(%{{.*}}) {scale = 2.000000e+00 : f64}
// CHECK-NOT:     linalg.softmax
func.func @heads(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<3xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #head, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %t : tensor<2x3x5x7xf32>, tensor<3xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %factor, %in : f32
    %z = arith.mulf %y, %two : f32
    linalg.yield %z : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%x : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%p, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Divided by a number of each query, below a mask.
// CHECK-LABEL: func.func @queries(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x5x16xf32>, %[[K:[^:]*]]: tensor<2x3x7x16xf32>, %[[T:[^:]*]]: tensor<2x5xf32>,
// CHECK:         %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[T]] :
// CHECK:           arith.divf
// CHECK:         attn.sdpa %[[SCALED]], %[[K]], %[[K]] mask(
// CHECK-NOT:     linalg.softmax
func.func @queries(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<2x5xf32>, %mask: tensor<2x7xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #query, #key, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %t, %mask : tensor<2x3x5x7xf32>, tensor<2x5xf32>, tensor<2x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %added: f32, %out: f32):
    %y = arith.divf %in, %factor : f32
    %z = arith.addf %y, %added : f32
    linalg.yield %z : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%x : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%p, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// A scale that is known when the function is called.
// CHECK-LABEL: func.func @argument(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x5x16xf32>, %[[K:[^:]*]]: tensor<2x3x7x16xf32>, %[[T:[^:]*]]: f32)
// CHECK:         %[[NUMBER:.*]] = tensor.from_elements %[[T]] : tensor<f32>
// CHECK:         %[[SCALED:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[NUMBER]] :
// CHECK:         attn.sdpa %[[SCALED]], %[[K]], %[[K]] outs(
// CHECK-NOT:     linalg.softmax
func.func @argument(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: f32) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.mulf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%x : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%p, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Each key has another one.
// CHECK-LABEL: func.func @keys(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @keys(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<2x7xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #key, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %t : tensor<2x3x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %factor, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%x : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%p, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Added before: the mask would be multiplied, too.
// CHECK-LABEL: func.func @masked_before(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @masked_before(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<3xf32>, %mask: tensor<2x7xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #head, #key, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s, %t, %mask : tensor<2x3x5x7xf32>, tensor<3xf32>, tensor<2x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %added: f32, %out: f32):
    %y = arith.addf %in, %added : f32
    %z = arith.mulf %y, %factor : f32
    linalg.yield %z : f32
  } -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%x : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%p, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Probabilities that are multiplied: the result is, where the factor is the same for
// all keys, as for each head.
// CHECK-LABEL: func.func @probabilities_of_heads(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x5x16xf32>, %[[K:[^:]*]]: tensor<2x3x7x16xf32>, %[[T:[^:]*]]: tensor<3xf32>)
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[K]] outs(
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %[[T]] :
// CHECK:           arith.mulf
// CHECK-NOT:     linalg.softmax
func.func @probabilities_of_heads(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<3xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #head, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p, %t : tensor<2x3x5x7xf32>, tensor<3xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %in, %factor : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%x, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Divided by a number of each query.
// CHECK-LABEL: func.func @probabilities_over(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x3x5x16xf32>, %[[K:[^:]*]]: tensor<2x3x7x16xf32>, %[[T:[^:]*]]: tensor<2x5xf32>)
// CHECK:         %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[K]] outs(
// CHECK:         linalg.generic {{.*}} ins(%[[R]], %[[T]] :
// CHECK:           arith.divf
// CHECK-NOT:     linalg.softmax
func.func @probabilities_over(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<2x5xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #query, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p, %t : tensor<2x3x5x7xf32>, tensor<2x5xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.divf %in, %factor : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%x, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Heads of which none is left out.
// CHECK-LABEL: func.func @all_heads(
// CHECK-NOT:     linalg
// CHECK:         %[[R:.*]] = attn.sdpa
// CHECK-NEXT:    return %[[R]]
func.func @all_heads(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %t = arith.constant dense<1.0> : tensor<3xf32>
  %x = linalg.generic {indexing_maps = [#scores, #head, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p, %t : tensor<2x3x5x7xf32>, tensor<3xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %in, %factor : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%x, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// Each key has another one.
// CHECK-LABEL: func.func @probabilities_of_keys(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @probabilities_of_keys(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<2x7xf32>) -> tensor<2x3x5x16xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #key, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p, %t : tensor<2x3x5x7xf32>, tensor<2x7xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %in, %factor : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%x, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r : tensor<2x3x5x16xf32>
}

// The probabilities that are returned are multiplied, too.
// CHECK-LABEL: func.func @probabilities_returned(
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.softmax
func.func @probabilities_returned(%q: tensor<2x3x5x16xf32>, %k: tensor<2x3x7x16xf32>, %t: tensor<3xf32>) -> (tensor<2x3x5x16xf32>, tensor<2x3x5x7xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x5x7xf32>
  %o = tensor.empty() : tensor<2x3x5x16xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %o0 = linalg.fill ins(%zero : f32) outs(%o : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  %s = linalg.contract indexing_maps = [#dot, #of, #sum] ins(%q, %k : tensor<2x3x5x16xf32>, tensor<2x3x7x16xf32>) outs(%s0 : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%s : tensor<2x3x5x7xf32>) outs(%e : tensor<2x3x5x7xf32>) -> tensor<2x3x5x7xf32>
  %x = linalg.generic {indexing_maps = [#scores, #head, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%p, %t : tensor<2x3x5x7xf32>, tensor<3xf32>) outs(%e : tensor<2x3x5x7xf32>) {
  ^bb0(%in: f32, %factor: f32, %out: f32):
    %y = arith.mulf %in, %factor : f32
    linalg.yield %y : f32
  } -> tensor<2x3x5x7xf32>
  %r = linalg.contract indexing_maps = [#weights, #values, #result] ins(%x, %k : tensor<2x3x5x7xf32>, tensor<2x3x7x16xf32>) outs(%o0 : tensor<2x3x5x16xf32>) -> tensor<2x3x5x16xf32>
  return %r, %x : tensor<2x3x5x16xf32>, tensor<2x3x5x7xf32>
}
