// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

attn.weights @embedding {
  attn.weight @table from ["t"] : tensor<100x16xf16>
  attn.weight @positions sinusoidal : tensor<32x16xf32>
}
attn.weights @attention {
  attn.weight @q.weight from ["q"] : tensor<32x16xf32>
  attn.weight @q.bias from ["qb"] : tensor<32xf32>
  attn.weight @k.weight from ["k"] : tensor<32x16xf32>
  attn.weight @k.bias from ["kb"] : tensor<32xf32>
  attn.weight @v.weight from ["v"] : tensor<32x16xf32>
  attn.weight @v.bias from ["vb"] : tensor<32xf32>
  attn.weight @out.weight from ["o"] : tensor<16x32xf32>
  attn.weight @out.bias from ["ob"] : tensor<16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}
attn.weights @cross {
  attn.weight @q.weight from ["q"] : tensor<32x16xf32>
  attn.weight @k.weight from ["k"] : tensor<32x24xf32>
  attn.weight @v.weight from ["v"] : tensor<32x24xf32>
  attn.weight @out.weight from ["o"] : tensor<16x32xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}
attn.weights @feed_forward {
  attn.weight @in.weight from ["i"] : tensor<64x16xf32>
  attn.weight @in.bias from ["ib"] : tensor<64xf32>
  attn.weight @out.weight from ["o"] : tensor<16x64xf32>
  attn.weight @out.bias from ["ob"] : tensor<16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}
attn.weights @output {
  attn.weight @weight from ["w"] : tensor<100x16xf32>
  attn.weight @bias from ["b"] : tensor<100xf32>
}

// CHECK-LABEL: func.func @embeddings(
func.func @embeddings(%ids: tensor<?x?xi32>, %static: tensor<2x7xi32>) {
  // CHECK: attn.embedding %{{.*}} weights @embedding scale 4.000000e+00 : (tensor<?x?xi32>) -> tensor<?x?x16xf32>
  %0 = attn.embedding %ids weights @embedding scale 4.0 : (tensor<?x?xi32>) -> tensor<?x?x16xf32>
  // CHECK: attn.embedding %{{.*}} weights @embedding {note = "kept"} : (tensor<2x7xi32>) -> tensor<2x7x16xbf16>
  %1 = attn.embedding %static weights @embedding {note = "kept"} : (tensor<2x7xi32>) -> tensor<2x7x16xbf16>
  return
}

// CHECK-LABEL: func.func @self(
func.func @self(%x: tensor<?x?x16xf32>, %n: tensor<?xi32>, %static: tensor<2x7x16xf32>) {
  // CHECK: attn.self_attention %{{[^ ]*}} weights @attention heads 4 : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.self_attention %x weights @attention heads 4 : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.self_attention %{{.*}} lengths(%{{.*}}) weights @attention heads 2 causal norm pre {epsilon = 5.000000e-01 : f64} : (tensor<?x?x16xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  %1:2 = attn.self_attention %x lengths(%n) weights @attention heads 2 causal norm pre {epsilon = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  // The default is not printed.
  // CHECK: attn.self_attention %{{[^ ]*}} weights @attention heads 8 : (tensor<2x7x16xf32>) -> (tensor<2x7x16xf32>, tensor<2x8x7x7xf32>)
  %2:2 = attn.self_attention %static weights @attention heads 8 norm post {epsilon = 1.0e-5 : f64} : (tensor<2x7x16xf32>) -> (tensor<2x7x16xf32>, tensor<2x8x7x7xf32>)
  return
}

// CHECK-LABEL: func.func @cross_attention(
func.func @cross_attention(%x: tensor<?x?x16xf32>, %m: tensor<?x?x24xf32>, %n: tensor<?xi32>) {
  // CHECK: attn.cross_attention %{{[^ ]*}}, %{{[^ ]*}} weights @cross heads 4 : (tensor<?x?x16xf32>, tensor<?x?x24xf32>) -> tensor<?x?x16xf32>
  %0 = attn.cross_attention %x, %m weights @cross heads 4 : (tensor<?x?x16xf32>, tensor<?x?x24xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.cross_attention %{{.*}}, %{{.*}} lengths(%{{.*}}) weights @cross heads 4 norm pre : (tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  %1:2 = attn.cross_attention %x, %m lengths(%n) weights @cross heads 4 norm pre : (tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  return
}

// CHECK-LABEL: func.func @others(
func.func @others(%x: tensor<?x?x16xf32>) {
  // CHECK: attn.feed_forward %{{.*}} weights @feed_forward activation relu : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.feed_forward %x weights @feed_forward activation relu : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.feed_forward %{{.*}} weights @feed_forward activation gelu norm pre
  %1 = attn.feed_forward %x weights @feed_forward activation gelu norm pre : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.feed_forward %{{.*}} weights @feed_forward activation silu {epsilon = 5.000000e-01 : f64}
  %2 = attn.feed_forward %x weights @feed_forward activation silu {epsilon = 0.5 : f64} : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.normalize %{{.*}} weights @attention {epsilon = 5.000000e-01 : f64} : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %3 = attn.normalize %x weights @attention {epsilon = 0.5 : f64} : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.project %{{.*}} weights @output : (tensor<?x?x16xf32>) -> tensor<?x?x100xf32>
  %4 = attn.project %x weights @output : (tensor<?x?x16xf32>) -> tensor<?x?x100xf32>
  return
}

// CHECK-LABEL: func.func @distance_biases(
func.func @distance_biases(%t: tensor<32x4xf32>, %u: tensor<8x?xbf16>) -> tensor<4x257xf32> {
  // CHECK: attn.distance_biases %{{.*}} {bidirectional, max_distance = 128 : i64} : tensor<32x4xf32> -> tensor<4x257xf32>
  %0 = attn.distance_biases %t {bidirectional, max_distance = 128 : i64} : tensor<32x4xf32> -> tensor<4x257xf32>
  // CHECK: attn.distance_biases %{{.*}} {max_distance = 5 : i64} : tensor<8x?xbf16> -> tensor<?x11xbf16>
  %1 = attn.distance_biases %u {max_distance = 5 : i64} : tensor<8x?xbf16> -> tensor<?x11xbf16>
  return %0 : tensor<4x257xf32>
}
