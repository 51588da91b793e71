// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-fuse-attention))' | FileCheck %s

// CHECK-LABEL: func.func @fuse(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<?x?x8xf32>, %[[K:[^:]*]]: tensor<?x?x8xf32>, %[[V:[^:]*]]: tensor<?x?x16xf32>, %[[N:[^:]*]]: tensor<?xi32>,
// CHECK-SAME:    %[[O:[^:]*]]: tensor<?x?x16xf32>)
func.func @fuse(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %v: tensor<?x?x16xf32>, %n: tensor<?xi32>,
                %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK-NEXT: %[[R:.*]] = attn.sdpa %[[Q]], %[[K]], %[[V]] lengths(%[[N]]) outs(%[[O]]) {causal, heads = 2 : i64, scale = 5.000000e-01 : f64, window_before = 3 : i64}
  // CHECK-NEXT: return %[[R]]
  %s = attn.scores %q, %k lengths(%n) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64, window_before = 3 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = attn.softmax %s outs(%e) : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %p, %v outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// The softmax is used elsewhere, so it becomes a second result.
// CHECK-LABEL: func.func @probabilities(
func.func @probabilities(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) {
  // CHECK-NEXT: %[[R:.*]]:2 = attn.sdpa %{{.*}} outs(%{{.*}}, %{{.*}}) {heads = 2 : i64, scale = 5.000000e-01 : f64} : {{.*}} -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  // CHECK-NEXT: return %[[R]]#0, %[[R]]#1
  %s = attn.scores %q, %k outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = attn.softmax %s outs(%e) : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %p, %k outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r, %p : tensor<?x?x8xf32>, tensor<?x2x?x?xf32>
}

// CHECK-LABEL: func.func @scores_stay(
func.func @scores_stay(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) {
  // CHECK-NEXT: %[[S:.*]] = attn.scores
  // CHECK-NEXT: %[[R:.*]] = attn.sdpa
  // CHECK-NEXT: return %[[R]], %[[S]]
  %s = attn.scores %q, %k outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = attn.softmax %s outs(%e) : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %p, %k outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r, %s : tensor<?x?x8xf32>, tensor<?x2x?x?xf32>
}

// The softmax is used before the sum, where a fused operation could not stand.
// CHECK-LABEL: func.func @used_before(
func.func @used_before(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) {
  // CHECK-NOT: attn.sdpa
  // CHECK: attn.weighted_sum
  %s = attn.scores %q, %k outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = attn.softmax %s outs(%e) : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %d = arith.addf %p, %p : tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %p, %k outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r, %d : tensor<?x?x8xf32>, tensor<?x2x?x?xf32>
}

// Something stands between scores and softmax, or between softmax and sum.
// CHECK-LABEL: func.func @biased(
func.func @biased(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %b: tensor<?x2x?x?xf32>, %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x8xf32>)
    -> tensor<?x?x8xf32> {
  // CHECK-NOT: attn.sdpa
  // CHECK: attn.weighted_sum
  %s = attn.scores %q, %k outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %a = arith.addf %s, %b : tensor<?x2x?x?xf32>
  %p = attn.softmax %a outs(%e) : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %p, %k outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @no_softmax(
func.func @no_softmax(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %e: tensor<?x2x?x?xf32>, %o: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // CHECK-NOT: attn.sdpa
  // CHECK: attn.weighted_sum
  %s = attn.scores %q, %k outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %r = attn.weighted_sum %s, %k outs(%o) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}
