// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-fuse-feed-forward))' | FileCheck %s

// CHECK-LABEL: func.func @fuse(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x8xf32>, %[[W1:[^:]*]]: tensor<16x8xf32>, %[[B1:[^:]*]]: tensor<16xf32>, %[[W2:[^:]*]]: tensor<8x16xf32>, %[[B2:[^:]*]]: tensor<8xf32>,
// CHECK-SAME:    %{{.*}}: tensor<?x16xf32>, %[[O:[^:]*]]: tensor<?x8xf32>)
// CHECK-NEXT:    %[[R:.*]] = attn.mlp %[[X]], %[[W1]] bias(%[[B1]]) activation gelu, %[[W2]] bias(%[[B2]]) residual(%[[X]]) outs(%[[O]]) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<8x16xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT:    return %[[R]]
func.func @fuse(%x: tensor<?x8xf32>, %w1: tensor<16x8xf32>, %b1: tensor<16xf32>, %w2: tensor<8x16xf32>, %b2: tensor<8xf32>, %e: tensor<?x16xf32>, %o: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %h = attn.linear %x, %w1 bias(%b1) activation gelu outs(%e) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = attn.linear %h, %w2 bias(%b2) residual(%x) outs(%o) : (tensor<?x16xf32>, tensor<8x16xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Transposed, in panels, of bf16 with a result in f32.
// CHECK-LABEL: func.func @weights(
func.func @weights(%x: tensor<?x8xf32>, %w1: tensor<8x16xf32>, %w2: tensor<16x8xf32>, %p: tensor<1x8x16xf32>, %e: tensor<?x16xf32>, %o: tensor<?x8xf32>,
                   %n: tensor<?x8xbf16>, %nw: tensor<8x8xbf16>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK-NEXT: attn.mlp %{{.*}}, %{{.*}} activation relu, %{{.*}} outs(%{{.*}}) {hidden_transposed, transposed} :
  // CHECK-NEXT: attn.mlp %{{.*}}, %{{.*}} activation silu, %{{.*}} outs(%{{.*}}) {transposed} : (tensor<?x8xf32>, tensor<1x8x16xf32>,
  // CHECK-NEXT: attn.mlp %{{.*}}, %{{.*}} activation relu, %{{.*}} outs(%{{.*}}) : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<8x8xbf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h1 = attn.linear %x, %w1 activation relu outs(%e) {transposed} : (tensor<?x8xf32>, tensor<8x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %y1 = attn.linear %h1, %w2 outs(%o) {transposed} : (tensor<?x16xf32>, tensor<16x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h2 = attn.linear %x, %p activation silu outs(%e) : (tensor<?x8xf32>, tensor<1x8x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %y2 = attn.linear %h2, %w2 outs(%o) {transposed} : (tensor<?x16xf32>, tensor<16x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h3 = attn.linear %n, %nw activation relu outs(%n) : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  %y3 = attn.linear %h3, %nw outs(%o) : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y1, %y2, %y3 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// Not fused: without an activation, with a second one, with a residual inside,
// with a hidden activation that is used or of another type, with a result that is
// rounded.
// CHECK-LABEL: func.func @separate(
// CHECK-NOT:     attn.mlp
// CHECK:         return
func.func @separate(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %o: tensor<?x8xf32>, %n: tensor<?x8xbf16>, %nw: tensor<8x8xbf16>, %p: tensor<1x8x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xbf16>) {
  %h0 = attn.linear %x, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y0 = attn.linear %h0, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h1 = attn.linear %x, %w activation relu outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y1 = attn.linear %h1, %w activation relu outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h2 = attn.linear %x, %w residual(%x) activation relu outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y2 = attn.linear %h2, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h3 = attn.linear %x, %w activation relu outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y3 = attn.linear %h3, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h4 = attn.linear %n, %nw activation relu outs(%o) : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y4 = attn.linear %h4, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %h5 = attn.linear %x, %w activation relu outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %y5 = attn.linear %h5, %w outs(%n) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %y0, %y1, %y2, %y3, %h3, %y4, %y5 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xbf16>
}
