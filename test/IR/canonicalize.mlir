// RUN: attn-opt %s --canonicalize --split-input-file | FileCheck %s
// RUN: attn-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=DIM

attn.weights @w {
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v"] : tensor<16x16xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// CHECK-LABEL: func.func @attends_to_itself(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x16xf32>, %[[N:.*]]: tensor<?xi32>)
func.func @attends_to_itself(%x: tensor<?x?x16xf32>, %n: tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) {
  // CHECK-NEXT: attn.self_attention %[[X]] lengths(%[[N]]) weights @w heads 4 {epsilon = 5.000000e-01 : f64}
  %0:2 = attn.cross_attention %x, %x lengths(%n) weights @w heads 4 {epsilon = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  return %0#0, %0#1 : tensor<?x?x16xf32>, tensor<?x4x?x?xf32>
}

// With pre-norm the memory is not normalised, so this is no self-attention.
// CHECK-LABEL: func.func @attends_to_itself_pre(
func.func @attends_to_itself_pre(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK-NEXT: attn.cross_attention
  %0 = attn.cross_attention %x, %x weights @w heads 4 norm pre : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// CHECK-LABEL: func.func @attends_to_another(
func.func @attends_to_another(%x: tensor<?x?x16xf32>, %m: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  // CHECK-NEXT: attn.cross_attention
  %0 = attn.cross_attention %x, %m weights @w heads 4 : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

// CHECK-LABEL: func.func @zeros(
// CHECK-SAME:    %[[X:.*]]: tensor<2x8xf32>, %[[W:.*]]: tensor<4x8xf32>, %[[O:.*]]: tensor<2x4xf32>)
func.func @zeros(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %o: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: attn.linear %[[X]], %[[W]] activation relu outs(%[[O]])
  %bias = arith.constant dense<0.0> : tensor<4xf32>
  %residual = arith.constant dense<0.0> : tensor<2x4xf32>
  %0 = attn.linear %x, %w bias(%bias) residual(%residual) activation relu outs(%o) : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @zeros_of_two_products(
func.func @zeros_of_two_products(%x: tensor<2x8xf32>, %w1: tensor<4x8xf32>, %w2: tensor<8x4xf32>, %b: tensor<4xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  // CHECK-NEXT: attn.mlp %{{[^ ]*}}, %{{[^ ]*}} activation relu, %{{[^ ]*}} outs
  // CHECK-NEXT: attn.mlp %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) activation relu, %{{[^ ]*}} residual(%{{.*}}) outs
  %b1 = arith.constant dense<0.0> : tensor<4xf32>
  %b2 = arith.constant dense<-0.0> : tensor<8xf32>
  %residual = arith.constant dense<0.0> : tensor<2x8xf32>
  %0 = attn.mlp %x, %w1 bias(%b1) activation relu, %w2 bias(%b2) residual(%residual) outs(%x) : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = attn.mlp %x, %w1 bias(%b) activation relu, %w2 bias(%b2) residual(%x) outs(%x) : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
}

// CHECK-LABEL: func.func @no_zeros(
func.func @no_zeros(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %o: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) outs
  %bias = arith.constant dense<1.0> : tensor<4xf32>
  %residual = arith.constant dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]> : tensor<2x4xf32>
  %0 = attn.linear %x, %w bias(%bias) residual(%residual) outs(%o) : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// One key: a causal mask hides nothing of it, unless the queries have
// positions.
// CHECK-LABEL: func.func @one_key(
func.func @one_key(%q: tensor<?x?x8xf32>, %k: tensor<?x1x8xf32>, %p: tensor<?xi32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  // CHECK-NEXT: attn.sdpa %{{.*}} outs(%{{.*}}) {heads = 2 : i64, scale = 5.000000e-01 : f64}
  // CHECK-NEXT: attn.sdpa %{{.*}} positions(%{{.*}}) outs(%{{.*}}) {causal, heads = 2 : i64, scale = 5.000000e-01 : f64}
  %0 = attn.sdpa %q, %k, %k outs(%q) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %1 = attn.sdpa %q, %k, %k positions(%p) outs(%q) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0, %1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// A window of no keys after a query is causality; with that, none is needed.
// CHECK-LABEL: func.func @window_after(
func.func @window_after(%q: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) {
  // CHECK-NEXT: attn.sdpa %{{.*}} {causal, heads = 2 : i64, scale = 5.000000e-01 : f64, window_before = 3 : i64}
  // CHECK-NEXT: attn.sdpa %{{.*}} {causal, heads = 2 : i64, scale = 5.000000e-01 : f64}
  // CHECK-NEXT: attn.sdpa %{{.*}} {heads = 2 : i64, scale = 5.000000e-01 : f64, window_after = 1 : i64}
  %0 = attn.sdpa %q, %q, %q outs(%q) {heads = 2 : i64, scale = 0.5 : f64, window_after = 0 : i64, window_before = 3 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %1 = attn.sdpa %q, %q, %q outs(%q) {causal, heads = 2 : i64, scale = 0.5 : f64, window_after = 4 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %2 = attn.sdpa %q, %q, %q outs(%q) {heads = 2 : i64, scale = 0.5 : f64, window_after = 1 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0, %1, %2 : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @one_key_by_head(
func.func @one_key_by_head(%q: tensor<1x?x?x8xf32>, %k: tensor<1x?x1x8xf32>) -> tensor<1x?x?x8xf32> {
  // CHECK-NEXT: attn.sdpa %{{.*}} outs(%{{.*}}) {scale = 5.000000e-01 : f64}
  %0 = attn.sdpa %q, %k, %k outs(%q) {causal, scale = 0.5 : f64} : (tensor<1x?x?x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x1x8xf32>, tensor<1x?x?x8xf32>) -> tensor<1x?x?x8xf32>
  return %0 : tensor<1x?x?x8xf32>
}

// CHECK-LABEL: func.func @neutral_masks(
func.func @neutral_masks(%q: tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  // CHECK:      attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs
  // CHECK-NEXT: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs
  // CHECK-NEXT: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} mask(
  %zeros = arith.constant dense<0.0> : tensor<1x1x5x5xf32>
  %true = arith.constant dense<true> : tensor<1x1x1x5xi1>
  %ones = arith.constant dense<1.0> : tensor<1x1x1x5xf32>
  %0 = attn.sdpa %q, %q, %q mask(%zeros) outs(%q) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<1x1x5x5xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %1 = attn.sdpa %q, %q, %q mask(%true) outs(%q) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<1x1x1x5xi1>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %2 = attn.sdpa %q, %q, %q mask(%ones) outs(%q) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<1x1x1x5xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %0, %1, %2 : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}

// CHECK-LABEL: func.func @many_keys(
func.func @many_keys(%q: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // CHECK-NEXT: attn.sdpa %{{.*}} {causal
  %0 = attn.sdpa %q, %q, %q outs(%q) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// Casts to less precise types fold into cores, which then have the more
// precise ones.
// CHECK-LABEL: func.func @casts(
// CHECK-SAME:    %[[X:.*]]: tensor<2x7x8xf32>, %[[W:.*]]: tensor<4x8xf32>, %[[O:.*]]: tensor<2x7x4xf32>)
func.func @casts(%x: tensor<2x7x8xf32>, %w: tensor<4x8xf32>, %o: tensor<2x7x4xf32>) -> tensor<?x?x4xf32> {
  // CHECK-NEXT: %[[R:.*]] = attn.linear %[[X]], %[[W]] outs(%[[O]]) : (tensor<2x7x8xf32>, tensor<4x8xf32>, tensor<2x7x4xf32>) -> tensor<2x7x4xf32>
  // CHECK-NEXT: %[[S:.*]] = attn.softmax %[[R]] outs(%[[O]]) : (tensor<2x7x4xf32>, tensor<2x7x4xf32>) -> tensor<2x7x4xf32>
  // CHECK-NEXT: %[[C:.*]] = tensor.cast %[[S]] : tensor<2x7x4xf32> to tensor<?x?x4xf32>
  // CHECK-NEXT: return %[[C]]
  %xc = tensor.cast %x : tensor<2x7x8xf32> to tensor<?x?x8xf32>
  %oc = tensor.cast %o : tensor<2x7x4xf32> to tensor<?x?x4xf32>
  %0 = attn.linear %xc, %w outs(%oc) : (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %1 = attn.softmax %0 outs(%oc) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %1 : tensor<?x?x4xf32>
}

// What nothing uses goes; on memrefs it has an effect and stays.
// CHECK-LABEL: func.func @unused(
func.func @unused(%x: tensor<2x8xf32>, %m: memref<2x8xf32>) {
  // CHECK-NEXT: attn.softmax %{{.*}} outs(%{{.*}}) : (memref
  // CHECK-NEXT: return
  %0 = attn.softmax %x outs(%x) : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  attn.softmax %m outs(%m) : (memref<2x8xf32>, memref<2x8xf32>) -> ()
  return
}

// -----

// The sizes of a core are those of its destination.
// DIM-LABEL: func.func @dims_of_cores(
// DIM-SAME:    %{{.*}}: tensor<?x?x16xf32>, %{{.*}}: tensor<100x16xf32>, %[[B:.*]]: index, %[[S:.*]]: index)
func.func @dims_of_cores(%x: tensor<?x?x16xf32>, %w: tensor<100x16xf32>, %b: index, %s: index) -> (index, index, index) {
  // DIM-NEXT: %[[C:.*]] = arith.constant 100 : index
  // DIM-NEXT: return %[[B]], %[[S]], %[[C]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %o = tensor.empty(%b, %s) : tensor<?x?x100xf32>
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %1 = attn.softmax %0 outs(%0) : (tensor<?x?x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %d0 = tensor.dim %1, %c0 : tensor<?x?x100xf32>
  %d1 = tensor.dim %1, %c1 : tensor<?x?x100xf32>
  %d2 = tensor.dim %1, %c2 : tensor<?x?x100xf32>
  return %d0, %d1, %d2 : index, index, index
}

// -----

attn.weights @w {
  attn.weight @table from ["t"] : tensor<100x16xf32>
  attn.weight @weight from ["t"] : tensor<100x16xf32>
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v"] : tensor<16x16xf32>
  attn.weight @in.weight from ["i"] : tensor<16x16xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// The sizes of a layer are those of its input, through any number of layers;
// those of probabilities are of input and memory.
// DIM-LABEL: func.func @dims_of_layers(
// DIM-SAME:    %[[IDS:.*]]: tensor<?x?xi32>, %[[M:.*]]: tensor<?x?x16xf32>)
func.func @dims_of_layers(%ids: tensor<?x?xi32>, %m: tensor<?x?x16xf32>) -> (index, index, index, index, index, index) {
  // DIM-DAG: %[[B:.*]] = tensor.dim %[[IDS]], %c0
  // DIM-DAG: %[[S:.*]] = tensor.dim %[[IDS]], %c1
  // DIM-DAG: %[[L:.*]] = tensor.dim %[[M]], %c1
  // DIM-NOT: attn.{{[a-z_]+}} %
  // DIM: return %[[B]], %[[S]], %[[S]], %[[S]], %[[S]], %[[L]]
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %x0 = attn.embedding %ids weights @w : (tensor<?x?xi32>) -> tensor<?x?x16xf32>
  %x1:2 = attn.self_attention %x0 weights @w heads 4 causal : (tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  %x2:2 = attn.cross_attention %x1#0, %m weights @w heads 4 : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  %x3 = attn.feed_forward %x2#0 weights @w activation relu : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %x4 = attn.normalize %x3 weights @w : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %x5 = attn.project %x4 weights @w : (tensor<?x?x16xf32>) -> tensor<?x?x100xf32>
  %d0 = tensor.dim %x5, %c0 : tensor<?x?x100xf32>
  %d1 = tensor.dim %x5, %c1 : tensor<?x?x100xf32>
  %p2 = tensor.dim %x1#1, %c2 : tensor<?x4x?x?xf32>
  %p3 = tensor.dim %x1#1, %c3 : tensor<?x4x?x?xf32>
  %r2 = tensor.dim %x2#1, %c2 : tensor<?x4x?x?xf32>
  %r3 = tensor.dim %x2#1, %c3 : tensor<?x4x?x?xf32>
  return %d0, %d1, %p2, %p3, %r2, %r3 : index, index, index, index, index, index
}

// Heads that a type does not tell are those of the layer.
// DIM-LABEL: func.func @dim_of_heads(
// DIM-NEXT:    %[[HEADS:.*]] = arith.constant 4 : index
// DIM-NEXT:    return %[[HEADS]], %[[HEADS]]
func.func @dim_of_heads(%x: tensor<?x?x16xf32>, %m: tensor<?x?x16xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %self:2 = attn.self_attention %x weights @w heads 4 : (tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x?x?x?xf32>)
  %cross:2 = attn.cross_attention %x, %m weights @w heads 4 : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x?x?x?xf32>)
  %s = tensor.dim %self#1, %c1 : tensor<?x?x?x?xf32>
  %c = tensor.dim %cross#1, %c1 : tensor<?x?x?x?xf32>
  return %s, %c : index, index
}
