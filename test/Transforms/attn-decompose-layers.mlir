// RUN: attn-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(attn-decompose-layers),canonicalize,cse)' | FileCheck %s

attn.weights @embedding {
  attn.weight @table from ["shared"] : tensor<100x16xf16>
  attn.weight @positions sinusoidal : tensor<32x16xf32>
}

// CHECK-LABEL: func.func @embed(
// CHECK-SAME:    %[[IDS:.*]]: tensor<?x?xi32>)
func.func @embed(%ids: tensor<?x?xi32>) -> tensor<?x?x16xf32> {
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[B:.*]] = tensor.dim %[[IDS]], %[[C0]]
  // CHECK-DAG: %[[S:.*]] = tensor.dim %[[IDS]], %[[C1]]
  // CHECK-DAG: %[[TABLE:.*]] = attn.get_weight @embedding::@table : tensor<100x16xf16>
  // CHECK-DAG: %[[POSITIONS:.*]] = attn.get_weight @embedding::@positions : tensor<32x16xf32>
  // CHECK: %[[OUT:.*]] = tensor.empty(%[[B]], %[[S]]) : tensor<?x?x16xf32>
  // CHECK: %[[R:.*]] = attn.lookup %[[IDS]], %[[TABLE]] positions(%[[POSITIONS]]) outs(%[[OUT]]) {scale = 4.000000e+00 : f64}
  // CHECK: return %[[R]]
  %0 = attn.embedding %ids weights @embedding scale 4.0 : (tensor<?x?xi32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

// Positions and biases may be absent, sizes static.
attn.weights @embedding {
  attn.weight @table from ["shared"] : tensor<100x16xf32>
}
attn.weights @output {
  attn.weight @weight from ["lm_head"] : tensor<100x16xf32>
}

// CHECK-LABEL: func.func @no_positions_no_bias(
// CHECK-SAME:    %[[IDS:.*]]: tensor<2x7xi32>)
func.func @no_positions_no_bias(%ids: tensor<2x7xi32>) -> tensor<2x7x100xf32> {
  // CHECK-DAG: %[[TABLE:.*]] = attn.get_weight @embedding::@table
  // CHECK-DAG: %[[X0:.*]] = tensor.empty() : tensor<2x7x16xf32>
  // CHECK: %[[X:.*]] = attn.lookup %[[IDS]], %[[TABLE]] outs(%[[X0]])
  // CHECK-DAG: %[[W:.*]] = attn.get_weight @output::@weight
  // CHECK-DAG: %[[OUT:.*]] = tensor.empty() : tensor<2x7x100xf32>
  // CHECK: %[[R:.*]] = attn.linear %[[X]], %[[W]] outs(%[[OUT]])
  // CHECK: return %[[R]]
  %0 = attn.embedding %ids weights @embedding : (tensor<2x7xi32>) -> tensor<2x7x16xf32>
  %1 = attn.project %0 weights @output : (tensor<2x7x16xf32>) -> tensor<2x7x100xf32>
  return %1 : tensor<2x7x100xf32>
}

// -----

attn.weights @attention {
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @q.bias from ["qb"] : tensor<16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v"] : tensor<16x16xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
  attn.weight @out.bias from ["ob"] : tensor<16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// Heads of size 4: scores are scaled by a half. All sizes come from the
// argument, none from what is computed.
// CHECK-LABEL: func.func @self_attention_post(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>, %[[N:.*]]: tensor<?xi32>)
func.func @self_attention_post(%x: tensor<?x?x16xf32>, %n: tensor<?xi32>) -> tensor<?x?x16xf32> {
  // CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %c0
  // CHECK-DAG: %[[S:.*]] = tensor.dim %[[X]], %c1
  // CHECK-NOT: tensor.dim
  // CHECK-DAG: %[[WQ:.*]] = attn.get_weight @attention::@q.weight
  // CHECK-DAG: %[[BQ:.*]] = attn.get_weight @attention::@q.bias
  // CHECK-DAG: %[[E:.*]] = tensor.empty(%[[B]], %[[S]]) : tensor<?x?x16xf32>
  // CHECK: %[[Q:.*]] = attn.linear %[[X]], %[[WQ]] bias(%[[BQ]]) outs(%[[E]])
  // CHECK: %[[WK:.*]] = attn.get_weight @attention::@k.weight
  // CHECK: %[[K:.*]] = attn.linear %[[X]], %[[WK]] outs(%[[E]])
  // CHECK: %[[WV:.*]] = attn.get_weight @attention::@v.weight
  // CHECK: %[[V:.*]] = attn.linear %[[X]], %[[WV]] outs(%[[E]])
  // CHECK: %[[ES:.*]] = tensor.empty(%[[B]], %[[S]], %[[S]]) : tensor<?x4x?x?xf32>
  // CHECK: %[[SCORES:.*]] = attn.scores %[[Q]], %[[K]] lengths(%[[N]]) outs(%[[ES]]) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64}
  // CHECK: %[[P:.*]] = attn.softmax %[[SCORES]] outs(%[[ES]])
  // CHECK: %[[CONTEXT:.*]] = attn.weighted_sum %[[P]], %[[V]] outs(%[[E]])
  // CHECK-DAG: %[[WO:.*]] = attn.get_weight @attention::@out.weight
  // CHECK-DAG: %[[BO:.*]] = attn.get_weight @attention::@out.bias
  // CHECK: %[[SUM:.*]] = attn.linear %[[CONTEXT]], %[[WO]] bias(%[[BO]]) residual(%[[X]]) outs(%[[E]])
  // CHECK-DAG: %[[WN:.*]] = attn.get_weight @attention::@norm.weight
  // CHECK-DAG: %[[BN:.*]] = attn.get_weight @attention::@norm.bias
  // CHECK: %[[R:.*]] = attn.layer_norm %[[SUM]], %[[WN]], %[[BN]] outs(%[[E]]) {epsilon = 5.000000e-01 : f64}
  // CHECK: return %[[R]]
  %0 = attn.self_attention %x lengths(%n) weights @attention heads 4 causal {epsilon = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?xi32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// With pre-norm, all three projections read the normalised input, the residual
// is the input itself.
// CHECK-LABEL: func.func @self_attention_pre(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>)
func.func @self_attention_pre(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK: %[[N:.*]] = attn.layer_norm %[[X]]
  // CHECK: %[[Q:.*]] = attn.linear %[[N]]
  // CHECK: %[[K:.*]] = attn.linear %[[N]]
  // CHECK: %[[V:.*]] = attn.linear %[[N]]
  // CHECK: attn.scores %[[Q]], %[[K]] outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
  // CHECK: attn.weighted_sum %{{.*}}, %[[V]]
  // CHECK: %[[R:.*]] = attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%[[X]])
  // CHECK-NEXT: return %[[R]]
  %0 = attn.self_attention %x weights @attention heads 4 norm pre : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

// Keys and values come from a memory of another width, with heads that together
// are wider than the input; the softmax is returned.
attn.weights @attention {
  attn.weight @q.weight from ["q"] : tensor<32x16xf32>
  attn.weight @k.weight from ["k"] : tensor<32x24xf32>
  attn.weight @v.weight from ["v"] : tensor<32x24xf32>
  attn.weight @out.weight from ["o"] : tensor<16x32xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// CHECK-LABEL: func.func @cross_attention_post(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>, %[[M:.*]]: tensor<?x?x24xf32>, %[[N:.*]]: tensor<?xi32>)
func.func @cross_attention_post(%x: tensor<?x?x16xf32>, %m: tensor<?x?x24xf32>, %n: tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>) {
  // CHECK-DAG: %[[B:.*]] = tensor.dim %[[X]], %c0
  // CHECK-DAG: %[[S:.*]] = tensor.dim %[[X]], %c1
  // CHECK: %[[Q:.*]] = attn.linear %[[X]], {{.*}} -> tensor<?x?x32xf32>
  // CHECK: %[[L:.*]] = tensor.dim %[[M]], %c1
  // CHECK: %[[K:.*]] = attn.linear %[[M]], {{.*}} -> tensor<?x?x32xf32>
  // CHECK: %[[V:.*]] = attn.linear %[[M]], {{.*}} -> tensor<?x?x32xf32>
  // CHECK: %[[E:.*]] = tensor.empty(%[[B]], %[[S]], %[[L]]) : tensor<?x2x?x?xf32>
  // CHECK: %[[SCORES:.*]] = attn.scores %[[Q]], %[[K]] lengths(%[[N]]) outs(%[[E]]) {heads = 2 : i64, scale = 2.500000e-01 : f64}
  // CHECK: %[[P:.*]] = attn.softmax %[[SCORES]]
  // CHECK: attn.weighted_sum %[[P]], %[[V]]
  // CHECK: %[[R:.*]] = attn.layer_norm
  // CHECK: return %[[R]], %[[P]]
  %0:2 = attn.cross_attention %x, %m lengths(%n) weights @attention heads 2 : (tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  return %0#0, %0#1 : tensor<?x?x16xf32>, tensor<?x2x?x?xf32>
}

// With pre-norm, the memory is not normalised.
// CHECK-LABEL: func.func @cross_attention_pre(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>, %[[M:.*]]: tensor<?x?x24xf32>)
func.func @cross_attention_pre(%x: tensor<?x?x16xf32>, %m: tensor<?x?x24xf32>) -> tensor<?x?x16xf32> {
  // CHECK: %[[N:.*]] = attn.layer_norm %[[X]]
  // CHECK: attn.linear %[[N]]
  // CHECK: attn.linear %[[M]]
  // CHECK: attn.linear %[[M]]
  // CHECK: attn.linear %{{.*}}, %{{.*}} residual(%[[X]])
  // CHECK-NOT: attn.layer_norm
  %0 = attn.cross_attention %x, %m weights @attention heads 2 norm pre : (tensor<?x?x16xf32>, tensor<?x?x24xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

attn.weights @feed_forward {
  attn.weight @in.weight from ["fc1"] : tensor<64x16xf32>
  attn.weight @in.bias from ["fc1b"] : tensor<64xf32>
  attn.weight @out.weight from ["fc2"] : tensor<16x64xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// CHECK-LABEL: func.func @feed_forward_post(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>)
func.func @feed_forward_post(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK: %[[H:.*]] = attn.linear %[[X]], %{{.*}} bias(%{{.*}}) activation silu outs(%{{.*}}) : {{.*}} -> tensor<?x?x64xf32>
  // CHECK: %[[SUM:.*]] = attn.linear %[[H]], %{{.*}} residual(%[[X]]) outs
  // CHECK: %[[R:.*]] = attn.layer_norm %[[SUM]]
  // CHECK: return %[[R]]
  %0 = attn.feed_forward %x weights @feed_forward activation silu : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// CHECK-LABEL: func.func @feed_forward_pre(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>)
func.func @feed_forward_pre(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK: %[[N:.*]] = attn.layer_norm %[[X]]
  // CHECK: %[[H:.*]] = attn.linear %[[N]], %{{.*}} activation relu
  // CHECK: %[[R:.*]] = attn.linear %[[H]], %{{.*}} residual(%[[X]])
  // CHECK-NEXT: attn.layer_norm %[[R]]
  %0 = attn.feed_forward %x weights @feed_forward activation relu norm pre : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %1 = attn.normalize %0 weights @feed_forward : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %1 : tensor<?x?x16xf32>
}

// -----

// A weight that is packed already is used as it is.
attn.weights @output {
  attn.weight @weight from ["lm_head"] panel 32 : tensor<100x16xf32>
  attn.weight @bias from ["lm_bias"] panel 32 : tensor<100xf32>
}

// CHECK-LABEL: func.func @packed(
func.func @packed(%x: tensor<?x?x16xf32>) -> tensor<?x?x100xf32> {
  // CHECK: attn.linear {{.*}} : (tensor<?x?x16xf32>, tensor<4x16x32xf32>, tensor<128xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %0 = attn.project %x weights @output : (tensor<?x?x16xf32>) -> tensor<?x?x100xf32>
  return %0 : tensor<?x?x100xf32>
}

// -----

// Biases of buckets: the look-up is left, and which bucket is for which distance
// is known.
// CHECK-DAG: #[[DISTANCE:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @biases(
// CHECK-SAME:    %[[TABLE:.*]]: tensor<8x3xf32>)
func.func @biases(%table: tensor<8x3xf32>) -> tensor<3x13xf32> {
  // CHECK: %[[BUCKETS:.*]] = arith.constant dense<[3, 3, 3, 2, 2, 1, 0, 5, 6, 6, 7, 7, 7]> : tensor<13xi64>
  // CHECK: linalg.generic {indexing_maps = [#[[DISTANCE]], {{.*}}} ins(%[[BUCKETS]] :
  // CHECK: tensor.extract %[[TABLE]]
  %0 = attn.distance_biases %table {bidirectional, max_distance = 6 : i64} : tensor<8x3xf32> -> tensor<3x13xf32>
  return %0 : tensor<3x13xf32>
}
